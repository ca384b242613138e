import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { EPOCH, FIRST, inOrder, NOTICE, OPG, RATES, useFees } from "./support.ts";

const DEARER = { node: 7_800n, model: 1_200n, stakers: 500n, treasury: 400n, settler: 100n };
const CHEAPER = { node: 9_000n, model: 500n, stakers: 300n, treasury: 100n, settler: 100n };
const HIGHEST = { node: 5_300n, model: 2_000n, stakers: 1_500n, treasury: 1_000n, settler: 200n };
const startOf = (epoch: bigint) => epoch * EPOCH;

describe("Rates of the FeeSplitter", () => {
  const fees = useFees();
  const at = async (epoch: bigint) => [...(await fees().splitter.ratesAt(epoch))];

  it("holds from the start, for all epochs, what it was deployed with", async () => {
    for (const epoch of [0n, 1n, FIRST, FIRST + 1n, 2n ** 48n, 2n ** 256n - 1n])
      expect(await at(epoch)).to.deep.equal(inOrder(RATES));
    expect(await fees().splitter.pendingRates()).to.deep.equal([]);
    expect(await fees().splitter.currentEpoch()).to.equal(FIRST);
  });

  it("changes at the start of an epoch and never with less than four days' notice [R10]", async () => {
    const f = fees();
    // Four days before the start, to the second, is early enough; a second later is not.
    const timelock = await f.asTimelock();
    await f.at(startOf(FIRST + 1n) - NOTICE);
    await expect(timelock.announceRates(DEARER))
      .to.emit(f.splitter, "RatesAnnounced")
      .withArgs(FIRST + 1n, startOf(FIRST + 1n), inOrder(DEARER));
    expect([await at(FIRST), await at(FIRST + 1n)]).to.deep.equal([inOrder(RATES), inOrder(DEARER)]);
    await f.at(startOf(FIRST + 1n) - NOTICE + 1n);
    await expect(timelock.announceRates(CHEAPER))
      .to.emit(f.splitter, "RatesAnnounced")
      .withArgs(FIRST + 2n, startOf(FIRST + 2n), inOrder(CHEAPER));
    expect([await at(FIRST + 1n), await at(FIRST + 2n)]).to.deep.equal([inOrder(DEARER), inOrder(CHEAPER)]);
  });

  it("says what is pending, from when, and whether it can still change", async () => {
    const f = fees();
    await f.announce(DEARER);
    const first = [FIRST + 1n, startOf(FIRST + 1n), false, inOrder(DEARER)];
    expect(await f.splitter.pendingRates()).to.deep.equal([first]);
    await f.goTo(startOf(FIRST + 1n) - NOTICE);
    expect(await f.splitter.pendingRates()).to.deep.equal([first]);
    await f.goTo(startOf(FIRST + 1n) - NOTICE + 1n);
    await f.announce(CHEAPER);
    expect(await f.splitter.pendingRates()).to.deep.equal([
      [first[0], first[1], true, first[3]],
      [FIRST + 2n, startOf(FIRST + 2n), false, inOrder(CHEAPER)],
    ]);
    await f.goTo(startOf(FIRST + 1n));
    expect((await f.splitter.pendingRates()).map((p) => p.epoch)).to.deep.equal([FIRST + 2n]);
    await f.goTo(startOf(FIRST + 2n));
    expect(await f.splitter.pendingRates()).to.deep.equal([]);
  });

  it("replaces what was announced for the same epoch", async () => {
    const f = fees();
    await f.announce(DEARER);
    await f.announce(CHEAPER);
    expect(await at(FIRST + 1n)).to.deep.equal(inOrder(CHEAPER));
    expect((await f.splitter.pendingRates()).length).to.equal(1);
    await f.withdraw();
    expect(await at(FIRST + 1n)).to.deep.equal(inOrder(RATES));
  });

  it("takes an announcement back only while its notice has not begun: rates are final in both directions [R10]", async () => {
    const f = fees();
    const timelock = await f.asTimelock();
    const refused = async (epoch: bigint) =>
      expect(timelock.withdrawRates())
        .to.be.revertedWithCustomError(f.splitter, "FeeSplitter_NothingToWithdraw")
        .withArgs(epoch);
    await refused(FIRST + 1n);
    await timelock.announceRates(DEARER);
    const unannounced = await f.networkHelpers.takeSnapshot();
    await f.at(startOf(FIRST + 1n) - NOTICE);
    await expect(timelock.withdrawRates())
      .to.emit(f.splitter, "RatesWithdrawn")
      .withArgs(FIRST + 1n, inOrder(RATES));
    expect(await at(FIRST + 1n)).to.deep.equal(inOrder(RATES));
    await unannounced.restore();

    await f.at(startOf(FIRST + 1n) - NOTICE + 1n);
    await refused(FIRST + 2n);
    await timelock.announceRates(CHEAPER);
    await timelock.withdrawRates();
    await refused(FIRST + 2n);
    expect([await at(FIRST + 1n), await at(FIRST + 9n)]).to.deep.equal([inOrder(DEARER), inOrder(DEARER)]);
  });

  it("keeps the rates of every epoch that was, for receipts that are paid late [R10]", async () => {
    const f = fees();
    const history = [RATES, DEARER, CHEAPER, HIGHEST, RATES, CHEAPER, DEARER, HIGHEST];
    for (const [i, rates] of history.entries()) {
      if (i === 0) continue;
      await f.announce(rates);
      await f.goTo(startOf(FIRST + BigInt(i)));
    }
    for (const [i, rates] of history.entries())
      expect(await at(FIRST + BigInt(i))).to.deep.equal(inOrder(rates), `epoch ${i}`);
    expect(await at(FIRST + 100n)).to.deep.equal(inOrder(HIGHEST));
    for (const [i, rates] of history.entries()) {
      const before = await f.splitter.credit(f.signers.operator);
      await f.splitter.pay(f.nodeId, f.modelId, f.people.settler, FIRST + BigInt(i), 10_000n);
      expect((await f.splitter.credit(f.signers.operator)) - before).to.equal(rates.node);
    }
  });

  it("takes rates that make 10,000 and keep to constant caps, nothing else [R8]", async () => {
    const f = fees();
    await f.announce(HIGHEST);
    await f.announce({ node: 10_000n, model: 0n, stakers: 0n, treasury: 0n, settler: 0n });
    const refuses = async (rates: typeof RATES) =>
      expect(f.announce(rates))
        .to.be.revertedWithCustomError(f.splitter, "FeeSplitter_BadRates")
        .withArgs(inOrder(rates));
    for (const party of ["model", "stakers", "treasury", "settler"] as const)
      await refuses({ ...HIGHEST, node: 5_299n, [party]: HIGHEST[party] + 1n });
    await refuses({ ...RATES, node: 7_999n });
    await refuses({ ...RATES, node: 8_001n });
    await refuses({ ...RATES, node: 65_535n, model: 1_000n });
    expect([
      await f.splitter.MAX_MODEL_BPS(),
      await f.splitter.MAX_STAKERS_BPS(),
      await f.splitter.MAX_TREASURY_BPS(),
      await f.splitter.MAX_SETTLER_BPS(),
      await f.splitter.RATE_NOTICE(),
    ]).to.deep.equal([2_000n, 1_500n, 1_000n, 200n, NOTICE]);
  });

  it("lets nobody but the timelock announce or withdraw [R8]", async () => {
    const f = fees();
    for (const signer of [f.signers.deployer, f.signers.admin, f.signers.guardian]) {
      const splitter = f.splitter.connect(signer);
      for (const call of [() => splitter.announceRates(RATES), () => splitter.withdrawRates()])
        await expect(call()).to.be.revertedWithCustomError(f.splitter, "FeeSplitter_NotAdmin").withArgs(signer.address);
    }
  });

  it("divides by the rates of the fee's own epoch, whatever is announced since", async () => {
    const f = fees();
    await f.announce(HIGHEST);
    await f.pay(100n * OPG, { settler: ZeroAddress });
    expect(await f.splitter.modelBalance(f.modelId)).to.equal(10n * OPG);
    await f.goTo(startOf(FIRST + 1n));
    await f.pay(100n * OPG, { settler: ZeroAddress });
    expect(await f.splitter.modelBalance(f.modelId)).to.equal(30n * OPG);
    await f.pay(100n * OPG, { settler: ZeroAddress, epoch: FIRST });
    expect(await f.splitter.modelBalance(f.modelId)).to.equal(40n * OPG);
  });
});
