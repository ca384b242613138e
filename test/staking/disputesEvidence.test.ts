import { expect } from "chai";
import { TypedDataEncoder, ZeroHash } from "ethers";
import { Mode, NO_BATCH, receiptTypes, type ReceiptFields } from "../support/protocol.ts";
import { MEASUREMENT, SECONDS } from "../support/world.ts";
import { BPS, flawName, hash, highS, notProven, tampered, useDisputes } from "./disputesSupport.ts";

describe("Disputes: evidence and effect", () => {
  const world = useDisputes();
  const twice = (mode: number, over?: Partial<ReceiptFields>) => world().twice(mode, over);

  describe("evidence", () => {
    const flawOf = async (statement: Parameters<ReturnType<typeof world>["disputes"]["statement"]>[0]) =>
      flawName((await world().disputes.statement(statement)).flaw);

    it("is a receipt under its key's signature", async () => {
      const w = world();
      const receipt = await w.receiptIn(Mode.VANILLA);
      const found = await w.disputes.statement(w.alone(receipt));
      expect([...found]).to.deep.equal([0n, w.receiptId(receipt), w.nodeId]);
      expect(await flawOf(w.alone(receipt, w.stranger))).to.equal("BadSignature");
      expect(await flawOf(w.alone({ ...receipt, keyId: hash("nobody's key") }))).to.equal("UnknownKey");
      const target = await w.enclaves.measurementTarget(MEASUREMENT);
      expect(await flawOf(w.alone({ ...receipt, keyId: target }))).to.equal("UnknownKey");
    });

    it("has one form of signature: 65 bytes, low s", async () => {
      const w = world();
      const statement = w.alone(await w.receiptIn(Mode.VANILLA));
      for (const signature of [
        "0x",
        statement.signature.slice(0, 130),
        highS(statement.signature),
        "0x" + "00".repeat(65),
      ])
        expect(await flawOf({ ...statement, signature })).to.equal("BadSignature");
    });

    it("is a leaf with exactly its proof", async () => {
      const w = world();
      const receipts = [await w.receiptIn(0), await w.receiptIn(0), await w.receiptIn(0)];
      const honest = w.leaf(receipts, 1);
      expect(await flawOf(honest)).to.equal("None");
      const { proof, batch } = honest.opening;
      expect(await flawOf(tampered(honest, { index: 3 }))).to.equal("IndexOutOfRange");
      expect(await flawOf(tampered(honest, { index: 0 }))).to.equal("NotInBatch");
      expect(await flawOf(tampered(honest, { proof: proof.slice(1) }))).to.equal("ProofLengthMismatch");
      expect(await flawOf(tampered(honest, { proof: [...proof, ZeroHash] }))).to.equal("ProofLengthMismatch");
      expect(await flawOf(tampered(honest, { proof: [...proof].reverse() }))).to.equal("NotInBatch");
      expect(await flawOf(tampered(honest, { receipt: { ...receipts[1]!, inputHash: hash("x") } }))).to.equal(
        "NotInBatch",
      );
      expect(await flawOf(tampered(honest, { batch: { ...batch, dataHash: hash("x") } }))).to.equal("BadSignature");
      expect(await flawOf(tampered(honest, { batch: NO_BATCH }))).to.equal("BadSignature");
    });

    it("is no leaf of another key's or mode's batch: a stranger's batch says nothing about a key", async () => {
      const w = world();
      const receipt = await w.receiptIn(Mode.VANILLA);
      expect(await flawOf(w.leaf([receipt], 0, { keyId: w.enclaveKeyId }, w.enclaveKey))).to.equal("KeyMismatch");
      expect(await flawOf(w.leaf([receipt], 0, { mode: Mode.TEE }))).to.equal("ModeMismatch");
    });

    it("is refused where a field has bits beyond its type", async () => {
      const w = world();
      const statement = w.alone(await w.receiptIn(Mode.VANILLA));
      const data = w.disputes.interface.encodeFunctionData("statement", [statement]);
      // The mode is the last word of the receipt, the twelfth behind the offsets of statement, opening and batch's end.
      const place = 10 + 64 * (1 + 2 + 11);
      expect(BigInt("0x" + data.slice(place, place + 64))).to.equal(BigInt(Mode.VANILLA));
      const dirty = data.slice(0, place) + "1".padEnd(64, "0") + data.slice(place + 64);
      const call = w.ethers.provider.call({ to: await w.disputes.getAddress(), data: dirty });
      const error = await call.then(
        () => "",
        (problem: Error) => problem.message,
      );
      expect(error).to.contain("ReceiptLib_NonCanonical");
    });

    it("of another chain's or registry's domain is none", async () => {
      const w = world();
      const receipt = await w.receiptIn(Mode.VANILLA);
      for (const over of [{ chainId: 1n }, { verifyingContract: w.stranger.address }]) {
        const digest = TypedDataEncoder.hash({ ...w.domain, ...over }, receiptTypes, receipt);
        const statement = { ...w.alone(receipt), signature: w.operatorKey.signingKey.sign(digest).serialized };
        expect(await flawOf(statement)).to.equal("BadSignature");
      }
    });

    it("that proves nothing costs a reporter its gas and nobody else anything", async () => {
      const w = world();
      const [a, b] = await twice(Mode.VANILLA);
      for (const [left, right] of [
        [w.alone(a, w.stranger), w.alone(b)],
        [w.alone(a), w.alone(b, w.stranger)],
      ] as const)
        await notProven(w, w.disputes.reportEquivocation(left, right), "BadSignature");
      expect(await w.slashes()).to.deep.equal([]);
      expect(await w.disputes.provenBps(w.keyId, a.requestId)).to.equal(0n);
    });
  });

  describe("once", () => {
    it("counts a request once for a key, whoever reports it and however it is evidenced [R9]", async () => {
      const w = world();
      const [a, b] = await twice(Mode.VANILLA);
      const c = { ...a, outputHash: hash("a third answer") };
      await w.disputes.reportEquivocation(w.alone(a), w.alone(b));
      for (const pair of [
        [w.alone(a), w.alone(b)],
        [w.alone(b), w.alone(a)],
        [w.leaf([a], 0), w.alone(c)],
      ] as const) {
        await notProven(w, w.disputes.reportEquivocation(...pair), "AlreadyProven");
        const stranger = w.disputes.connect(w.signers.guardian);
        await notProven(w, stranger.reportEquivocation(...pair), "AlreadyProven");
      }
      const foreign = { ...a, mode: Mode.ZKML };
      await notProven(w, w.disputes.reportForeignLeaf(w.leaf([a, foreign], 1)), "AlreadyProven");
      expect((await w.slashes()).length).to.equal(1);
    });

    it("counts another request, and another key's same request, anew [R9]", async () => {
      const w = world();
      const [a, b] = await twice(Mode.VANILLA);
      await w.disputes.reportEquivocation(w.alone(a), w.alone(b));
      const [c, d] = await twice(Mode.VANILLA);
      await w.disputes.reportEquivocation(w.alone(c), w.alone(d));
      const enclave = (receipt: ReceiptFields) => w.alone({ ...receipt, keyId: w.enclaveKeyId, mode: Mode.TEE });
      await w.disputes.reportEquivocation(enclave(a), enclave(b));
      expect((await w.slashes()).length).to.equal(3);
    });

    it("does not let an operator buy itself off a heavy fault with a light one of its own", async () => {
      const w = world();
      const channel = w.channel();
      const a = await w.inChannel(channel, 1n, 10n);
      const b = await w.inChannel(channel, 2n, 9n);
      await w.disputes.reportChannelFault(channel, w.alone(a), w.alone(b));
      for (const [place, receipt] of [a, b].entries()) {
        await w.disputes.reportEquivocation(w.alone(receipt), w.alone({ ...receipt, outputHash: hash("x") }));
        expect((await w.slashes())[place + 1]![2]).to.equal(BPS.equivocation);
      }
      await notProven(w, w.disputes.reportChannelFault(channel, w.alone(a), w.alone(b)), "AlreadyProven");
    });

    it("counts a channel fault for both receipts: one wrong total is one fault, not one a later receipt", async () => {
      const w = world();
      const channel = w.channel();
      const [a, b, c, d] = [
        w.alone(await w.inChannel(channel, 1n, 1_000n)),
        w.alone(await w.inChannel(channel, 2n, 20n)),
        w.alone(await w.inChannel(channel, 3n, 30n)),
        w.alone(await w.inChannel(channel, 4n, 29n)),
      ] as const;
      await w.disputes.reportChannelFault(channel, a, b);
      await notProven(w, w.disputes.reportChannelFault(channel, a, c), "AlreadyProven");
      await notProven(w, w.disputes.reportChannelFault(channel, a, d), "AlreadyProven");
      await w.disputes.reportChannelFault(channel, c, d);
      expect((await w.slashes()).length).to.equal(2);
    });

    it("leaves nothing to be repeated from within a slash", async () => {
      const w = world();
      const [a, b] = await twice(Mode.VANILLA);
      const pair = [w.alone(a), w.alone(b)] as const;
      const data = w.disputes.interface.encodeFunctionData("reportEquivocation", [...pair]);
      await w.slasher.getFunction("callBack")(await w.disputes.getAddress(), data);
      await w.disputes.reportEquivocation(...pair);
      expect(await w.slasher.getFunction("reentered").staticCall()).to.equal(false);
      expect((await w.slashes()).length).to.equal(1);
    });
  });

  describe("nothing stops a report", () => {
    const report = async () => {
      const w = world();
      const [a, b] = await twice(Mode.VANILLA);
      const [c, d] = await twice(Mode.TEE);
      await w.disputes.reportEquivocation(w.alone(a), w.alone(b));
      await w.disputes.reportEquivocation(w.alone(c), w.alone(d));
      const channel = w.channel();
      const [e, f] = [await w.inChannel(channel, 1n, 10n), await w.inChannel(channel, 2n, 9n)];
      await w.disputes.reportChannelFault(channel, w.alone(e), w.alone(f));
      await w.disputes.reportForeignLeaf(w.leaf([a, { ...e, mode: 1 }], 1));
      expect((await w.slashes()).length).to.equal(4);
    };

    it("not a pause of settlement, not frozen keys, nodes or models [FM:slashing-paused] [R8]", async () => {
      const w = world();
      await w.registry.connect(w.signers.guardian).pause();
      await w.freeze(w.nodes, w.keyId);
      await w.freeze(w.enclaves, w.enclaveKeyId);
      await w.freeze(w.models, w.modelId);
      await expect(w.registry.settleBatches([])).to.be.revertedWithCustomError(w.registry, "InferenceRegistry_Paused");
      await report();
    });

    it("not a registry that closed [R10]", async () => {
      const w = world();
      await w.govern(w.registry, w.registry.interface.encodeFunctionData("announceClosing"));
      await w.goTo((await w.now()) + 4n * SECONDS.day + 1n);
      await expect(w.registry.settleBatches([])).to.be.revertedWithCustomError(w.registry, "InferenceRegistry_Closed");
      await report();
    });

    it("not a key's distrust, by the operator or by governance, and not its end yet: it answers for every key", async () => {
      const w = world();
      await w.nodes.distrustOwnKey(w.keyId);
      await w.distrust(w.enclaves, w.enclaveKeyId, 1n);
      await w.goTo((await w.now()) + 40n * SECONDS.day);
      await report();
    });

    it("not the node's retirement", async () => {
      const w = world();
      await w.nodes.updateNode(w.nodeId, 3, "");
      await report();
    });
  });
});
