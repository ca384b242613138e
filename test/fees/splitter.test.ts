import { expect } from "chai";
import { id, toBeHex, ZeroAddress, ZeroHash } from "ethers";
import { addressOf, EPOCH, FIRST, inOrder, OPG, RATES, useFees } from "./support.ts";

const FEE = 10n * OPG;

describe("FeeSplitter", () => {
  const fees = useFees();

  it("divides a fee by the rates: node, model, stakers, treasury, settler", async () => {
    const f = fees();
    const { payer, settler } = f.people;
    const shares = [8n * OPG, OPG, OPG / 2n, (OPG * 4n) / 10n, OPG / 10n];
    const before = await f.token.balanceOf(payer);
    const sent = await f.pay(FEE);
    await expect(sent)
      .to.emit(f.splitter, "FeesPaid")
      .withArgs(f.nodeId, f.modelId, settler.address, payer.address, FIRST, FEE, shares);
    expect(before - (await f.token.balanceOf(payer))).to.equal(FEE);
    expect(await f.splitter.credit(f.signers.operator)).to.equal(shares[0]);
    expect(await f.splitter.modelBalance(f.modelId)).to.equal(shares[1]);
    expect(await f.staking.rewards(f.signers.operator, 0)).to.equal(shares[2]);
    expect(await f.splitter.credit(f.timelock)).to.equal(shares[3]);
    expect(await f.splitter.credit(settler)).to.equal(shares[4]);
    expect(await f.token.balanceOf(f.staking)).to.equal(shares[2]);
    expect(await f.token.balanceOf(f.splitter)).to.equal(FEE - shares[2]!);
    expect(await f.splitter.sharesOf(FEE, FIRST, true)).to.deep.equal(shares);
  });

  it("says every new total, so that an indexer never has to ask", async () => {
    const f = fees();
    await f.pay(FEE);
    const again = await f.pay(FEE / 2n);
    const { operator } = f.signers;
    const expected = [
      [operator.address, 4n * OPG, 12n * OPG],
      [f.timelock, (OPG * 2n) / 10n, (OPG * 6n) / 10n],
      [f.people.settler.address, OPG / 20n, (OPG * 3n) / 20n],
    ] as const;
    for (const each of expected)
      await expect(again)
        .to.emit(f.splitter, "Credited")
        .withArgs(...each);
    await expect(again)
      .to.emit(f.splitter, "ModelCredited")
      .withArgs(f.modelId, OPG / 2n, (OPG * 3n) / 2n);
  });

  it("leaves to the node what rounding leaves and what a missing settler would get", async () => {
    const f = fees();
    await f.pay(FEE, { settler: ZeroAddress });
    expect(await f.splitter.credit(f.signers.operator)).to.equal((81n * OPG) / 10n);
    expect(await f.splitter.credit(ZeroAddress)).to.equal(0n);
    expect(await f.splitter.sharesOf(19n, FIRST, true)).to.deep.equal([18n, 1n, 0n, 0n, 0n]);
    expect(await f.splitter.sharesOf(1n, FIRST, true)).to.deep.equal([1n, 0n, 0n, 0n, 0n]);
    // Nothing for the stakers is no reason to disturb staking.
    await f.staking.misbehave(2n ** 256n - 1n, ZeroAddress, "0x");
    await f.pay(19n);
    expect(await f.splitter.credit(f.signers.operator)).to.equal((81n * OPG) / 10n + 18n);
  });

  it("sends the stakers' share to the pool of the node's kind", async () => {
    const f = fees();
    const nodeId = await f.registerNode(f.signers.other, 1n);
    await f.pay(FEE, { nodeId });
    expect(await f.staking.rewards(f.signers.other, 1)).to.equal(OPG / 2n);
    expect(await f.staking.rewards(f.signers.other, 0)).to.equal(0n);
    expect(await f.token.allowance(f.splitter, f.staking)).to.equal(0n);
  });

  it("pays a node that has retired and a version that is distrusted: what was earned is theirs", async () => {
    const f = fees();
    await f.nodes.updateNode(f.nodeId, 3, "");
    await f.distrust(f.models, f.modelId, 5n);
    await f.pay(FEE);
    expect(await f.splitter.credit(f.signers.operator)).to.equal(8n * OPG);
    await f.splitter.distributeModel(f.modelId);
    expect(await f.splitter.credit(f.signers.deployer)).to.equal(OPG);
  });

  it("refuses what nobody could be paid for and leaves the money with the caller", async () => {
    const f = fees();
    const before = await f.token.balanceOf(f.people.payer);
    const verifier = toBeHex(await f.groth16.getAddress(), 32);
    for (const nodeId of [ZeroHash, toBeHex(99, 32), id("none")])
      await expect(f.pay(FEE, { nodeId }))
        .to.be.revertedWithCustomError(f.splitter, "FeeSplitter_UnknownNode")
        .withArgs(nodeId);
    for (const modelId of [ZeroHash, id("none"), verifier])
      await expect(f.pay(FEE, { modelId }))
        .to.be.revertedWithCustomError(f.splitter, "FeeSplitter_UnknownModel")
        .withArgs(modelId);
    await expect(f.pay(0n)).to.be.revertedWithCustomError(f.splitter, "FeeSplitter_NothingToPay");
    expect(await f.token.balanceOf(f.people.payer)).to.equal(before);
    expect(await f.token.balanceOf(f.splitter)).to.equal(0n);
  });

  it("takes a fee of any epoch up to the one that is running, in its first second too [R10]", async () => {
    const f = fees();
    const at = (epoch: bigint) => f.splitter.pay(f.nodeId, f.modelId, ZeroAddress, epoch, 100n);
    for (const epoch of [0n, FIRST - 1n, FIRST]) await at(epoch);
    await f.at((FIRST + 1n) * EPOCH - 1n);
    await expect(at(FIRST + 1n))
      .to.be.revertedWithCustomError(f.splitter, "FeeSplitter_FutureEpoch")
      .withArgs(FIRST + 1n, FIRST);
    await f.at((FIRST + 1n) * EPOCH);
    await at(FIRST + 1n);
    await expect(at(2n ** 256n - 1n)).to.be.revertedWithCustomError(f.splitter, "FeeSplitter_FutureEpoch");
  });

  it("pays an account what it is credited, whoever asks, once [R8][R9]", async () => {
    const f = fees();
    const { operator } = f.signers;
    await f.pay(FEE);
    await expect(f.splitter.claim(operator))
      .to.emit(f.splitter, "Claimed")
      .withArgs(operator.address, 8n * OPG);
    expect(await f.token.balanceOf(operator)).to.equal(8n * OPG);
    await expect(f.splitter.claim(operator))
      .to.be.revertedWithCustomError(f.splitter, "FeeSplitter_NothingToClaim")
      .withArgs(operator.address);
    await f.splitter.claim(f.timelock);
    expect(await f.token.balanceOf(f.timelock)).to.equal((OPG * 4n) / 10n);
  });

  it("pays several accounts in one call, up to 64, and passes over those that are credited nothing [R8]", async () => {
    const f = fees();
    const { operator, other } = f.signers;
    await f.pay(FEE);
    const all = [operator.address, other.address, operator.address, f.people.settler.address];
    expect(await f.splitter.claimMany.staticCall(all)).to.equal((81n * OPG) / 10n);
    await f.splitter.claimMany(all);
    expect(await f.token.balanceOf(operator)).to.equal(8n * OPG);
    expect(await f.token.balanceOf(f.people.settler)).to.equal(OPG / 10n);
    await f.splitter.claimMany(Array(64).fill(operator.address) as string[]);
    await expect(f.splitter.claimMany(Array(65).fill(operator.address) as string[]))
      .to.be.revertedWithCustomError(f.splitter, "FeeSplitter_TooManyAccounts")
      .withArgs(65, 64);
  });

  it("divides a version's share among contributors, parents and owner, level by level", async () => {
    const f = fees();
    const { contributor } = f.people;
    const parent = await f.derived({ royalty: 2_000 }, f.signers.other);
    const child = await f.derived({
      parents: [{ modelId: parent, bps: 2_500 }],
      contributors: [
        { account: contributor.address, bps: 1_000 },
        { account: addressOf(1), bps: 0 },
      ],
    });
    await f.pay(FEE, { modelId: child });
    const sent = await f.splitter.distributeModel(child);
    await expect(sent).to.emit(f.splitter, "ModelDistributed").withArgs(child, OPG);
    await expect(sent)
      .to.emit(f.splitter, "ModelCredited")
      .withArgs(parent, OPG / 4n, OPG / 4n);
    const paid = [f.signers.deployer, contributor, f.signers.other];
    const credits = async () => Promise.all(paid.map((account) => f.splitter.credit(account)));
    expect(await credits()).to.deep.equal([(OPG * 65n) / 100n, OPG / 10n, 0n]);
    await expect(f.splitter.distributeModel(child))
      .to.be.revertedWithCustomError(f.splitter, "FeeSplitter_NothingToDistribute")
      .withArgs(child);
    expect(await f.splitter.distributeModel.staticCall(parent)).to.equal(OPG / 4n);
    await f.splitter.distributeModel(parent);
    expect(await credits()).to.deep.equal([(OPG * 65n) / 100n, OPG / 10n, OPG / 4n]);
    expect(await f.splitter.modelBalance(parent)).to.equal(0n);
  });

  it("gives an owner nothing where it gave everything away, and dust where rounding leaves it", async () => {
    const f = fees();
    const contributors = [1, 2, 3].map((n) => ({ account: addressOf(n), bps: n === 3 ? 3_334 : 3_333 }));
    const modelId = await f.derived({ contributors });
    await f.pay(FEE, { modelId });
    await f.splitter.distributeModel(modelId);
    expect(await f.splitter.credit(f.signers.deployer)).to.equal(0n);
    await f.pay(1_000n, { modelId });
    await f.splitter.distributeModel(modelId);
    expect(await f.splitter.credit(f.signers.deployer)).to.equal(1n);
  });

  it("owes to the wei what it holds, however fees, distributions and claims follow each other", async () => {
    const f = fees();
    const parent = await f.derived({ royalty: 777 });
    const contributors = [{ account: addressOf(1), bps: 333 }];
    const child = await f.derived({ parents: [{ modelId: parent, bps: 777 }], contributors });
    const accounts = [f.signers.operator, f.signers.deployer, f.people.settler, f.timelock, addressOf(1)];
    const holds = async () =>
      expect(await f.token.balanceOf(f.splitter)).to.equal(await f.owed(accounts, [f.modelId, parent, child]));
    for (const [i, amount] of [1n, 9_999n, FEE + 7n, 12_345_678_901n].entries()) {
      await f.pay(amount, { modelId: i % 2 ? child : f.modelId });
      await holds();
      if (i > 1) await f.splitter.distributeModel(child);
      await holds();
    }
    await f.splitter.distributeModel(parent);
    await f.splitter.claimMany([f.signers.operator.address, addressOf(1)]);
    await holds();
  });

  it("is deployed with everything in place, and with sound rates only", async () => {
    const f = fees();
    const place = [await f.token.getAddress(), f.timelock, await f.nodes.getAddress(), await f.models.getAddress()];
    const all = [...place, await f.staking.getAddress()];
    for (const at of all.keys()) {
      const missing = all.map((address, i) => (i === at ? ZeroAddress : address));
      await expect(f.ethers.deployContract("FeeSplitter", [...missing, RATES])).to.be.revertedWithCustomError(
        f.splitter,
        "FeeSplitter_ZeroAddress",
      );
    }
    await expect(f.ethers.deployContract("FeeSplitter", [...all, { ...RATES, node: 7_999n }]))
      .to.be.revertedWithCustomError(f.splitter, "FeeSplitter_BadRates")
      .withArgs(inOrder({ ...RATES, node: 7_999n }));
    expect([await f.splitter.token(), await f.splitter.admin()]).to.deep.equal([place[0], f.timelock]);
    expect([await f.splitter.nodes(), await f.splitter.models(), await f.splitter.staking()]).to.deep.equal([
      ...place.slice(2),
      all[4],
    ]);
  });
});
