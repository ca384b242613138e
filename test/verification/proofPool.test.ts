// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bn254 } from "@noble/curves/bn254.js";
import { expect } from "chai";
import fc from "fast-check";
import { concat, getBytes, hexlify, toBeHex } from "ethers";
import * as snarkjs from "snarkjs";
import { Curve } from "../../relayer/evidence/groth16/curve.ts";
import { decodeEvidence, decodeKey, EvidenceError, type Hex } from "../../relayer/evidence/groth16/encode.ts";
import { createProofPool, ProofPoolError, type ProofPool } from "../../relayer/evidence/groth16/pool.ts";
import { BatchVerifier } from "../../relayer/evidence/groth16/verifyBatch.ts";
import { evidenceOf, idsOf, keyBytes, makeItems, makeSetup, mod, P, R, withWord, wordAt } from "../support/groth16.ts";
import type { Item } from "../support/groth16.ts";

const setup = makeSetup(3);
const key = getBytes(keyBytes(setup));
const items = makeItems(setup, 64, "pool");
const ids = (part: readonly Item[]): Hex[] => idsOf(part) as Hex[];
const bytes = (part: readonly Item[]): Uint8Array => getBytes(evidenceOf(part));

/** Ways to spoil one proof's evidence. */
const FAULTS: ((item: Item) => string)[] = [
  ({ evidence }) => withWord(evidence, 8, mod(wordAt(evidence, 8) + 1n)),
  ({ evidence }) => withWord(evidence, 9, wordAt(evidence, 9) + R),
  ({ evidence }) => withWord(evidence, 0, wordAt(evidence, 0) + P),
  ({ evidence }) => withWord(evidence, 1, wordAt(evidence, 1) ^ 1n),
  ({ evidence }) => withWord(evidence, 1, P - wordAt(evidence, 1)),
  ({ evidence }) => withWord(evidence, 4, wordAt(evidence, 4) ^ 2n),
  ({ evidence }) => withWord(withWord(evidence, 6, 0n), 7, 0n),
  ({ evidence }) => concat([evidence.slice(0, 2 + 128), offSubgroup(1n), "0x" + evidence.slice(2 + 384)]),
];

/** A point of the twist outside the subgroup; another for each seed. */
function offSubgroup(seed: bigint): string {
  const { Fp2 } = bn254.fields;
  for (let i = seed * 1000n; ; i++) {
    const x = Fp2.create({ c0: i, c1: 1n });
    try {
      const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.Point.CURVE().b));
      if (!bn254.G2.Point.fromAffine({ x, y }).isTorsionFree()) {
        return concat([x.c1, x.c0, y.c1, y.c0].map((c) => toBeHex(c, 32)));
      }
    } catch {
      // No point has this x.
    }
  }
}

describe("verification of proofs off chain", () => {
  let verifier: BatchVerifier;
  before(async () => {
    verifier = await BatchVerifier.create();
  });

  it("accepts good proofs, alone and together", () => {
    for (const n of [1, 2, 7, 64]) {
      const part = items.slice(0, n);
      expect(verifier.verify(key, bytes(part), ids(part))).to.deep.equal({ ok: true, invalid: [] });
    }
  });

  it("finds exactly the bad proofs, whatever is wrong with them [ZK4][FM:poison-item][FM:signal-range]", () => {
    const part = items.slice(0, 9);
    const fault = fc.option(fc.nat(FAULTS.length - 1), { nil: undefined });
    fc.assert(
      fc.property(fc.array(fault, { minLength: 9, maxLength: 9 }), (faults) => {
        const evidence = concat(
          part.map((item, i) => (faults[i] === undefined ? item.evidence : FAULTS[faults[i]]!(item))),
        );
        const invalid = faults.flatMap((which, i) => (which === undefined ? [] : [i]));
        expect(verifier.verify(key, getBytes(evidence), ids(part))).to.deep.equal({
          ok: invalid.length === 0,
          invalid,
        });
      }),
      { numRuns: 25 },
    );
  });

  it("refuses two faults that cancel in a plain sum, and names both [ZK2]", () => {
    const [x, y] = items as [Item, Item];
    const wrong = [x, y].map((item, i) => {
      const c = mod(item.proof.c + (i === 0 ? 5n : -5n));
      const point = bn254.G1.Point.BASE.multiply(c).toAffine();
      return withWord(withWord(item.evidence, 6, point.x), 7, point.y);
    });
    expect(verifier.verify(key, getBytes(concat(wrong)), ids([x, y])).invalid).to.deep.equal([0, 1]);
  });

  it("refuses good proofs for other receipts", () => {
    const part = items.slice(0, 4);
    const [a, b, c, d] = ids(part) as [Hex, Hex, Hex, Hex];
    expect(verifier.verify(key, bytes(part), [a, c, b, d]).invalid).to.deep.equal([1, 2]);
  });

  it("knows the subgroup of the twist as multiplication by the group order does", async () => {
    const curve = await Curve.build();
    for (let seed = 1n; seed <= 20n; seed++) {
      const inside = bn254.G2.Point.BASE.multiply(seed * 0x1234567890abcdefn).toAffine();
      const good = getBytes(concat([inside.x.c1, inside.x.c0, inside.y.c1, inside.y.c0].map((c) => toBeHex(c, 32))));
      const point = curve.bn.G2.fromRprUncompressed(good, 0);
      expect(curve.inSubgroup(point)).to.equal(true);

      const outside = curve.bn.G2.fromRprUncompressed(getBytes(offSubgroup(seed)), 0);
      expect(curve.bn.G2.isZero(curve.bn.G2.timesScalar(outside, R))).to.equal(false);
      expect(curve.inSubgroup(outside)).to.equal(false);
      // What multiplication by the group order leaves has only the foreign component.
      const foreign = curve.bn.G2.toAffine(curve.bn.G2.timesScalar(outside, R));
      expect(curve.inSubgroup(foreign)).to.equal(false);
    }
  });

  it("refuses a key that is no key, by an error and not by a verdict", () => {
    const part = items.slice(0, 2);
    for (const [word, value] of [
      [0, P],
      [0, wordAt(hexlify(key), 0) ^ 1n],
      [2, wordAt(hexlify(key), 2) ^ 1n],
      [14, 0n],
    ] as const) {
      const broken = getBytes(withWord(hexlify(key), word, value));
      expect(() => verifier.verify(broken, bytes(part), ids(part)))
        .to.throw(EvidenceError)
        .with.property("code", "key_malformed");
    }
  });

  it("agrees with snarkjs proof by proof", async () => {
    const json = decodeKey(key);
    for (const [i, item] of items.slice(0, 4).entries()) {
      const evidence = i % 2 ? FAULTS[0]!(item) : item.evidence;
      const [decoded] = decodeEvidence(getBytes(evidence), 3, ids([item]));
      const theirs = await snarkjs.groth16.verify(json as never, decoded!.publicSignals, decoded!.proof as never);
      expect(verifier.verify(key, getBytes(evidence), ids([item])).ok).to.equal(theirs);
      expect(theirs).to.equal(i % 2 === 0);
    }
  });

  after(() => (globalThis as { curve_bn128?: { terminate(): Promise<void> } }).curve_bn128?.terminate());
});

describe("the pool of checking processes", () => {
  let pool: ProofPool;
  before(() => {
    pool = createProofPool({ processes: 2 });
  });
  after(() => pool.close());

  const refusal = async (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => expect.fail("should be refused"),
      (error: unknown) => error,
    );

  it("accepts good proofs and names the bad ones, split between processes [ZK7]", async () => {
    expect(await pool.verify(key, bytes(items), ids(items))).to.deep.equal({ ok: true, invalid: [] });
    const bad = new Map([0, 31, 32, 50, 63].map((place, i) => [place, FAULTS[i]!]));
    const evidence = concat(items.map((item, i) => bad.get(i)?.(item) ?? item.evidence));
    expect(await pool.verify(decodeKey(key), getBytes(evidence), ids(items))).to.deep.equal({
      ok: false,
      invalid: [...bad.keys()],
    });
  });

  it("serves many callers at a time", async () => {
    const results = await Promise.all(
      items.map((item, i) =>
        pool.verify(key, getBytes(i % 5 ? item.evidence : FAULTS[i % FAULTS.length]!(item)), ids([item])),
      ),
    );
    expect(results.map(({ ok }) => ok)).to.deep.equal(items.map((_, i) => i % 5 !== 0));
  });

  it("passes on what cannot be read as such", async () => {
    const [item] = items as [Item];
    for (const [badKey, evidence, code] of [
      [key, new Uint8Array(), "evidence_empty"],
      [key, bytes([item]).slice(1), "evidence_length"],
      [key.slice(1), bytes([item]), "key_length"],
      [getBytes(withWord(hexlify(key), 0, P)), bytes([item]), "key_malformed"],
    ] as const) {
      const error = await refusal(pool.verify(badKey, evidence, ids([item])));
      expect(error).to.be.instanceOf(EvidenceError).with.property("code", code);
    }
  });

  describe("with a child that", () => {
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "proof-pool-"));
    });
    after(() => rm(folder, { recursive: true }));

    const withWorker = async (name: string, source: string, use: (pool: ProofPool) => Promise<void>, options = {}) => {
      const worker = join(folder, `${name}.mjs`);
      await writeFile(worker, source);
      const strange = createProofPool({ processes: 1, worker, ...options });
      try {
        await use(strange);
      } finally {
        await strange.close();
      }
    };
    const one = (): [Uint8Array, Uint8Array, Hex[]] => [key, bytes(items.slice(0, 1)), ids(items.slice(0, 1))];

    it("never answers: no verdict, and a new child for the next batch", () =>
      withWorker(
        "silent",
        `process.on("message", () => {}); process.send({ ready: true });`,
        async (strange) => {
          for (let i = 0; i < 2; i++) {
            const error = await refusal(strange.verify(...one()));
            expect(error).to.be.instanceOf(ProofPoolError).with.property("code", "worker_timeout");
          }
        },
        { timeoutMs: 150 },
      ));

    it("dies once: the batch is checked by another", () =>
      withWorker(
        "dies-once",
        `import { existsSync, writeFileSync } from "node:fs";
         const mark = ${JSON.stringify("MARK")};
         process.on("message", ({ id }) => {
           if (!existsSync(mark)) { writeFileSync(mark, ""); process.exit(3); }
           process.send({ id, result: { ok: true, invalid: [] } });
         });
         process.send({ ready: true });`.replace("MARK", join(folder, "mark")),
        async (strange) => {
          expect((await strange.verify(...one())).ok).to.equal(true);
        },
      ));

    it("dies of the batch each time: no verdict, and the next batch is served [FM:poison-item]", () =>
      withWorker(
        "dies-of-first",
        `process.on("message", ({ id }) => {
           if (id === 0) process.exit(3);
           process.send({ id, result: { ok: true, invalid: [] } });
         });
         process.send({ ready: true });`,
        async (strange) => {
          const [poisoned, good] = await Promise.all([refusal(strange.verify(...one())), strange.verify(...one())]);
          expect(poisoned).to.be.instanceOf(ProofPoolError).with.property("code", "worker_failed");
          expect(good.ok).to.equal(true);
        },
      ));

    it("cannot start: no verdict, and no endless restarts", () =>
      withWorker("broken", `process.exit(7);`, async (strange) => {
        const error = await refusal(strange.verify(...one()));
        expect(error).to.be.instanceOf(ProofPoolError).with.property("code", "worker_failed");
        expect((error as Error).message).to.include("code 7");
      }));

    it("is slow: waiting batches are bounded, and refused at the end [FM:memory-only-buffer]", () =>
      withWorker(
        "slow",
        `process.on("message", () => {}); process.send({ ready: true });`,
        async (strange) => {
          const waiting = [1, 2, 3].map(() => refusal(strange.verify(...one())));
          const full = await refusal(strange.verify(...one()));
          expect(full).to.be.instanceOf(ProofPoolError).with.property("code", "pool_full");
          await strange.close();
          for (const error of await Promise.all(waiting)) {
            expect(error).to.be.instanceOf(ProofPoolError).with.property("code", "pool_closed");
          }
          const late = await refusal(strange.verify(...one()));
          expect(late).to.be.instanceOf(ProofPoolError).with.property("code", "pool_closed");
        },
        { maxWaiting: 3 },
      ));
  });
});
