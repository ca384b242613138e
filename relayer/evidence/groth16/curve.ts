// SPDX-License-Identifier: GPL-3.0-or-later
import { buildCurve, type Bn128, type Element } from "./bn128.ts";
import { BASE_MODULUS, fromBytes } from "./encode.ts";

/**
 * 6·x², x being the parameter of the curve. A point of the twist lies in the subgroup if and only if this multiple of
 * it is its image under the twisted Frobenius map: the test of Scott, "A note on group membership tests for G1, G2
 * and GT on BLS pairing-friendly curves" (2021), for BN curves; half the length of the group order.
 */
const SIX_X_SQUARED = 6n * 4965661367192848881n ** 2n;

/** (9 + u)^((q − 1) / 3) and (9 + u)^((q − 1) / 2): the map multiplies the conjugates of x and y by these. */
const FROBENIUS_X: [bigint, bigint] = [
  21575463638280843010398324269430826099269044274347216827212613867836435027261n,
  10307601595873709700152284273816112264069230130616436755625194854815875713954n,
];
const FROBENIUS_Y: [bigint, bigint] = [
  2821565182194536844548159561693502659359617185244120367078079554186484126554n,
  3505843767911556378687030309984248845540243509899259641013678093033130930403n,
];

/** BN254 with parsers that are as strict as the precompiles, and refuse infinity too: no honest proof holds it. */
export class Curve {
  readonly bn: Bn128;
  readonly #frobeniusX: Element;
  readonly #frobeniusY: Element;
  readonly #sixXSquared = littleEndian(SIX_X_SQUARED).subarray(0, 16);

  constructor(bn: Bn128) {
    this.bn = bn;
    this.#frobeniusX = bn.F2.fromObject(FROBENIUS_X);
    this.#frobeniusY = bn.F2.fromObject(FROBENIUS_Y);
  }

  static async build(): Promise<Curve> {
    return new Curve(await buildCurve());
  }

  /** A point of G1, or undefined if these 64 bytes are none. */
  g1(bytes: Uint8Array, offset: number): Element | undefined {
    const { G1 } = this.bn;
    if (!inField(bytes, offset, 2)) return undefined;
    const point = G1.fromRprUncompressed(bytes, offset);
    return G1.isZero(point) || !G1.isValid(point) ? undefined : point;
  }

  /** A point of G2, or undefined if these 128 bytes are none: on the twist is not enough. */
  g2(bytes: Uint8Array, offset: number): Element | undefined {
    const { G2 } = this.bn;
    if (!inField(bytes, offset, 4)) return undefined;
    const point = G2.fromRprUncompressed(bytes, offset);
    return G2.isZero(point) || !G2.isValid(point) || !this.inSubgroup(point) ? undefined : point;
  }

  /** True if an affine point of the twist lies in the subgroup that pairings are defined on. */
  inSubgroup(point: Element): boolean {
    const { F1, F2, G2 } = this.bn;
    const image = new Uint8Array(4 * F1.n8);
    for (const [at, factor] of [
      [0, this.#frobeniusX],
      [2 * F1.n8, this.#frobeniusY],
    ] as const) {
      const conjugate = point.slice(at, at + 2 * F1.n8);
      conjugate.set(F1.neg(conjugate.slice(F1.n8)), F1.n8);
      image.set(F2.mul(conjugate, factor), at);
    }
    return G2.eq(G2.timesScalar(point, this.#sixXSquared), image);
  }
}

/** 32 bytes, least first, as the library takes multipliers. */
export function littleEndian(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, "0"), "hex").reverse();
}

function inField(bytes: Uint8Array, offset: number, words: number): boolean {
  for (let i = 0; i < words; i++) if (fromBytes(bytes, offset + 32 * i) >= BASE_MODULUS) return false;
  return true;
}
