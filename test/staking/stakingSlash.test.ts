import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { BURN, DAY, MINIMUM, OPG, useStaking } from "./support.ts";

describe("OPGStaking, slashing", () => {
  const world = useStaking();

  it("takes own stake first, bonded and unbonding alike, then delegation, bonded and unbonding alike", async () => {
    const { staking, open, slash, signers } = world();
    const { operator, alice, anyone } = signers;
    await open(2n * MINIMUM);
    await staking.connect(alice).delegate(operator, 0, 18n * MINIMUM);
    await staking.connect(operator).unbond(0, MINIMUM / 2n);
    await staking.connect(alice).undelegate(operator, 0, 9n * MINIMUM);
    // A tenth of 20 minima takes all 2 of own stake, of which half of one unbonds.
    await expect(slash(1_000n))
      .to.emit(staking, "Slashed")
      .withArgs(operator, 0, anyone, 2n * MINIMUM, MINIMUM / 5n, [
        0n,
        0n,
        0n,
        9n * MINIMUM,
        9n * MINIMUM,
        9n * MINIMUM,
        9n * MINIMUM,
        9n * MINIMUM,
        0n,
        0n,
      ]);
    await slash(1_000n);
    const pool = await staking.pool(operator, 0);
    expect([pool.delegated, pool.delegatedUnbonding, pool.totalBonded]).to.deep.equal(
      Array(3).fill((81n * MINIMUM) / 10n),
    );
    expect((await staking.position(operator, 0, alice)).amount).to.equal((81n * MINIMUM) / 10n);
  });

  it("takes from what unbonds its part of a slash that own stake covers", async () => {
    const { staking, open, slash, signers } = world();
    await open();
    await staking.connect(signers.operator).unbond(0, MINIMUM / 4n);
    await slash(1_000n);
    const pool = await staking.pool(signers.operator, 0);
    expect([pool.own, pool.ownUnbonding]).to.deep.equal([(MINIMUM * 27n) / 40n, (MINIMUM * 9n) / 40n]);
  });

  it("spares delegation while own stake covers it", async () => {
    const { staking, open, slash, signers } = world();
    await open();
    await staking.connect(signers.alice).delegate(signers.operator, 0, 9n * MINIMUM);
    await slash(500n);
    const pool = await staking.pool(signers.operator, 0);
    expect([pool.own, pool.delegated]).to.deep.equal([MINIMUM / 2n, 9n * MINIMUM]);
  });

  it("reaches stake until it is withdrawn, also after it matured [R12]", async () => {
    const { staking, token, open, slash, wait, signers } = world();
    const { operator, alice } = signers;
    await open();
    await staking.connect(alice).delegate(operator, 0, 9n * MINIMUM);
    await staking.connect(alice).undelegate(operator, 0, 9n * MINIMUM);
    await staking.connect(operator).unbond(0, MINIMUM);
    await wait(30n * DAY);
    await slash(1_000n);
    await slash(1_000n);
    expect((await staking.stakeRequests(operator, 0))[0]!.amount).to.equal(0n);
    expect((await staking.requests(operator, 0, alice))[0]!.amount).to.equal((81n * MINIMUM) / 10n);
    const before = [await token.balanceOf(operator), await token.balanceOf(alice)] as const;
    await staking.withdrawStake(operator, 0);
    await staking.withdraw(operator, 0, alice);
    expect((await token.balanceOf(operator)) - before[0]).to.equal(0n);
    expect((await token.balanceOf(alice)) - before[1]).to.equal((81n * MINIMUM) / 10n);
    await slash(1_000n);
    // A tenth of the own minimum went to the reporter, nothing of what delegation lost.
    expect(await staking.creditOf(BURN)).to.equal((9n * MINIMUM) / 10n + (9n * MINIMUM) / 10n);
  });

  it("costs at most a tenth a fault [R8]", async () => {
    const { staking, open, slash } = world();
    await open();
    await expect(slash(1_001n))
      .to.be.revertedWithCustomError(staking, "OPGStaking_OutOfBounds")
      .withArgs(1_001n, 0n, 1_000n);
    expect(
      await staking.connect(world().signers.disputes).slash.staticCall(world().signers.operator, 0, 1_000n, BURN),
    ).to.equal(MINIMUM / 10n);
  });

  it("touches no other pool: not of the operator's other kinds, not of others", async () => {
    const { staking, open, slash, signers } = world();
    const { operator, other, alice } = signers;
    const pools = [
      [operator, 1],
      [other, 0],
    ] as const;
    await open();
    await open(MINIMUM, 1);
    await open(MINIMUM, 0, other);
    for (const [by, kind] of pools) {
      await staking.connect(alice).delegate(by, kind, 3n * MINIMUM);
      await staking.connect(alice).undelegate(by, kind, MINIMUM);
    }
    const parts = async () =>
      Promise.all(pools.map(async ([by, kind]) => (await staking.pool(by, kind)).slice(0, 7) as bigint[]));
    const before = await parts();
    await slash(1_000n);
    expect(await parts()).to.deep.equal(before);
  });

  it("credits a tenth to the reporter and the rest to the dead address, and calls neither", async () => {
    const { staking, token, open, slash, signers, address } = world();
    const { operator, anyone, bob } = signers;
    await open();
    await expect(slash(500n, operator, 0, await token.getAddress()))
      .to.emit(staking, "Credited")
      .withArgs(await token.getAddress(), 50n * OPG, 50n * OPG);
    await slash(500n, operator, 0, anyone.address);
    const [mine, burnt] = [await staking.creditOf(anyone), await staking.creditOf(BURN)];
    expect(mine).to.equal((475n * OPG) / 10n);
    expect(burnt).to.equal((500n * OPG * 9n) / 10n + (475n * OPG * 9n) / 10n);
    const before = await token.balanceOf(anyone);
    await expect(staking.connect(bob).claim(anyone)).to.emit(staking, "Claimed").withArgs(anyone, mine);
    await staking.connect(bob).claim(BURN);
    expect((await token.balanceOf(anyone)) - before).to.equal(mine);
    expect(await token.balanceOf(BURN)).to.equal(burnt);
    await expect(staking.claim(BURN)).to.be.revertedWithCustomError(staking, "OPGStaking_NothingToClaim");
    expect(await staking.accounted()).to.equal(await token.balanceOf(address));
  });

  it("rewards nobody out of delegation: an operator that reports itself never gets more than it loses (R8)", async () => {
    const { staking, open, slash, signers } = world();
    const { operator, alice, anyone } = signers;
    await open();
    await staking.connect(alice).delegate(operator, 0, 9n * MINIMUM);
    // A tenth of the pool is all of the own stake; from then on delegation pays, and nobody earns by it.
    await slash(1_000n);
    for (let i = 0; i < 20; i++) await slash(1_000n);
    expect(await staking.creditOf(anyone)).to.equal(MINIMUM / 10n);
    const { delegated } = await staking.pool(operator, 0);
    expect(await staking.creditOf(BURN)).to.equal(10n * MINIMUM - delegated - MINIMUM / 10n);
  });

  it("rewards out of the own part of a fault that own stake cannot cover", async () => {
    const { staking, open, slash, signers } = world();
    const { operator, alice, anyone } = signers;
    await open();
    await staking.connect(alice).delegate(operator, 0, 9n * MINIMUM);
    await slash(600n);
    const { own } = await staking.pool(operator, 0);
    // 6 % of 94 % is 5.64 % of what was there at first; of own stake 4 % are left.
    const taken = (10n * MINIMUM * 564n) / 10_000n;
    expect(own).to.equal((10n * MINIMUM * 4n) / 100n);
    await expect(slash(600n))
      .to.emit(staking, "Credited")
      .withArgs(anyone, own / 10n, (10n * MINIMUM) / 100n)
      .and.to.emit(staking, "Credited")
      .withArgs(BURN, taken - own / 10n, (10n * MINIMUM * 6n * 9n) / 1_000n + taken - own / 10n);
  });

  it("has no reporter where none is named", async () => {
    const { staking, open, slash, signers } = world();
    await open();
    await slash(1_000n, signers.operator, 0, ZeroAddress);
    expect(await staking.creditOf(ZeroAddress)).to.equal(0n);
    expect(await staking.creditOf(BURN)).to.equal(MINIMUM / 10n);
  });

  it("of an empty pool takes nothing and does not revert", async () => {
    const { staking, slash, signers } = world();
    await expect(slash(1_000n)).to.emit(staking, "Slashed");
    expect(await staking.creditOf(BURN)).to.equal(0n);
    expect((await staking.pool(signers.operator, 0)).own).to.equal(0n);
  });

  it("to nothing leaves the pool open to new delegators, undiluted by those who lost", async () => {
    const { staking, open, wait, slash, signers } = world();
    const { operator, alice, bob } = signers;
    await open();
    await staking.connect(alice).delegate(operator, 0, OPG);
    await staking
      .connect(alice)
      .undelegate(operator, 0, 0n)
      .catch(() => undefined);
    await staking.connect(operator).unbond(0, MINIMUM);
    let faults = 0;
    while ((await staking.pool(operator, 0)).delegatedShares !== 0n && faults < 600) {
      await slash(1_000n);
      faults++;
    }
    // 9 in 10 left by each: a billionth after 197 faults, beside some until own stake was gone.
    expect(faults).to.be.within(198, 400);
    expect(await staking.position(operator, 0, alice)).to.deep.equal([0n, 0n]);
    await staking.connect(operator).stake(operator, 0, MINIMUM);
    await staking.connect(bob).delegate(operator, 0, 5n * OPG);
    await staking.connect(alice).delegate(operator, 0, 2n * OPG);
    expect(await staking.position(operator, 0, bob)).to.deep.equal([5n * OPG, 5n * OPG]);
    expect(await staking.position(operator, 0, alice)).to.deep.equal([2n * OPG, 2n * OPG]);
    await wait(21n * DAY);
    await expect(staking.connect(alice).undelegate(operator, 0, 3n * OPG)).to.be.revertedWithCustomError(
      staking,
      "OPGStaking_NotEnough",
    );
    // The old request of own stake is void, and a new one beside it pays in full.
    await staking.connect(operator).unbond(0, 7n * OPG);
    const requests = await staking.stakeRequests(operator, 0);
    expect(requests.map(({ amount }) => amount)).to.deep.equal([0n, 7n * OPG]);
    await wait(21n * DAY);
    await expect(staking.withdrawStake(operator, 0))
      .to.emit(staking, "Withdrawn")
      .withArgs(operator, 0, operator, true, 2n, 7n * OPG, () => true);
  }).timeout(240_000);
});

describe("OPGStaking, keys", () => {
  const world = useStaking();

  it("end in both registries, in the transaction that unbonds own stake below the minimum [R12]", async () => {
    const { staking, open, next, now, nodeWithKeys, endsOf, signers } = world();
    const { operator, other } = signers;
    await open(MINIMUM + 5n);
    await open(MINIMUM, 1);
    await open(MINIMUM, 0, other);
    const mine = [await nodeWithKeys("a", 2), await nodeWithKeys("b", 1)].flatMap(({ keyIds }) => keyIds);
    const spared = [await nodeWithKeys("c", 1, 1), await nodeWithKeys("d", 1, 0, other)].flatMap(
      ({ keyIds }) => keyIds,
    );
    await staking.connect(operator).unbond(0, 5n);
    for (const key of mine) expect(await endsOf(key)).to.be.greaterThan((await now()) + DAY);
    const second = (await now()) + 10n;
    await next(second);
    await staking.connect(operator).unbond(0, 1n);
    for (const key of mine) expect(await endsOf(key)).to.equal(second);
    for (const key of spared) expect(await endsOf(key)).to.be.greaterThan(second + DAY);
  });

  it("end in the transaction of a slash that leaves too little, and not before [R12]", async () => {
    const { staking, open, slash, next, now, nodeWithKeys, endsOf, signers } = world();
    await open(MINIMUM * 2n);
    const { keyIds, nodeId } = await nodeWithKeys("a", 1);
    await slash(1_000n);
    for (const key of keyIds) expect(await endsOf(key)).to.be.greaterThan((await now()) + DAY);
    await staking.connect(signers.alice).delegate(signers.operator, 0, MINIMUM * 16n);
    const second = (await now()) + 10n;
    await next(second);
    // Own stake is above the minimum still, but below its tenth of the pool.
    await slash(100n);
    expect((await staking.pool(signers.operator, 0)).own).to.be.greaterThan(MINIMUM);
    for (const key of keyIds) expect(await endsOf(key)).to.equal(second);
    expect(await world().nodes.hasStake(nodeId)).to.equal(false);
  });

  it("end with a node that retires, in both registries", async () => {
    const { open, next, now, nodes, nodeWithKeys, endsOf } = world();
    await open();
    const { nodeId, keyIds } = await nodeWithKeys("a", 2);
    const second = (await now()) + 10n;
    await next(second);
    await nodes.updateNode(nodeId, 3, "");
    for (const key of keyIds) expect(await endsOf(key)).to.equal(second);
  });

  it("end by nobody's word while the stake suffices, and by anyone's once a raised minimum applies [R12]", async () => {
    const { staking, open, wait, now, next, nodes, nodeWithKeys, endsOf, signers } = world();
    await open();
    const { nodeId, keyIds } = await nodeWithKeys("a", 1);
    for (const each of [signers.admin, signers.anyone, signers.operator])
      await expect(staking.connect(each).endKeys(nodeId))
        .to.be.revertedWithCustomError(nodes, "KeyRegistry_StakeSuffices")
        .withArgs(nodeId);
    await staking.connect(signers.admin).setMinimum(0, MINIMUM + 1n);
    await wait(4n * DAY);
    const second = (await now()) + 10n;
    await next(second);
    await staking.connect(signers.anyone).endKeys(nodeId);
    for (const key of keyIds) expect(await endsOf(key)).to.equal(second);
  });

  it("all end at the bound, 8 nodes with 8 keys each, within a fraction of a block [R12] [R8]", async () => {
    const { staking, open, slash, now, nodeWithKeys, endsOf, gasOf, signers } = world();
    await open();
    const keys: string[] = [];
    for (let i = 0; i < 8; i++) keys.push(...(await nodeWithKeys(`node ${i}`, 4)).keyIds);
    expect(keys).to.have.length(64);
    const snapshot = await world().networkHelpers.takeSnapshot();
    const byUnbonding = await gasOf(staking.connect(signers.operator).unbond(0, 1n));
    for (const key of keys) expect(await endsOf(key)).to.equal(await now());
    await snapshot.restore();
    const bySlash = await gasOf(slash(1_000n));
    for (const key of keys) expect(await endsOf(key)).to.equal(await now());
    expect(byUnbonding).to.be.lessThan(1_500_000n);
    expect(bySlash).to.be.lessThan(1_500_000n);
  });
});
