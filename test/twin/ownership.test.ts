import { expect } from "chai";
import { type Signer, ZeroAddress } from "ethers";
import {
  BUY,
  CLAIM,
  CLAIM_SIGNED,
  CREATE,
  CREATE_FULL,
  gained,
  ID,
  idOf,
  NEVER,
  tradesOf,
  useMarket,
  type Market,
} from "./support.ts";

const ETHER = 10n ** 18n;
const types = {
  TransferTwin: [
    { name: "digitalTwinId", type: "bytes16" },
    { name: "newOwner", type: "address" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
};

interface Consent {
  digitalTwinId: string;
  newOwner: string;
  nonce: bigint;
  deadline: bigint;
}

/** An owner's consent, built from the published types alone. */
async function consent(m: Market, by: Signer, over: Partial<Consent> & { newOwner: string }, domain = {}) {
  const message = { digitalTwinId: ID, nonce: 0n, deadline: NEVER, ...over };
  const own = { name: "OpenGradient TwinMarket", version: "1", chainId: 31337n, verifyingContract: m.address };
  return by.signTypedData({ ...own, ...domain }, types, message);
}

describe("Ownership of a twin [R8]", () => {
  const market = useMarket({}, async (m) => {
    await m.create("twin", 20n);
    await m.as(m.alice)[BUY](ID, 10n, { value: ETHER });
  });

  it("is the creator's at once where the creator names itself", async () => {
    const m = market();
    const twin = await m.market.twin(ID);
    expect([twin.owner, twin.claimant, twin.nonce]).to.deep.equal([m.creator.address, ZeroAddress, 0n]);
    expect(await m.market.twinOwner(ID)).to.equal(m.creator.address);
    await expect(m.as(m.creator)[CLAIM](ID))
      .to.be.revertedWithCustomError(m.market, "TwinMarket_NotClaimant")
      .withArgs(ID, ZeroAddress, m.creator.address);
  });

  it("of an unclaimed twin is its claimant's alone, who finds every fee since creation", async () => {
    const m = market();
    const id = idOf("unclaimed");
    const sent = m.as(m.creator)[CREATE_FULL](id, "", m.bob.address, 5n, 0n, 0n, { value: ETHER });
    await expect(sent).to.emit(m.market, "TwinCreated");
    await m.as(m.alice)[BUY](id, 20n, { value: ETHER });
    const { owner, claimant, unclaimedFees } = await m.market.twin(id);
    expect([owner, claimant]).to.deep.equal([ZeroAddress, m.bob.address]);
    for (const by of [m.creator, m.admin, m.eve])
      await expect(m.as(by)[CLAIM](id))
        .to.be.revertedWithCustomError(m.market, "TwinMarket_NotClaimant")
        .withArgs(id, m.bob.address, by.address);
    for (const by of [m.creator, m.bob, m.eve])
      await expect(m.as(by).claimSubjectFees(id, by.address)).to.be.revertedWithCustomError(
        m.market,
        "TwinMarket_NotOwner",
      );
    await expect(m.as(m.bob)[CLAIM](id))
      .to.emit(m.market, "OwnershipClaimed")
      .withArgs(id, ZeroAddress, m.bob.address, 1n, 0n);
    expect(unclaimedFees > 0n).to.equal(true);
    expect(await gained(m, m.bob, () => m.as(m.bob).claimSubjectFees(id, m.bob.address))).to.equal(unclaimedFees);
    await expect(m.as(m.bob)[CLAIM](id)).to.be.revertedWithCustomError(m.market, "TwinMarket_NotClaimant");
  });

  it("cannot be left to nobody, whose fees would be stuck", async () => {
    const m = market();
    await expect(m.as(m.creator)[CREATE_FULL](idOf("x"), "", ZeroAddress, 0n, 0n, 0n)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_ZeroAddress",
    );
  });

  it("goes over with the owner's signed consent, and the fees so far stay the former owner's", async () => {
    const m = market();
    const earned = (await m.market.twin(ID)).unclaimedFees;
    const signature = await consent(m, m.creator, { newOwner: m.bob.address });
    await expect(m.as(m.bob)[CLAIM_SIGNED](ID, NEVER, signature))
      .to.emit(m.market, "OwnershipClaimed")
      .withArgs(ID, m.creator.address, m.bob.address, 1n, earned);
    expect(await m.market.twinOwner(ID)).to.equal(m.bob.address);
    expect(await m.market.feesOwed(m.creator)).to.equal(earned);
    expect((await m.market.twin(ID)).unclaimedFees).to.equal(0n);
    const sent = m.as(m.creator).claimOwedFees(m.eve.address);
    await expect(sent).to.emit(m.market, "OwedFeesClaimed").withArgs(m.creator.address, m.eve.address, earned);
    await expect(m.as(m.creator).claimOwedFees(m.eve.address)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_NothingToClaim",
    );
    await m.as(m.alice)[BUY](ID, 10n, { value: ETHER });
    const later = (await m.market.twin(ID)).unclaimedFees;
    expect(await gained(m, m.bob, () => m.as(m.eve).claimSubjectFees(ID, m.bob.address))).to.equal(later);
    expect(await m.surplus()).to.equal(0n);
  });

  it("does not go over with anything that was signed otherwise", async () => {
    const m = market();
    const good = { newOwner: m.bob.address };
    const bad = (signature: string, by = m.bob, deadline = NEVER) =>
      expect(m.as(by)[CLAIM_SIGNED](ID, deadline, signature), signature)
        .to.be.revertedWithCustomError(m.market, "TwinMarket_BadConsent")
        .withArgs(ID, m.creator.address, 0n);
    await bad(await consent(m, m.creator, good), m.eve);
    await bad(await consent(m, m.creator, good), m.bob, NEVER - 1n);
    for (const over of [{ nonce: 1n }, { digitalTwinId: idOf("other") }, { newOwner: m.eve.address }, { deadline: 1n }])
      await bad(await consent(m, m.creator, { ...good, ...over }));
    for (const by of [m.admin, m.bob, m.eve, m.deployer]) await bad(await consent(m, by, good));
    for (const domain of [{ chainId: 1n }, { version: "2" }, { name: "Twin" }, { verifyingContract: m.bob.address }])
      await bad(await consent(m, m.creator, good, domain));
    for (const signature of ["0x", "0x" + "00".repeat(65), (await consent(m, m.creator, good)).slice(0, -2)])
      await bad(signature);
    await m.as(m.bob)[CLAIM_SIGNED](ID, NEVER, await consent(m, m.creator, good));
  });

  it("does not go over after the consent's deadline, to the second", async () => {
    const m = market();
    const deadline = (await m.now()) + 100n;
    const signature = await consent(m, m.creator, { newOwner: m.bob.address, deadline });
    await m.at(deadline + 1n);
    await expect(m.as(m.bob)[CLAIM_SIGNED](ID, deadline, signature))
      .to.be.revertedWithCustomError(m.market, "TwinMarket_Expired")
      .withArgs(deadline);
    const later = deadline + 200n;
    const again = await consent(m, m.creator, { newOwner: m.bob.address, deadline: later });
    await m.at(later);
    await m.as(m.bob)[CLAIM_SIGNED](ID, later, again);
  });

  it("is consented to once: neither after it came back nor by an owner that gave it away [R9]", async () => {
    const m = market();
    const first = await consent(m, m.creator, { newOwner: m.bob.address });
    await m.as(m.bob)[CLAIM_SIGNED](ID, NEVER, first);
    await expect(m.as(m.bob)[CLAIM_SIGNED](ID, NEVER, first)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_BadConsent",
    );
    const back = await consent(m, m.bob, { newOwner: m.creator.address, nonce: 1n });
    await m.as(m.creator)[CLAIM_SIGNED](ID, NEVER, back);
    await expect(m.as(m.bob)[CLAIM_SIGNED](ID, NEVER, first)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_BadConsent",
    );
  });

  it("keeps consents that the owner cancels from being used", async () => {
    const m = market();
    const signature = await consent(m, m.creator, { newOwner: m.bob.address });
    for (const by of [m.bob, m.admin])
      await expect(m.as(by).cancelConsents(ID))
        .to.be.revertedWithCustomError(m.market, "TwinMarket_NotOwner")
        .withArgs(ID, by.address);
    await expect(m.as(m.creator).cancelConsents(ID))
      .to.emit(m.market, "ConsentsCancelled")
      .withArgs(ID, m.creator.address, 1n);
    await expect(m.as(m.bob)[CLAIM_SIGNED](ID, NEVER, signature)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_BadConsent",
    );
  });

  it("of a twin without an owner, or of none, no signature moves", async () => {
    const m = market();
    const id = idOf("waiting");
    await m.as(m.creator)[CREATE_FULL](id, "", m.bob.address, 0n, 0n, 0n);
    for (const twin of [id, idOf("none")])
      for (const signature of ["0x", "0x" + "00".repeat(65), "0x" + "00".repeat(64) + "1b"])
        await expect(m.as(m.eve)[CLAIM_SIGNED](twin, NEVER, signature))
          .to.be.revertedWithCustomError(m.market, "TwinMarket_BadConsent")
          .withArgs(twin, ZeroAddress, 0n);
  });

  it("of a contract goes over by what the contract accepts (EIP-1271)", async () => {
    const m = market();
    const wallet = await m.actor();
    await wallet.act(m.market.interface.encodeFunctionData(CREATE, [idOf("wallet"), ""]));
    await expect(m.as(m.bob)[CLAIM_SIGNED](idOf("wallet"), NEVER, "0x1234")).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_BadConsent",
    );
    await wallet.accept(await m.market.consentDigest(idOf("wallet"), m.bob.address, NEVER));
    await expect(m.as(m.eve)[CLAIM_SIGNED](idOf("wallet"), NEVER, "0x1234")).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_BadConsent",
    );
    await m.as(m.bob)[CLAIM_SIGNED](idOf("wallet"), NEVER, "0x1234");
    expect(await m.market.twinOwner(idOf("wallet"))).to.equal(m.bob.address);
  });
});

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
