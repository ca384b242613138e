// SPDX-License-Identifier: GPL-3.0-or-later
import { keccak_256 } from "@noble/hashes/sha3.js";

/** 0x and hexadecimal digits. */
export type Hex = `0x${string}`;

/** Order of the groups: signals lie below it. */
export const SCALAR_MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
/** Modulus of the base field: coordinates lie below it. */
export const BASE_MODULUS = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/** Bytes of A, B and C of one proof. */
export const PROOF_BYTES = 256;
export const MIN_SIGNALS = 2;
export const MAX_SIGNALS = 16;
const IC_OFFSET = 448;
const PHASE1_BYTES = 320;

export type EvidenceErrorCode =
  | "evidence_empty"
  | "evidence_length"
  | "receipt_count"
  | "receipt_id_malformed"
  | "signal_count"
  | "signal_out_of_field"
  | "coordinate_out_of_field"
  | "number_malformed"
  | "point_malformed"
  | "key_length"
  | "key_malformed";

/** What cannot be read as Groth16 evidence or as a key. `code` is stable. */
export class EvidenceError extends Error {
  readonly code: EvidenceErrorCode;

  constructor(code: EvidenceErrorCode, message: string) {
    super(message);
    this.name = "EvidenceError";
    this.code = code;
  }
}

/** x, y and 1, as decimal strings. */
export type SnarkG1 = readonly string[];
/** [real, imaginary] of x, y and 1, as decimal strings. */
export type SnarkG2 = readonly (readonly string[])[];

/** A proof as snarkjs writes it. */
export interface SnarkProof {
  pi_a: SnarkG1;
  pi_b: SnarkG2;
  pi_c: SnarkG1;
  protocol: string;
  curve: string;
}

/** A verifying key as snarkjs writes it; fields that follow from others are left out. */
export interface SnarkVerificationKey {
  protocol: string;
  curve: string;
  nPublic: number;
  vk_alpha_1: SnarkG1;
  vk_beta_2: SnarkG2;
  vk_gamma_2: SnarkG2;
  vk_delta_2: SnarkG2;
  IC: readonly SnarkG1[];
}

/** Bytes of evidence a proof, for a key with so many signals. The last signal, the binding, is not sent. */
export const strideOf = (signals: number): number => PROOF_BYTES + 32 * (signals - 1);

/** Number of signals of a key of this length. */
export function signalsOf(key: Uint8Array): number {
  const signals = (key.length - IC_OFFSET) / 64 - 1;
  if (!Number.isInteger(signals) || signals < MIN_SIGNALS || signals > MAX_SIGNALS) {
    throw new EvidenceError(
      "key_length",
      `A key of ${key.length} bytes has no whole number of signals from ${MIN_SIGNALS} to ${MAX_SIGNALS}`,
    );
  }
  return signals;
}

/** keccak256 of alpha, beta and gamma: which phase 1 the key was made from. */
export function phase1Id(key: Uint8Array): Hex {
  signalsOf(key);
  return `0x${Buffer.from(keccak_256(key.subarray(0, PHASE1_BYTES))).toString("hex")}`;
}

/** The binding signal of a receipt: its id without the last byte, which fits the scalar field. */
export function bindingOf(receiptId: Hex): bigint {
  if (!/^0x[0-9a-fA-F]{64}$/.test(receiptId)) {
    throw new EvidenceError("receipt_id_malformed", `A receipt id is 32 bytes in hexadecimal, not "${receiptId}"`);
  }
  return BigInt(receiptId) >> 8n;
}

/**
 * The evidence of one proof: A, B, C and all signals but the last.
 * @param publicSignals As snarkjs gives them, the binding last.
 */
export function encodeProof(proof: SnarkProof, publicSignals: readonly string[]): Uint8Array {
  if (publicSignals.length < MIN_SIGNALS || publicSignals.length > MAX_SIGNALS) {
    throw new EvidenceError(
      "signal_count",
      `A proof has ${MIN_SIGNALS} to ${MAX_SIGNALS} signals, not ${publicSignals.length}`,
    );
  }
  const bytes = new Uint8Array(strideOf(publicSignals.length));
  bytes.set(g1ToBytes(proof.pi_a), 0);
  bytes.set(g2ToBytes(proof.pi_b), 64);
  bytes.set(g1ToBytes(proof.pi_c), 192);
  publicSignals.forEach((signal, i) => {
    const value = scalar(signal);
    if (i < publicSignals.length - 1) bytes.set(toBytes(value), PROOF_BYTES + 32 * i);
  });
  return bytes;
}

/** The evidence of several proofs under one key. */
export function encodeEvidence(items: readonly { proof: SnarkProof; publicSignals: readonly string[] }[]): Uint8Array {
  if (items.length === 0) throw new EvidenceError("evidence_empty", "Evidence holds at least one proof");
  const parts = items.map(({ proof, publicSignals }) => encodeProof(proof, publicSignals));
  if (parts.some((part) => part.length !== parts[0]!.length)) {
    throw new EvidenceError("signal_count", "Proofs under one key have one number of signals");
  }
  return new Uint8Array(Buffer.concat(parts));
}

/**
 * What {@link encodeEvidence} was given.
 * @param receiptIds The receipts in order: the binding of each follows from its id.
 */
export function decodeEvidence(
  evidence: Uint8Array,
  signals: number,
  receiptIds: readonly Hex[],
): { proof: SnarkProof; publicSignals: string[] }[] {
  return splitEvidence(evidence, signals, receiptIds).map((bytes, i) => {
    const publicSignals: string[] = [];
    for (let at = PROOF_BYTES; at < bytes.length; at += 32) {
      const value = fromBytes(bytes, at);
      if (value >= SCALAR_MODULUS) throw outOfField("signal_out_of_field", value);
      publicSignals.push(String(value));
    }
    publicSignals.push(String(bindingOf(receiptIds[i]!)));
    const proof = { pi_a: g1FromBytes(bytes, 0), pi_b: g2FromBytes(bytes, 64), pi_c: g1FromBytes(bytes, 192) };
    return { proof: { ...proof, protocol: "groth16", curve: "bn128" }, publicSignals };
  });
}

/** The evidence of each proof apart, once it is known that there is one for each receipt. */
export function splitEvidence(evidence: Uint8Array, signals: number, receiptIds: readonly Hex[]): Uint8Array[] {
  const stride = strideOf(signals);
  if (evidence.length === 0) throw new EvidenceError("evidence_empty", "Evidence holds at least one proof");
  if (evidence.length % stride !== 0) {
    throw new EvidenceError(
      "evidence_length",
      `Evidence of ${evidence.length} bytes is no whole number of proofs of ${stride} bytes`,
    );
  }
  const proofs = evidence.length / stride;
  if (receiptIds.length !== proofs) {
    throw new EvidenceError("receipt_count", `${receiptIds.length} receipts for ${proofs} proofs: give one for each`);
  }
  return receiptIds.map((_, i) => evidence.subarray(i * stride, (i + 1) * stride));
}

/** The bytes that a model registry stores, of a key as snarkjs writes it. */
export function encodeKey(key: SnarkVerificationKey): Uint8Array {
  if (key.IC.length !== key.nPublic + 1) {
    throw new EvidenceError(
      "key_malformed",
      `A key of ${key.nPublic} signals has one IC point more, not ${key.IC.length}`,
    );
  }
  const bytes = new Uint8Array(
    Buffer.concat([
      g1ToBytes(key.vk_alpha_1),
      g2ToBytes(key.vk_beta_2),
      g2ToBytes(key.vk_gamma_2),
      g2ToBytes(key.vk_delta_2),
      ...key.IC.map(g1ToBytes),
    ]),
  );
  signalsOf(bytes);
  return bytes;
}

/** The key as snarkjs takes it. */
export function decodeKey(bytes: Uint8Array): SnarkVerificationKey {
  const nPublic = signalsOf(bytes);
  return {
    protocol: "groth16",
    curve: "bn128",
    nPublic,
    vk_alpha_1: g1FromBytes(bytes, 0),
    vk_beta_2: g2FromBytes(bytes, 64),
    vk_gamma_2: g2FromBytes(bytes, 192),
    vk_delta_2: g2FromBytes(bytes, 320),
    IC: Array.from({ length: nPublic + 1 }, (_, i) => g1FromBytes(bytes, IC_OFFSET + 64 * i)),
  };
}

/** The 32 bytes at an offset as a number, big endian. */
export function fromBytes(bytes: Uint8Array, offset: number): bigint {
  return BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset + offset, 32).toString("hex")}`);
}

function toBytes(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, "0"), "hex");
}

/** Decimal digits only: BigInt() would also take signs, spaces, hexadecimal and the empty string. */
function natural(text: string): bigint {
  if (typeof text !== "string" || !/^(0|[1-9][0-9]{0,77})$/.test(text)) {
    throw new EvidenceError("number_malformed", `Numbers are decimal strings, not "${String(text)}"`);
  }
  return BigInt(text);
}

function scalar(text: string): bigint {
  const value = natural(text);
  if (value >= SCALAR_MODULUS) throw outOfField("signal_out_of_field", value);
  return value;
}

function coordinate(text: string): Uint8Array {
  const value = natural(text);
  if (value >= BASE_MODULUS) throw outOfField("coordinate_out_of_field", value);
  return toBytes(value);
}

function outOfField(code: EvidenceErrorCode, value: bigint): EvidenceError {
  const what = code === "signal_out_of_field" ? "signal" : "coordinate";
  return new EvidenceError(code, `The ${what} ${value} is not below its field's modulus`);
}

function g1ToBytes(point: SnarkG1): Uint8Array {
  const [x, y, z] = point;
  if (point.length !== 3 || x === undefined || y === undefined || z !== "1") throw malformedPoint();
  return Buffer.concat([coordinate(x), coordinate(y)]);
}

/** Imaginary parts first, as precompiles take them; snarkjs has them second. */
function g2ToBytes(point: SnarkG2): Uint8Array {
  const [x, y, z] = point;
  if (point.length !== 3 || x?.length !== 2 || y?.length !== 2 || z?.join() !== "1,0") throw malformedPoint();
  return Buffer.concat([x[1]!, x[0]!, y[1]!, y[0]!].map(coordinate));
}

function malformedPoint(): EvidenceError {
  return new EvidenceError(
    "point_malformed",
    "A point has two affine coordinates and the third, 1, as snarkjs writes it",
  );
}

function coordinateAt(bytes: Uint8Array, offset: number): string {
  const value = fromBytes(bytes, offset);
  if (value >= BASE_MODULUS) throw outOfField("coordinate_out_of_field", value);
  return String(value);
}

function g1FromBytes(bytes: Uint8Array, offset: number): SnarkG1 {
  return [coordinateAt(bytes, offset), coordinateAt(bytes, offset + 32), "1"];
}

function g2FromBytes(bytes: Uint8Array, offset: number): SnarkG2 {
  const [x1, x0, y1, y0] = [0, 32, 64, 96].map((at) => coordinateAt(bytes, offset + at)) as [
    string,
    string,
    string,
    string,
  ];
  return [
    [x0, x1],
    [y0, y1],
    ["1", "0"],
  ];
}
