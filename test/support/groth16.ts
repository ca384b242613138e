// SPDX-License-Identifier: MIT
import { bn254 } from "@noble/curves/bn254.js";
import { AbiCoder, concat, getBytes, hexlify, keccak256, toBeHex, toUtf8Bytes, type BytesLike } from "ethers";

/**
 * Groth16 instances without a circuit: with the secrets of a setup at hand, any statement has a proof. a and b are
 * free, and c follows from the verification equation. Verifiers cannot tell these from a prover's.
 */

/** Group order of BN254. */
export const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
/** Base field of BN254. */
export const P = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

export const mod = (value: bigint, modulus = R): bigint => ((value % modulus) + modulus) % modulus;

const Fr = bn254.fields.Fr;
type G1 = ReturnType<typeof bn254.G1.Point.BASE.multiply>;
type G2 = ReturnType<typeof bn254.G2.Point.BASE.multiply>;

/** A point of G1 by its secret; zero gives infinity. */
export const g1 = (scalar: bigint): G1 => (scalar === 0n ? bn254.G1.Point.ZERO : bn254.G1.Point.BASE.multiply(scalar));
export const g2 = (scalar: bigint): G2 => (scalar === 0n ? bn254.G2.Point.ZERO : bn254.G2.Point.BASE.multiply(scalar));

const word = (value: bigint): string => toBeHex(value, 32);

/** x ‖ y, 64 bytes, infinity as zeros. */
export function g1Bytes(point: G1): string {
  const { x, y } = point.is0() ? { x: 0n, y: 0n } : point.toAffine();
  return concat([word(x), word(y)]);
}

/** x.c1 ‖ x.c0 ‖ y.c1 ‖ y.c0, 128 bytes, infinity as zeros. */
export function g2Bytes(point: G2): string {
  if (point.is0()) return concat([word(0n), word(0n), word(0n), word(0n)]);
  const { x, y } = point.toAffine();
  return concat([word(x.c1), word(x.c0), word(y.c1), word(y.c0)]);
}

/** Deterministic scalars, different for each label. */
export function scalar(label: string): bigint {
  return mod(BigInt(keccak256(toUtf8Bytes(label)))) || 1n;
}

/** The secrets of a setup; IC points by their secrets too. */
export interface Setup {
  alpha: bigint;
  beta: bigint;
  gamma: bigint;
  delta: bigint;
  ic: bigint[];
}

/** A setup for `signals` signals. gamma is the generator, as ceremonies have it. */
export function makeSetup(signals: number, label = "setup"): Setup {
  return {
    alpha: scalar(`${label} alpha`),
    beta: scalar(`${label} beta`),
    gamma: 1n,
    delta: scalar(`${label} delta`),
    ic: Array.from({ length: signals + 1 }, (_, i) => scalar(`${label} ic ${i}`)),
  };
}

/** The verifying key in the verifier's byte format. */
export function keyBytes(setup: Setup): string {
  return concat([
    g1Bytes(g1(setup.alpha)),
    g2Bytes(g2(setup.beta)),
    g2Bytes(g2(setup.gamma)),
    g2Bytes(g2(setup.delta)),
    ...setup.ic.map((s) => g1Bytes(g1(s))),
  ]);
}

export const phase1IdOf = (key: BytesLike): string => keccak256(getBytes(key).slice(0, 320));

/** The binding signal of a receipt. */
export const bindingOf = (receiptId: string): bigint => BigInt(receiptId) >> 8n;

/** A proof by its secrets. */
export interface ProofSecrets {
  a: bigint;
  b: bigint;
  c: bigint;
}

/** Σ over IC, the part of the equation that the signals enter. */
export function vkX(setup: Setup, signals: readonly bigint[]): bigint {
  return mod(signals.reduce((sum, s, i) => sum + s * setup.ic[i + 1]!, setup.ic[0]!));
}

/** A proof of any statement, by the setup's secrets. */
export function prove(setup: Setup, signals: readonly bigint[], a: bigint, b: bigint): ProofSecrets {
  const rest = mod(a * b - setup.alpha * setup.beta - setup.gamma * vkX(setup, signals));
  return { a, b, c: Fr.mul(rest, Fr.inv(setup.delta)) };
}

export const proofBytes = ({ a, b, c }: ProofSecrets): string =>
  concat([g1Bytes(g1(a)), g2Bytes(g2(b)), g1Bytes(g1(c))]);

/** One proved receipt: its id, its signals without the binding, and its part of the evidence. */
export interface Item {
  receiptId: string;
  signals: bigint[];
  proof: ProofSecrets;
  evidence: string;
}

/** A valid item; all values follow from the label. */
export function makeItem(setup: Setup, label: string): Item {
  const receiptId = keccak256(toUtf8Bytes(`receipt ${label}`));
  const signals = setup.ic.slice(2).map((_, i) => scalar(`${label} signal ${i}`));
  const proof = prove(setup, [...signals, bindingOf(receiptId)], scalar(`${label} a`), scalar(`${label} b`));
  return { receiptId, signals, proof, evidence: itemEvidence(proof, signals) };
}

export const itemEvidence = (proof: ProofSecrets, signals: readonly bigint[]): string =>
  concat([proofBytes(proof), ...signals.map(word)]);

/** n valid items under one setup. */
export const makeItems = (setup: Setup, n: number, label = "item"): Item[] =>
  Array.from({ length: n }, (_, i) => makeItem(setup, `${label} ${i}`));

/** What a verifier takes for these items. */
export const evidenceOf = (items: readonly Item[]): string => concat(items.map((item) => item.evidence));
export const idsOf = (items: readonly Item[]): string[] => items.map((item) => item.receiptId);

/** The output hash as the protocol defines it, computed apart from the contract. */
export const outputHashOf = (outputs: readonly bigint[]): string =>
  keccak256(AbiCoder.defaultAbiCoder().encode(["uint8", "uint256[]"], [2, outputs]));

/** Evidence with the 32-byte word at `index` replaced. */
export function withWord(evidence: string, index: number, value: bigint): string {
  const bytes = getBytes(evidence);
  bytes.set(getBytes(word(value)), index * 32);
  return hexlify(bytes);
}

export function wordAt(evidence: string, index: number): bigint {
  return BigInt(hexlify(getBytes(evidence).slice(index * 32, index * 32 + 32)));
}
