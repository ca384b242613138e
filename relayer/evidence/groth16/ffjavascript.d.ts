// SPDX-License-Identifier: GPL-3.0-or-later

/** The part of ffjavascript that is used here: it ships no types. Points and field elements are opaque bytes. */
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
    fromRprUncompressed(bytes: Uint8Array, offset: number): Element;
    toRprUncompressed(bytes: Uint8Array, offset: number, a: Element): void;
  }

  interface Bn128 {
    F1: Field;
    F2: Field;
    G1: Group;
    G2: Group;
    Gt: { one: Element; mul(a: Element, b: Element): Element; eq(a: Element, b: Element): boolean };
    prepareG1(point: Element): Element;
    prepareG2(point: Element): Element;
    millerLoop(preparedG1: Element, preparedG2: Element): Element;
    finalExponentiation(a: Element): Element;
    terminate(): Promise<void>;
  }

  export function buildBn128(singleThread?: boolean): Promise<Bn128>;
}
