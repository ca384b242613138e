import { expect } from "chai";
import { gained, idOf, NEVER, tradesOf, useMarket } from "./support.ts";

const ETHER = 10n ** 18n;

describe("Batches", () => {
  const labels = ["one", "two", "three"];
  const market = useMarket({}, async (m) => {
    for (const label of labels) await m.create(label, 5n);
  });
  const order = (label: string, amount: bigint, limit: bigint) => ({ digitalTwinId: idOf(label), amount, limit });

  it("buy and sell in several twins at the quotes of each, with one refund and one payout", async () => {
    const m = market();
    const quotes = await Promise.all(labels.map((label, i) => m.market.quoteBuy(idOf(label), BigInt(i + 1))));
    const buys = labels.map((label, i) => order(label, BigInt(i + 1), quotes[i]!.total));
    const cost = quotes.reduce((sum, { total }) => sum + total, 0n);
    expect(await gained(m, m.alice, () => m.as(m.alice).buySharesBatch(buys, NEVER, { value: ETHER }))).to.equal(-cost);
    const paid = await Promise.all(labels.map((label, i) => m.market.quoteSell(idOf(label), BigInt(i + 1))));
    const sells = labels.map((label, i) => order(label, BigInt(i + 1), paid[i]!.total));
    const payout = paid.reduce((sum, { total }) => sum + total, 0n);
    expect(await gained(m, m.alice, () => m.as(m.alice).sellSharesBatch(sells, NEVER))).to.equal(payout);
    const fees = [...quotes, ...paid].reduce((sum, { protocolFee }) => sum + protocolFee, 0n);
    const before = 3n * (((await m.market.getSellPrice(idOf("one"), 5n)) * 3n) / 100n);
    expect(await m.market.unclaimedProtocolFees()).to.equal(fees + before);
    expect(await m.surplus()).to.equal(0n);
  });

  it("may name a twin twice: the second order finds the first one's price", async () => {
    const m = market();
    const [first, both] = [await m.market.quoteBuy(idOf("one"), 2n), await m.market.quoteBuy(idOf("one"), 5n)];
    const sent = await m
      .as(m.alice)
      .buySharesBatch([order("one", 2n, first.total), order("one", 3n, ETHER)], NEVER, { value: ETHER });
    const trades = await tradesOf(m, sent);
    expect(trades.map((trade) => trade[7])).to.deep.equal([7n, 10n]);
    expect(trades[0]![4] + trades[1]![4]).to.equal(both.price);
    expect(await m.surplus()).to.equal(0n);
  });

  it("happen whole or not at all, each order within its own limit", async () => {
    const m = market();
    const { total } = await m.market.quoteBuy(idOf("two"), 3n);
    await expect(
      m.as(m.alice).buySharesBatch([order("one", 1n, ETHER), order("two", 3n, total - 1n)], NEVER, { value: ETHER }),
    ).to.be.revertedWithCustomError(m.market, "TwinMarket_CostTooHigh");
    expect(await m.market.sharesBalance(idOf("one"), m.alice)).to.equal(0n);
    await expect(
      m.as(m.alice).buySharesBatch([order("one", 1n, ETHER), order("two", 3n, total)], NEVER, { value: total }),
    ).to.be.revertedWithCustomError(m.market, "TwinMarket_InsufficientPayment");
    const deadline = await m.now();
    for (const call of [
      () => m.as(m.alice).buySharesBatch([order("one", 1n, ETHER)], deadline, { value: ETHER }),
      () => m.as(m.creator).sellSharesBatch([order("one", 1n, 0n)], deadline),
    ])
      await expect(call()).to.be.revertedWithCustomError(m.market, "TwinMarket_Expired");
  });

  it("have 1 to 32 orders [FM:unbounded-loop]", async () => {
    const m = market();
    const orders = (n: number) => Array.from({ length: n }, () => order("one", 1n, ETHER));
    expect(await m.market.MAX_BATCH()).to.equal(32n);
    for (const n of [0, 33]) {
      await expect(m.as(m.alice).buySharesBatch(orders(n), NEVER, { value: ETHER }))
        .to.be.revertedWithCustomError(m.market, "TwinMarket_BadBatch")
        .withArgs(n);
      await expect(m.as(m.alice).sellSharesBatch(orders(n), NEVER))
        .to.be.revertedWithCustomError(m.market, "TwinMarket_BadBatch")
        .withArgs(n);
    }
    await m.as(m.alice).buySharesBatch(orders(32), NEVER, { value: ETHER });
    expect(await m.market.sharesBalance(idOf("one"), m.alice)).to.equal(32n);
    await m.as(m.alice).sellSharesBatch(
      orders(32).map((each) => ({ ...each, limit: 0n })),
      NEVER,
    );
    expect(await m.market.sharesBalance(idOf("one"), m.alice)).to.equal(0n);
    expect(await m.surplus()).to.equal(0n);
  });
});
