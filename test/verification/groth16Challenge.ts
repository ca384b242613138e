// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { concat, getBytes, keccak256, toBeHex, type BytesLike } from "ethers";
import {
  bindingOf,
  evidenceOf,
  idsOf,
  itemEvidence,
  makeItems,
  mod,
  R,
  vkX,
  type Item,
  type Setup,
} from "../support/groth16.ts";
import { deployVerifier, MODEL, type VerifierFixture } from "./fixture.ts";

/**
 * A batch check is worth as much as its challenge. Here an attacker knows r beforehand, which is the case if the
 * challenge leaves out what the attacker changes. Two false statements whose errors cancel under r then pass. Each
 * attack is carried out against the contract with r as a weakened challenge would have it.
 */
type Leaves = "nothing" | "evidence" | "receipts" | "key" | "chain" | "contract" | "later chunks" | "first chunk";

interface Statement {
  signals: bigint[];
  c: bigint;
}

describe("the challenge of a batch", () => {
  let fixture: VerifierFixture;
  let items: Item[];

  before(async () => {
    fixture = await deployVerifier();
    items = makeItems(fixture.setup, 8, "challenge");
  });

  const leaves: Leaves[] = [
    "nothing",
    "evidence",
    "receipts",
    "key",
    "chain",
    "contract",
    "later chunks",
    "first chunk",
  ];

  for (const left of leaves) {
    it(`refuses false signals, bindings and proofs fitted to one that leaves out ${left} [ZK2]`, async () => {
      const r = await weakChallenge(fixture, items, left);
      // Changes the last two proofs, and the first two: they lie in different chunks of the hash.
      for (const [i, j] of [
        [0, 1],
        [6, 7],
        [0, 7],
      ] as const) {
        for (const target of ["input", "output", "c"] as const) {
          const statements = fitted(items, r, i, j, target);
          expect(holdsUnder(fixture.setup, items, statements, r), "the attack is a real one").to.equal(true);
          const evidence = concat(
            items.map((item, n) => itemEvidence({ ...item.proof, c: statements[n]!.c }, statements[n]!.signals)),
          );
          expect(await fixture.verifier.verify(MODEL, idsOf(items), evidence), `${target} ${i} ${j}`).to.equal(false);
        }
      }
    });
  }

  it("refuses foreign receipts fitted to one that leaves out the receipt ids [ZK2]", async () => {
    const r = await weakChallenge(fixture, items, "receipts");
    // The binding of receipt 0 grows by `step`; the output signal of receipt 1 makes up for it.
    const step = 7n;
    const ids = idsOf(items);
    ids[0] = toBeHex(BigInt(ids[0]!) + (step << 8n), 32);
    const { ic } = fixture.setup;
    const statements = items.map((item) => ({ signals: [...item.signals], c: item.proof.c }));
    const inverse = modInverse(mod(r * ic[2]!));
    statements[1]!.signals[1] = mod(statements[1]!.signals[1]! - step * ic[3]! * inverse);
    expect(holdsUnder(fixture.setup, items, statements, r, ids), "the attack is a real one").to.equal(true);
    const evidence = concat(items.map((item, n) => itemEvidence(item.proof, statements[n]!.signals)));
    expect(await fixture.verifier.verify(MODEL, ids, evidence)).to.equal(false);
  });

  it("is what the attacks suppose: with the true challenge their arithmetic predicts the contract [ZK2]", async () => {
    const r = await weakChallenge(fixture, items, "nothing");
    const honest = items.map((item) => ({ signals: item.signals, c: item.proof.c }));
    expect(holdsUnder(fixture.setup, items, honest, r)).to.equal(true);
    expect(await fixture.verifier.verify(MODEL, idsOf(items), evidenceOf(items))).to.equal(true);
  });
});

/** Statements i and j made false so that their errors cancel under powers of r. */
function fitted(
  items: readonly Item[],
  r: bigint,
  i: number,
  j: number,
  target: "input" | "output" | "c",
): Statement[] {
  const statements = items.map((item) => ({ signals: [...item.signals], c: item.proof.c }));
  const step = 1234567n;
  const counter = mod(step * modInverse(power(r, j - i)));
  if (target === "c") {
    statements[i]!.c = mod(statements[i]!.c + step);
    statements[j]!.c = mod(statements[j]!.c - counter);
  } else {
    const k = target === "input" ? 0 : 1;
    statements[i]!.signals[k] = mod(statements[i]!.signals[k]! + step);
    statements[j]!.signals[k] = mod(statements[j]!.signals[k]! - counter);
  }
  return statements;
}

/** The combined equation in the exponents, for a challenge r. */
function holdsUnder(
  setup: Setup,
  items: readonly Item[],
  statements: readonly Statement[],
  r: bigint,
  ids = idsOf(items),
): boolean {
  const sum = items.reduce((total, { proof }, i) => {
    const { signals, c } = statements[i]!;
    const x = vkX(setup, [...signals, bindingOf(ids[i]!)]);
    const error = proof.a * proof.b - setup.alpha * setup.beta - setup.gamma * x - setup.delta * c;
    return mod(total + power(r, i) * mod(error));
  }, 0n);
  return sum === 0n;
}

/** The contract's challenge with a part left out of each hash. */
async function weakChallenge(fixture: VerifierFixture, items: readonly Item[], left: Leaves): Promise<bigint> {
  const pointer = await fixture.keys.verifyingKey(MODEL);
  const codeHash = keccak256(await fixture.ethers.provider.getCode(pointer));
  const { chainId } = await fixture.ethers.provider.getNetwork();
  const header: BytesLike[] = [];
  if (left !== "chain") header.push(toBeHex(chainId, 32));
  if (left !== "contract") header.push(toBeHex(fixture.address, 32));
  if (left !== "key") header.push(codeHash);
  header.push(toBeHex(items.length, 32));
  if (left !== "receipts") header.push(...idsOf(items));
  let hash = keccak256(concat(header));

  const evidence = getBytes(evidenceOf(items));
  const size = items.length * 192 + 544;
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < evidence.length; at += size) chunks.push(evidence.slice(at, at + size));
  expect(chunks.length, "the batch is large enough for more than one chunk").to.be.greaterThan(1);
  if (left === "evidence") chunks.length = 0;
  if (left === "later chunks") chunks.length = 1;
  if (left === "first chunk") chunks.shift();
  for (const chunk of chunks) hash = keccak256(concat([hash, chunk]));
  return BigInt(hash) % R;
}

function power(base: bigint, exponent: number): bigint {
  let result = 1n;
  for (let i = 0; i < exponent; i++) result = mod(result * base);
  return result;
}

function modInverse(value: bigint): bigint {
  let [a, b, x, y] = [mod(value), R, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return mod(x);
}
