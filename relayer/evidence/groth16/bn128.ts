// SPDX-License-Identifier: GPL-3.0-or-later
import { buildBn128 } from "ffjavascript";

/** A field element or a point in the library's own (Montgomery) form. */
export type Element = Uint8Array;

interface Field {
  readonly n8: number;
  neg(a: Element): Element;
  mul(a: Element, b: Element): Element;
  fromObject(value: bigint | [bigint, bigint]): Element;
}

interface Group {
  readonly zero: Element;
  add(a: Element, b: Element): Element;
  neg(a: Element): Element;
  eq(a: Element, b: Element): boolean;
  isZero(a: Element): boolean;
  isValid(a: Element): boolean;
  timesScalar(a: Element, scalar: Uint8Array | bigint): Element;
  toAffine(a: Element): Element;
  toJacobian(a: Element): Element;
  /** Big endian, imaginary parts first: the order of the precompiles. */
  fromRprUncompressed(bytes: Uint8Array, offset: number): Element;
}

/** The part of ffjavascript 0.3.1 that checking proofs takes; the package ships no types. */
export interface Bn128 {
  readonly F1: Field;
  readonly F2: Field;
  readonly G1: Group;
  readonly G2: Group;
  readonly Gt: { readonly one: Element; mul(a: Element, b: Element): Element; eq(a: Element, b: Element): boolean };
  prepareG1(point: Element): Element;
  prepareG2(point: Element): Element;
  millerLoop(preparedG1: Element, preparedG2: Element): Element;
  finalExponentiation(a: Element): Element;
}

/** In this thread alone: the library's worker threads would outlive the work, and fail inside other threads. */
export async function buildCurve(): Promise<Bn128> {
  return (await buildBn128(true)) as unknown as Bn128;
}
