// SPDX-License-Identifier: GPL-3.0-or-later
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes } from "@noble/hashes/utils.js";
import { Q } from "./field.ts";

/**
 * Phase 1 id of every development key: anyone can forge under it, so a deployment refuses it outside chain id 31337.
 */
export const DEVELOPMENT_PHASE_1_ID = "0xd2da25398014dc2e4b3c7649dc93d576de7e3d58e8fd5076de9d93f62976abe4";

/** A point of G1 as snarkjs writes it: decimal strings, projective with z = 1. */
export type G1Point = readonly string[];

/** A point of G2 as snarkjs writes it: pairs [c0, c1]. */
export type G2Point = readonly (readonly string[])[];

/** The verification key JSON of `snarkjs zkey export verificationkey`. */
export interface VerificationKey {
  readonly protocol: "groth16";
  readonly curve: "bn128";
  readonly nPublic: number;
  readonly vk_alpha_1: G1Point;
  readonly vk_beta_2: G2Point;
  readonly vk_gamma_2: G2Point;
  readonly vk_delta_2: G2Point;
  readonly vk_alphabeta_12?: unknown;
  readonly IC: readonly G1Point[];
  /** Present on development keys alone: what the key must not be used for. */
  readonly development?: string;
}

/** Why a verification key was refused; `code` is stable. */
export class VerifyingKeyError extends Error {
  readonly code: "not_groth16_bn128" | "wrong_length" | "coordinate_out_of_range" | "point_at_infinity" | "no_phase_2";

  constructor(code: VerifyingKeyError["code"], message: string) {
    super(message);
    this.name = "VerifyingKeyError";
    this.code = code;
  }
}

/**
 * The key as contracts store it: α 64 ‖ β 128 ‖ γ 128 ‖ δ 128 ‖ IC_0 … IC_n 64 each, big endian, G2 coordinates in
 * EVM order (imaginary part first).
 *
 * @returns 0x-prefixed hex.
 * @throws VerifyingKeyError for a key that cannot be sound: a point at infinity (for an IC point: a signal that no
 * constraint uses), or δ = γ, which is how a key looks when nobody contributed to phase 2.
 */
export function verifyingKeyBytes(key: VerificationKey): string {
  if (key.protocol !== "groth16" || key.curve !== "bn128") {
    throw new VerifyingKeyError(
      "not_groth16_bn128",
      `Expected a Groth16 key over bn128, got ${key.protocol} ${key.curve}`,
    );
  }
  if (key.IC.length !== key.nPublic + 1) {
    throw new VerifyingKeyError("wrong_length", `${key.IC.length} IC points for ${key.nPublic} signals`);
  }
  const gamma = g2Bytes(key.vk_gamma_2, "gamma");
  const delta = g2Bytes(key.vk_delta_2, "delta");
  if (bytesToHex(gamma) === bytesToHex(delta)) {
    throw new VerifyingKeyError(
      "no_phase_2",
      "Delta equals gamma: nobody contributed to phase 2, so anyone can forge proofs. Run a contribution first",
    );
  }
  const parts = [
    g1Bytes(key.vk_alpha_1, "alpha"),
    g2Bytes(key.vk_beta_2, "beta"),
    gamma,
    delta,
    ...key.IC.map((point, index) => g1Bytes(point, `IC_${index}`)),
  ];
  return `0x${bytesToHex(concatBytes(...parts))}`;
}

/** keccak256 over α ‖ β ‖ γ of the key bytes: names the phase 1 that a key was derived from. */
export function phase1Id(key: VerificationKey): string {
  const phase1 = concatBytes(
    g1Bytes(key.vk_alpha_1, "alpha"),
    g2Bytes(key.vk_beta_2, "beta"),
    g2Bytes(key.vk_gamma_2, "gamma"),
  );
  return `0x${bytesToHex(keccak_256(phase1))}`;
}

function g1Bytes(point: G1Point, name: string): Uint8Array {
  const [x, y, z] = point;
  if (point.length !== 3 || z !== "1") throw infinity(name);
  return words([x!, y!], name);
}

function g2Bytes(point: G2Point, name: string): Uint8Array {
  const [x, y, z] = point;
  if (point.length !== 3 || z?.[0] !== "1" || z[1] !== "0") throw infinity(name);
  return words([x![1]!, x![0]!, y![1]!, y![0]!], name);
}

function infinity(name: string): VerifyingKeyError {
  return new VerifyingKeyError(
    "point_at_infinity",
    `${name} is the point at infinity; for an IC point this means a signal that no constraint uses`,
  );
}

function words(coordinates: readonly string[], name: string): Uint8Array {
  const bytes = new Uint8Array(coordinates.length * 32);
  coordinates.forEach((text, index) => {
    const value = BigInt(text);
    if (value < 0n || value >= Q) {
      throw new VerifyingKeyError("coordinate_out_of_range", `A coordinate of ${name} is not below the field modulus`);
    }
    for (let i = 31, rest = value; i >= 0; i--, rest >>= 8n) bytes[index * 32 + i] = Number(rest & 0xffn);
  });
  return bytes;
}
