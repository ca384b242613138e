import { expect } from "chai";
import { concat, dataSlice, keccak256, toBeHex } from "ethers";
import { Reason, reasonName } from "../support/outcome.ts";
import {
  collectedWords,
  EPOCH,
  escrowAt,
  FEE,
  MAX_AMOUNT,
  MAX_OWED,
  Mode,
  multiproofOf,
  Refusal,
  THAW,
  useEscrow,
  walletOf,
  ZeroAddress,
  ZeroHash,
} from "./support.ts";
import type { ChannelFields, EscrowWorld } from "./support.ts";
import type { ReceiptFields } from "../support/protocol.ts";

describe("InferenceEscrow: collecting", () => {
  const world = useEscrow();
  const payer = walletOf("payer");

  /** A payer's own channel with money behind it. */
  async function own(w: EscrowWorld, over: Partial<ChannelFields> = {}, money = FEE * 10n) {
    const c = w.channel(payer.address, over);
    if (money !== 0n) await w.fund(c.payer, money);
    return c;
  }
  const call = async (w: EscrowWorld, c: ChannelFields, rs: ReceiptFields[], index = 0, max?: bigint, key = payer) =>
    [await w.settle(rs), w.nodeId, w.modelId, w.claim(c, rs[index]!, key, index, max), w.proofOf(rs, index)] as const;

  async function refused(
    w: EscrowWorld,
    args: Parameters<EscrowWorld["escrow"]["collect"]>,
    refusal: bigint,
    why = 0n,
  ) {
    const view = await w.escrow.collectable(args[0], args[1], args[2], args[3], args[4]);
    expect(view).to.deep.equal([0n, refusal, why]);
    await expect(w.escrow.collect(args[0], args[1], args[2], args[3], args[4]))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_Refused")
      .withArgs(refusal, why);
  }

  for (const [name, mode] of [
    ["VANILLA", Mode.VANILLA],
    ["TEE", Mode.TEE],
  ] as const)
    it(`${name}: pays what the receipt costs, whoever carries it, and says every new total`, async () => {
      const w = world();
      const c = await own(w);
      const rs = [await w.answer(c, 1n, { mode }), await w.receiptIn(mode), await w.answer(c, 2n, { mode })];
      const args = await call(w, c, rs, 2);
      expect(await w.escrow.collectable(...args)).to.deep.equal([FEE * 2n, 0n, 0n]);
      const sent = w.escrow.connect(w.holder).collect(...args);
      await expect(sent)
        .to.emit(w.escrow, "Collected")
        .withArgs(
          w.channelIdOf(c),
          ...collectedWords(2n, { amount: FEE * 2n, paid: FEE * 2n, owed: FEE * 2n, balance: FEE * 8n }),
        );
      await expect(sent)
        .to.emit(w.escrow, "ChannelOpened")
        .withArgs(w.channelIdOf(c), c.payer, c.nodeId, c.signer, c.modelId, 7, 0n, 2n ** 96n - 1n, 2n ** 40n - 1n);
    });

  it("ZKML: pays for a proved receipt that settled alone, which has no settler", async () => {
    const w = world();
    const c = await own(w);
    const { receipt, evidence } = await w.proved({
      requestId: w.requestIdOf(c, 1n),
      payer: c.payer,
      sequence: 1n,
      cumulativeFee: FEE,
    });
    await w.registry.settleReceipts([w.signedReceipt(receipt, evidence)]);
    const settledAt = await w.registry.settledAt(w.receiptId(receipt));
    const stranger = w.signers.guardian.address;
    const batch = { ...w.alone(receipt), settler: stranger };
    await w.escrow.collect(batch, w.nodeId, w.modelId, w.claim(c, receipt, payer), []);
    await w.escrow.release([c]);
    expect(await w.feesOf(ZeroAddress, settledAt)).to.equal(FEE);
    expect(await w.feesOf(stranger, settledAt)).to.equal(0n);
  });

  it("pays the lesser of what was allowed and what it cost [R7]", async () => {
    const w = world();
    const c = await own(w);
    await w.escrow.collect(...(await call(w, c, [await w.answer(c, 1n)], 0, FEE - 5n)));
    expect((await w.escrow.session(w.channelIdOf(c))).paid).to.equal(FEE - 5n);
    await w.escrow.collect(...(await call(w, c, [await w.answer(c, 3n)], 0, FEE * 9n)));
    expect((await w.escrow.session(w.channelIdOf(c))).paid).to.equal(FEE * 3n);
  });

  it("pays no receipt twice, and nothing for one that is older than what was paid [R9]", async () => {
    const w = world();
    const c = await own(w);
    const rs = [await w.answer(c, 1n), await w.answer(c, 2n)];
    const [first, second] = [await call(w, c, rs, 0), await call(w, c, rs, 1)].map((args) => args);
    await w.escrow.collect(...second!);
    await refused(w, [...second!], Refusal.NothingDue);
    await refused(w, [...first!], Refusal.NothingDue);
  });

  it("pays what is there when the balance is short, and the rest when more comes", async () => {
    const w = world();
    const c = await own(w, {}, FEE - 1n);
    const args = await call(w, c, [await w.answer(c, 1n)]);
    await w.escrow.collect(...args);
    await refused(w, [...args], Refusal.EscrowEmpty);
    await w.fund(c.payer, 10n);
    expect(await w.escrow.collectable(...args)).to.deep.equal([1n, 0n, 0n]);
    await w.escrow.collect(...args);
    expect(await w.escrow.account(c.payer, w.nodeId)).to.deep.equal([9n, 0n, 0n]);
    await refused(w, [...args], Refusal.NothingDue);
  });

  it("collects what is thawing until it is withdrawn [R7]", async () => {
    const w = world();
    const { other } = w.signers;
    const session = walletOf("session");
    const c = w.channel(other.address, { signer: session.address });
    await w.fund(c.payer, FEE);
    await w.escrow.openChannel(c, FEE, 2n ** 40n - 1n);
    await w.escrow.thaw(w.nodeId, FEE);
    await w.goTo((await w.now()) + THAW + 1n);
    await w.escrow.collect(...(await call(w, c, [await w.answer(c, 1n)], 0, FEE, session)));
    await expect(w.escrow.withdraw(w.nodeId)).to.be.revertedWithCustomError(
      w.escrow,
      "InferenceEscrow_NothingToWithdraw",
    );
  });

  it("refuses a voucher that the signer did not sign, in any field, and a signature made malleable [R7]", async () => {
    const w = world();
    const c = await own(w);
    const args = await call(w, c, [await w.answer(c, 1n)]);
    const [batch, nodeId, modelId, claim, proof] = args;
    const bad = (over: object) =>
      refused(w, [batch, nodeId, modelId, { ...claim, ...over }, [...proof]], Refusal.BadVoucher);
    await bad({ fees: claim.fees + (1n << 128n) });
    await bad({ r: claim.vs });
    await bad({ r: "0x" + "00".repeat(32), vs: "0x" + "00".repeat(32) });
    const byOther = w.claim(c, await w.answer(c, 1n), walletOf("thief"));
    await bad({ r: byOther.r, vs: byOther.vs });
    const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const s = BigInt(claim.vs) & (2n ** 255n - 1n);
    const flipped = (n - s) | ((BigInt(claim.vs) >> 255n === 0n ? 1n : 0n) << 255n);
    if (n - s < 2n ** 255n) await bad({ vs: "0x" + flipped.toString(16).padStart(64, "0") });
    await w.escrow.collect(...args);
  });

  it("refuses a receipt of another request: the id is recomputed from channel and sequence [R5]", async () => {
    const w = world();
    const c = await own(w);
    const r = await w.answer(c, 1n, { requestId: w.requestIdOf(c, 2n) });
    await refused(w, [...(await call(w, c, [r]))], Refusal.NotVerified, Reason.NotInBatch);
    for (const over of [{ lane: 1n }, { modeMask: 5 }]) {
      const other = w.channel(payer.address, over);
      const args = await call(w, other, [await w.answer(c, 1n)]);
      await refused(w, [...args], Refusal.NotVerified, Reason.NotInBatch);
    }
  });

  it("refuses sequence 0, a mode outside the mask, and another node's key", async () => {
    const w = world();
    const c = await own(w);
    await refused(w, [...(await call(w, c, [await w.answer(c, 0n, { cumulativeFee: FEE })]))], Refusal.WrongSequence);
    const teeOnly = await own(w, { modeMask: 1 << Mode.TEE });
    await refused(w, [...(await call(w, teeOnly, [await w.answer(teeOnly, 1n)]))], Refusal.ModeNotAllowed);
    const elsewhere = await w.registerNode();
    const away = w.channel(payer.address, { nodeId: elsewhere });
    await w.fund(away.payer, FEE, elsewhere);
    const r = await w.answer(away, 1n);
    const args = [await w.settle([r]), elsewhere, w.modelId, w.claim(away, r, payer), [] as string[]] as const;
    await refused(w, [...args], Refusal.OtherNode);
  });

  it("refuses a receipt that does not read as verified, with the registry's reason [R3] [R4]", async () => {
    const w = world();
    const c = await own(w);
    const late = await w.answer(c, 1n, { completedAt: (await w.now()) - 4n * 86_400n });
    await refused(w, [...(await call(w, c, [late]))], Refusal.NotVerified, Reason.CompletedTooLongAgo);
    const args = await call(w, c, [await w.answer(c, 1n)]);
    const unsettled = { ...args[0], dataHash: "0x" + "11".repeat(32) };
    await refused(w, [unsettled, ...args.slice(1)] as never, Refusal.NotVerified, Reason.NotSettled);
    await refused(
      w,
      [...args.slice(0, 4), ["0x" + "11".repeat(32)]] as never,
      Refusal.NotVerified,
      Reason.ProofLengthMismatch,
    );
    await w.freeze(w.nodes, w.keyId);
    await refused(w, [...args], Refusal.NotVerified, Reason.KeyFrozen);
    await w.goTo((await w.now()) + 10n * 86_400n);
    await w.escrow.collect(...args);
  });

  it("reverts for bits beyond a field's type", async () => {
    const w = world();
    const c = await own(w);
    const args = await call(w, c, [await w.answer(c, 1n)]);
    const data = w.escrow.interface.encodeFunctionData("collect", [...args]);
    const to = await w.escrow.getAddress();
    // Selector, batch, node, model; then the claim's words: of these `signer` and `answer` have bits that are no field's.
    for (const [word, unused] of [
      [1, 24],
      [3, 184],
    ] as const)
      for (const bit of [256 - unused, 255]) {
        const at = 4 + 8 * 32 + word * 32 + 31 - (bit >> 3);
        const byte = BigInt(dataSlice(data, at, at + 1)) | (1n << BigInt(bit & 7));
        const dirty = concat([dataSlice(data, 0, at), toBeHex(byte, 1), dataSlice(data, at + 1)]);
        await expect(w.ethers.provider.call({ to, data: dirty }), `bit ${bit} of word ${word}`).to.be.revert(w.ethers);
      }
    // And the batch's: mode, count, settler.
    for (const word of [1, 3, 5]) {
      const at = 4 + word * 32;
      const dirty = concat([dataSlice(data, 0, at), "0x01", dataSlice(data, at + 1)]);
      await expect(w.ethers.provider.call({ to, data: dirty }), `word ${word} of the batch`).to.be.revert(w.ethers);
    }
    await w.ethers.provider.call({ to, data });
  });

  it("takes a payer that signs itself by its name or by none, and nobody for a signature that is none", async () => {
    const w = world();
    const c = await own(w);
    const [batch, nodeId, modelId, claim, proof] = await call(w, c, [await w.answer(c, 1n)]);
    const named = { ...claim, signer: claim.signer | BigInt(c.payer) };
    expect(claim.signer).to.not.equal(named.signer);
    for (const it of [claim, named])
      expect(await w.escrow.collectable(batch, nodeId, modelId, it, [...proof])).to.deep.equal([FEE, 0n, 0n]);
    const nobody = { ...w.channel(ZeroAddress) };
    const receipt = await w.answer(nobody, 1n);
    const unsigned = { ...w.claim(nobody, receipt, payer), r: ZeroHash, vs: ZeroHash };
    const settled = await w.settle([receipt]);
    await refused(w, [settled, nodeId, modelId, unsigned, []], Refusal.BadVoucher);
  });

  it("caps what a channel can ever pay at what can be counted, however much was signed", async () => {
    const w = world();
    const c = await own(w, {}, FEE);
    const args = await call(w, c, [await w.answer(c, 1n, { cumulativeFee: 2n ** 128n - 1n })]);
    await w.escrow.collect(...args);
    expect((await w.escrow.session(w.channelIdOf(c))).paid).to.equal(FEE);
    await refused(w, [...args], Refusal.EscrowEmpty);
    const place = await w.stateSlotOf(c);
    const word = BigInt(await w.ethers.provider.getStorage(await w.escrow.getAddress(), place));
    expect(word & MAX_AMOUNT).to.equal(FEE);
    await w.networkHelpers.setStorageAt(await w.escrow.getAddress(), place, toBeHex(word - FEE + MAX_AMOUNT - 5n, 32));
    await w.fund(c.payer, FEE);
    await expect(w.escrow.collect(...args))
      .to.emit(w.escrow, "Collected")
      .withArgs(
        w.channelIdOf(c),
        ...collectedWords(1n, { amount: 5n, paid: MAX_AMOUNT, owed: FEE + 5n, balance: FEE - 5n }),
      );
    expect(await w.escrow.session(w.channelIdOf(c))).to.deep.equal([MAX_AMOUNT, FEE + 5n, 0n, 0n]);
    await refused(w, [...args], Refusal.NothingDue);
  });

  it("tells the indexer of a claim's place nothing but its sequence, in one call and in many", async () => {
    const w = world();
    const c = await own(w);
    const last = 2n ** 64n - 1n;
    const rs = [
      await w.receiptIn(Mode.VANILLA),
      await w.answer(c, 7n),
      await w.answer(c, last, { cumulativeFee: FEE * 8n }),
    ];
    const args = await call(w, c, rs, 1);
    await w.escrow.collect(...args);
    const group = { batch: args[0], nodeId: w.nodeId, modelId: w.modelId, claims: [w.claim(c, rs[2]!, payer, 2)] };
    await expect(w.escrow.collectBatch([{ ...group, proof: w.proofOf(rs, 2) }]))
      .to.emit(w.escrow, "Collected")
      .withArgs(
        w.channelIdOf(c),
        ...collectedWords(last, { amount: FEE, paid: FEE * 8n, owed: FEE * 7n, balance: FEE * 2n }),
      );
  });

  describe("fees", () => {
    it("wait in the channel under the batch's settler and epoch, and anyone moves them on", async () => {
      const w = world();
      const c = await own(w);
      const settler = w.signers.guardian.address;
      const rs = [await w.answer(c, 1n)];
      const batch = await w.settle(rs, { settler });
      const settledAt = await w.registry.settledAt(w.batchDigest(batch));
      await w.escrow.collect(batch, w.nodeId, w.modelId, w.claim(c, rs[0]!, payer), []);
      expect((await w.escrow.session(w.channelIdOf(c))).owed).to.equal(FEE);
      const released = w.escrow.connect(w.holder).release([c, c, w.channel(payer.address, { lane: 9n })]);
      await expect(released).to.emit(w.escrow, "Released").withArgs(w.channelIdOf(c), FEE);
      await expect(released)
        .to.emit(w.escrow, "FeesAccrued")
        .withArgs(w.nodeId, w.modelId, settler, settledAt / EPOCH, FEE, FEE);
      expect((await (await released).wait())!.logs).to.have.length(2);
      await expect(w.escrow.forward(w.nodeId, w.modelId, settler, settledAt / EPOCH))
        .to.emit(w.escrow, "Forwarded")
        .withArgs(w.nodeId, w.modelId, settler, settledAt / EPOCH, FEE);
      expect(await w.token.balanceOf(await w.splitter.getAddress())).to.equal(FEE);
      await expect(w.escrow.forward(w.nodeId, w.modelId, settler, settledAt / EPOCH)).to.be.revertedWithCustomError(
        w.escrow,
        "InferenceEscrow_NothingToForward",
      );
    });

    const session = walletOf("session");
    /** A channel with much money behind it, by the payer's own key or by a session signer's. */
    async function rich(w: EscrowWorld, bySession: boolean) {
      const { other } = w.signers;
      const c = bySession ? w.channel(other.address, { signer: session.address }) : w.channel(payer.address);
      await w.fund(c.payer, MAX_OWED * 9n);
      if (bySession) await w.escrow.openChannel(c, MAX_AMOUNT, 2n ** 40n - 1n);
      return { c, key: bySession ? session : payer };
    }
    for (const bySession of [false, true])
      describe(bySession ? "of a session signer" : "of a payer's own key", () => {
        /** Settles a request by this settler and collects for it alone. */
        async function collected(
          w: EscrowWorld,
          { c, key }: Awaited<ReturnType<typeof rich>>,
          [sequence, settler]: [bigint, string],
          cumulativeFee = FEE * sequence,
        ) {
          const r = await w.answer(c, sequence, { cumulativeFee });
          const batch = await w.settle([r], { settler });
          await w.escrow.collect(batch, w.nodeId, w.modelId, w.claim(c, r, key), []);
          return w.registry.settledAt(w.batchDigest(batch));
        }

        it("move those of another settler or another epoch on, so that none are mixed", async () => {
          const w = world();
          const it = await rich(w, bySession);
          const [a, b] = [w.signers.guardian.address, w.signers.admin.address];
          const at: bigint[] = [];
          for (const [sequence, settler, wait] of [
            [1n, a, 0n],
            [2n, a, 0n],
            [3n, b, 0n],
            [4n, b, EPOCH],
            [5n, ZeroAddress, 0n],
            [6n, b, 0n],
          ] as const) {
            await w.goTo((await w.now()) + wait + 1n);
            at.push(await collected(w, it, [sequence, settler]));
          }
          expect(await w.feesOf(a, at[0]!)).to.equal(FEE * 2n);
          expect(await w.feesOf(b, at[2]!)).to.equal(FEE);
          expect(await w.feesOf(b, at[3]!)).to.equal(FEE);
          expect(await w.feesOf(ZeroAddress, at[4]!)).to.equal(FEE);
          await w.escrow.release([it.c]);
          expect(await w.feesOf(b, at[5]!)).to.equal(FEE * 2n);
          expect(await w.feesOf(ZeroAddress, at[0]!)).to.equal(0n);
        });

        it("wait for the same settler again after they were released, and never count twice", async () => {
          const w = world();
          const it = await rich(w, bySession);
          const a = w.signers.guardian.address;
          const at = await collected(w, it, [1n, a]);
          await w.escrow.release([it.c]);
          await w.escrow.release([it.c]);
          expect(await w.feesOf(a, at)).to.equal(FEE);
          await collected(w, it, [2n, a]);
          expect((await w.escrow.session(w.channelIdOf(it.c))).owed).to.equal(FEE);
          await w.escrow.release([it.c]);
          expect(await w.feesOf(a, at)).to.equal(FEE * 2n);
        });

        it("wait up to what the channel can count, and what is more goes on at once", async () => {
          const w = world();
          const it = await rich(w, bySession);
          const a = w.signers.guardian.address;
          const state = () => w.escrow.session(w.channelIdOf(it.c));
          const at = await collected(w, it, [1n, a], MAX_OWED - 1n);
          await collected(w, it, [2n, a], MAX_OWED);
          expect([(await state()).owed, await w.feesOf(a, at)]).to.deep.equal([MAX_OWED, 0n]);
          await collected(w, it, [3n, a], MAX_OWED + 1n);
          expect([(await state()).owed, await w.feesOf(a, at)]).to.deep.equal([1n, MAX_OWED]);
          await collected(w, it, [4n, a], MAX_OWED * 2n + 2n);
          expect([(await state()).owed, await w.feesOf(a, at)]).to.deep.equal([0n, MAX_OWED * 2n + 2n]);
          await collected(w, it, [5n, a], MAX_OWED * 2n + 3n);
          expect([(await state()).owed, (await state()).paid]).to.deep.equal([1n, MAX_OWED * 2n + 3n]);
          await w.escrow.release([it.c]);
          expect(await w.feesOf(a, at)).to.equal(MAX_OWED * 2n + 3n);
          await collected(w, it, [6n, ZeroAddress], MAX_OWED * 3n + 3n);
          expect([(await state()).owed, await w.feesOf(ZeroAddress, at)]).to.deep.equal([MAX_OWED, 0n]);
        });

        it("leave the session's limit and end as they were", async () => {
          const w = world();
          const it = await rich(w, bySession);
          const terms = bySession ? [MAX_AMOUNT, 2n ** 40n - 1n] : [0n, 0n];
          await collected(w, it, [1n, w.signers.guardian.address]);
          expect(await w.escrow.session(w.channelIdOf(it.c))).to.deep.equal([FEE, FEE, ...terms]);
          await w.escrow.release([it.c]);
          expect(await w.escrow.session(w.channelIdOf(it.c))).to.deep.equal([FEE, 0n, ...terms]);
        });
      });

    it("wait beside a tag of the settler that is the channel's own, so that no two channels share one", async () => {
      const w = world();
      const settler = w.signers.guardian.address;
      for (const lane of [0n, 1n]) {
        const c = await own(w, { lane });
        const r = await w.answer(c, 1n);
        const batch = await w.settle([r], { settler });
        const epoch = (await w.registry.settledAt(w.batchDigest(batch))) / EPOCH;
        await w.escrow.collect(batch, w.nodeId, w.modelId, w.claim(c, r, payer), []);
        const tag = BigInt(keccak256(concat([w.channelIdOf(c), "0x" + "00".repeat(12), settler]))) >> 176n;
        const place = await w.stateSlotOf(c);
        expect(BigInt(await w.ethers.provider.getStorage(await w.escrow.getAddress(), place))).to.equal(
          FEE | (FEE << 90n) | (epoch << 160n) | (tag << 176n),
        );
      }
    });

    it("are forwarded to the wei, or not at all", async () => {
      const w = world();
      const splitter = await w.ethers.deployContract("ShortSplitter", [await w.token.getAddress()]);
      const escrow = await w.ethers.deployContract("InferenceEscrow", [
        await w.token.getAddress(),
        await w.registry.getAddress(),
        await w.nodes.getAddress(),
        await splitter.getAddress(),
      ]);
      const short = await escrowAt(w, await escrow.getAddress());
      const c = short.channel(payer.address);
      await short.fund(c.payer, FEE);
      const r = await short.answer(c, 1n);
      const batch = await short.settle([r]);
      const proof: string[] = [];
      await short.escrow.collectBatch([
        { batch, nodeId: w.nodeId, modelId: w.modelId, claims: [short.claim(c, r, payer)], proof },
      ]);
      const epoch = (await w.registry.settledAt(w.batchDigest(batch))) / EPOCH;
      await expect(short.escrow.forward(w.nodeId, w.modelId, batch.settler, epoch))
        .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_SplitterTookOther")
        .withArgs(FEE, FEE - 1n);
    });
  });

  describe("many at once", () => {
    /** Payers with a channel and a settled receipt each, among other receipts. */
    async function many(w: EscrowWorld, n: number) {
      const keys = Array.from({ length: n }, (_, i) => walletOf(`payer ${i}`));
      const channels = keys.map((key) => w.channel(key.address));
      for (const c of channels) await w.fund(c.payer, FEE);
      const rs: ReceiptFields[] = [];
      for (const c of channels) rs.push(await w.answer(c, 1n), await w.receiptIn(Mode.VANILLA));
      const batch = await w.settle(rs);
      const indices = keys.map((_, i) => 2 * i);
      const claims = keys.map((key, i) => w.claim(channels[i]!, rs[2 * i]!, key, 2 * i));
      const proof = multiproofOf(rs.map(w.receiptId), indices);
      return { batch, nodeId: w.nodeId, modelId: w.modelId, claims, proof };
    }
    const events = async (w: EscrowWorld, sent: Promise<{ wait(): Promise<{ logs: readonly unknown[] } | null> }>) =>
      (await (await sent).wait())!.logs.map((log) => w.escrow.interface.parseLog(log as never)!);
    const skipped = (all: Awaited<ReturnType<typeof events>>) =>
      all
        .filter((each) => each.name === "ClaimSkipped")
        .map(({ args }) => [Number(args[0]), Number(args[1]), Number(args[2]), reasonName(args[3])]);

    it("pays each payer's receipt from its own balance, and writes fees once", async () => {
      const w = world();
      const group = await many(w, 5);
      const all = await events(w, w.escrow.collectBatch([group]));
      expect(all.map((each) => each.name).filter((name) => name === "Collected")).to.have.length(5);
      expect(all.filter((each) => each.name === "FeesAccrued")).to.have.length(1);
      expect(await w.feesOf(group.batch.settler, await w.registry.settledAt(w.batchDigest(group.batch)))).to.equal(
        FEE * 5n,
      );
    });

    it("skips a bad voucher with its place and why, and pays the others [R2]", async () => {
      const w = world();
      const group = await many(w, 4);
      group.claims[1] = { ...group.claims[1]!, fees: group.claims[1]!.fees + (1n << 128n) };
      const all = await events(w, w.escrow.collectBatch([group, group]));
      expect(skipped(all)).to.deep.equal([
        [0, 1, Number(Refusal.BadVoucher), "None"],
        [1, 0, Number(Refusal.NothingDue), "None"],
        [1, 1, Number(Refusal.BadVoucher), "None"],
        [1, 2, Number(Refusal.NothingDue), "None"],
        [1, 3, Number(Refusal.NothingDue), "None"],
      ]);
      expect(all.filter((each) => each.name === "Collected")).to.have.length(3);
    });

    it("lets a bad group harm only itself, and passes over an empty one [R2]", async () => {
      const w = world();
      const group = await many(w, 3);
      const bad = [
        { ...group, proof: group.proof.slice(1) },
        { ...group, claims: [group.claims[1]!, group.claims[0]!, group.claims[2]!] },
        { ...group, batch: { ...group.batch, dataHash: "0x" + "11".repeat(32) } },
        { ...group, claims: group.claims.map((each, i) => (i === 2 ? { ...each, fees: each.fees + 1n } : each)) },
        { ...group, claims: [] },
      ];
      const all = await events(w, w.escrow.collectBatch([...bad, group]));
      const of = (place: number, reason: string) =>
        [0, 1, 2].map((i) => [place, i, Number(Refusal.NotVerified), reason]);
      expect(skipped(all)).to.deep.equal([
        ...of(0, "ProofLengthMismatch"),
        ...of(1, "ProofLengthMismatch"),
        ...of(2, "NotSettled"),
        ...of(3, "NotInBatch"),
      ]);
      expect(all.filter((each) => each.name === "Collected")).to.have.length(3);
    });

    it("takes one channel's receipts in any number, each for what it adds", async () => {
      const w = world();
      const c = await own(w);
      const rs = [await w.answer(c, 1n), await w.answer(c, 2n), await w.answer(c, 5n)];
      const batch = await w.settle(rs);
      const claims = rs.map((r, i) => w.claim(c, r, payer, i));
      const group = { batch, nodeId: w.nodeId, modelId: w.modelId, claims, proof: [] as string[] };
      const all = await events(w, w.escrow.collectBatch([group]));
      const amounts = all
        .filter((each) => each.name === "Collected")
        .map(({ args }) => ((args[1] as bigint) >> 96n) % 2n ** 96n);
      expect(amounts).to.deep.equal([FEE, FEE, FEE * 3n]);
    });

    it("takes receipts that settled alone, of different epochs, and skips what did not settle", async () => {
      const w = world();
      const c = await own(w);
      const rs: ReceiptFields[] = [];
      const at: bigint[] = [];
      for (const sequence of [1n, 2n, 3n]) {
        const r = await w.answer(c, sequence);
        if (sequence !== 2n) await w.registry.settleReceipts([w.signedReceipt(r)]);
        at.push(await w.registry.settledAt(w.receiptId(r)));
        rs.push(r);
        if (sequence === 1n) await w.goTo((await w.now()) + EPOCH);
      }
      const claims = rs.map((r) => w.claim(c, r, payer));
      const group = { batch: w.alone(rs[0]!), nodeId: w.nodeId, modelId: w.modelId, claims, proof: [] as string[] };
      const all = await events(w, w.escrow.collectBatch([group]));
      expect(skipped(all)).to.deep.equal([[0, 1, Number(Refusal.NotVerified), "NotSettled"]]);
      expect([await w.feesOf(ZeroAddress, at[0]!), await w.feesOf(ZeroAddress, at[2]!)]).to.deep.equal([FEE, FEE * 2n]);
    });

    it("of another node's key is skipped whole", async () => {
      const w = world();
      const elsewhere = await w.registerNode();
      const away = w.channel(payer.address, { nodeId: elsewhere });
      const r = await w.answer(away, 1n);
      const batch = await w.settle([r]);
      const group = { batch, nodeId: elsewhere, modelId: w.modelId, claims: [w.claim(away, r, payer)], proof: [] };
      const all = await events(w, w.escrow.collectBatch([group]));
      expect(skipped(all)).to.deep.equal([[0, 0, Number(Refusal.OtherNode), "None"]]);
    });
  });
});
