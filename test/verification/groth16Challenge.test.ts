// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { concat, getBytes, hexlify, keccak256, toBeHex } from "ethers";
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
import { deployVerifier, MODEL, type SyntheticFixture } from "./fixture.ts";

/**
 * A batch check is worth as much as its challenge. Here an attacker knows r beforehand, which is the case if the
 * challenge leaves out what the attacker changes. Two false statements whose errors cancel under r then pass. Each
 * attack is carried out against the contract with r as a weakened challenge would have it.
 */
type Leaves = "nothing" | "evidence" | "receipts" | "later chunks" | "first chunk" | "all but the last chunk";

interface Statement {
  signals: bigint[];
  c: bigint;
}

describe("the challenge of a batch", () => {
  let fixture: SyntheticFixture;
  let items: Item[];

  before(async () => {
    fixture = await deployVerifier();
    items = makeItems(fixture.setup, 8, "challenge");
  });

  for (const left of ["evidence", "later chunks", "first chunk", "all but the last chunk"] as const) {
    it(`refuses false signals and proofs fitted to one that leaves out ${left} [ZK2]`, async () => {
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
    // The evidence stays as it is. The binding of receipt 1 becomes another, and that of receipt 0 makes up for it:
    // new ones are tried until both are short enough for a binding.
    const ids = idsOf(items);
    const [first, second] = [bindingOf(ids[0]!), bindingOf(ids[1]!)];
    for (let i = 0; ; i++) {
      const other = bindingOf(keccak256(toBeHex(i, 32)));
      const fitting = mod(first + (second - other) * r);
      if (fitting >> 248n !== 0n) continue;
      ids[0] = toBeHex(fitting << 8n, 32);
      ids[1] = toBeHex(other << 8n, 32);
      break;
    }
    const honest = items.map((item) => ({ signals: item.signals, c: item.proof.c }));
    expect(holdsUnder(fixture.setup, items, honest, r, ids), "the attack is a real one").to.equal(true);
    expect(await fixture.verifier.verify(MODEL, ids, evidenceOf(items))).to.equal(false);
  });

  it("is a hash of chain, contract, key, all receipts and all evidence, which the attacks suppose [ZK2]", async () => {
    const r = await weakChallenge(fixture, items, "nothing");
    const data = fixture.verifier.interface.encodeFunctionData("verify", [MODEL, idsOf(items), evidenceOf(items)]);
    const [signer] = await fixture.ethers.getSigners();
    const transaction = await signer!.sendTransaction({ to: fixture.address, data, gasLimit: 5_000_000 });
    const { structLogs } = await fixture.ethers.provider.send("debug_traceTransaction", [
      transaction.hash,
      { enableMemory: true },
    ]);
    // The first multiplication is by r itself: its input is a point of 64 bytes and the multiplier.
    const call = structLogs.find(
      ({ op, stack }: { op: string; stack: string[] }) =>
        op === "STATICCALL" && BigInt("0x" + bare(stack.at(-2)!)) === 7n,
    );
    const at = Number("0x" + bare(call.stack.at(-3)));
    const memory = getBytes("0x" + call.memory.map(bare).join(""));
    expect(BigInt(hexlify(memory.slice(at + 64, at + 96)))).to.equal(r);
  });
});

const bare = (hex: string): string => hex.replace(/^0x/, "");

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
async function weakChallenge(fixture: SyntheticFixture, items: readonly Item[], left: Leaves): Promise<bigint> {
  const pointer = await fixture.keys.verifyingKey(MODEL);
  const codeHash = keccak256(await fixture.ethers.provider.getCode(pointer));
  const { chainId } = await fixture.ethers.provider.getNetwork();
  const header = [toBeHex(chainId, 32), toBeHex(fixture.address, 32), codeHash, toBeHex(items.length, 32)];
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
  if (left === "all but the last chunk") {
    chunks.splice(0, chunks.length - 1);
    hash = toBeHex(0, 32);
  }
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
