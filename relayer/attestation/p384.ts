// SPDX-License-Identifier: MIT

/** Prime of the field, order of the group, and the curve's b (FIPS 186-4, D.1.2.4). */
export const P = 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n;
export const N = BigInt(
  "0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
);
export const B = BigInt(
  "0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
);

/** An affine point; the point at infinity has no place here. */
export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

export const GENERATOR: Point = {
  x: BigInt("0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"),
  y: BigInt("0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f"),
};

/** The remainder in [0, modulus). */
export function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** The inverse of what is not zero. */
export function inverse(value: bigint, modulus: bigint): bigint {
  let [low, high] = [mod(value, modulus), modulus];
  let [x, y] = [1n, 0n];
  while (low > 1n) {
    const quotient = high / low;
    [low, high] = [high - quotient * low, low];
    [x, y] = [y - quotient * x, x];
  }
  return mod(x, modulus);
}

/** The inverses of values that are not zero, at the price of one. */
export function inverses(values: readonly bigint[], modulus: bigint): bigint[] {
  const products: bigint[] = [];
  let product = 1n;
  for (const value of values) {
    products.push(product);
    product = mod(product * value, modulus);
  }
  let rest = inverse(product, modulus);
  const found: bigint[] = [];
  for (let i = values.length - 1; i >= 0; i--) {
    found[i] = mod(rest * products[i]!, modulus);
    rest = mod(rest * values[i]!, modulus);
  }
  return found;
}

/** A root of `square`, if it has one: p is 3 mod 4. */
export function squareRoot(square: bigint): bigint | undefined {
  let [root, base, exponent] = [1n, mod(square, P), (P + 1n) >> 2n];
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) root = (root * base) % P;
    base = (base * base) % P;
  }
  return mod(root * root - square, P) === 0n ? root : undefined;
}

/** x³ − 3x + b. */
export function curveSquare(x: bigint): bigint {
  return mod(x * x * x - 3n * x + B, P);
}

/** The tangent's slope. No point of odd order has y = 0. */
export function tangent(point: Point): bigint {
  return mod(3n * (point.x * point.x - 1n) * inverse(2n * point.y, P), P);
}

/** The slope between two points, or `undefined` where their x are equal. */
export function chord(a: Point, b: Point): bigint | undefined {
  if (a.x === b.x) return undefined;
  return mod((b.y - a.y) * inverse(b.x - a.x, P), P);
}

/** The third point of the line through both, mirrored. */
export function along(slope: bigint, a: Point, b: Point): Point {
  const x = mod(slope * slope - a.x - b.x, P);
  return { x, y: mod(slope * (a.x - x) - a.y, P) };
}

export function opposite(point: Point): Point {
  return { x: point.x, y: mod(-point.y, P) };
}

/** A coordinate as the contracts count: times 2^256. */
export function residue(value: bigint): bigint {
  return mod(value << 256n, P);
}

/** 48 bytes, big endian. */
export function toBytes48(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(96, "0"), "hex");
}

/** A big-endian number. */
export function fromBytes(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex") || "0"}`);
}
