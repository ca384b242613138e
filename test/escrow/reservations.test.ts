import { expect } from "chai";
import { id, keccak256, MaxUint256, type Signer } from "ethers";
import { Reason } from "../support/outcome.ts";
import { coder, Mode, type ReceiptFields } from "../support/protocol.ts";
import { EPOCH, FEE, Refusal, THAW, useEscrow, type EscrowWorld } from "./support.ts";

describe("InferenceEscrow: reservations", () => {
  const world = useEscrow();
  const inputHash = id("what is asked");
  const payerOf = (w: EscrowWorld) => w.signers.other.address;
  const requestIdOf = (asker: string, counter: bigint) =>
    keccak256(coder.encode(["uint256", "address", "uint256"], [31337n, asker, counter]));
  const terms = async (w: EscrowWorld, over: object = {}) => ({
    payer: payerOf(w),
    amount: FEE,
    nodeId: w.nodeId,
    modelId: w.modelId,
    inputHash,
    modeMask: 7,
    expiry: (await w.now()) + 86_400n,
    ...over,
  });
  const reserve = async (w: EscrowWorld, by: Signer, counter = 1n, over: object = {}) =>
    w.escrow.connect(by).reserve(counter, await terms(w, over));
  const balance = async (w: EscrowWorld) => (await w.escrow.account(payerOf(w), w.nodeId)).balance;

  /** A settled answer to a request, opened. */
  async function answered(w: EscrowWorld, requestId: string, over: Partial<ReceiptFields> = {}) {
    const base = { requestId, inputHash, payer: payerOf(w), cumulativeFee: FEE - 7n };
    const r = await w.receiptIn(over.mode ?? Mode.VANILLA, { ...base, ...over });
    return w.opening([r], await w.settle([r]), 0);
  }

  it("move the payer's money aside for one request, by an approved contract and within its allowance", async () => {
    const w = world();
    await w.fund(payerOf(w), FEE * 3n);
    await expect(reserve(w, w.holder))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_NotApproved")
      .withArgs(w.holder.address, 0n, FEE);
    await expect(w.escrow.approveReserver(w.holder.address, FEE + 1n))
      .to.emit(w.escrow, "ReserverApproved")
      .withArgs(payerOf(w), w.holder.address, FEE + 1n);
    await expect(reserve(w, w.holder)).to.emit(w.escrow, "Reserved");
    expect(await balance(w)).to.equal(FEE * 2n);
    expect((await w.escrow.reservation(requestIdOf(w.holder.address, 1n))).amount).to.equal(FEE);
    await expect(reserve(w, w.holder, 2n))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_NotApproved")
      .withArgs(w.holder.address, 1n, FEE);
    await w.escrow.approveReserver(w.holder.address, MaxUint256);
    await reserve(w, w.holder, 2n);
    expect(await w.escrow.reserverAllowance(payerOf(w), w.holder.address)).to.equal(MaxUint256);
  });

  it("need no approval where the payer asks itself, and never more than its balance", async () => {
    const w = world();
    await w.fund(payerOf(w), FEE - 1n);
    await expect(reserve(w, w.signers.other))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_InsufficientBalance")
      .withArgs(FEE - 1n, FEE);
    await reserve(w, w.signers.other, 1n, { amount: FEE - 1n });
    expect(await balance(w)).to.equal(0n);
  });

  it("are for known modes and a bounded time, to the second", async () => {
    const w = world();
    await w.fund(payerOf(w), FEE * 9n);
    const second = (await w.now()) + 100n;
    for (const [over, good] of [
      [{ expiry: second + 599n }, false],
      [{ expiry: second + 600n }, true],
      [{ expiry: second + 30n * 86_400n + 1n + 2n }, false],
      [{ modeMask: 0 }, false],
      [{ modeMask: 8 }, false],
    ] as const) {
      const full = await terms(w, over);
      const snapshot = await w.networkHelpers.takeSnapshot();
      await w.at("expiry" in over && over.expiry > second + 600n ? second + 2n : second);
      const sent = w.escrow.reserve(1n, full);
      if (good) await sent;
      else await expect(sent).to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_BadReservation");
      await snapshot.restore();
    }
    await expect(reserve(w, w.signers.other, 1n, { amount: 0n })).to.be.revertedWithCustomError(
      w.escrow,
      "InferenceEscrow_ZeroAmount",
    );
  });

  it("pay the answer, give the rest back at once, and once only [R7] [R9]", async () => {
    const w = world();
    await w.fund(payerOf(w), FEE * 3n);
    await reserve(w, w.signers.other);
    const requestId = requestIdOf(payerOf(w), 1n);
    const opening = await answered(w, requestId);
    await expect(w.escrow.connect(w.holder).collectReserved(requestId, opening))
      .to.emit(w.escrow, "ReservationCollected")
      .withArgs(requestId, FEE - 7n, 7n, FEE * 2n + 7n);
    const settledAt = await w.registry.settledAt(w.batchDigest(opening.batch));
    expect(await w.feesOf(opening.batch.settler, settledAt)).to.equal(FEE - 7n);
    await w.escrow.forward(w.nodeId, w.modelId, opening.batch.settler, settledAt / EPOCH);
    for (const again of [w.escrow.collectReserved(requestId, opening), w.escrow.returnReservation(requestId)])
      await expect(again).to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_NotReserved");
    await expect(reserve(w, w.signers.other))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_AlreadyReserved")
      .withArgs(requestId);
  });

  it("pay no more than was reserved", async () => {
    const w = world();
    await w.fund(payerOf(w), FEE * 3n);
    await reserve(w, w.signers.other);
    const requestId = requestIdOf(payerOf(w), 1n);
    await w.escrow.collectReserved(requestId, await answered(w, requestId, { cumulativeFee: FEE * 2n }));
    expect(await balance(w)).to.equal(FEE * 2n);
  });

  it("are paid to no answer of another request, payer, model, input, mode, sequence, time or node [R5]", async () => {
    const w = world();
    await w.fund(payerOf(w), FEE * 3n);
    const elsewhere = await w.registerNode();
    await w.fund(payerOf(w), FEE, elsewhere);
    const expiry = (await w.now()) + 700n;
    await reserve(w, w.signers.other, 1n, { modeMask: 1 << Mode.VANILLA, expiry });
    await reserve(w, w.signers.other, 2n, { nodeId: elsewhere });
    await w.goTo(expiry + 10n);
    const requestId = requestIdOf(payerOf(w), 1n);
    const good = { completedAt: expiry };
    const cases: [Partial<ReceiptFields>, bigint][] = [
      [{ requestId: id("other") }, Refusal.OtherRequest],
      [{ payer: w.holder.address }, Refusal.OtherRequest],
      [{ modelId: w.vanillaModelId }, Refusal.OtherRequest],
      [{ inputHash: id("other") }, Refusal.OtherRequest],
      [{ mode: Mode.TEE }, Refusal.ModeNotAllowed],
      [{ sequence: 1n }, Refusal.WrongSequence],
      [{ completedAt: expiry + 1n }, Refusal.SessionExpired],
    ];
    for (const [over, refusal] of cases)
      await expect(w.escrow.collectReserved(requestId, await answered(w, requestId, { ...good, ...over })))
        .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_Refused")
        .withArgs(refusal, 0n);
    const second = requestIdOf(payerOf(w), 2n);
    await expect(w.escrow.collectReserved(second, await answered(w, second)))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_Refused")
      .withArgs(Refusal.OtherNode, 0n);
    const opening = await answered(w, requestId, good);
    await w.freeze(w.nodes, w.keyId);
    await expect(w.escrow.collectReserved(requestId, opening))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_Refused")
      .withArgs(Refusal.NotVerified, Reason.KeyFrozen);
    await w.goTo((await w.now()) + 10n * 86_400n);
    await w.escrow.collectReserved(requestId, opening);
  });

  it("return to the payer 14 days after they expired, to the second, by anyone [R7]", async () => {
    const w = world();
    await w.fund(payerOf(w), FEE);
    await w.escrow.thaw(w.nodeId, FEE);
    const expiry = (await w.now()) + 700n;
    await reserve(w, w.signers.other, 1n, { expiry });
    const requestId = requestIdOf(payerOf(w), 1n);
    await w.at(expiry + THAW - 1n);
    await expect(w.escrow.returnReservation(requestId))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_StillReserved")
      .withArgs(expiry + THAW);
    await w.at(expiry + THAW);
    await expect(w.escrow.connect(w.holder).returnReservation(requestId))
      .to.emit(w.escrow, "ReservationReturned")
      .withArgs(requestId, FEE, FEE);
    await expect(w.escrow.returnReservation(requestId)).to.be.revertedWithCustomError(
      w.escrow,
      "InferenceEscrow_NotReserved",
    );
  });

  it("return as soon as they expired where the contract that reserved asks for it, and no other's number leads there", async () => {
    const w = world();
    await w.fund(payerOf(w), FEE * 2n);
    await w.escrow.approveReserver(w.holder.address, MaxUint256);
    const expiry = (await w.now()) + 700n;
    await reserve(w, w.holder, 7n, { expiry });
    await reserve(w, w.signers.other, 8n, { expiry });
    const requestId = requestIdOf(w.holder.address, 7n);
    await w.at(expiry);
    await expect(w.escrow.connect(w.holder).returnOwnReservation(7n))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_StillReserved")
      .withArgs(expiry + 1n);
    for (const [by, counter] of [
      [w.signers.other, 7n],
      [w.holder, 8n],
    ] as const)
      await expect(w.escrow.connect(by).returnOwnReservation(counter))
        .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_NotReserved")
        .withArgs(requestIdOf(by.address, counter));
    await expect(w.escrow.connect(w.holder).returnReservation(requestId))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_StillReserved")
      .withArgs(expiry + THAW);
    await w.at(expiry + 1n);
    await expect(w.escrow.connect(w.holder).returnOwnReservation(7n))
      .to.emit(w.escrow, "ReservationReturned")
      .withArgs(requestId, FEE, FEE);
    await expect(w.escrow.connect(w.holder).returnOwnReservation(7n)).to.be.revertedWithCustomError(
      w.escrow,
      "InferenceEscrow_NotReserved",
    );
  });

  it("that were collected or returned are not returned again, by whom ever, and an answer comes too late [R9]", async () => {
    const w = world();
    await w.fund(payerOf(w), FEE * 2n);
    const expiry = (await w.now()) + 700n;
    for (const counter of [1n, 2n]) await reserve(w, w.signers.other, counter, { expiry });
    const [first, second] = [requestIdOf(payerOf(w), 1n), requestIdOf(payerOf(w), 2n)];
    const openings = [await answered(w, first), await answered(w, second)] as const;
    await w.escrow.collectReserved(first, openings[0]);
    await w.goTo(expiry + THAW);
    await w.escrow.returnOwnReservation(2n);
    const before = await balance(w);
    for (const late of [
      w.escrow.returnOwnReservation(1n),
      w.escrow.returnOwnReservation(2n),
      w.escrow.returnReservation(second),
      w.escrow.collectReserved(second, openings[1]),
    ])
      await expect(late).to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_NotReserved");
    expect(await balance(w)).to.equal(before);
    expect(before).to.equal(FEE + 7n);
  });
});
