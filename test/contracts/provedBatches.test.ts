import { expect } from "chai";
import { concat, dataSlice, getBytes, hexlify, id, toBeHex } from "ethers";
import { itemEvidence, keyBytes, mod, outputHashOf, P, R, withWord, wordAt } from "../support/groth16.ts";
import { outcomeOf, reasonOf } from "../support/outcome.ts";
import { developmentSetup, provedReceipt, reprove, type Proved } from "../support/proofs.ts";
import { merkleRootOf, Mode } from "../support/protocol.ts";
import { SECONDS, useWorld, type World } from "../support/world.ts";

const settle = (w: World, ...items: ReturnType<World["proofBatch"]>[]) => w.registry.settleProvedBatches(items);

describe("InferenceRegistry: proved batches", () => {
  const world = useWorld();

  async function some(n: number, over = {}): Promise<Proved[]> {
    return Promise.all(Array.from({ length: n }, () => world().proved(over)));
  }
  const receiptsOf = (items: Proved[]) => items.map(({ receipt }) => receipt);

  for (const n of [1, 2, 3, 5, 8, 11]) {
    it(`settles ${n} proved receipts for any caller, and each opens [R1][R3]`, async () => {
      const w = world();
      const items = await some(n);
      const batch = w.proofBatch(items);
      const sent = w.registry.connect(w.signers.other).settleProvedBatches([batch]);
      const { settled, timestamp } = await outcomeOf(sent);
      const digest = w.batchDigest(batch.batch);
      expect(settled).to.deep.equal([digest]);
      await expect(sent)
        .to.emit(w.registry, "BatchSettled")
        .withArgs(digest, w.keyId, Mode.ZKML, batch.batch.root, n, batch.batch.dataHash, batch.batch.settler);
      for (let i = 0; i < n; i++)
        expect(await w.open(receiptsOf(items), batch, i)).to.deep.include({
          verified: true,
          mode: Mode.ZKML,
          reason: "None",
          settledAt: timestamp,
        });
    });
  }

  it("derives every receipt field from calldata: extremes of each type, context and payer included", async () => {
    const w = world();
    const items = [
      await w.proved({ sequence: 2n ** 64n - 1n, cumulativeFee: 2n ** 128n - 1n, payer: toBeHex(2n ** 160n - 1n, 20) }),
      await w.proved({ sequence: 0n, cumulativeFee: 0n, payer: toBeHex(0, 20), requestId: toBeHex(0, 32) }),
      await w.proved({ contextHash: toBeHex(2n ** 256n - 1n, 32) }),
    ];
    expect(await reasonOf(settle(w, w.proofBatch(items)))).to.equal("None");
  });

  it("settles a batch once, however its proofs are rewritten [R9][ZK3][FM:malleable-proof]", async () => {
    const w = world();
    const [first] = (await some(1)) as [Proved];
    const batch = w.proofBatch([first]);
    // (−A, −B, C) proves what (A, B, C) proves: other bytes, the same batch.
    const negated = [1, 4, 5].reduce(
      (bytes, word) => withWord(bytes, word, mod(-wordAt(bytes, word), P)),
      first.evidence,
    );
    expect(negated).to.not.equal(first.evidence);
    const { settled, skipped } = await outcomeOf(settle(w, { ...batch, evidence: negated }, batch));
    expect(settled).to.deep.equal([w.batchDigest(batch.batch)]);
    expect(skipped).to.deep.equal([{ kind: "ProvedBatch", index: 1, reason: "AlreadySettled" }]);
  });

  it("skips each bad batch with its reason and settles all others, checked in one call [R2][FM:poison-item]", async () => {
    const w = world();
    const [a, b, c] = (await some(3)) as [Proved, Proved, Proved];
    const bad = w.proofBatch([a, b, c]);
    const bads = [
      ["EmptyBatch", w.proofBatch([a], { count: 0 })],
      ["UnknownMode", w.proofBatch([a], { mode: 3 })],
      ["ModeMismatch", w.proofBatch([a], { mode: Mode.VANILLA })],
      ["ModeMismatch", w.proofBatch([a], { mode: Mode.TEE })],
      ["UnknownKey", w.proofBatch([a], { keyId: id("nobody") })],
      ["BadSignature", { ...bad, signature: w.signBatch(receiptsOf([a, b, c]), w.stranger).signature }],
      ["CountMismatch", w.proofBatch([a, b], { count: 3 })],
      ["UnknownModel", { ...bad, modelId: id("no model") }],
      ["ModelForbidsMode", { ...bad, modelId: w.vanillaModelId }],
      ["MalformedEvidence", { ...bad, evidence: "0x" }],
      ["CountMismatch", { ...bad, evidence: concat([a.evidence, b.evidence]) }],
      ["InvalidProof", { ...bad, evidence: concat([a.evidence, c.evidence, b.evidence]) }],
      ["RootMismatch", w.proofBatch([a, b, c], { root: id("another root") })],
    ] as const;
    const first = w.proofBatch(await some(2));
    const last = w.proofBatch(await some(2));
    const { settled, skipped } = await outcomeOf(settle(w, first, ...bads.map(([, item]) => item), last));
    expect(settled).to.deep.equal([first, last].map(({ batch }) => w.batchDigest(batch)));
    expect(skipped).to.deep.equal(bads.map(([reason], i) => ({ kind: "ProvedBatch", index: i + 1, reason })));
  });

  it("a batch with one bad proof is skipped whole, is named bad by a view, and its good receipts settle anew [R2]", async () => {
    const w = world();
    const items = await some(4);
    items[2]!.evidence = items[1]!.evidence;
    const batch = w.proofBatch(items);
    const ids = receiptsOf(items).map(w.receiptId);
    // The copied proof says another input than the receipt beside it does, so nothing fits any more.
    expect(await reasonOf(settle(w, batch))).to.equal("InvalidProof");
    expect([...(await w.groth16.invalidProofs(w.modelId, ids, batch.evidence))]).to.deep.equal([2n]);
    const good = [items[0]!, items[1]!, items[3]!];
    expect(await reasonOf(settle(w, w.proofBatch(good)))).to.equal("None");
  });

  describe("evidence that proves something else [R1][FM:unchecked-evidence][FM:false-settled]", () => {
    it("a proof bound to another receipt id, as after any change of a signed field", async () => {
      const w = world();
      const items = await some(2);
      const moved = { ...items[0]!, receipt: { ...items[0]!.receipt, payer: w.signers.admin.address } };
      expect(await reasonOf(settle(w, w.proofBatch([moved, items[1]!])))).to.equal("InvalidProof");
    });

    it("receipts that differ from the signed ones in any compact field, with proofs bound to the forged ids", async () => {
      const w = world();
      const items = await some(2);
      const signed = w.proofBatch(items);
      for (const change of [
        { requestId: id("x") },
        { contextHash: id("x") },
        { payer: w.signers.admin.address },
        { sequence: 1n },
        { cumulativeFee: 1n },
        { completedAt: items[0]!.receipt.completedAt - 1n },
      ]) {
        const receipt = { ...items[0]!.receipt, ...change };
        const signals = [wordAt(items[0]!.evidence, 8), wordAt(items[0]!.evidence, 9)];
        const forged = w.proofBatch([
          { receipt, evidence: reprove(w.setup, signals, w.receiptId(receipt)) },
          items[1]!,
        ]);
        // Everything of the forged batch but the signed statement itself.
        const item = { ...forged, batch: signed.batch, signature: signed.signature };
        expect(await reasonOf(settle(w, item)), Object.keys(change)[0]).to.equal("RootMismatch");
      }
    });

    it("proofs under another model's key", async () => {
      const w = world();
      const other = developmentSetup(3, "another model");
      const item = await provedReceipt(w, other, { keyId: w.keyId, modelId: w.modelId });
      expect(await reasonOf(settle(w, w.proofBatch([item])))).to.equal("InvalidProof");
    });

    it("good proofs of a model version sold as answers of another", async () => {
      const w = world();
      const version = {
        ...w.version,
        contentHash: id("larger weights"),
        verifyingKey: keyBytes(developmentSetup(3, "b")),
      };
      await w.models.register(version);
      const dearer = await w.models.modelIdOf(w.signers.deployer.address, version);
      const [item] = (await some(1)) as [Proved];
      expect(await reasonOf(settle(w, { ...w.proofBatch([item]), modelId: dearer }))).to.equal("InvalidProof");
    });

    it("signals in a changed order, and a tree over receipts in another order", async () => {
      const w = world();
      const [a, b] = (await some(2)) as [Proved, Proved];
      const swapped = concat([
        dataSlice(a.evidence, 0, 256),
        dataSlice(a.evidence, 288),
        dataSlice(a.evidence, 256, 288),
      ]);
      expect(await reasonOf(settle(w, w.proofBatch([{ ...a, evidence: swapped }])))).to.equal("InvalidProof");
      const root = merkleRootOf([b, a].map(({ receipt }) => w.receiptId(receipt)));
      expect(await reasonOf(settle(w, w.proofBatch([a, b], { root })))).to.equal("RootMismatch");
    });

    it("a receipt id as the root, or a tree with its odd node doubled", async () => {
      const w = world();
      const items = await some(3);
      const ids = receiptsOf(items).map(w.receiptId);
      const doubled = merkleRootOf([...ids, ids[2]!]);
      for (const root of [ids[0]!, doubled])
        expect(await reasonOf(settle(w, w.proofBatch(items, { root })))).to.equal("RootMismatch");
    });
  });

  describe("malformed proofs and signals", () => {
    it("points off the curve, coordinates of at least q, and points at infinity are InvalidProof [ZK4][ZK5]", async () => {
      const w = world();
      const [item, other] = (await some(2)) as [Proved, Proved];
      for (let word = 0; word < 8; word++)
        for (const value of [wordAt(item.evidence, word) ^ 1n, wordAt(item.evidence, word) + P, P, 2n ** 256n - 1n])
          for (const items of [[item], [other, item]]) {
            const broken = { ...item, evidence: withWord(item.evidence, word, value) };
            const batch = w.proofBatch(items.map((each) => (each === item ? broken : each)));
            expect(await reasonOf(settle(w, batch)), `word ${word}`).to.equal("InvalidProof");
          }
    });

    it("signals of at least r are MalformedEvidence, even where they mean the same [ZK4][FM:signal-range]", async () => {
      const w = world();
      const [item, other] = (await some(2)) as [Proved, Proved];
      for (const word of [8, 9])
        for (const value of [wordAt(item.evidence, word) + R, R, 2n ** 256n - 1n]) {
          const evidence = concat([other.evidence, withWord(item.evidence, word, value)]);
          const batch = { ...w.proofBatch([other, item]), evidence };
          expect(await reasonOf(settle(w, batch))).to.equal("MalformedEvidence");
        }
    });

    it("evidence with a byte missing or too many is MalformedEvidence; a proof too many is CountMismatch", async () => {
      const w = world();
      const items = await some(2);
      const batch = w.proofBatch(items);
      for (const evidence of ["0x", "0x00", dataSlice(batch.evidence, 1), concat([batch.evidence, "0x00"])])
        expect(await reasonOf(settle(w, { ...batch, evidence }))).to.equal("MalformedEvidence");
      const evidence = concat([batch.evidence, items[0]!.evidence]);
      expect(await reasonOf(settle(w, { ...batch, evidence }))).to.equal("CountMismatch");
    });

    it("oversized evidence costs its sender and harms no other item [R2]", async () => {
      const w = world();
      const good = w.proofBatch(await some(1));
      const bloated = { ...w.proofBatch(await some(1)), evidence: hexlify(new Uint8Array(320 * 150)) };
      const { settled, skipped } = await outcomeOf(settle(w, bloated, good));
      expect(settled).to.have.length(1);
      expect(skipped[0]!.reason).to.equal("CountMismatch");
    });

    it("compact receipts of any other length than the count asks for are CountMismatch", async () => {
      const w = world();
      const batch = w.proofBatch(await some(2));
      for (const receipts of ["0x", dataSlice(batch.receipts, 1), concat([batch.receipts, "0x00"])])
        expect(await reasonOf(settle(w, { ...batch, receipts }))).to.equal("CountMismatch");
      const flooded = hexlify(getBytes(concat(Array<string>(300).fill(batch.receipts))));
      expect(await reasonOf(settle(w, { ...batch, receipts: flooded }))).to.equal("CountMismatch");
    });
  });

  describe("time [R4]", () => {
    /** Settles one batch of two receipts at exactly `second`, one of them completed at `completedAt`. */
    async function settleWith(completedAt: bigint, second: bigint, oddFirst: boolean): Promise<string> {
      const w = world();
      const odd = await w.proved({ completedAt });
      const fine = await w.proved({ completedAt: second });
      const batch = w.proofBatch(oddFirst ? [odd, fine] : [fine, odd]);
      await w.at(second);
      return reasonOf(settle(w, batch));
    }

    for (const oddFirst of [true, false]) {
      const place = oddFirst ? "first" : "last";
      it(`MAX_SKEW ahead settles, a second more is CompletedInFuture (${place} of the batch)`, async () => {
        const second = (await world().now()) + 100n;
        expect(await settleWith(second + SECONDS.skew, second, oddFirst)).to.equal("None");
        expect(await settleWith(second + 10n + SECONDS.skew + 1n, second + 10n, oddFirst)).to.equal(
          "CompletedInFuture",
        );
      });

      it(`MAX_DELAY behind settles, a second more is CompletedTooLongAgo (${place} of the batch)`, async () => {
        const second = (await world().now()) + SECONDS.delay + 100n;
        expect(await settleWith(second - SECONDS.delay, second, oddFirst)).to.equal("None");
        expect(await settleWith(second + 10n - SECONDS.delay - 1n, second + 10n, oddFirst)).to.equal(
          "CompletedTooLongAgo",
        );
      });

      it(`before validFrom or after validUntil is OutsideKeyValidity, both ends inclusive (${place})`, async () => {
        const w = world();
        const { validFrom, validUntil } = await w.nodes.keyState(w.keyId);
        const second = (await w.now()) + 100n;
        expect(await settleWith(validFrom - 1n, second, oddFirst)).to.equal("OutsideKeyValidity");
        expect(await settleWith(validFrom, second + 10n, oddFirst)).to.equal("None");
        expect(await settleWith(validUntil, validUntil, oddFirst)).to.equal("None");
        const after = await w.proved({ completedAt: validUntil + 1n });
        const before = await w.proved({ completedAt: validUntil });
        const batch = w.proofBatch(oddFirst ? [after, before] : [before, after]);
        expect(await reasonOf(settle(w, batch))).to.equal("OutsideKeyValidity");
      });
    }

    it("a completion time of the far end of its type is refused, not wrapped", async () => {
      const w = world();
      const item = await w.proved({ completedAt: 2n ** 64n - 1n });
      expect(await reasonOf(settle(w, w.proofBatch([item])))).to.equal("CompletedInFuture");
      const zero = await w.proved({ completedAt: 0n });
      expect(await reasonOf(settle(w, w.proofBatch([zero])))).to.equal("CompletedTooLongAgo");
    });
  });

  it("takes no more proofs through a distrusted verifier or for a distrusted key [R4][R10]", async () => {
    const w = world();
    const batch = w.proofBatch(await some(2));
    const { distrust, nodes, models } = w;
    const snapshot = await w.networkHelpers.takeSnapshot();
    await distrust(models, toBeHex(await w.groth16.getAddress(), 32), await w.now());
    expect(await reasonOf(settle(w, batch))).to.equal("VerifierDistrusted");
    await snapshot.restore();
    await distrust(nodes, w.keyId, await w.now());
    expect(await reasonOf(settle(w, batch))).to.equal("KeyDistrusted");
  });

  it("serves models of two signals, whose output is nothing but the binding's word", async () => {
    const w = world();
    const setup = developmentSetup(2, "no output");
    const version = { ...w.version, verifyingKey: keyBytes(setup), signals: "input, binding" };
    await w.models.register(version);
    const modelId = await w.models.modelIdOf(w.signers.deployer.address, version);
    const item = await provedReceipt(w, setup, { keyId: w.keyId, modelId });
    expect(item.receipt.outputHash).to.equal(outputHashOf([]));
    expect(await reasonOf(settle(w, w.proofBatch([item])))).to.equal("None");
  });

  it("a batch signed over receipts of another mode than ZKML cannot pass: the root is rebuilt as ZKML", async () => {
    const w = world();
    const [item] = (await some(1)) as [Proved];
    const asVanilla = { ...item.receipt, mode: Mode.VANILLA };
    const root = merkleRootOf([w.receiptId(asVanilla)]);
    const batch = w.proofBatch([item], { root });
    expect(await reasonOf(settle(w, batch))).to.equal("RootMismatch");
    const evidence = itemEvidence({ a: 1n, b: 1n, c: 1n }, [1n, 2n]);
    expect(await reasonOf(settle(w, { ...batch, evidence }))).to.equal("InvalidProof");
  });
});
