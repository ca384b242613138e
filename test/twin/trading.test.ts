import { expect } from "chai";
import { EventFragment, FunctionFragment, id, Interface } from "ethers";
import {
  BUY,
  BUY_BOUNDED,
  CREATE,
  gained,
  ID,
  idOf,
  NEVER,
  SELL,
  SELL_BOUNDED,
  SELL_MIN,
  tradesOf,
  useMarket,
} from "./support.ts";

const ETHER = 10n ** 18n;

describe("Twin.fun's interface", () => {
  const market = useMarket({}, (m) => m.create("twin", 5n));

  it("is there by the names and types that present front ends call", async () => {
    const present = new Interface(market().market.interface.fragments);
    for (const signature of [
      "createDigitalTwin(bytes16,string)",
      "buyShares(bytes16,uint256)",
      "sellShares(bytes16,uint256)",
      "sellShares(bytes16,uint256,uint256)",
      "getBuyPrice(bytes16,uint256)",
      "getSellPrice(bytes16,uint256)",
      "getBuyPriceAfterFee(bytes16,uint256)",
      "getSellPriceAfterFee(bytes16,uint256)",
      "setProtocolFeePercent(uint256)",
      "setSubjectFeePercent(uint256)",
    ]) {
      const fragment = present.getFunction(signature);
      expect(fragment?.selector, signature).to.equal(FunctionFragment.from(`function ${signature}`).selector);
      if (signature.startsWith("create") || signature.startsWith("buy")) expect(fragment?.payable).to.equal(true);
    }
    expect(present.getFunction("claimOwnership(bytes16)")).not.to.equal(null);
  });

  it("emits Trade as it was, nothing indexed", () => {
    const trade = market().market.interface.getEvent("Trade");
    const published = EventFragment.from(
      "event Trade(address trader, bytes16 digitalTwinId, bool isBuy, uint256 shareAmount, uint256 ethAmount, uint256 protocolEthAmount, uint256 subjectEthAmount, uint256 supply)",
    );
    expect(trade.topicHash).to.equal(published.topicHash);
    expect(trade.inputs.map(({ name, indexed }) => [name, indexed])).to.deep.equal(
      published.inputs.map(({ name }) => [name, false]),
    );
  });

  it("has no function beyond these that changes anything", () => {
    const writes = market()
      .market.interface.fragments.filter((part): part is FunctionFragment => part.type === "function")
      .filter(({ constant }) => !constant)
      .map((part) => part.format("sighash"));
    expect(writes.sort()).to.deep.equal([
      "buyShares(bytes16,uint256)",
      "buyShares(bytes16,uint256,uint256,uint256)",
      "buySharesBatch((bytes16,uint256,uint256)[],uint256)",
      "cancelConsents(bytes16)",
      "claimOwedFees(address)",
      "claimOwnership(bytes16)",
      "claimOwnership(bytes16,uint256,bytes)",
      "claimProtocolFees(address)",
      "claimSubjectFees(bytes16,address)",
      "createDigitalTwin(bytes16,string)",
      "createDigitalTwin(bytes16,string,address,uint256,uint256,uint256)",
      "sellShares(bytes16,uint256)",
      "sellShares(bytes16,uint256,uint256)",
      "sellShares(bytes16,uint256,uint256,uint256)",
      "sellSharesBatch((bytes16,uint256,uint256)[],uint256)",
      "setProtocolFeePercent(uint256)",
      "setSubjectFeePercent(uint256)",
      "withdrawFeeIncrease(uint8)",
    ]);
  });
});

describe("Buying", () => {
  const market = useMarket({}, (m) => m.create("twin", 5n));

  it("costs the quote, and gives back what was sent beyond it to the wei [FM:uncapped-fee]", async () => {
    const m = market();
    for (const [form, over] of [
      [BUY, 0n],
      [BUY, 1n],
      [BUY, ETHER],
      [BUY_BOUNDED, 0n],
      [BUY_BOUNDED, 12_345n],
    ] as const) {
      const { total } = await m.market.quoteBuy(ID, 7n);
      const value = total + over;
      const cost = await gained(m, m.alice, () =>
        form === BUY
          ? m.as(m.alice)[BUY](ID, 7n, { value })
          : m.as(m.alice)[BUY_BOUNDED](ID, 7n, total, NEVER, { value }),
      );
      expect(cost).to.equal(-total);
      expect(await m.surplus()).to.equal(0n);
    }
    expect(await m.market.sharesBalance(ID, m.alice)).to.equal(35n);
    expect(await m.market.sharesSupply(ID)).to.equal(40n);
  });

  it("needs the whole cost, fees counted, to the wei", async () => {
    const m = market();
    const { total } = await m.market.quoteBuy(ID, 7n);
    for (const call of [
      () => m.as(m.alice)[BUY](ID, 7n, { value: total - 1n }),
      () => m.as(m.alice)[BUY_BOUNDED](ID, 7n, total, NEVER, { value: total - 1n }),
    ])
      await expect(call())
        .to.be.revertedWithCustomError(m.market, "TwinMarket_InsufficientPayment")
        .withArgs(total, total - 1n);
  });

  it("keeps the buyer's bound on the cost, whatever was sent [FM:uncapped-fee]", async () => {
    const m = market();
    const { total } = await m.market.quoteBuy(ID, 7n);
    await m.as(m.eve)[BUY](ID, 1n, { value: ETHER });
    const dearer = (await m.market.quoteBuy(ID, 7n)).total;
    await expect(m.as(m.alice)[BUY_BOUNDED](ID, 7n, total, NEVER, { value: ETHER }))
      .to.be.revertedWithCustomError(m.market, "TwinMarket_CostTooHigh")
      .withArgs(dearer, total);
    await m.as(m.alice)[BUY_BOUNDED](ID, 7n, dearer, NEVER, { value: ETHER });
  });

  it("keeps the deadline, to the second", async () => {
    const m = market();
    const deadline = (await m.now()) + 100n;
    await m.at(deadline);
    await m.as(m.alice)[BUY_BOUNDED](ID, 1n, ETHER, deadline, { value: ETHER });
    await m.at(deadline + 1n);
    await expect(m.as(m.alice)[BUY_BOUNDED](ID, 1n, ETHER, deadline, { value: ETHER }))
      .to.be.revertedWithCustomError(m.market, "TwinMarket_Expired")
      .withArgs(deadline);
  });

  it("is of one key at least, of a twin that exists [FM:first-key-sniping]", async () => {
    const m = market();
    for (const call of [
      () => m.as(m.alice)[BUY](ID, 0n, { value: ETHER }),
      () => m.as(m.alice)[SELL](ID, 0n),
      () => m.as(m.alice).buySharesBatch([{ digitalTwinId: ID, amount: 0n, limit: ETHER }], NEVER),
    ])
      await expect(call()).to.be.revertedWithCustomError(m.market, "TwinMarket_ZeroAmount");
    await expect(m.as(m.alice)[BUY](idOf("none"), 1n, { value: ETHER }))
      .to.be.revertedWithCustomError(m.market, "TwinMarket_UnknownTwin")
      .withArgs(idOf("none"));
    await expect(m.market.twin(idOf("none"))).to.be.revertedWithCustomError(m.market, "TwinMarket_UnknownTwin");
  });

  it("takes no ether outside a trade", async () => {
    const m = market();
    await expect(m.alice.sendTransaction({ to: m.address, value: 1n })).to.revert(m.ethers);
    await expect(
      m.alice.sendTransaction({ to: m.address, data: id("sellShares(bytes16,uint256)").slice(0, 10), value: 1n }),
    ).to.revert(m.ethers);
  });
});

describe("Selling", () => {
  const market = useMarket({}, async (m) => {
    await m.create("twin", 5n);
    await m.as(m.alice)[BUY](ID, 20n, { value: ETHER });
  });

  it("pays the quote, in every form", async () => {
    const m = market();
    const alice = m.as(m.alice);
    const forms = [
      () => alice[SELL](ID, 4n),
      (least: bigint) => alice[SELL_MIN](ID, 4n, least),
      (least: bigint) => alice[SELL_BOUNDED](ID, 4n, least, NEVER),
      (least: bigint) => alice.sellSharesBatch([{ digitalTwinId: ID, amount: 4n, limit: least }], NEVER),
    ];
    for (const form of forms) {
      const { total } = await m.market.quoteSell(ID, 4n);
      expect(await gained(m, m.alice, () => form(total))).to.equal(total);
    }
    expect(await m.market.sharesBalance(ID, m.alice)).to.equal(4n);
    expect(await m.surplus()).to.equal(0n);
  });

  it("keeps the seller's bound on the payout, to the wei [FM:uncapped-fee]", async () => {
    const m = market();
    const { total } = await m.market.quoteSell(ID, 4n);
    for (const call of [
      () => m.as(m.alice)[SELL_MIN](ID, 4n, total + 1n),
      () => m.as(m.alice)[SELL_BOUNDED](ID, 4n, total + 1n, NEVER),
      () => m.as(m.alice).sellSharesBatch([{ digitalTwinId: ID, amount: 4n, limit: total + 1n }], NEVER),
    ])
      await expect(call())
        .to.be.revertedWithCustomError(m.market, "TwinMarket_PayoutTooLow")
        .withArgs(total, total + 1n);
  });

  it("keeps the deadline, to the second", async () => {
    const m = market();
    const deadline = (await m.now()) + 100n;
    await m.at(deadline);
    await m.as(m.alice)[SELL_BOUNDED](ID, 1n, 0n, deadline);
    await m.at(deadline + 1n);
    await expect(m.as(m.alice)[SELL_BOUNDED](ID, 1n, 0n, deadline)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_Expired",
    );
  });

  it("is of one's own keys only", async () => {
    const m = market();
    await expect(m.as(m.alice)[SELL](ID, 21n))
      .to.be.revertedWithCustomError(m.market, "TwinMarket_NotEnoughShares")
      .withArgs(20n, 21n);
    await expect(m.as(m.eve)[SELL](ID, 1n))
      .to.be.revertedWithCustomError(m.market, "TwinMarket_NotEnoughShares")
      .withArgs(0n, 1n);
    await expect(m.as(m.alice)[SELL](idOf("none"), 1n)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_NotEnoughShares",
    );
  });

  it("can be of the last key too, and the twin goes on from an empty curve", async () => {
    const m = market();
    await m.as(m.alice)[SELL](ID, 20n);
    await m.as(m.creator)[SELL](ID, 5n);
    expect(await m.market.sharesSupply(ID)).to.equal(0n);
    const fees = (await m.market.unclaimedProtocolFees()) + (await m.market.twin(ID)).unclaimedFees;
    expect(await m.market.liabilities()).to.equal(fees);
    expect(await gained(m, m.bob, () => m.as(m.bob)[BUY](ID, 1n))).to.equal(0n);
    expect(await m.market.sharesSupply(ID)).to.equal(1n);
  });

  it("straight after buying loses exactly both trades' fees, so never profits", async () => {
    const m = market();
    await m.networkHelpers.setBalance(m.bob.address, 10n ** 24n);
    for (const amount of [1n, 2n, 50n, 1_000n]) {
      const { total, protocolFee, subjectFee } = await m.market.quoteBuy(ID, amount);
      const bought = await gained(m, m.bob, () => m.as(m.bob)[BUY](ID, amount, { value: total }));
      const sold = await gained(m, m.bob, () => m.as(m.bob)[SELL](ID, amount));
      expect(bought + sold).to.equal(-2n * (protocolFee + subjectFee));
    }
  });
});

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

describe("The short form of creation", () => {
  const market = useMarket();

  it("makes the caller the owner and buys what the ether covers: the first key free, 300 at most, the rest back", async () => {
    const m = market();
    for (const [label, value, keys] of [
      ["nothing sent", 0n, 1n],
      ["a wei less than two keys", 656_249_999_999n, 1n],
      ["two keys", 656_250_000_000n, 2n],
      ["300 keys", 5_876_751_562_500_000_000n, 300n],
      ["a wei less than 300", 5_876_751_562_499_999_999n, 299n],
      ["far more", 20n * ETHER, 300n],
    ] as const) {
      const twin = idOf(label);
      let sent;
      const spent = await gained(
        m,
        m.alice,
        async () => (sent = await m.as(m.alice)[CREATE](twin, "https://x", { value })),
      );
      expect(await m.market.sharesBalance(twin, m.alice), label).to.equal(keys);
      const [trade] = await tradesOf(m, sent!);
      expect(-spent, label).to.equal(trade![4] + trade![5] + trade![6]);
      const { owner, claimant, openingLimit, url } = await m.market.twin(twin);
      expect([owner, claimant, openingLimit, url]).to.deep.equal([
        m.alice.address,
        "0x" + "00".repeat(20),
        0n,
        "https://x",
      ]);
    }
    expect(await m.surplus()).to.equal(0n);
  });
});
