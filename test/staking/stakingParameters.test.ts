import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { DAY, MINIMUM, OPG, useStaking } from "./support.ts";

describe("OPGStaking, rates and powers", () => {
  const world = useStaking();

  it("raises a minimum four days after it was announced, to the second, and lowers it at once [R10]", async () => {
    const { staking, open, next, now, wait, signers } = world();
    const { admin, operator } = signers;
    await open();
    const set = (await now()) + 10n;
    await next(set);
    await expect(staking.connect(admin).setMinimum(0, 2n * MINIMUM))
      .to.emit(staking, "MinimumChanged")
      .withArgs(0, [MINIMUM, 2n * MINIMUM, set + 4n * DAY]);
    await wait(4n * DAY - 1n);
    expect(await staking.minimum(0)).to.deep.equal([MINIMUM, 2n * MINIMUM, set + 4n * DAY]);
    expect(await staking.isSufficient(operator, 0)).to.equal(true);
    await wait(1n);
    expect(await staking.minimum(0)).to.deep.equal([2n * MINIMUM, 2n * MINIMUM, 0n]);
    expect(await staking.isSufficient(operator, 0)).to.equal(false);
    expect(await staking.minimum(1)).to.deep.equal([MINIMUM, MINIMUM, 0n]);
    await staking.connect(admin).setMinimum(0, OPG);
    expect(await staking.minimum(0)).to.deep.equal([OPG, OPG, 0n]);
    expect(await staking.isSufficient(operator, 0)).to.equal(true);
  });

  it("raises an own share with the same notice, and a call replaces what was announced [R10]", async () => {
    const { staking, open, now, wait, signers } = world();
    const { admin, operator, alice } = signers;
    await open();
    await staking.connect(alice).delegate(operator, 0, 8n * MINIMUM);
    await staking.connect(admin).setOwnShare(0, 5_000);
    await wait(2n * DAY);
    await staking.connect(admin).setOwnShare(0, 2_000);
    const from = (await now()) + 4n * DAY;
    await wait(4n * DAY - 1n);
    expect(await staking.ownShare(0)).to.deep.equal([1_000n, 2_000n, from]);
    expect(await staking.isSufficient(operator, 0)).to.equal(true);
    await wait(1n);
    expect(await staking.ownShare(0)).to.deep.equal([2_000n, 2_000n, 0n]);
    expect(await staking.isSufficient(operator, 0)).to.equal(false);
    await expect(staking.connect(admin).setOwnShare(0, 1_111))
      .to.emit(staking, "OwnShareChanged")
      .withArgs(0, [1_111n, 1_111n, 0n]);
    expect(await staking.isSufficient(operator, 0)).to.equal(true);
  });

  it("raises a second time from what applies by then, not from what applied before [R10]", async () => {
    const { staking, now, wait, signers } = world();
    const by = staking.connect(signers.admin);
    await by.setMinimum(0, 2n * MINIMUM);
    await wait(5n * DAY);
    await by.setMinimum(0, 3n * MINIMUM);
    expect(await staking.minimum(0)).to.deep.equal([2n * MINIMUM, 3n * MINIMUM, (await now()) + 4n * DAY]);
    await by.setMinimum(0, 2n * MINIMUM);
    expect(await staking.minimum(0)).to.deep.equal([2n * MINIMUM, 2n * MINIMUM, 0n]);
  });

  it("keeps rates within constant bounds (R8)", async () => {
    const { staking, open, signers, token, deployAt, ethers, parameters } = world();
    const { admin, operator } = signers;
    const by = staking.connect(admin);
    await open();
    const bounds = (least: bigint, most: bigint) => [least - 1n, most + 1n].map((value) => [value, least, most]);
    for (const wrong of bounds(OPG, 1_000_000n * OPG))
      await expect(by.setMinimum(0, wrong[0]!))
        .to.be.revertedWithCustomError(staking, "OPGStaking_OutOfBounds")
        .withArgs(...wrong);
    for (const wrong of bounds(100n, 5_000n))
      await expect(by.setOwnShare(0, wrong[0]!))
        .to.be.revertedWithCustomError(staking, "OPGStaking_OutOfBounds")
        .withArgs(...wrong);
    for (const call of [
      () => staking.connect(operator).setCommission(0, 3_001n),
      () => staking.connect(operator).createPool(1, 3_001n),
    ])
      await expect(call())
        .to.be.revertedWithCustomError(staking, "OPGStaking_OutOfBounds")
        .withArgs(3_001n, 0n, 3_000n);
    for (const call of [() => by.setMinimum(4, OPG), () => by.setOwnShare(4, 100)])
      await expect(call()).to.be.revertedWithCustomError(staking, "OPGStaking_NoSuchKind").withArgs(4);
    for (const [i, value] of [
      [0, 0n],
      [1, 5_001n],
    ] as const) {
      const wrong = parameters.map((each, j) => (i === j ? each.with(2, value) : each));
      await expect(
        deployAt("OPGStaking", await token.getAddress(), admin.address, ...wrong),
      ).to.be.revertedWithCustomError(staking, "OPGStaking_OutOfBounds");
    }
    for (const pair of [
      [ZeroAddress, admin.address],
      [await token.getAddress(), ZeroAddress],
    ])
      await expect(ethers.deployContract("OPGStaking", [...pair, ...parameters])).to.be.revertedWithCustomError(
        staking,
        "OPGStaking_ZeroAddress",
      );
  });

  it("lets only the admin set them, and the admin do nothing else (R8)", async () => {
    const { staking, signers } = world();
    for (const each of [signers.deployer, signers.guardian, signers.operator, signers.disputes]) {
      for (const call of [staking.connect(each).setMinimum(0, OPG), staking.connect(each).setOwnShare(0, 100)])
        await expect(call)
          .to.be.revertedWithCustomError(staking, "OPGStaking_NotAllowed")
          .withArgs(each, signers.admin);
    }
    for (const each of [signers.admin, signers.deployer, signers.operator])
      await expect(staking.connect(each).slash(signers.operator, 0, 1, each))
        .to.be.revertedWithCustomError(staking, "OPGStaking_NotAllowed")
        .withArgs(each, signers.disputes);
  });

  it("knows no pause: whatever is set, stake unbonds, is slashed and leaves (FM:slashing-paused)", async () => {
    const { staking, open, wait, slash, signers } = world();
    const { operator, alice, admin } = signers;
    await open();
    await staking.connect(alice).delegate(operator, 0, MINIMUM);
    await staking.connect(admin).setMinimum(0, 1_000_000n * OPG);
    await staking.connect(admin).setOwnShare(0, 5_000);
    await wait(4n * DAY);
    await staking.connect(operator).unbond(0, MINIMUM / 2n);
    await staking.connect(alice).undelegate(operator, 0, MINIMUM);
    await slash(1_000n);
    await wait(21n * DAY);
    await expect(staking.withdrawStake(operator, 0)).to.emit(staking, "Withdrawn");
    await expect(staking.withdraw(operator, 0, alice)).to.emit(staking, "Withdrawn");
    const names = staking.interface.fragments.map((part) => ("name" in part ? String(part.name) : "")).join(" ");
    expect(names).not.to.match(/pause|freeze|upgrade|owner\b|rescue|skim/i);
  });

  describe("commission", () => {
    it("starts with the pool, rises with four days' notice and falls at once [R10]", async () => {
      const { staking, open, now, wait, signers } = world();
      const by = staking.connect(signers.operator);
      await open(MINIMUM, 0, signers.operator, 1_000n);
      await by.setCommission(0, 3_000);
      const from = (await now()) + 4n * DAY;
      await wait(4n * DAY - 1n);
      expect(await staking.commission(signers.operator, 0)).to.deep.equal([1_000n, 3_000n, from]);
      await wait(1n);
      expect(await staking.commission(signers.operator, 0)).to.deep.equal([3_000n, 3_000n, 0n]);
      await expect(by.setCommission(0, 500))
        .to.emit(staking, "CommissionChanged")
        .withArgs(signers.operator, 0, [500n, 500n, 0n]);
      await expect(staking.connect(signers.other).setCommission(0, 0))
        .to.be.revertedWithCustomError(staking, "OPGStaking_NoPool")
        .withArgs(signers.other, 0);
    });

    it("goes from the delegators' part of a reward to own stake", async () => {
      const { staking, open, signers } = world();
      const { operator, alice, anyone } = signers;
      await open(MINIMUM, 0, operator, 2_000n);
      await staking.connect(alice).delegate(operator, 0, 3n * MINIMUM);
      await expect(staking.connect(anyone).addRewards(operator, 0, 400n * OPG))
        .to.emit(staking, "RewardsAdded")
        .withArgs(operator, 0, false, 160n * OPG, 240n * OPG, 60n * OPG, [
          MINIMUM + 160n * OPG,
          0n,
          0n,
          3n * MINIMUM + 240n * OPG,
          3n * MINIMUM,
          0n,
          0n,
          4n * MINIMUM + 400n * OPG,
          0n,
          0n,
        ]);
    });

    it("takes a raised part only of what is earned afterwards, of the stream and of fees", async () => {
      const { staking, token, open, wait, signers, address } = world();
      const { operator, alice, anyone } = signers;
      await open();
      await staking.connect(alice).delegate(operator, 0, MINIMUM);
      await token.transfer(address, 30_000n * OPG);
      await staking.sync();
      await staking.connect(operator).setCommission(0, 3_000);
      await wait(10n * DAY);
      // Nobody touched the pool since the rise: ten days of the stream were earned under notice, or before it.
      const before = await staking.pool(operator, 0);
      await staking.compound(operator, 0);
      const after = await staking.pool(operator, 0);
      const [own, delegated] = [after.own - before.own, after.delegated - before.delegated];
      expect(own - delegated).to.be.within(0n, 1n);
      expect(delegated).to.be.greaterThan(4_999n * OPG);
      await wait(10n * DAY);
      await staking.compound(operator, 0);
      const later = await staking.pool(operator, 0);
      // Half and half, of which 30 % change sides.
      expect(later.delegated - after.delegated).to.be.within(3_400n * OPG, 3_520n * OPG);
      await staking.connect(anyone).addRewards(operator, 0, 200n * OPG);
      const last = await staking.pool(operator, 0);
      // The stream's seconds between are a hundredth of an OPG, and own stake has more than half by now.
      expect(last.delegated - later.delegated).to.be.within(60n * OPG, 70n * OPG);
    });

    it("takes its raised part of fees from the second it applies, touched before or not", async () => {
      const { staking, open, wait, signers } = world();
      const { operator, alice, anyone } = signers;
      await open();
      await staking.connect(alice).delegate(operator, 0, MINIMUM);
      await staking.connect(operator).setCommission(0, 3_000);
      await wait(4n * DAY);
      await staking.connect(anyone).addRewards(operator, 0, 200n * OPG);
      expect((await staking.pool(operator, 0)).delegated).to.equal(MINIMUM + 70n * OPG);
    });

    it("applies its fall to what comes, not to what the stream had earned before", async () => {
      const { staking, token, open, wait, signers, address } = world();
      const { operator, alice } = signers;
      await open(MINIMUM, 0, operator, 3_000n);
      await staking.connect(alice).delegate(operator, 0, MINIMUM);
      await token.transfer(address, 30_000n * OPG);
      await staking.sync();
      await wait(10n * DAY);
      await staking.connect(operator).setCommission(0, 0);
      const { delegated } = await staking.pool(operator, 0);
      expect(delegated - MINIMUM).to.be.within(3_499n * OPG, 3_501n * OPG);
    });
  });

  describe("wiring", () => {
    it("is the deployer's, once, with parts that are there; before it nothing can be staked", async () => {
      const { staking: wired, token, deployAt, wiring, signers, parameters } = world();
      const { admin, deployer, operator } = signers;
      const staking = wired.attach(
        await deployAt("OPGStaking", await token.getAddress(), admin.address, ...parameters),
      ) as typeof wired;
      const by = staking.connect(deployer);
      for (const call of [staking.connect(operator).createPool(0, 0)])
        await expect(call).to.be.revertedWithCustomError(staking, "OPGStaking_NotWired");
      await expect(staking.connect(operator).stake(operator, 0, 1)).to.be.revertedWithCustomError(
        staking,
        "OPGStaking_NoPool",
      );
      await expect(staking.connect(admin).wire(...wiring))
        .to.be.revertedWithCustomError(staking, "OPGStaking_NotAllowed")
        .withArgs(admin, deployer);
      for (const i of [0, 1, 2]) {
        const parts = wiring.map((part, j) => (i === j ? ZeroAddress : part)) as unknown as typeof wiring;
        await expect(by.wire(...parts)).to.be.revertedWithCustomError(staking, "OPGStaking_ZeroAddress");
      }
      // A vesting is not everywhere.
      const without = [...wiring.slice(0, 3), ZeroAddress] as unknown as typeof wiring;
      await expect(by.wire(...without))
        .to.emit(staking, "Wired")
        .withArgs(...without);
      await expect(by.wire(...wiring)).to.be.revertedWithCustomError(staking, "OPGStaking_AlreadyWired");
      await staking.connect(operator).createPool(0, 0);
      await token.transfer(await staking.getAddress(), 5n);
      await expect(staking.sync()).to.emit(staking, "StreamToppedUp");
    });
  });
});
