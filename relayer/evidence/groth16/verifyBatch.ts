// SPDX-License-Identifier: GPL-3.0-or-later
import { randomBytes } from "node:crypto";
import type { Element } from "./bn128.ts";
import { Curve, littleEndian } from "./curve.ts";
import {
  bindingOf,
  EvidenceError,
  fromBytes,
  PROOF_BYTES,
  SCALAR_MODULUS,
  signalsOf,
  splitEvidence,
} from "./encode.ts";
import type { Hex } from "./encode.ts";

/** Whether all proofs hold, and the places of those that do not, ascending. */
export interface BatchResult {
  ok: boolean;
  invalid: number[];
}

/** A key's points, those of G2 made ready for pairings. */
interface Key {
  signals: number;
  alpha: Element;
  beta: Element;
  gamma: Element;
  delta: Element;
  ic: Element[];
}

/** One proof's share of the combined equation: e(r·A, B), r·C, r and r times each signal. */
interface Share {
  index: number;
  pairing: Element;
  c: Element;
  multipliers: bigint[];
}

/** Keys kept ready: a relayer sees few models at a time. */
const KEPT_KEYS = 64;

/**
 * Checks Groth16 proofs of one key together, in this thread.
 *
 * The equations of the proofs are raised to random powers and multiplied into one, as the contract does it; but the
 * powers are 128 random bits each from the system's source, which nobody can foresee, so nothing need be hashed. A
 * false proof passes with a chance of 2^-128. If the check fails, halves are checked until the bad proofs are found;
 * what was computed for each proof is kept, so that a further check costs three pairings whatever its size.
 */
export class BatchVerifier {
  readonly #curve: Curve;
  readonly #keys = new Map<string, Key>();

  constructor(curve: Curve) {
    this.#curve = curve;
  }

  static async create(): Promise<BatchVerifier> {
    return new BatchVerifier(await Curve.build());
  }

  /**
   * @param key A verifying key in the byte format of the model registry.
   * @param evidence Proofs and signals in the format of the contract.
   * @param receiptIds One for each proof.
   * @throws {EvidenceError} If the key is unusable or the evidence cannot be split into proofs. What a single proof
   * can do wrong is not thrown but reported as invalid: points off the curve or the subgroup, numbers out of field.
   */
  verify(key: Uint8Array, evidence: Uint8Array, receiptIds: readonly Hex[]): BatchResult {
    const parsed = this.#key(key);
    const shares: Share[] = [];
    const invalid: number[] = [];
    splitEvidence(evidence, parsed.signals, receiptIds).forEach((proof, index) => {
      const share = this.#share(proof, index, bindingOf(receiptIds[index]!));
      if (share) shares.push(share);
      else invalid.push(index);
    });
    if (shares.length > 0 && !this.#holds(parsed, shares)) invalid.push(...this.#isolate(parsed, shares));
    return { ok: invalid.length === 0, invalid: invalid.sort((a, b) => a - b) };
  }

  /** The bad ones of shares of which at least one is bad. */
  #isolate(key: Key, shares: readonly Share[]): number[] {
    if (shares.length === 1) return [shares[0]!.index];
    const left = shares.slice(0, shares.length >> 1);
    const right = shares.slice(shares.length >> 1);
    // With a good left half the fault is in the right one: that need not be checked again.
    if (this.#holds(key, left)) return this.#isolate(key, right);
    const bad = this.#isolate(key, left);
    return this.#holds(key, right) ? bad : [...bad, ...this.#isolate(key, right)];
  }

  #share(bytes: Uint8Array, index: number, binding: bigint): Share | undefined {
    const { bn } = this.#curve;
    const signals: bigint[] = [];
    for (let at = PROOF_BYTES; at < bytes.length; at += 32) signals.push(fromBytes(bytes, at));
    signals.push(binding);
    if (signals.some((signal) => signal >= SCALAR_MODULUS)) return undefined;

    const a = this.#curve.g1(bytes, 0);
    const b = a && this.#curve.g2(bytes, 64);
    const c = b && this.#curve.g1(bytes, 192);
    if (!a || !b || !c) return undefined;

    const random = randomBytes(16);
    const r = BigInt(`0x${Buffer.from(random).reverse().toString("hex")}`);
    const multiplied = bn.G1.timesScalar(a, random);
    return {
      index,
      pairing: bn.millerLoop(bn.prepareG1(multiplied), bn.prepareG2(bn.G2.toJacobian(b))),
      c: bn.G1.timesScalar(c, random),
      multipliers: [r, ...signals.map((signal) => (r * signal) % SCALAR_MODULUS)],
    };
  }

  /** The combined equation of some shares. */
  #holds(key: Key, shares: readonly Share[]): boolean {
    const { bn } = this.#curve;
    let product = bn.Gt.one;
    let c = bn.G1.zero;
    const sums = Array.from({ length: key.signals + 1 }, () => 0n);
    for (const share of shares) {
      product = bn.Gt.mul(product, share.pairing);
      c = bn.G1.add(c, share.c);
      share.multipliers.forEach((multiplier, j) => (sums[j]! += multiplier));
    }
    const multipliers = sums.map((sum) => littleEndian(sum % SCALAR_MODULUS));
    const x = key.ic.reduce((sum, point, j) => bn.G1.add(sum, bn.G1.timesScalar(point, multipliers[j]!)), bn.G1.zero);
    for (const [point, prepared] of [
      [bn.G1.timesScalar(key.alpha, multipliers[0]!), key.beta],
      [x, key.gamma],
      [c, key.delta],
    ] as const) {
      product = bn.Gt.mul(product, bn.millerLoop(bn.prepareG1(bn.G1.neg(point)), prepared));
    }
    return bn.Gt.eq(bn.finalExponentiation(product), bn.Gt.one);
  }

  #key(bytes: Uint8Array): Key {
    const name = Buffer.from(bytes).toString("latin1");
    let key = this.#keys.get(name);
    if (key) {
      this.#keys.delete(name);
    } else {
      key = this.#parseKey(bytes);
      // The map keeps its order of use: the first is the one unused for longest.
      if (this.#keys.size >= KEPT_KEYS) this.#keys.delete(this.#keys.keys().next().value!);
    }
    this.#keys.set(name, key);
    return key;
  }

  #parseKey(bytes: Uint8Array): Key {
    const signals = signalsOf(bytes);
    const g1 = (offset: number): Element => orRefuse(this.#curve.g1(bytes, offset), offset);
    const g2 = (offset: number): Element => {
      const { bn } = this.#curve;
      return bn.prepareG2(bn.G2.toJacobian(orRefuse(this.#curve.g2(bytes, offset), offset)));
    };
    return {
      signals,
      alpha: g1(0),
      beta: g2(64),
      gamma: g2(192),
      delta: g2(320),
      ic: Array.from({ length: signals + 1 }, (_, j) => g1(448 + 64 * j)),
    };
  }
}

function orRefuse(point: Element | undefined, offset: number): Element {
  if (point) return point;
  throw new EvidenceError(
    "key_malformed",
    `The key's point at byte ${offset} is infinite, out of field, off the curve or outside its group`,
  );
}
