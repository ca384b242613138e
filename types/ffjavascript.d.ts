// SPDX-License-Identifier: GPL-3.0-or-later

/** The part of ffjavascript 0.3.1 that is used here: it ships no types. Points and field elements are opaque bytes. */
declare module "ffjavascript" {
  /** Elements in the library's own (Montgomery) form. */
  type Element = Uint8Array;

  interface Field {
    n8: number;
    neg(a: Element): Element;
    mul(a: Element, b: Element): Element;
    fromObject(value: bigint | [bigint, bigint]): Element;
  }

  interface Group {
    F: Field;
    zero: Element;
    zeroAffine: Element;
    g: Element;
    add(a: Element, b: Element): Element;
    neg(a: Element): Element;
    eq(a: Element, b: Element): boolean;
    isZero(a: Element): boolean;
    isValid(a: Element): boolean;
    timesScalar(a: Element, scalar: Uint8Array | bigint): Element;
    toAffine(a: Element): Element;
    toJacobian(a: Element): Element;
    toObject(a: Element): unknown;
    fromRprLEM(bytes: Uint8Array, offset: number): Element;
    fromRprUncompressed(bytes: Uint8Array, offset: number): Element;
    toRprUncompressed(bytes: Uint8Array, offset: number, a: Element): void;
  }

  interface Bn128 {
    F1: Field;
    F2: Field;
    /** Powers of two roots of unity in `w`. */
    Fr: { readonly w: readonly Element[]; toObject(a: Element): bigint };
    G1: Group;
    G2: Group;
    Gt: { one: Element; mul(a: Element, b: Element): Element; eq(a: Element, b: Element): boolean; toObject(a: Element): unknown };
    /** The WebAssembly module that does the arithmetic. */
    readonly tm: { readonly code: Uint8Array; readonly pG1gen: number; readonly pG2gen: number };
    prepareG1(point: Element): Element;
    prepareG2(point: Element): Element;
    millerLoop(preparedG1: Element, preparedG2: Element): Element;
    finalExponentiation(a: Element): Element;
    pairing(g1: Element, g2: Element): Element;
    terminate(): Promise<void>;
  }

  export function buildBn128(singleThread?: boolean): Promise<Bn128>;
}
