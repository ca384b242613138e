// SPDX-License-Identifier: MIT
import { expect } from "chai";
import fc from "fast-check";
import { concat, hexlify, randomBytes } from "ethers";
import {
  bindingOf,
  evidenceOf,
  g1,
  g1Bytes,
  idsOf,
  itemEvidence,
  makeItem,
  makeItems,
  makeSetup,
  mod,
  outputHashOf,
  P,
  proofBytes,
  prove,
  R,
  withWord,
  wordAt,
  type Item,
} from "../support/groth16.ts";
import { deployVerifier, MODEL, type SyntheticFixture } from "./fixture.ts";

/** Words of one proof with three signals: A, B, C, input, output. */
const WORDS = 10;
const BITS = [0, 1, 7, 8, 63, 64, 127, 128, 191, 192, 247, 248, 252, 253, 254, 255];

describe("Groth16Verifier", () => {
  let fixture: SyntheticFixture;
  let one: Item[];
  let three: Item[];

  const verify = (ids: string[], evidence: string): Promise<boolean> =>
    fixture.verifier.verify(MODEL, ids, evidence) as Promise<boolean>;
  const refuses = async (items: Item[], evidence: string, what: string): Promise<void> => {
    expect(await verify(idsOf(items), evidence), what).to.equal(false);
  };

  before(async () => {
    fixture = await deployVerifier();
    one = makeItems(fixture.setup, 1);
    three = makeItems(fixture.setup, 3);
  });

  describe("accepts", () => {
    for (const n of [1, 2, 3, 5, 8, 33]) {
      it(`${n} good proofs of one key`, async () => {
        const items = makeItems(fixture.setup, n, `good ${n}`);
        expect(await verify(idsOf(items), evidenceOf(items))).to.equal(true);
      });
    }

    for (const signals of [2, 4, 7, 16]) {
      it(`proofs of a key with ${signals} signals`, async () => {
        const { verifier, setup } = await deployVerifier(makeSetup(signals));
        for (const n of [1, 2, 7]) {
          const items = makeItems(setup, n);
          expect(await verifier.verify(MODEL, idsOf(items), evidenceOf(items))).to.equal(true);
          const [inputs, outputs] = await verifier.hashes(MODEL, evidenceOf(items));
          expect(inputs.map(BigInt)).to.deep.equal(items.map((item) => item.signals[0]));
          expect([...outputs]).to.deep.equal(items.map((item) => outputHashOf(item.signals.slice(1))));
        }
      });
    }

    it("signals at the edges of their field", async () => {
      const items = [0n, 1n, R - 1n].map((edge, i) => {
        const item = makeItem(fixture.setup, `edge ${i}`);
        return itemWith(fixture, item.receiptId, [edge, R - 1n - edge]);
      });
      expect(await verify(idsOf(items), evidenceOf(items))).to.equal(true);
      for (const item of items) expect(await verify([item.receiptId], item.evidence)).to.equal(true);
    });

    it("the same proof twice in a batch: uniqueness is the registry's matter [R9]", async () => {
      const items = [...one, ...one];
      expect(await verify(idsOf(items), evidenceOf(items))).to.equal(true);
    });

    it("(−A, −B, C) for the same statement, so nothing may be keyed on proof bytes [ZK3][FM:malleable-proof]", async () => {
      const [item] = one as [Item];
      const { a, b, c } = item.proof;
      const twin = itemEvidence({ a: mod(-a), b: mod(-b), c }, item.signals);
      expect(twin).to.not.equal(item.evidence);
      expect(await verify([item.receiptId], twin)).to.equal(true);
      expect(await verify([item.receiptId, item.receiptId], concat([item.evidence, twin]))).to.equal(true);
      expect(await fixture.verifier.hashes(MODEL, twin)).to.deep.equal(
        await fixture.verifier.hashes(MODEL, item.evidence),
      );
    });
  });

  describe("refuses", () => {
    it("a proof with any word flipped in any class of bits, alone [ZK4]", async () => {
      const evidence = evidenceOf(one);
      for (let index = 0; index < WORDS; index++) {
        for (const bit of BITS) {
          const flipped = withWord(evidence, index, wordAt(evidence, index) ^ (1n << BigInt(bit)));
          await refuses(one, flipped, `word ${index} bit ${bit}`);
        }
      }
    });

    it("a batch with any word of any proof flipped in any class of bits [ZK4]", async () => {
      const evidence = evidenceOf(three);
      for (let index = 0; index < WORDS * three.length; index++) {
        for (const bit of BITS) {
          const flipped = withWord(evidence, index, wordAt(evidence, index) ^ (1n << BigInt(bit)));
          await refuses(three, flipped, `word ${index} bit ${bit}`);
        }
      }
    });

    it("any bound bit of any receipt id flipped: the proof is for that receipt only", async () => {
      for (const items of [one, three]) {
        for (let i = 0; i < items.length; i++) {
          for (const bit of BITS.filter((b) => b >= 8)) {
            const ids = idsOf(items);
            ids[i] = "0x" + (BigInt(ids[i]!) ^ (1n << BigInt(bit))).toString(16).padStart(64, "0");
            expect(await verify(ids, evidenceOf(items)), `receipt ${i} bit ${bit}`).to.equal(false);
          }
        }
      }
    });

    it("proofs in each other's places, and receipts in each other's places", async () => {
      const [a, b, c] = three as [Item, Item, Item];
      for (const order of [
        [b, a, c],
        [a, c, b],
        [c, b, a],
        [b, c, a],
      ]) {
        await refuses(three, evidenceOf(order), "evidence reordered");
        expect(await verify(idsOf(order), evidenceOf(three)), "receipts reordered").to.equal(false);
        await refuses(
          three,
          concat(three.map((item, i) => itemEvidence(order[i]!.proof, item.signals))),
          "proofs reordered under their signals",
        );
        await refuses(
          three,
          concat(three.map((item, i) => itemEvidence(item.proof, order[i]!.signals))),
          "signals reordered under their proofs",
        );
      }
    });

    it("single points exchanged between two proofs", async () => {
      const [x, y] = three as [Item, Item, Item];
      for (const part of ["a", "b", "c"] as const) {
        const swapped = [
          itemEvidence({ ...x.proof, [part]: y.proof[part] }, x.signals),
          itemEvidence({ ...y.proof, [part]: x.proof[part] }, y.signals),
        ];
        await refuses([x, y], concat(swapped), part);
      }
    });

    it("a signal that is its true value plus the group order [ZK4][FM:signal-range]", async () => {
      for (const items of [one, three]) {
        const evidence = evidenceOf(items);
        for (let i = 0; i < items.length; i++) {
          for (const signal of [8, 9]) {
            const index = i * WORDS + signal;
            const value = wordAt(evidence, index);
            for (const times of [1n, 2n, 3n, 4n].filter((t) => value + t * R < 1n << 256n)) {
              const aliased = withWord(evidence, index, value + times * R);
              await refuses(items, aliased, `signal ${index} plus ${times} r`);
              await expect(fixture.verifier.hashes(MODEL, aliased))
                .to.be.revertedWithCustomError(fixture.verifier, "Groth16Verifier_SignalOutOfField")
                .withArgs(i, signal - 8, value + times * R);
            }
          }
        }
      }
    });

    it("the group order itself as a signal whose true value is zero [ZK4][FM:signal-range]", async () => {
      const zero = itemWith(fixture, one[0]!.receiptId, [0n, 0n]);
      for (const items of [[zero], [zero, ...three], [...three, zero]]) {
        const evidence = evidenceOf(items);
        expect(await verify(idsOf(items), evidence)).to.equal(true);
        const at = items.indexOf(zero) * WORDS;
        await refuses(items, withWord(evidence, at + 8, R), "input");
        await refuses(items, withWord(evidence, at + 9, R), "output");
      }
    });

    it("a coordinate that is its true value plus the base field's modulus [ZK4]", async () => {
      for (const items of [one, three]) {
        const evidence = evidenceOf(items);
        for (let index = 0; index < WORDS * items.length; index++) {
          if (index % WORDS >= 8) continue;
          const value = wordAt(evidence, index);
          for (const times of [1n, 2n, 3n, 4n, 5n].filter((t) => value + t * P < 1n << 256n)) {
            await refuses(items, withWord(evidence, index, value + times * P), `word ${index} plus ${times} q`);
          }
        }
      }
    });

    it("points at infinity in place of any point, alone and in a batch", async () => {
      for (const items of [one, three]) {
        for (let i = 0; i < items.length; i++) {
          for (const parts of [["a"], ["b"], ["c"], ["a", "b"], ["a", "c"], ["b", "c"], ["a", "b", "c"]]) {
            const evidence = items.map((item, j) =>
              j === i
                ? itemEvidence({ ...item.proof, ...Object.fromEntries(parts.map((p) => [p, 0n])) }, item.signals)
                : item.evidence,
            );
            await refuses(items, concat(evidence), `proof ${i}: ${parts.join()}`);
          }
        }
      }
    });

    it("infinity written with the modulus as coordinate, even where infinity itself would do [ZK4]", async () => {
      // With a = 0 the equation can hold; then A is (0, 0) and nothing but (0, 0).
      const [item] = one as [Item];
      const infinite = itemWith(fixture, item.receiptId, item.signals, 0n);
      expect(await verify([item.receiptId], infinite.evidence)).to.equal(true);
      for (const [index, value] of [
        [0, P],
        [1, P],
        [1, 2n * P],
      ] as const) {
        const evidence = withWord(infinite.evidence, index, value);
        await refuses([item], evidence, `word ${index}`);
        await refuses([item, ...three], concat([evidence, evidenceOf(three)]), `word ${index}, first of a batch`);
        await refuses([...three, item], concat([evidenceOf(three), evidence]), `word ${index}, last of a batch`);
      }
    });

    it("random bytes", async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.infiniteStream(fc.nat(255)), async (n, bytes) => {
          const evidence = hexlify(Uint8Array.from({ length: n * 320 }, () => bytes.next().value as number));
          const ids = Array.from({ length: n }, () => hexlify(randomBytes(32)));
          expect(await verify(ids, evidence)).to.equal(false);
        }),
        { numRuns: 30 },
      );
    });

    it("a proof under another key of the same shape", async () => {
      const other = await deployVerifier(makeSetup(3, "another"));
      for (const items of [one, three]) {
        expect(await other.verifier.verify(MODEL, idsOf(items), evidenceOf(items))).to.equal(false);
      }
    });

    it("errors that cancel in a plain sum of the equations [ZK2]", async () => {
      const [x, y] = three as [Item, Item, Item];
      const evidence = [
        itemEvidence({ ...x.proof, c: mod(x.proof.c + 5n) }, x.signals),
        itemEvidence({ ...y.proof, c: mod(y.proof.c - 5n) }, y.signals),
      ];
      await refuses([x, y], concat(evidence), "two wrong C that add up to the right ones");
    });
  });

  describe("names", () => {
    it("exactly the bad proofs of a batch, in order", async () => {
      const items = makeItems(fixture.setup, 6, "named");
      const spoil = [
        (item: Item) => withWord(item.evidence, 8, mod(wordAt(item.evidence, 8) + 1n)),
        (item: Item) => withWord(item.evidence, 0, P),
        (item: Item) => withWord(item.evidence, 3, wordAt(item.evidence, 3) ^ 1n),
        (item: Item) => withWord(item.evidence, 9, R),
        (item: Item) => concat([g1Bytes(g1(3n)), "0x" + item.evidence.slice(2 + 128)]),
      ];
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.option(fc.nat(spoil.length - 1), { nil: undefined }), { minLength: 6, maxLength: 6 }),
          async (faults) => {
            const evidence = items.map((item, i) =>
              faults[i] === undefined ? item.evidence : spoil[faults[i]]!(item),
            );
            const bad = faults.flatMap((fault, i) => (fault === undefined ? [] : [BigInt(i)]));
            const found = await fixture.verifier.invalidProofs(MODEL, idsOf(items), concat(evidence));
            expect([...found]).to.deep.equal(bad);
            expect(await verify(idsOf(items), concat(evidence))).to.equal(bad.length === 0);
          },
        ),
        { numRuns: 40 },
      );
    });

    it("the hashes of each proof's statement, whatever the proof is worth", async () => {
      const forged = concat(
        three.map((item) => concat([proofBytes({ a: 1n, b: 2n, c: 3n }), ...item.signals.map(hex)])),
      );
      const [inputs, outputs] = await fixture.verifier.hashes(MODEL, forged);
      expect([...inputs]).to.deep.equal(three.map((item) => hex(item.signals[0]!)));
      expect([...outputs]).to.deep.equal(three.map((item) => outputHashOf(item.signals.slice(1))));
    });
  });

  describe("reverts with its own error for", () => {
    const calls = {
      verify: (ids: string[], evidence: string, model = MODEL) => fixture.verifier.verify(model, ids, evidence),
      invalidProofs: (ids: string[], evidence: string, model = MODEL) =>
        fixture.verifier.invalidProofs(model, ids, evidence),
      hashes: (_: string[], evidence: string, model = MODEL) => fixture.verifier.hashes(model, evidence),
    };

    it("a model version without a key", async () => {
      const unknown = "0x" + "22".repeat(32);
      for (const call of Object.values(calls)) {
        await expect(call(idsOf(one), evidenceOf(one), unknown))
          .to.be.revertedWithCustomError(fixture.verifier, "Groth16Verifier_UnknownModel")
          .withArgs(unknown);
      }
    });

    it("a stored key that is not of this verifier", async () => {
      const foreign = "0x" + "33".repeat(32);
      await fixture.keys.set(foreign, "0x" + "00".repeat(100));
      for (const call of Object.values(calls)) {
        await expect(call(idsOf(one), evidenceOf(one), foreign))
          .to.be.revertedWithCustomError(fixture.verifier, "Groth16Verifier_ForeignKey")
          .withArgs(foreign, 101);
      }
    });

    it("no proofs", async () => {
      for (const call of Object.values(calls)) {
        await expect(call([], "0x")).to.be.revertedWithCustomError(fixture.verifier, "Groth16Verifier_NoProofs");
      }
    });

    it("evidence that is not a whole number of proofs", async () => {
      const evidence = evidenceOf(one);
      for (const bytes of [evidence + "00", evidence.slice(0, -2), evidence.slice(0, -64), "0x00"]) {
        for (const call of Object.values(calls)) {
          await expect(call(idsOf(one), bytes))
            .to.be.revertedWithCustomError(fixture.verifier, "Groth16Verifier_EvidenceLength")
            .withArgs((bytes.length - 2) / 2, 320);
        }
      }
    });

    it("another number of receipts than of proofs", async () => {
      for (const ids of [[], idsOf(three), idsOf(three).slice(0, 2)]) {
        for (const call of [calls.verify, calls.invalidProofs]) {
          await expect(call(ids, evidenceOf(one)))
            .to.be.revertedWithCustomError(fixture.verifier, "Groth16Verifier_ReceiptCount")
            .withArgs(ids.length, 1);
        }
      }
    });
  });
});

const hex = (value: bigint): string => "0x" + value.toString(16).padStart(64, "0");

/** A valid item with these signals and, if given, this secret for A. */
function itemWith({ setup }: SyntheticFixture, receiptId: string, signals: bigint[], a = 12345n): Item {
  const proof = prove(setup, [...signals, bindingOf(receiptId)], a, 67890n);
  return { receiptId, signals, proof, evidence: itemEvidence(proof, signals) };
}
