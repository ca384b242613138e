import { expect } from "chai";
import { concat, dataSlice, id, toBeHex, TypedDataEncoder } from "ethers";
import { mod, P, R, withWord, wordAt } from "../support/groth16.ts";
import { outcomeOf, reasonOf } from "../support/outcome.ts";
import { Mode, receiptTypes } from "../support/protocol.ts";
import { SECONDS, useWorld, type World } from "../support/world.ts";

const MODES = [
  ["VANILLA", Mode.VANILLA],
  ["ZKML", Mode.ZKML],
  ["TEE", Mode.TEE],
] as const;
const settle = (w: World, ...items: ReturnType<World["signedReceipt"]>[]) => w.registry.settleReceipts(items);

/** A signed receipt of any mode, with its proof where it needs one. */
async function single(w: World, mode: number, over = {}) {
  if (mode !== Mode.ZKML) return w.signedReceipt(await w.receiptIn(mode, over));
  const { receipt, evidence } = await w.proved(over);
  return w.signedReceipt(receipt, evidence);
}

describe("InferenceRegistry: single receipts", () => {
  const world = useWorld();

  for (const [name, mode] of MODES) {
    it(`whoever holds a ${name} answer settles it, without node or relayer, and opens it [R1][R3]`, async () => {
      const w = world();
      const item = await single(w, mode);
      const receiptId = w.receiptId(item.receipt);
      const sent = w.registry.connect(w.signers.other).settleReceipts([item]);
      await expect(sent)
        .to.emit(w.registry, "ReceiptSettled")
        .withArgs(receiptId, item.receipt.requestId, item.receipt.keyId, item.receipt.modelId, mode);
      const { timestamp } = await outcomeOf(sent);
      expect(await w.registry.settledAt(receiptId)).to.equal(timestamp);
      expect(await w.openAlone(item.receipt)).to.deep.equal({
        verified: true,
        distrusted: false,
        frozen: false,
        mode,
        reason: "None",
        settledAt: timestamp,
        receiptId,
      });
    });

    it(`a ${name} receipt settles once, in the same call or later [R9][FM:timeout-resettle]`, async () => {
      const w = world();
      const item = await single(w, mode);
      const { settled, skipped, timestamp } = await outcomeOf(settle(w, item, item));
      expect(settled).to.have.length(1);
      expect(skipped).to.deep.equal([{ kind: "SignedReceipt", index: 1, reason: "AlreadySettled" }]);
      expect(await reasonOf(settle(w, item))).to.equal("AlreadySettled");
      expect(await w.registry.settledAt(settled[0]!)).to.equal(timestamp);
    });

    it(`${name}: completed MAX_SKEW ahead to MAX_DELAY behind settles, a second beyond does not [R4]`, async () => {
      const w = world();
      const second = (await w.now()) + SECONDS.delay + 100n;
      const expected = [
        [SECONDS.skew, "None"],
        [SECONDS.skew + 1n, "CompletedInFuture"],
        [-SECONDS.delay, "None"],
        [-SECONDS.delay - 1n, "CompletedTooLongAgo"],
        [0n, "None"],
      ] as const;
      const items = [];
      for (const [offset] of expected) items.push(await single(w, mode, { completedAt: second + offset }));
      const far = await single(w, mode, { completedAt: 2n ** 64n - 1n });
      await w.at(second);
      const { skipped } = await outcomeOf(settle(w, ...items, far));
      const reasons = [...expected.map(([, reason]) => reason), "CompletedInFuture"];
      const skips = reasons.flatMap((reason, index) =>
        reason === "None" ? [] : [{ kind: "SignedReceipt", index, reason }],
      );
      expect(skipped).to.deep.equal(skips);
    });

    it(`${name}: from validFrom to validUntil, both inclusive, and not a second beyond [R4]`, async () => {
      const w = world();
      const keys = mode === Mode.TEE ? w.enclaves : w.nodes;
      const { validFrom, validUntil } = await keys.keyState(w.keyIdOf(mode));
      // Approval of the measurement begins later than the key; the other modes start with the key.
      const early = await single(w, mode, { completedAt: validFrom - 1n });
      expect(await reasonOf(settle(w, early))).to.equal("OutsideKeyValidity");
      const first = await single(w, mode, { completedAt: validFrom });
      expect(await reasonOf(settle(w, first))).to.equal(mode === Mode.TEE ? "MeasurementNotApproved" : "None");
      const last = await single(w, mode, { completedAt: validUntil });
      const late = await single(w, mode, { completedAt: validUntil + 1n });
      await w.at(validUntil + SECONDS.delay);
      const { skipped } = await outcomeOf(settle(w, last, late));
      expect(skipped).to.deep.equal([{ kind: "SignedReceipt", index: 1, reason: "OutsideKeyValidity" }]);
    });

    it(`${name}: any change of any field after signing is BadSignature or an unknown key [FM:unchecked-evidence]`, async () => {
      const w = world();
      const item = await single(w, mode);
      for (const change of [
        { requestId: id("x") },
        { modelId: w.vanillaModelId },
        { inputHash: id("x") },
        { outputHash: id("x") },
        { outputScheme: 1 },
        { contextHash: id("x") },
        { payer: w.signers.admin.address },
        { sequence: 9n },
        { cumulativeFee: 9n },
        { completedAt: item.receipt.completedAt - 1n },
      ])
        expect(
          await reasonOf(settle(w, { ...item, receipt: { ...item.receipt, ...change } })),
          Object.keys(change)[0],
        ).to.equal("BadSignature");
      const elsewhere = { ...item, receipt: { ...item.receipt, keyId: id("x") } };
      expect(await reasonOf(settle(w, elsewhere))).to.equal("UnknownKey");
    });
  }

  it("a bad receipt of every kind is skipped with its reason and harms no other [R2][FM:poison-item]", async () => {
    const w = world();
    const { receipt, evidence } = await w.proved();
    const zk = w.signedReceipt(receipt, evidence);
    const foreign = TypedDataEncoder.hash({ ...w.domain, chainId: 1n }, receiptTypes, receipt);
    const bads = [
      ["UnknownMode", w.signedReceipt({ ...receipt, mode: 3 }, evidence, w.operatorKey)],
      ["UnknownKey", w.signedReceipt({ ...receipt, keyId: id("nobody") }, evidence)],
      ["UnknownKey", w.signedReceipt(await w.receiptIn(Mode.TEE, { keyId: w.keyId }), "0x", w.operatorKey)],
      ["UnknownKey", w.signedReceipt(await w.receiptIn(Mode.VANILLA, { keyId: w.enclaveKeyId }), "0x", w.enclaveKey)],
      ["BadSignature", w.signedReceipt(receipt, evidence, w.stranger)],
      ["BadSignature", { ...zk, signature: w.operatorKey.signingKey.sign(foreign).serialized }],
      ["BadSignature", { ...zk, signature: "0x" }],
      ["UnknownOutputScheme", w.signedReceipt({ ...receipt, outputScheme: 0 }, evidence)],
      ["UnknownOutputScheme", w.signedReceipt(await w.receiptIn(Mode.VANILLA, { outputScheme: 3 }))],
      ["UnknownOutputScheme", w.signedReceipt(await w.receiptIn(Mode.TEE, { outputScheme: 255 }))],
      ["UnknownModel", w.signedReceipt(await w.receiptIn(Mode.VANILLA, { modelId: id("no model") }))],
      ["UnknownModel", w.signedReceipt({ ...receipt, modelId: id("no model") }, evidence)],
      ["ModelForbidsMode", w.signedReceipt(await w.receiptIn(Mode.TEE, { modelId: w.vanillaModelId }))],
      ["ModelForbidsMode", w.signedReceipt({ ...receipt, modelId: w.vanillaModelId }, evidence)],
      ["MalformedEvidence", w.signedReceipt(receipt, "0x")],
      ["MalformedEvidence", w.signedReceipt(receipt, dataSlice(evidence, 1))],
      ["MalformedEvidence", w.signedReceipt(receipt, withWord(evidence, 8, wordAt(evidence, 8) + R))],
      ["CountMismatch", w.signedReceipt(receipt, concat([evidence, evidence]))],
      ["SignalMismatch", w.signedReceipt({ ...receipt, inputHash: id("x") }, evidence)],
      ["SignalMismatch", w.signedReceipt({ ...receipt, outputHash: id("x") }, evidence)],
      ["InvalidProof", w.signedReceipt({ ...receipt, payer: w.signers.admin.address }, evidence)],
      ["InvalidProof", w.signedReceipt(receipt, withWord(evidence, 0, P))],
    ] as const;
    const goods = [await single(w, Mode.VANILLA), zk, await single(w, Mode.TEE)];
    const items = [goods[0]!, ...bads.map(([, item]) => item), goods[1]!, goods[2]!];
    expect(await w.registry.settleReceipts.staticCall(items)).to.equal(3n);
    const { settled, skipped } = await outcomeOf(settle(w, ...items));
    expect(settled).to.deep.equal(goods.map(({ receipt: each }) => w.receiptId(each)));
    expect(skipped).to.deep.equal(bads.map(([reason], i) => ({ kind: "SignedReceipt", index: i + 1, reason })));
  });

  it("takes every output scheme in modes that need no circuit [R6]", async () => {
    const w = world();
    const items = [];
    for (const mode of [Mode.VANILLA, Mode.TEE])
      for (const outputScheme of [0, 1, 2]) items.push(await single(w, mode, { outputScheme }));
    expect((await outcomeOf(settle(w, ...items))).skipped).to.deep.equal([]);
  });

  it("a proof does not stand in for the signature, nor the signature for the proof", async () => {
    const w = world();
    const { receipt, evidence } = await w.proved();
    expect(await reasonOf(settle(w, w.signedReceipt(receipt, evidence, w.stranger)))).to.equal("BadSignature");
    expect(await reasonOf(settle(w, w.signedReceipt(receipt, "0x")))).to.equal("MalformedEvidence");
  });

  it("rewritten proof bytes are no second receipt [R9][FM:malleable-proof][ZK3]", async () => {
    const w = world();
    const { receipt, evidence } = await w.proved();
    const negated = [1, 4, 5].reduce((bytes, word) => withWord(bytes, word, mod(-wordAt(bytes, word), P)), evidence);
    expect(await reasonOf(settle(w, w.signedReceipt(receipt, negated)))).to.equal("None");
    expect(await reasonOf(settle(w, w.signedReceipt(receipt, evidence)))).to.equal("AlreadySettled");
  });

  it("a TEE receipt settles only for a model version its image is approved for", async () => {
    const w = world();
    const version = { ...w.version, contentHash: id("other weights") };
    await w.models.register(version);
    const modelId = await w.models.modelIdOf(w.signers.deployer.address, version);
    const item = w.signedReceipt(await w.receiptIn(Mode.TEE, { modelId }));
    expect(await reasonOf(settle(w, item))).to.equal("MeasurementNotApproved");
  });

  it("refuses a distrusted key and, for proofs, a distrusted verifier [R4]", async () => {
    const w = world();
    const items = await Promise.all(MODES.map(([, mode]) => single(w, mode)));
    await w.distrust(w.models, toBeHex(await w.groth16.getAddress(), 32), await w.now());
    await w.distrust(w.enclaves, w.enclaveKeyId, await w.now());
    const { skipped, settled } = await outcomeOf(settle(w, ...items));
    expect(settled).to.have.length(1);
    expect(skipped.map(({ reason }) => reason)).to.deep.equal(["VerifierDistrusted", "KeyDistrusted"]);
  });

  it("a receipt in a batch and alone is settled twice and is still one receipt [R9]", async () => {
    const w = world();
    const receipt = await w.receiptIn(Mode.VANILLA);
    const batch = w.signedBatch([receipt]);
    const alone = await outcomeOf(settle(w, w.signedReceipt(receipt)));
    const batched = await outcomeOf(w.registry.settleBatches([batch]));
    const [a, b] = [await w.openAlone(receipt), await w.open([receipt], batch)];
    expect(a.receiptId).to.equal(b.receiptId);
    expect([a.settledAt, b.settledAt]).to.deep.equal([alone.timestamp, batched.timestamp]);
  });

  it("reverts on receipts with bits beyond a field's type", async () => {
    const w = world();
    const data = w.registry.interface.encodeFunctionData("settleReceipts", [[await single(w, Mode.VANILLA)]]);
    const to = await w.registry.getAddress();
    for (const [field, byte] of [
      [4, 30],
      [7, 11],
      [8, 23],
      [9, 15],
      [10, 23],
      [11, 30],
    ] as const) {
      const at = 4 + 3 * 32 + field * 32 + byte;
      const dirty = concat([dataSlice(data, 0, at), "0x01", dataSlice(data, at + 1)]);
      await expect(w.signers.deployer.sendTransaction({ to, data: dirty })).to.be.revertedWithCustomError(
        w.registry,
        "ReceiptLib_NonCanonical",
      );
    }
  });
});
