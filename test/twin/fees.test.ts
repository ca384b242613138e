import { expect } from "chai";
import fc from "fast-check";
import { ZeroAddress } from "ethers";
import {
  BUY,
  deployMarket,
  gained,
  ID,
  Kind,
  NOTICE,
  PERCENT,
  SELL,
  tradesOf,
  useMarket,
  type Market,
} from "./support.ts";

const SETTERS = [
  ["protocol", Kind.Protocol, "setProtocolFeePercent", "protocolFeePercent", 3n * PERCENT],
  ["subject", Kind.Subject, "setSubjectFeePercent", "subjectFeePercent", 2n * PERCENT],
] as const;

/** The fee that a trade of `ID` really pays at this second, as a percent. */
async function charged(m: Market, kind: number, second?: bigint): Promise<bigint> {
  const value = 10n ** 18n;
  if (second !== undefined) await m.at(second);
  const [trade] = await tradesOf(m, await m.as(m.alice)[BUY](ID, 40n, { value }));
  return (BigInt(trade![kind === Kind.Protocol ? 5 : 6]) * 10n ** 18n) / BigInt(trade![4]);
}

describe("Fees of the key market [R8] [FM:uncapped-fee]", () => {
  const market = useMarket({}, (m) => m.create("twin", 20n));

  it("are 5 % and 5 % at most, from the constructor on and together never above 10 %", async () => {
    const m = market();
    const cap = 5n * PERCENT;
    expect(await m.market.MAX_PROTOCOL_FEE_PERCENT()).to.equal(cap);
    expect(await m.market.MAX_SUBJECT_FEE_PERCENT()).to.equal(cap);
    const deploy = (protocol: bigint, subject: bigint) =>
      m.ethers.deployContract("TwinMarket", [m.admin.address, m.divisor, protocol, subject]);
    await deploy(cap, cap);
    for (const [kind, given] of [
      [Kind.Protocol, [cap + 1n, 0n]],
      [Kind.Subject, [0n, cap + 1n]],
    ] as const)
      await expect(deploy(given[0], given[1]))
        .to.be.revertedWithCustomError(m.market, "TwinMarket_FeeAboveCap")
        .withArgs(kind, cap + 1n, cap);
    for (const [, kind, set] of SETTERS)
      for (const percent of [cap + 1n, 2n ** 64n, 2n ** 256n - 1n])
        await expect(m.as(m.admin)[set](percent))
          .to.be.revertedWithCustomError(m.market, "TwinMarket_FeeAboveCap")
          .withArgs(kind, percent, cap);
    for (const [, , set] of SETTERS) await m.as(m.admin)[set](cap);
    await m.goTo((await m.now()) + NOTICE);
    const { price, protocolFee, subjectFee } = await m.market.quoteBuy(ID, 40n);
    expect(protocolFee + subjectFee).to.equal(price / 10n);
  });

  it("belong to the admin alone to set, and nobody can change who that is", async () => {
    const m = market();
    for (const by of [m.deployer, m.creator, m.eve]) {
      for (const [, , set] of SETTERS)
        await expect(m.as(by)[set](0n))
          .to.be.revertedWithCustomError(m.market, "TwinMarket_NotAdmin")
          .withArgs(by.address);
      await expect(m.as(by).withdrawFeeIncrease(Kind.Protocol)).to.be.revertedWithCustomError(
        m.market,
        "TwinMarket_NotAdmin",
      );
    }
    expect(await m.market.admin()).to.equal(m.admin.address);
    expect(await m.market.owner()).to.equal(m.admin.address);
    await expect(m.ethers.deployContract("TwinMarket", [ZeroAddress, m.divisor, 0n, 0n])).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_ZeroAddress",
    );
  });

  for (const [name, kind, set, read, present] of SETTERS) {
    it(`${name}: a decrease applies at once`, async () => {
      const m = market();
      await expect(m.as(m.admin)[set](present - 1n))
        .to.emit(m.market, "FeeChanged")
        .withArgs(kind, present, present - 1n);
      expect(await m.market[read]()).to.equal(present - 1n);
      await m.as(m.admin)[set](PERCENT);
      expect(await charged(m, kind)).to.equal(PERCENT);
    });

    it(`${name}: an increase is announced, readable all the time, and applies 48 hours later to the second`, async () => {
      const m = market();
      const start = (await m.now()) + 10n;
      await m.at(start);
      const effectiveAt = start + NOTICE;
      await expect(m.as(m.admin)[set](4n * PERCENT))
        .to.emit(m.market, "FeeIncreaseAnnounced")
        .withArgs(kind, present, 4n * PERCENT, effectiveAt);
      expect((await m.market.fees())[kind]).to.deep.equal([present, 4n * PERCENT, effectiveAt]);
      expect((await m.market.feesAt(effectiveAt - 1n))[kind]).to.equal(present);
      expect((await m.market.feesAt(effectiveAt))[kind]).to.equal(4n * PERCENT);

      expect(await charged(m, kind, effectiveAt - 1n)).to.equal(present);
      expect(await m.market[read]()).to.equal(present);
      // The block that a reader saw last still showed both, and the next one charges what it showed and no more.
      expect((await m.market.fees())[kind]).to.deep.equal([present, 4n * PERCENT, effectiveAt]);
      expect(await charged(m, kind, effectiveAt)).to.equal(4n * PERCENT);
      expect((await m.market.fees())[kind]).to.deep.equal([4n * PERCENT, 4n * PERCENT, 0n]);
    });

    it(`${name}: the effect is an event ahead of the first trade that pays it, once`, async () => {
      const m = market();
      await m.as(m.admin)[set](4n * PERCENT);
      await m.goTo((await m.now()) + NOTICE);
      expect(await m.market[read]()).to.equal(4n * PERCENT);
      const names = async () => {
        const sent = await m.as(m.alice)[BUY](ID, 1n, { value: 10n ** 18n });
        return (await sent.wait())!.logs.map((log) => m.market.interface.parseLog(log)!);
      };
      const first = await names();
      expect(first.map((log) => log.name)).to.deep.equal(["FeeChanged", "Trade"]);
      expect(first[0]!.args).to.deep.equal([BigInt(kind), present, 4n * PERCENT]);
      expect((await names()).map((log) => log.name)).to.deep.equal(["Trade"]);
    });

    it(`${name}: an announcement can be withdrawn until it applies, and then no more`, async () => {
      const m = market();
      await expect(m.as(m.admin).withdrawFeeIncrease(kind))
        .to.be.revertedWithCustomError(m.market, "TwinMarket_NothingAnnounced")
        .withArgs(kind);
      const start = (await m.now()) + 10n;
      await m.at(start);
      await m.as(m.admin)[set](5n * PERCENT);
      await m.at(start + NOTICE - 1n);
      await expect(m.as(m.admin).withdrawFeeIncrease(kind))
        .to.emit(m.market, "FeeIncreaseWithdrawn")
        .withArgs(kind, present, 5n * PERCENT);
      expect(await charged(m, kind, start + NOTICE)).to.equal(present);
      expect((await m.market.fees())[kind]).to.deep.equal([present, present, 0n]);

      await m.at(start + 2n * NOTICE);
      await m.as(m.admin)[set](5n * PERCENT);
      await m.at(start + 3n * NOTICE);
      await expect(m.as(m.admin).withdrawFeeIncrease(kind)).to.be.revertedWithCustomError(
        m.market,
        "TwinMarket_NothingAnnounced",
      );
      await m.networkHelpers.mine();
      expect(await m.market[read]()).to.equal(5n * PERCENT);
    });

    it(`${name}: announcing again starts the notice again, upward or downward`, async () => {
      const m = market();
      const start = (await m.now()) + 10n;
      await m.at(start);
      await m.as(m.admin)[set](4n * PERCENT);
      for (const [after, percent, replaced] of [
        [NOTICE - 1n, 5n * PERCENT, 4n * PERCENT],
        [NOTICE, present + 1n, 5n * PERCENT],
      ] as const) {
        await m.at(start + after);
        const sent = m.as(m.admin)[set](percent);
        await expect(sent).to.emit(m.market, "FeeIncreaseWithdrawn").withArgs(kind, present, replaced);
        await expect(sent)
          .to.emit(m.market, "FeeIncreaseAnnounced")
          .withArgs(kind, present, percent, start + after + NOTICE);
      }
      expect(await charged(m, kind, start + NOTICE + NOTICE - 1n)).to.equal(present);
    });

    it(`${name}: a decrease, or the present fee set again, drops an increase that was waiting`, async () => {
      const m = market();
      for (const percent of [present, PERCENT]) {
        await m.as(m.admin)[set](5n * PERCENT);
        await expect(m.as(m.admin)[set](percent)).to.emit(m.market, "FeeIncreaseWithdrawn");
        await m.goTo((await m.now()) + 2n * NOTICE);
        expect(await m.market[read]()).to.equal(percent);
      }
    });

    it(`${name}: a fee that was lowered cannot be raised back without notice`, async () => {
      const m = market();
      const start = (await m.now()) + 10n;
      await m.as(m.admin)[set](0n);
      await m.at(start + 10n);
      await m.as(m.admin)[set](present);
      expect(await charged(m, kind, start + 10n + NOTICE - 1n)).to.equal(0n);
      expect(await charged(m, kind, start + 10n + NOTICE)).to.equal(present);
    });
  }

  it("at zero and through it: trades go at the curve's price, and nothing is owed", async () => {
    const m = await deployMarket({ protocol: 0n, subject: 0n });
    await m.create("twin", 10n);
    const flat = await m.market.quoteBuy(ID, 5n);
    expect([flat.protocolFee, flat.subjectFee, flat.total]).to.deep.equal([0n, 0n, flat.price]);
    await m.as(m.alice)[BUY](ID, 5n, { value: flat.price });
    expect(await gained(m, m.alice, () => m.as(m.alice)[SELL](ID, 5n))).to.equal(flat.price);
    await expect(m.market.claimProtocolFees(m.admin.address)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_NothingToClaim",
    );
    await expect(m.market.claimSubjectFees(ID, m.creator.address)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_NothingToClaim",
    );
    for (const [, , set] of SETTERS) await m.as(m.admin)[set](PERCENT);
    await m.goTo((await m.now()) + NOTICE);
    const taxed = await m.market.quoteBuy(ID, 5n);
    expect(taxed.total).to.equal(flat.price + 2n * (flat.price / 100n));
    await m.as(m.alice)[BUY](ID, 5n, { value: taxed.total });
    for (const [, , set] of SETTERS) await m.as(m.admin)[set](0n);
    expect(await gained(m, m.alice, () => m.as(m.alice)[SELL](ID, 5n))).to.equal(flat.price);
    expect(await m.market.unclaimedProtocolFees()).to.equal(flat.price / 100n);
    expect((await m.market.twin(ID)).unclaimedFees).to.equal(flat.price / 100n);
    expect(await m.surplus()).to.equal(0n);
  });

  it("never exceed what anyone could read less than 48 hours before, whatever the admin does", async () => {
    const step = fc.record({
      wait: fc.oneof(fc.bigInt(1n, NOTICE + 10n), fc.constantFrom(1n, NOTICE - 1n, NOTICE, NOTICE + 1n)),
      act: fc.constantFrom("setProtocolFeePercent", "setSubjectFeePercent", "withdrawFeeIncrease", "nothing"),
      percent: fc.bigInt(0n, 5n * PERCENT),
    });
    const m = market();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 10 }), async (steps) => {
        const snapshot = await m.networkHelpers.takeSnapshot();
        let second = (await m.now()) + 1n;
        const times = steps.map(({ wait }) => (second += wait));
        // By step: the least that an earlier block promised for its time.
        const promised = steps.map(() => [2n ** 64n, 2n ** 64n] as [bigint, bigint]);
        for (const [i, { act, percent }] of steps.entries()) {
          await m.at(times[i]!);
          const by = m.as(m.admin);
          if (act === "nothing") await m.networkHelpers.mine();
          else if (act === "withdrawFeeIncrease") await by[act](percent % 2n).catch(() => m.networkHelpers.mine());
          else await by[act](percent);
          expect(await m.now()).to.equal(times[i]);
          const present = await m.market.feesAt(times[i]!);
          expect(present).to.deep.equal([await m.market.protocolFeePercent(), await m.market.subjectFeePercent()]);
          for (const fee of [0, 1] as const) expect(present[fee] <= promised[i]![fee]).to.equal(true);
          for (let j = i + 1; j < steps.length && times[j]! < times[i]! + NOTICE; j++) {
            const known = await m.market.feesAt(times[j]!);
            for (const fee of [0, 1] as const) if (known[fee] < promised[j]![fee]) promised[j]![fee] = known[fee];
          }
        }
        await snapshot.restore();
      }),
      { numRuns: 40 },
    );
  });
});
