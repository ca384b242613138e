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
