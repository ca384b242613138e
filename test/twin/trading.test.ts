import { expect } from "chai";
import { EventFragment, FunctionFragment, id, Interface } from "ethers";
import { BUY, BUY_BOUNDED, gained, ID, idOf, NEVER, SELL, SELL_BOUNDED, SELL_MIN, useMarket } from "./support.ts";

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
