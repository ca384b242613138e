import { expect } from "chai";
import { concat, dataSlice, id, keccak256, ZeroHash } from "ethers";
import { reasonOf } from "../support/outcome.ts";
import { leafOf, merkleProofOf, merkleRootOf, Mode, NO_BATCH, type ReceiptFields } from "../support/protocol.ts";
import { SECONDS, useWorld, type World } from "../support/world.ts";

describe("InferenceRegistry: opening", () => {
  const world = useWorld();

  async function some(n: number, mode: number = Mode.VANILLA): Promise<ReceiptFields[]> {
    return Promise.all(Array.from({ length: n }, () => world().receiptIn(mode)));
  }

  /** Settles a signed batch over these receipts and returns it. */
  async function settled(w: World, receipts: ReceiptFields[], over = {}) {
    const item = w.signedBatch(receipts, over);
    expect(await reasonOf(w.registry.settleBatches([item]))).to.equal("None");
    return item;
  }
  const reason = async (w: World, receipts: ReceiptFields[], item: Awaited<ReturnType<typeof settled>>, index = 0) =>
    (await w.open(receipts, item, index)).reason;
  async function raw(w: World, opening: Parameters<World["registry"]["verification"]>[0]) {
    const { verified, reason: code, settledAt } = await w.registry.verification(opening);
    return { verified, code: Number(code), settledAt };
  }
  const NOT_SETTLED = 28;
  const INDEX_OUT_OF_RANGE = 29;
  const PROOF_LENGTH = 30;
  const NOT_IN_BATCH = 31;

  for (const n of [1, 2, 3, 4, 5, 7, 8, 13]) {
    it(`opens each of ${n} receipts at its own place and at no other`, async () => {
      const w = world();
      const receipts = await some(n);
      const { batch } = await settled(w, receipts);
      for (let i = 0; i < n; i++)
        for (let index = 0; index < n; index++) {
          const opening = { ...w.opening(receipts, batch, i), index };
          const { verified, code } = await raw(w, opening);
          expect(verified, `${i} at ${index}`).to.equal(i === index);
          if (i !== index) expect(code).to.be.oneOf([PROOF_LENGTH, NOT_IN_BATCH]);
        }
    });
  }

  it("says IndexOutOfRange from count on, before any hash is believed", async () => {
    const w = world();
    const receipts = await some(5);
    const { batch } = await settled(w, receipts);
    for (const index of [5, 6, 8, 2 ** 31, 2 ** 32 - 1]) {
      const { verified, code } = await raw(w, { ...w.opening(receipts, batch, 4), index });
      expect([verified, code]).to.deep.equal([false, INDEX_OUT_OF_RANGE]);
    }
  });

  it("says ProofLengthMismatch for a sibling missing or too many, at promoted and at paired places", async () => {
    const w = world();
    const receipts = await some(5);
    const { batch } = await settled(w, receipts);
    for (const index of [0, 3, 4]) {
      const good = w.opening(receipts, batch, index);
      for (const proof of [[], good.proof.slice(0, -1), [...good.proof, ZeroHash], [...good.proof, ...good.proof]]) {
        if (proof.length === good.proof.length) continue;
        const { verified, code } = await raw(w, { ...good, proof });
        expect([verified, code]).to.deep.equal([false, PROOF_LENGTH]);
      }
    }
    const alone = await some(1);
    const single = await settled(w, alone);
    const { code } = await raw(w, { ...w.opening(alone, single.batch, 0), proof: [ZeroHash] });
    expect(code).to.equal(PROOF_LENGTH);
  });

  it("says NotInBatch for any sibling changed, exchanged, or taken from another tree", async () => {
    const w = world();
    const receipts = await some(6);
    const { batch } = await settled(w, receipts);
    const good = w.opening(receipts, batch, 2);
    const others = merkleProofOf((await some(6)).map(w.receiptId), 2);
    const variants = [
      ...good.proof.map((_, i) => good.proof.map((node, j) => (i === j ? keccak256(node) : node))),
      [...good.proof].reverse(),
      others,
    ];
    for (const proof of variants) {
      const { verified, code } = await raw(w, { ...good, proof });
      expect([verified, code]).to.deep.equal([false, NOT_IN_BATCH]);
    }
  });

  it("says NotInBatch for any change of any field of a settled receipt", async () => {
    const w = world();
    const receipts = await some(3);
    const { batch } = await settled(w, receipts);
    const good = w.opening(receipts, batch, 1);
    for (const change of [
      { requestId: id("x") },
      { modelId: w.vanillaModelId },
      { inputHash: id("x") },
      { outputHash: id("x") },
      { outputScheme: 1 },
      { contextHash: id("x") },
      { keyId: w.enclaveKeyId },
      { payer: w.signers.admin.address },
      { sequence: 1n },
      { cumulativeFee: 1n },
      { completedAt: receipts[1]!.completedAt + 1n },
      { mode: Mode.TEE },
      { mode: 77 },
    ]) {
      const { verified, code } = await raw(w, { ...good, receipt: { ...good.receipt, ...change } });
      expect([verified, code], Object.keys(change)[0]).to.deep.equal([false, NOT_IN_BATCH]);
    }
  });

  it("roots come from what a key signed and the chain settled, never from the reader [FM:root-from-caller]", async () => {
    const w = world();
    const receipts = await some(2);
    const { batch } = await settled(w, receipts);
    const forged = await some(2);
    const root = merkleRootOf(forged.map(w.receiptId));
    for (const changed of [
      { ...batch, root },
      { ...batch, count: 3 },
      { ...batch, settler: w.signers.other.address },
      { ...batch, dataHash: id("x") },
      { ...batch, keyId: w.enclaveKeyId },
      { ...batch, mode: Mode.TEE },
      { ...NO_BATCH, root, count: 2 },
    ]) {
      const { verified, code, settledAt } = await raw(w, w.opening(forged, changed, 0));
      expect([verified, code, settledAt]).to.deep.equal([false, NOT_SETTLED, 0n]);
    }
  });

  it("an inner node or a leaf opens as no receipt: leaf and node hashes start with different bytes", async () => {
    const w = world();
    const receipts = await some(4);
    const ids = receipts.map(w.receiptId);
    const { batch } = await settled(w, receipts);
    // With the same hash for leaves and nodes the tree of 4 would be a tree of 2 over pairs.
    const pair = keccak256(concat(["0x01", leafOf(ids[0]!), leafOf(ids[1]!)]));
    expect(batch.root).to.not.equal(merkleRootOf([pair, ids[2]!]));
    const short = { ...w.opening(receipts, batch, 0), proof: [merkleProofOf(ids, 0)[1]!] };
    expect((await raw(w, short)).code).to.equal(PROOF_LENGTH);
  });

  it("says NotSettled for what never settled, alone or in a batch, and for a batch named as a receipt", async () => {
    const w = world();
    const receipts = await some(2);
    const item = w.signedBatch(receipts);
    expect(await reason(w, receipts, item)).to.equal("NotSettled");
    expect(await w.openAlone(receipts[0]!)).to.deep.include({ reason: "NotSettled", verified: false, settledAt: 0n });
    await w.registry.settleBatches([item]);
    expect((await w.openAlone(receipts[0]!)).reason).to.equal("NotSettled");
  });

  it("a receipt that settled alone opens whatever index and siblings are handed in beside it", async () => {
    const w = world();
    const receipt = await w.receiptIn(Mode.VANILLA);
    await w.registry.settleReceipts([w.signedReceipt(receipt)]);
    const { verified } = await raw(w, { ...w.openingAlone(receipt), index: 7, proof: [ZeroHash] });
    expect(verified).to.equal(true);
  });

  describe("leaves that a key signed though they are not its own", () => {
    it("of another key read as KeyMismatch: nobody speaks for another's key", async () => {
      const w = world();
      const victim = await w.receiptIn(Mode.TEE);
      const foreign = { ...victim, mode: Mode.VANILLA };
      const receipts = [await w.receiptIn(Mode.VANILLA), foreign];
      const item = await settled(w, receipts);
      expect(await w.open(receipts, item, 1)).to.deep.include({ verified: false, reason: "KeyMismatch" });
      expect(await reason(w, receipts, item, 0)).to.equal("None");
    });

    it("of another mode read as ModeMismatch: a signature alone makes no proof of it", async () => {
      const w = world();
      const receipts = [await w.receiptIn(Mode.VANILLA), await w.receiptIn(Mode.ZKML), await w.receiptIn(Mode.TEE)];
      for (const each of receipts) each.keyId = w.keyId;
      const item = await settled(w, receipts);
      expect(await reason(w, receipts, item, 1)).to.equal("ModeMismatch");
      expect(await reason(w, receipts, item, 2)).to.equal("ModeMismatch");
    });

    it("of no model, a foreign model, or no known output scheme read as unverified, with the reason", async () => {
      const w = world();
      const receipts = [
        await w.receiptIn(Mode.TEE, { modelId: id("no model") }),
        await w.receiptIn(Mode.TEE, { modelId: w.vanillaModelId }),
        await w.receiptIn(Mode.TEE, { outputScheme: 3 }),
        await w.receiptIn(Mode.TEE, { outputScheme: 2 }),
      ];
      const item = await settled(w, receipts);
      expect(await reason(w, receipts, item, 0)).to.equal("MeasurementNotApproved");
      expect(await reason(w, receipts, item, 1)).to.equal("MeasurementNotApproved");
      expect(await reason(w, receipts, item, 2)).to.equal("UnknownOutputScheme");
      expect(await reason(w, receipts, item, 3)).to.equal("None");
      const plain = [
        await w.receiptIn(Mode.VANILLA, { modelId: id("no model") }),
        await w.receiptIn(Mode.VANILLA, { modelId: w.vanillaModelId }),
        await w.receiptIn(Mode.VANILLA, { outputScheme: 9 }),
      ];
      const batch = await settled(w, plain);
      expect(await reason(w, plain, batch, 0)).to.equal("UnknownModel");
      expect(await reason(w, plain, batch, 1)).to.equal("None");
      expect(await reason(w, plain, batch, 2)).to.equal("UnknownOutputScheme");
    });

    it("of a model version approved for the image but not for enclaves read as ModelForbidsMode", async () => {
      const w = world();
      const approve = w.enclaves.interface.encodeFunctionData("approveMeasurement", [id("image 1"), w.vanillaModelId]);
      await w.govern(w.enclaves, approve);
      const receipts = [await w.receiptIn(Mode.TEE, { modelId: w.vanillaModelId })];
      expect(await reason(w, receipts, await settled(w, receipts))).to.equal("ModelForbidsMode");
    });
  });

  describe("clocks of receipts in a signed batch, to the second [R4]", () => {
    for (const [name, mode] of [
      ["VANILLA", Mode.VANILLA],
      ["TEE", Mode.TEE],
    ] as const) {
      it(`${name}: MAX_SKEW ahead to MAX_DELAY behind of the settlement, however late the opening`, async () => {
        const w = world();
        const second = (await w.now()) + SECONDS.delay + 100n;
        const expected = [
          [SECONDS.skew, "None"],
          [SECONDS.skew + 1n, "CompletedInFuture"],
          [-SECONDS.delay, "None"],
          [-SECONDS.delay - 1n, "CompletedTooLongAgo"],
        ] as const;
        const receipts: ReceiptFields[] = [];
        for (const [offset] of expected) receipts.push(await w.receiptIn(mode, { completedAt: second + offset }));
        receipts.push(await w.receiptIn(mode, { completedAt: 2n ** 64n - 1n }));
        receipts.push(await w.receiptIn(mode, { completedAt: 0n }));
        await w.at(second);
        const item = await settled(w, receipts);
        const read = async () => Promise.all(receipts.map((_, i) => reason(w, receipts, item, i)));
        const reasons = [...expected.map(([, each]) => each), "CompletedInFuture", "CompletedTooLongAgo"];
        expect(await read()).to.deep.equal(reasons);
        await w.goTo(second + 300n * SECONDS.day);
        expect(await read()).to.deep.equal(reasons);
      });

      it(`${name}: from validFrom to validUntil of the key, both inclusive`, async () => {
        const w = world();
        const keys = mode === Mode.TEE ? w.enclaves : w.nodes;
        const { validFrom, validUntil } = await keys.keyState(w.keyIdOf(mode));
        const early = [validFrom - 1n, validFrom];
        const late = [validUntil, validUntil + 1n];
        const receiptsAt = (times: bigint[]) =>
          Promise.all(times.map((completedAt) => w.receiptIn(mode, { completedAt })));
        const first = await receiptsAt(early);
        const firstBatch = await settled(w, first);
        expect(await reason(w, first, firstBatch, 0)).to.equal("OutsideKeyValidity");
        // The image of the enclave was approved a little after its key was admitted.
        expect(await reason(w, first, firstBatch, 1)).to.equal(mode === Mode.TEE ? "MeasurementNotApproved" : "None");
        const last = await receiptsAt(late);
        await w.at(validUntil + SECONDS.delay);
        const lastBatch = await settled(w, last);
        expect(await reason(w, last, lastBatch, 0)).to.equal("None");
        expect(await reason(w, last, lastBatch, 1)).to.equal("OutsideKeyValidity");
      });
    }

    it("a batch signed long after its key ended settles, but nothing new in it is believed", async () => {
      const w = world();
      const { validUntil } = await w.nodes.keyState(w.keyId);
      await w.goTo(validUntil + SECONDS.delay + 1n);
      const receipts = [
        await w.receiptIn(Mode.VANILLA, { completedAt: validUntil }),
        await w.receiptIn(Mode.VANILLA, { completedAt: await w.now() }),
      ];
      const item = await settled(w, receipts);
      expect(await reason(w, receipts, item, 0)).to.equal("CompletedTooLongAgo");
      expect(await reason(w, receipts, item, 1)).to.equal("OutsideKeyValidity");
    });
  });

  it("reverts for calldata that is no opening at all, and for bits beyond a field's type", async () => {
    const w = world();
    const receipts = await some(2);
    const { batch } = await settled(w, receipts);
    const data = w.registry.interface.encodeFunctionData("verification", [w.opening(receipts, batch, 0)]);
    const to = await w.registry.getAddress();
    const call = (bytes: string) => w.ethers.provider.call({ to, data: bytes });
    await call(data);
    await expect(call(dataSlice(data, 0, 300))).to.be.revert(w.ethers);
    // selector, offset; then the receipt's words.
    const at = 4 + 32 + 4 * 32 + 30;
    const dirty = concat([dataSlice(data, 0, at), "0x01", dataSlice(data, at + 1)]);
    await expect(call(dirty)).to.be.revertedWithCustomError(w.registry, "ReceiptLib_NonCanonical");
  });
});
