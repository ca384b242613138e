// SPDX-License-Identifier: GPL-3.0-or-later

/** Order of the bn254 groups, the modulus of every circuit signal. */
export const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

/** Modulus of the bn254 base field, that of point coordinates. */
export const Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/** The representative of `value` in [0, R). */
export function mod(value: bigint): bigint {
  const rest = value % R;
  return rest < 0n ? rest + R : rest;
}

/** base^exponent mod R, for a non-negative exponent. */
export function pow(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = mod(base);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % R;
    square = (square * square) % R;
  }
  return result;
}

/** The inverse mod R; zero has none and throws. */
export function inverse(value: bigint): bigint {
  if (mod(value) === 0n) throw new RangeError("Zero has no inverse in the scalar field");
  return pow(value, R - 2n);
}

/** Inverses of many values for the price of one inversion (Montgomery's trick); none may be zero. */
export function batchInverse(values: readonly bigint[]): bigint[] {
  const prefix: bigint[] = [];
  let product = 1n;
  for (const value of values) {
    prefix.push(product);
    product = (product * value) % R;
  }
  let rest = inverse(product);
  const inverses = Array.from({ length: values.length }, () => 0n);
  for (let i = values.length - 1; i >= 0; i--) {
    inverses[i] = (rest * prefix[i]!) % R;
    rest = (rest * values[i]!) % R;
  }
  return inverses;
}

/** Writes `value` as `bytes` little-endian bytes at `offset`. */
export function writeLittleEndian(target: Uint8Array, offset: number, value: bigint, bytes = 32): void {
  let rest = value;
  for (let i = 0; i < bytes; i++) {
    target[offset + i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

/** Reads `bytes` little-endian bytes at `offset`. */
export function readLittleEndian(source: Uint8Array, offset: number, bytes = 32): bigint {
  const view = new DataView(source.buffer, source.byteOffset + offset, bytes);
  let value = 0n;
  for (let i = bytes - 8; i >= 0; i -= 8) value = (value << 64n) | view.getBigUint64(i, true);
  return value;
}
