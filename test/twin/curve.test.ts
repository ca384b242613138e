import { expect } from "chai";
import fc from "fast-check";
import {
  BASE_DIVISOR,
  BNB_DIVISOR,
  BUY,
  CREATE_FULL,
  deployCurve,
  deployMarket,
  ID,
  PERCENT,
  price,
  SELL,
  slowPrice,
  tradesOf,
  useMarket,
  withFees,
} from "./support.ts";

const ETHER = 10n ** 18n;
/** From a unit of 2 wei to one of a whole ether. */
const DIVISORS = [1n, 2n, 5n, 16_000n, BASE_DIVISOR, BNB_DIVISOR, 10n ** 12n, 10n ** 17n, 5n * 10n ** 17n];

/** Largest supply by the definition, found without the contract's code. */
function largestSupply(divisor: bigint): bigint {
  const fits = (n: bigint) => price(0n, n, divisor) <= ((2n ** 128n - 1n) / 11n) * 10n;
  let [least, beyond] = [0n, 2n ** 64n];
  while (beyond - least > 1n) {
    const middle = (least + beyond) / 2n;
    if (fits(middle)) least = middle;
    else beyond = middle;
  }
  return least;
}

/** Supplies and amounts that fit, with the extremes more often than chance would have them. */
const trade = fc.constantFrom(...DIVISORS).chain((divisor) => {
  const largest = largestSupply(divisor);
  const within = (most: bigint) =>
    fc.oneof(
      fc.bigInt(0n, most < 500n ? most : 500n),
      fc.bigInt(0n, most),
      fc.constantFrom(0n, most < 1n ? most : 1n, most, most - (most > 0n ? 1n : 0n)),
    );
  return within(largest).chain((supply) => within(largest - supply).map((amount) => ({ divisor, supply, amount })));
});

describe("The bonding curve", () => {
  it("asks the published formula's price for every supply and amount that fit", async () => {
    const curve = await deployCurve();
    await fc.assert(
      fc.asyncProperty(trade, async ({ divisor, supply, amount }) => {
        expect(await curve.price(ETHER / divisor, supply, amount)).to.equal(price(supply, amount, divisor));
      }),
      { numRuns: 500 },
    );
  });

  it("asks what the keys cost one by one, summed", async () => {
    const curve = await deployCurve();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...DIVISORS),
        fc.bigInt(0n, 100_000n),
        fc.bigInt(0n, 200n),
        async (divisor, supply, amount) => {
          expect(await curve.price(ETHER / divisor, supply, amount)).to.equal(slowPrice(supply, amount, divisor));
        },
      ),
      { numRuns: 150 },
    );
  });

  it("rounds nothing: any way to a supply costs the same wei", async () => {
    const curve = await deployCurve();
    await fc.assert(
      fc.asyncProperty(trade, fc.bigInt(0n, 2n ** 64n), async ({ divisor, supply, amount }, cut) => {
        const unit = ETHER / divisor;
        const first = amount === 0n ? 0n : cut % (amount + 1n);
        const [whole, part, rest, before, after] = await Promise.all([
          curve.price(unit, supply, amount),
          curve.price(unit, supply, first),
          curve.price(unit, supply + first, amount - first),
          curve.worth(unit, supply),
          curve.worth(unit, supply + amount),
        ]);
        expect(part + rest).to.equal(whole);
        expect(before + whole).to.equal(after);
      }),
      { numRuns: 150 },
    );
  });

  it("takes exactly the divisors that divide 1e18 and leave more than a wei", async () => {
    const curve = await deployCurve();
    for (const divisor of DIVISORS) expect(await curve.unit(divisor)).to.equal(ETHER / divisor);
    for (const divisor of [0n, 3n, 7n, BASE_DIVISOR + 1n, 1_500_000n, ETHER, 2n * ETHER, 2n ** 256n - 1n])
      await expect(curve.unit(divisor))
        .to.be.revertedWithCustomError(curve.harness, "BondingCurve_BadDivisor")
        .withArgs(divisor);
  });

  it("knows the largest supply that cannot overflow, of every divisor", async () => {
    const curve = await deployCurve();
    for (const divisor of DIVISORS) {
      const largest = await curve.largestSupply(ETHER / divisor);
      expect(largest).to.equal(largestSupply(divisor));
      expect(largest < 2n ** 44n).to.equal(true);
      const worth = price(0n, largest, divisor);
      expect(worth + worth / 10n < 2n ** 128n).to.equal(true);
    }
    expect(await curve.largestSupply(ETHER / BASE_DIVISOR)).to.equal(1_140_852_064n);
    expect(await curve.largestSupply(ETHER / BNB_DIVISOR)).to.equal(3_593_458_825n);
  });
});

describe("TwinMarket refuses at construction", () => {
  it("a divisor whose floors would eat the reserve", async () => {
    const { ethers, admin, market } = await deployMarket();
    for (const divisor of [0n, 1_500_000n, 3n])
      await expect(ethers.deployContract("TwinMarket", [admin.address, divisor, 0n, 0n]))
        .to.be.revertedWithCustomError(market, "BondingCurve_BadDivisor")
        .withArgs(divisor);
  });
});

/**
 * The trades of docs/twin.md, each worked out there by hand: keys bought (or sold, below 0), the sum of squares, price,
 * protocol fee of 3 %, subject fee of 2 %, and what the trader pays or gets. In units of 10^9 wei.
 */
const GOLDEN: [amount: bigint, squares: bigint, price: bigint, protocol: bigint, subject: bigint, total: bigint][] = [
  [1n, 0n, 0n, 0n, 0n, 0n],
  [1n, 1n, 625n, 18_75n, 12_50n, 656_25n],
  [3n, 29n, 18_125n, 543_75n, 362_50n, 19_031_25n],
  [5n, 255n, 159_375n, 4_781_25n, 3_187_50n, 167_343_75n],
  [10n, 2_185n, 1_365_625n, 40_968_75n, 27_312_50n, 1_433_906_25n],
  [80n, 325_880n, 203_675_000n, 6_110_250_00n, 4_073_500_00n, 213_858_750_00n],
  [1n, 10_000n, 6_250_000n, 187_500_00n, 125_000_00n, 6_562_500_00n],
  [49n, 775_425n, 484_640_625n, 14_539_218_75n, 9_692_812_50n, 508_872_656_25n],
  [-50n, 785_425n, 490_890_625n, 14_726_718_75n, 9_817_812_50n, 466_346_093_75n],
  [-1n, 9_801n, 6_125_625n, 183_768_75n, 122_512_50n, 5_819_343_75n],
  [-98n, 318_549n, 199_093_125n, 5_972_793_75n, 3_981_862_50n, 189_138_468_75n],
  [-1n, 0n, 0n, 0n, 0n, 0n],
  [300n, 8_955_050n, 5_596_906_250n, 167_907_187_50n, 111_938_125_00n, 5_876_751_562_50n],
];

describe("Golden trades", () => {
  const market = useMarket();

  it("are worth what the document's hand count says, one after the other", async () => {
    const m = market();
    await m.as(m.alice)[CREATE_FULL](ID, "", m.alice.address, 0n, 0n, 0n);
    let supply = 0n;
    for (const [amount, squares, priceGwei, protocol, subject, total] of GOLDEN) {
      const trader = m.as(m.alice);
      const keys = amount < 0n ? -amount : amount;
      // Fees and totals are written with two digits more.
      const [wei, centi] = [10n ** 9n, 10n ** 7n];
      expect(squares * (ETHER / BASE_DIVISOR)).to.equal(priceGwei * wei);
      const quote = amount > 0n ? await trader.quoteBuy(ID, keys) : await trader.quoteSell(ID, keys);
      expect(quote).to.deep.equal([priceGwei * wei, protocol * centi, subject * centi, total * centi]);
      const sent = amount > 0n ? await trader[BUY](ID, keys, { value: total * centi }) : await trader[SELL](ID, keys);
      supply += amount;
      const [args] = await tradesOf(m, sent);
      expect(args).to.deep.equal([
        m.alice.address,
        ID,
        amount > 0n,
        keys,
        priceGwei * wei,
        protocol * centi,
        subject * centi,
        supply,
      ]);
    }
    expect(await m.surplus()).to.equal(0n);
  });

  it("of the BNB chain's divisor too, and with a fee that does not divide", async () => {
    const m = await deployMarket({ divisor: BNB_DIVISOR, protocol: 33_333_333_333_333_333n, subject: 0n });
    await m.create("twin", 300n);
    const first = await m.market.quoteSell(ID, 300n);
    expect(first.price).to.equal(179_101n * 10n ** 12n);
    const next = await m.market.quoteBuy(ID, 1n);
    expect(next.price).to.equal(1_800_000n * 10n ** 9n);
    // 1.8e15 · 0.033333333333333333 = 59,999,999,999,999.9994, of which the fraction stays with the trader.
    expect(next.protocolFee).to.equal(59_999_999_999_999n);
    expect(next.total).to.equal(1_800_000n * 10n ** 9n + 59_999_999_999_999n);
  });
});

describe("Quotes", () => {
  const market = useMarket({ protocol: 5n * PERCENT, subject: 5n * PERCENT });
  const fees = [5n * PERCENT, 5n * PERCENT] as const;

  it("are exact up to the largest supply, and refused beyond", async () => {
    const m = market();
    await m.create("twin", 7n);
    const largest = await m.market.largestSupply();
    const room = largest - 7n;
    const expected = withFees(price(7n, room, m.divisor), ...fees);
    expect(await m.market.quoteBuy(ID, room)).to.deep.equal([
      expected.price,
      expected.protocolFee,
      expected.subjectFee,
      expected.cost,
    ]);
    expect(await m.market.getBuyPrice(ID, room)).to.equal(expected.price);
    expect(await m.market.getBuyPriceAfterFee(ID, room)).to.equal(expected.cost);
    for (const beyond of [room + 1n, 2n ** 48n, 2n ** 128n, 2n ** 256n - 1n])
      await expect(m.market.quoteBuy(ID, beyond))
        .to.be.revertedWithCustomError(m.market, "TwinMarket_AmountTooLarge")
        .withArgs(beyond, room);
    for (const beyond of [8n, 2n ** 256n - 1n])
      await expect(m.market.quoteSell(ID, beyond))
        .to.be.revertedWithCustomError(m.market, "TwinMarket_NotEnoughShares")
        .withArgs(7n, beyond);
  });

  it("hold at the largest supply itself: it can be bought, and sold again", async () => {
    const m = market();
    await m.create("twin", 1n);
    const room = (await m.market.largestSupply()) - 1n;
    const { cost, payout } = withFees(price(1n, room, m.divisor), ...fees);
    await m.networkHelpers.setBalance(m.alice.address, cost + 10n ** 20n);
    await m.as(m.alice)[BUY](ID, room, { value: cost });
    await expect(m.as(m.alice)[BUY](ID, 1n, { value: 1n })).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_AmountTooLarge",
    );
    expect(await m.market.getSellPriceAfterFee(ID, room)).to.equal(payout);
    expect(await m.market.liabilities()).to.equal(cost);
    await m.as(m.alice)[SELL](ID, room);
    expect(await m.market.liabilities()).to.equal(cost - payout);
    expect(await m.surplus()).to.equal(0n);
  });

  it("refuse a buy whose ether would not fit 128 bits in all, and never a sale", async () => {
    const m = market();
    for (const label of ["one", "two"]) await m.create(label, 1n);
    const [one, two] = await Promise.all([m.create("three", 1n), m.create("four", 1n)]);
    const room = (await m.market.largestSupply()) - 1n;
    const { cost } = withFees(price(1n, room, m.divisor), ...fees);
    await m.networkHelpers.setBalance(m.alice.address, 3n * cost);
    await m.as(m.alice)[BUY](one, room, { value: cost });
    await expect(m.as(m.alice)[BUY](two, room, { value: cost })).to.be.revertedWithCustomError(
      m.market,
      "SafeCastOverflowedUintDowncast",
    );
    await m.as(m.alice)[SELL](one, room);
    expect(await m.surplus()).to.equal(0n);
  });

  it("are those of an empty curve for a twin that does not exist", async () => {
    const m = market();
    expect(await m.market.getBuyPrice(ID, 5n)).to.equal(price(0n, 5n, m.divisor));
    expect(await m.market.getBuyPrice(ID, 0n)).to.equal(0n);
    expect(await m.market.getSellPrice(ID, 0n)).to.equal(0n);
    await expect(m.market.getSellPrice(ID, 1n)).to.be.revertedWithCustomError(m.market, "TwinMarket_NotEnoughShares");
  });
});

describe("Inverse quotes", () => {
  // A unit of 2 wei is where rounding of fees weighs most against the steps of a price.
  for (const divisor of [BASE_DIVISOR, BNB_DIVISOR, 5n * 10n ** 17n])
    it(`name the most keys for a budget and the fewest for a payout, divisor ${divisor}`, async () => {
      const fees = [5n * PERCENT, 31_415_926_535_897_932n] as const;
      const m = await deployMarket({ divisor, protocol: fees[0], subject: fees[1] });
      await m.create("twin", 1n);
      await m.networkHelpers.setBalance(m.alice.address, 2n ** 200n);
      const largest = await m.market.largestSupply();
      const any = fc.oneof(fc.bigInt(0n, 400n), fc.bigInt(0n, largest - 1n));
      await fc.assert(
        fc.asyncProperty(any, fc.bigInt(0n, 2n ** 130n), fc.bigInt(0n, 2n ** 64n), async (supply, big, small) => {
          const snapshot = await m.networkHelpers.takeSnapshot();
          if (supply > 0n) await m.as(m.alice)[BUY](ID, supply, { value: 2n ** 190n });
          const held = 1n + supply;
          for (const money of [big, small, 0n, price(held, 1n, divisor), price(0n, held, divisor)]) {
            const [bought, buy] = await m.market.sharesForBudget(ID, money);
            const costOf = (keys: bigint) => withFees(price(held, keys, divisor), ...fees).cost;
            expect(buy.total).to.equal(costOf(bought));
            expect(buy.total <= money).to.equal(true);
            expect(held + bought === largest || costOf(bought + 1n) > money).to.equal(true);

            const [sold, sale] = await m.market.sharesForPayout(ID, money);
            const payoutOf = (keys: bigint) => withFees(price(held - keys, keys, divisor), ...fees).payout;
            expect(sale.total).to.equal(payoutOf(sold));
            expect(sold === held || sale.total >= money).to.equal(true);
            expect(sold === 0n || payoutOf(sold - 1n) < money).to.equal(true);
          }
          await snapshot.restore();
        }),
        { numRuns: 20 },
      );
    });
});
