// SPDX-License-Identifier: GPL-3.0-or-later
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { buildBn128, type Curve } from "ffjavascript";
import { writeBinaryFile } from "./binary-file.ts";
import { batchInverse, inverse, mod, pow, Q, R, writeLittleEndian } from "./field.ts";
import { FixedBase } from "./fixed-base.ts";
import { parseR1cs, type R1cs } from "./r1cs.ts";
import type { G1Point, G2Point, VerificationKey } from "./verifying-key.ts";

/** What every development key says about itself, in its verification key and inside the .zkey file. */
export const DEVELOPMENT_NOTICE = "DEVELOPMENT KEY: its secrets are public, anyone can forge";

/** A uniform-looking scalar out of a published text: nothing up the sleeve, and no secret either. */
function publishedScalar(text: Uint8Array): bigint {
  return BigInt(`0x${bytesToHex(keccak_256(text))}`) % R;
}

/**
 * The phase 1 shared by every development key. γ = 1. Whoever reads this line can forge proofs, so deployments pin
 * the resulting (α, β, γ) and refuse it on every chain but 31337.
 */
export const DEVELOPMENT_PHASE_1 = {
  alpha: publishedScalar(utf8ToBytes("OpenGradient development phase 1: alpha")),
  beta: publishedScalar(utf8ToBytes("OpenGradient development phase 1: beta")),
  tau: publishedScalar(utf8ToBytes("OpenGradient development phase 1: tau")),
} as const;

/** The phase 2 secret of a circuit, which depends on nothing but its .r1cs file. */
export function developmentDelta(r1csFile: Uint8Array): bigint {
  return publishedScalar(concatBytes(utf8ToBytes("OpenGradient development phase 2: delta"), keccak_256(r1csFile)));
}

/** A proving key in snarkjs's .zkey format, and its verification key. */
export interface DevelopmentKey {
  readonly zkey: Uint8Array;
  readonly verificationKey: VerificationKey;
}

/**
 * Makes a Groth16 key straight from a circuit, with secrets that are known to everyone: the same key each time, in
 * seconds instead of the minutes of a ceremony. For local chains and tests only.
 *
 * Groth, "On the Size of Pairing-based Non-interactive Arguments", 2016, section 3.2; file layout and the odd-coset
 * form of the quotient points as snarkjs 0.7 reads them.
 */
export async function developmentKey(r1csFile: Uint8Array): Promise<DevelopmentKey> {
  const r1cs = parseR1cs(r1csFile);
  const { alpha, beta, tau } = DEVELOPMENT_PHASE_1;
  const deltaSecret = developmentDelta(r1csFile);
  const perDelta = inverse(deltaSecret);
  const curve = await buildBn128(true);
  const publics = r1cs.publicOutputs + r1cs.publicInputs;
  const power = Math.ceil(Math.log2(r1cs.constraints.length + publics + 1));
  const domain = 2 ** power;

  const lagrange = lagrangeAt(tau, domain, root(curve, power));
  const columns = columnsAt(r1cs, lagrange);
  const quotient: bigint[] = [];
  lagrangeAt(tau, 2 * domain, root(curve, power + 1)).forEach((value, index) => {
    if (index % 2 === 1) quotient.push((value * perDelta) % R);
  });
  const combined = columns.a.map((a, wire) => mod(beta * a + alpha * columns.b[wire]! + columns.c[wire]!));

  const base = await FixedBase.create();
  const points = {
    g1: base.multiples("g1", [alpha, beta, deltaSecret]),
    g2: base.multiples("g2", [beta, 1n, deltaSecret]),
    ic: base.multiples("g1", combined.slice(0, publics + 1)),
    a: base.multiples("g1", columns.a),
    b1: base.multiples("g1", columns.b),
    b2: base.multiples("g2", columns.b),
    c: base.multiples(
      "g1",
      combined.slice(publics + 1).map((value) => (value * perDelta) % R),
    ),
    h: base.multiples("g1", quotient),
  };

  const zkey = writeBinaryFile("zkey", 1, [
    { id: 1, data: new Uint8Array([1, 0, 0, 0]) },
    { id: 2, data: header(r1cs.wires, publics, domain, points.g1, points.g2) },
    { id: 3, data: points.ic },
    { id: 4, data: coefficients(r1cs, publics) },
    { id: 5, data: points.a },
    { id: 6, data: points.b1 },
    { id: 7, data: points.b2 },
    { id: 8, data: points.c },
    { id: 9, data: points.h },
    { id: 10, data: contributions() },
  ]);
  return { zkey, verificationKey: verificationKey(curve, publics, points) };
}

/** The primitive 2^power-th root of unity that snarkjs evaluates over. */
function root(curve: Curve, power: number): bigint {
  return curve.Fr.toObject(curve.Fr.w[power]!);
}

/** L_i(x) for all i: (x^n − 1) · ω^i / (n · (x − ω^i)). */
function lagrangeAt(x: bigint, size: number, omega: bigint): bigint[] {
  const powers: bigint[] = [1n];
  for (let i = 1; i < size; i++) powers.push((powers[i - 1]! * omega) % R);
  const factor = mod((pow(x, BigInt(size)) - 1n) * inverse(BigInt(size)));
  return batchInverse(powers.map((p) => mod(x - p))).map((value, i) => (((value * powers[i]!) % R) * factor) % R);
}

/** The circuit's polynomials A_wire, B_wire, C_wire at the point that `lagrange` was taken at. */
function columnsAt(r1cs: R1cs, lagrange: readonly bigint[]): { a: bigint[]; b: bigint[]; c: bigint[] } {
  const columns = { a: zeros(r1cs.wires), b: zeros(r1cs.wires), c: zeros(r1cs.wires) };
  r1cs.constraints.forEach((constraint, row) => {
    for (const matrix of ["a", "b", "c"] as const) {
      const { wires, coefficients } = constraint[matrix];
      const column = columns[matrix];
      for (let i = 0; i < wires.length; i++) {
        const wire = wires[i]!;
        column[wire] = (column[wire]! + coefficients[i]! * lagrange[row]!) % R;
      }
    }
  });
  // One more row for each public signal makes their polynomials independent.
  for (let wire = 0; wire <= r1cs.publicOutputs + r1cs.publicInputs; wire++) {
    columns.a[wire] = mod(columns.a[wire]! + lagrange[r1cs.constraints.length + wire]!);
  }
  return columns;
}

function zeros(length: number): bigint[] {
  return Array.from<bigint>({ length: length }).fill(0n);
}

function header(wires: number, publics: number, domain: number, g1: Uint8Array, g2: Uint8Array): Uint8Array {
  const data = new Uint8Array(4 + 32 + 4 + 32 + 12 + 3 * 64 + 3 * 128);
  const view = new DataView(data.buffer);
  view.setUint32(0, 32, true);
  writeLittleEndian(data, 4, Q);
  view.setUint32(36, 32, true);
  writeLittleEndian(data, 40, R);
  view.setUint32(72, wires, true);
  view.setUint32(76, publics, true);
  view.setUint32(80, domain, true);
  data.set(g1.subarray(0, 128), 84); // α, β
  data.set(g2.subarray(0, 256), 212); // β, γ
  data.set(g1.subarray(128, 192), 468); // δ
  data.set(g2.subarray(256, 384), 532); // δ
  return data;
}

/** Matrices A and B in sparse form; values times 2^512, because the prover multiplies them in Montgomery form. */
function coefficients(r1cs: R1cs, publics: number): Uint8Array {
  const count = r1cs.constraints.reduce((sum, { a, b }) => sum + a.wires.length + b.wires.length, publics + 1);
  const data = new Uint8Array(4 + count * 44);
  const view = new DataView(data.buffer);
  const factor = (1n << 512n) % R;
  view.setUint32(0, count, true);
  let offset = 4;
  const write = (matrix: number, row: number, wire: number, value: bigint): void => {
    view.setUint32(offset, matrix, true);
    view.setUint32(offset + 4, row, true);
    view.setUint32(offset + 8, wire, true);
    writeLittleEndian(data, offset + 12, (value * factor) % R);
    offset += 44;
  };
  r1cs.constraints.forEach(({ a, b }, row) => {
    a.wires.forEach((wire, i) => write(0, row, wire, a.coefficients[i]!));
    b.wires.forEach((wire, i) => write(1, row, wire, b.coefficients[i]!));
  });
  for (let wire = 0; wire <= publics; wire++) write(0, r1cs.constraints.length + wire, wire, 1n);
  return data;
}

/** No contribution, and the notice in the place of the circuit hash, so that the file itself says what it is. */
function contributions(): Uint8Array {
  const data = new Uint8Array(68);
  data.set(utf8ToBytes(DEVELOPMENT_NOTICE).subarray(0, 64));
  return data;
}

function verificationKey(
  curve: Curve,
  publics: number,
  points: { g1: Uint8Array; g2: Uint8Array; ic: Uint8Array },
): VerificationKey {
  const strings = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(strings) : typeof value === "bigint" ? value.toString() : value;
  const alpha = curve.G1.fromRprLEM(points.g1, 0);
  const beta = curve.G2.fromRprLEM(points.g2, 0);
  const g2 = (index: number): G2Point =>
    strings(curve.G2.toObject(curve.G2.fromRprLEM(points.g2, index * 128))) as G2Point;
  return {
    development: DEVELOPMENT_NOTICE,
    protocol: "groth16",
    curve: "bn128",
    nPublic: publics,
    vk_alpha_1: strings(curve.G1.toObject(alpha)) as G1Point,
    vk_beta_2: g2(0),
    vk_gamma_2: g2(1),
    vk_delta_2: g2(2),
    vk_alphabeta_12: strings(curve.Gt.toObject(curve.pairing(alpha, beta))),
    IC: Array.from(
      { length: publics + 1 },
      (_, index) => strings(curve.G1.toObject(curve.G1.fromRprLEM(points.ic, index * 64))) as G1Point,
    ),
  };
}
