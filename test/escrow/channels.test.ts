import { expect } from "chai";
import { TypedDataEncoder } from "ethers";
import { FEE, Refusal, THAW, useEscrow, walletOf, type ChannelFields, type EscrowWorld } from "./support.ts";

const openTypes = {
  OpenChannel: [
    { name: "channelId", type: "bytes32" },
    { name: "limit", type: "uint96" },
    { name: "expiry", type: "uint40" },
    { name: "deadline", type: "uint256" },
  ],
};
const NEVER = 2n ** 40n - 1n;

describe("InferenceEscrow: session signers", () => {
  const world = useEscrow();
  const signer = walletOf("signer");
  const channelOf = (w: EscrowWorld, over: Partial<ChannelFields> = {}) =>
    w.channel(w.signers.other.address, { signer: signer.address, ...over });

  /** What a claim on a fresh settled receipt of this channel would be paid. */
  async function collectable(w: EscrowWorld, c: ChannelFields, over: Parameters<EscrowWorld["answer"]>[2] = {}) {
    const r = await w.answer(c, 1n, over);
    const batch = await w.settle([r]);
    const { amount, refusal } = await w.escrow.collectable(batch, w.nodeId, w.modelId, w.claim(c, r, signer), []);
    return [amount, refusal];
  }

  it("are opened by the payer alone, with every field in the event and in the id", async () => {
    const w = world();
    const c = channelOf(w, { modeMask: 5, lane: 7n });
    expect(await w.escrow.channelIdOf(c)).to.equal(w.channelIdOf(c));
    await expect(w.escrow.connect(w.holder).openChannel(c, 1n, NEVER))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_NotPayer")
      .withArgs(c.payer, w.holder.address);
    await expect(w.escrow.openChannel(c, 9n, NEVER))
      .to.emit(w.escrow, "ChannelOpened")
      .withArgs(w.channelIdOf(c), c.payer, c.nodeId, c.signer, c.modelId, 5, 7n, 9n, NEVER);
    expect(await w.escrow.session(w.channelIdOf(c))).to.deep.equal([0n, 0n, 9n, NEVER]);
  });

  it("need a mask of known modes, a signer that is not the payer, a limit, and a time to come", async () => {
    const w = world();
    const now = await w.now();
    for (const [over, limit, expiry] of [
      [{ modeMask: 0 }, 1n, NEVER],
      [{ modeMask: 8 }, 1n, NEVER],
      [{ signer: "0x" + "00".repeat(20) }, 1n, NEVER],
      [{}, 0n, NEVER],
      [{}, 1n, now],
    ] as const)
      await expect(w.escrow.openChannel(channelOf(w, over), limit, expiry)).to.be.revertedWithCustomError(
        w.escrow,
        "InferenceEscrow_BadSession",
      );
    const own = w.channel(w.signers.other.address);
    for (const call of [w.escrow.openChannel(own, 1n, NEVER), w.escrow.withdrawSigner(own)])
      await expect(call).to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_OwnSigner");
  });

  it("may be opened by the payer's signature, sent by anyone, for exactly what it says and until its deadline", async () => {
    const w = world();
    const c = channelOf(w);
    const deadline = (await w.now()) + 600n;
    const message = { channelId: w.channelIdOf(c), limit: 9n, expiry: NEVER, deadline };
    const signature = await w.signers.other.signTypedData(w.escrowDomain, openTypes, message);
    const relay = w.escrow.connect(w.holder);
    for (const [channel, limit, expiry, until] of [
      [channelOf(w, { lane: 1n }), 9n, NEVER, deadline],
      [c, 10n, NEVER, deadline],
      [c, 9n, NEVER - 1n, deadline],
      [c, 9n, NEVER, deadline + 1n],
    ] as const)
      await expect(
        relay.openChannelBySignature(channel, limit, expiry, until, signature),
      ).to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_BadSignature");
    await expect(relay.openChannelBySignature(c, 9n, NEVER, deadline, signature)).to.emit(w.escrow, "ChannelOpened");
    const late = { ...message, channelId: w.channelIdOf(channelOf(w, { lane: 2n })) };
    const other = await w.signers.other.signTypedData(w.escrowDomain, openTypes, late);
    await w.at(deadline + 1n);
    await expect(relay.openChannelBySignature(channelOf(w, { lane: 2n }), 9n, NEVER, deadline, other))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_SignatureExpired")
      .withArgs(deadline);
  });

  it("may be opened for a payer that is a contract, by what it accepts (EIP-1271)", async () => {
    const w = world();
    const payer = await w.ethers.deployContract("ContractPayer");
    const c = w.channel(await payer.getAddress(), { signer: signer.address });
    const deadline = (await w.now()) + 600n;
    const message = { channelId: w.channelIdOf(c), limit: FEE, expiry: NEVER, deadline };
    const open = () => w.escrow.openChannelBySignature(c, FEE, NEVER, deadline, "0x01");
    await expect(open()).to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_BadSignature");
    await payer.getFunction("accept")(TypedDataEncoder.hash(w.escrowDomain, openTypes, message));
    await open();
    await w.fund(c.payer, FEE);
    expect(await collectable(w, c)).to.deep.equal([FEE, Refusal.None]);
  });

  it("open once: neither a signature nor the payer revives one that was withdrawn (R9)", async () => {
    const w = world();
    const c = channelOf(w);
    const deadline = 2n ** 60n;
    const message = { channelId: w.channelIdOf(c), limit: 9n, expiry: NEVER, deadline };
    const signature = await w.signers.other.signTypedData(w.escrowDomain, openTypes, message);
    await w.escrow.openChannelBySignature(c, 9n, NEVER, deadline, signature);
    await w.escrow.withdrawSigner(c);
    await w.goTo((await w.now()) + 2n * THAW);
    for (const call of [
      w.escrow.openChannelBySignature(c, 9n, NEVER, deadline, signature),
      w.escrow.openChannel(c, 9n, NEVER),
    ])
      await expect(call)
        .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_AlreadyOpened")
        .withArgs(w.channelIdOf(c));
  });

  it("end 14 days after they are withdrawn, or before if that was their end (R7)", async () => {
    const w = world();
    const [long, short] = [channelOf(w), channelOf(w, { lane: 1n })];
    const soon = (await w.now()) + 1_000n;
    await w.escrow.openChannel(long, 9n, NEVER);
    await w.escrow.openChannel(short, 9n, soon);
    await expect(w.escrow.connect(w.holder).withdrawSigner(long)).to.be.revertedWithCustomError(
      w.escrow,
      "InferenceEscrow_NotPayer",
    );
    const at = (await w.now()) + 100n;
    await w.at(at);
    await expect(w.escrow.withdrawSigner(long))
      .to.emit(w.escrow, "SignerWithdrawn")
      .withArgs(w.channelIdOf(long), at + THAW);
    await expect(w.escrow.withdrawSigner(short))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_AlreadyWithdrawn")
      .withArgs(soon);
    await w.goTo(at + 500n);
    await expect(w.escrow.withdrawSigner(long))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_AlreadyWithdrawn")
      .withArgs(at + THAW);
  });

  it("that were never opened can be withdrawn, so that a signature still out is worth nothing", async () => {
    const w = world();
    const c = channelOf(w);
    const message = { channelId: w.channelIdOf(c), limit: 9n, expiry: NEVER, deadline: NEVER };
    const signature = await w.signers.other.signTypedData(w.escrowDomain, openTypes, message);
    await w.escrow.withdrawSigner(c);
    await expect(w.escrow.openChannelBySignature(c, 9n, NEVER, NEVER, signature)).to.be.revertedWithCustomError(
      w.escrow,
      "InferenceEscrow_AlreadyOpened",
    );
    await w.fund(c.payer, FEE);
    expect(await collectable(w, c)).to.deep.equal([0n, Refusal.NotOpened]);
  });

  it("pay for what was completed up to their last second, and nothing after it", async () => {
    const w = world();
    const end = (await w.now()) + 1_000n;
    const c = channelOf(w);
    await w.escrow.openChannel(c, FEE, end);
    await w.fund(c.payer, FEE);
    await w.goTo(end + 100n);
    expect(await collectable(w, c, { completedAt: end })).to.deep.equal([FEE, Refusal.None]);
    expect(await collectable(w, c, { completedAt: end + 1n })).to.deep.equal([0n, Refusal.SessionExpired]);
  });

  it("pay up to their limit and not a wei more, whatever they sign (R7)", async () => {
    const w = world();
    const c = channelOf(w);
    await w.escrow.openChannel(c, FEE - 1n, NEVER);
    await w.fund(c.payer, FEE * 5n);
    const first = await w.answer(c, 1n);
    const second = await w.answer(c, 2n);
    const batch = await w.settle([first, second]);
    const receipts = [first, second];
    await w.escrow.collect(batch, w.nodeId, w.modelId, w.claim(c, first, signer, 0), w.proofOf(receipts, 0));
    expect((await w.escrow.session(w.channelIdOf(c))).paid).to.equal(FEE - 1n);
    await expect(w.escrow.collect(batch, w.nodeId, w.modelId, w.claim(c, second, signer, 1), w.proofOf(receipts, 1)))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_Refused")
      .withArgs(Refusal.LimitReached, 0n);
  });
});
