import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { BUY, CREATE, CREATE_FULL, gained, ID, idOf, NEVER, tradesOf, useMarket } from "./support.ts";

const ETHER = 10n ** 18n;

describe("A fair start [FM:first-key-sniping]", () => {
  const market = useMarket();
  const day = 86_400n;

  it("lets the creator take up to 300 keys in the same step, ahead of everybody", async () => {
    const m = market();
    const id = idOf("fair");
    await expect(m.as(m.eve)[BUY](id, 1n, { value: ETHER })).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_UnknownTwin",
    );
    await expect(m.as(m.creator)[CREATE_FULL](id, "", m.creator.address, 301n, 0n, 0n, { value: 20n * ETHER }))
      .to.be.revertedWithCustomError(m.market, "TwinMarket_TooManyAtCreation")
      .withArgs(301n, 300n);
    const { total } = await m.market.quoteBuy(id, 300n);
    await expect(m.as(m.creator)[CREATE_FULL](id, "", m.creator.address, 300n, 0n, 0n, { value: total - 1n }))
      .to.be.revertedWithCustomError(m.market, "TwinMarket_InsufficientPayment")
      .withArgs(total, total - 1n);
    let sent;
    const create = async () =>
      (sent = await m.as(m.creator)[CREATE_FULL](id, "u", m.creator.address, 300n, 0n, 0n, { value: 20n * ETHER }));
    expect(await gained(m, m.creator, create)).to.equal(-total);
    const [trade] = await tradesOf(m, sent!);
    expect([trade![0], trade![3], trade![7]]).to.deep.equal([m.creator.address, 300n, 300n]);
    await expect(sent)
      .to.emit(m.market, "TwinCreated")
      .withArgs(id, m.creator.address, ZeroAddress, "u", await m.now(), 0n);
  });

  it("can be without any key for the creator, and then the first one is free for whoever comes", async () => {
    const m = market();
    const id = idOf("bare");
    const spent = await gained(m, m.creator, () =>
      m.as(m.creator)[CREATE_FULL](id, "", m.creator.address, 0n, 0n, 0n, { value: ETHER }),
    );
    expect(spent).to.equal(0n);
    expect(await gained(m, m.bob, () => m.as(m.bob)[BUY](id, 1n, { value: 5n }))).to.equal(0n);
  });

  it("takes an id once, owned or waiting", async () => {
    const m = market();
    await m.as(m.creator)[CREATE_FULL](idOf("owned"), "", m.creator.address, 0n, 0n, 0n);
    await m.as(m.creator)[CREATE_FULL](idOf("waiting"), "", m.bob.address, 0n, 0n, 0n);
    for (const id of [idOf("owned"), idOf("waiting")]) {
      for (const call of [
        () => m.as(m.eve)[CREATE](id, ""),
        () => m.as(m.creator)[CREATE_FULL](id, "", m.eve.address, 0n, 0n, 0n),
      ])
        await expect(call()).to.be.revertedWithCustomError(m.market, "TwinMarket_TwinExists").withArgs(id);
    }
  });

  it("limits what each account comes to hold during the opening, which ends to the second", async () => {
    const m = market();
    const id = idOf("opening");
    const start = (await m.now()) + 10n;
    await m.at(start);
    await m.as(m.creator)[CREATE_FULL](id, "", m.creator.address, 10n, 600n, 5n, { value: ETHER });
    const { openingEndsAt, openingLimit } = await m.market.twin(id);
    expect([openingEndsAt, openingLimit]).to.deep.equal([start + 600n, 5n]);
    const value = { value: ETHER };
    await m.as(m.alice)[BUY](id, 3n, value);
    for (const [by, amount, holding] of [
      [m.alice, 3n, 6n],
      [m.bob, 6n, 6n],
      [m.creator, 1n, 11n],
    ] as const)
      await expect(m.as(by)[BUY](id, amount, value))
        .to.be.revertedWithCustomError(m.market, "TwinMarket_AboveOpeningLimit")
        .withArgs(holding, 5n, start + 600n);
    const order = (amount: bigint) => ({ digitalTwinId: id, amount, limit: ETHER });
    await expect(m.as(m.bob).buySharesBatch([order(5n), order(1n)], NEVER, value)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_AboveOpeningLimit",
    );
    await m.as(m.alice)[BUY](id, 2n, value);
    await m.at(start + 599n);
    await expect(m.as(m.alice)[BUY](id, 1n, value)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_AboveOpeningLimit",
    );
    await m.at(start + 600n);
    await m.as(m.alice)[BUY](id, 40n, value);
  });

  it("never limits a sale during the opening", async () => {
    const m = market();
    const id = idOf("leaving");
    await m.as(m.creator)[CREATE_FULL](id, "", m.creator.address, 10n, day, 1n, { value: ETHER });
    await m.as(m.alice)[BUY](id, 1n, { value: ETHER });
    await m.as(m.alice)["sellShares(bytes16,uint256)"](id, 1n);
    await m.as(m.creator)["sellShares(bytes16,uint256)"](id, 10n);
    expect(await m.market.sharesSupply(id)).to.equal(0n);
  });

  it("has an opening of a day at most, with a limit exactly where there is an opening", async () => {
    const m = market();
    for (const [duration, limit] of [
      [day + 1n, 1n],
      [2n ** 200n, 1n],
      [1n, 0n],
      [0n, 1n],
      [1n, 2n ** 40n],
    ] as const)
      await expect(m.as(m.creator)[CREATE_FULL](ID, "", m.creator.address, 0n, duration, limit))
        .to.be.revertedWithCustomError(m.market, "TwinMarket_BadOpening")
        .withArgs(duration, limit);
    await m.as(m.creator)[CREATE_FULL](ID, "", m.creator.address, 0n, day, 2n ** 40n - 1n);
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
