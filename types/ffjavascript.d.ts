// SPDX-License-Identifier: GPL-3.0-or-later

/** The part of ffjavascript 0.3.1 in use; the package ships no types. */
declare module "ffjavascript" {
  export interface Curve {
    readonly tm: { readonly code: Uint8Array; readonly pG1gen: number; readonly pG2gen: number };
    readonly Fr: { readonly w: readonly Uint8Array[]; toObject(element: Uint8Array): bigint };
    readonly G1: CurveGroup;
    readonly G2: CurveGroup;
    readonly Gt: { toObject(element: Uint8Array): unknown };
    pairing(g1: Uint8Array, g2: Uint8Array): Uint8Array;
    terminate(): Promise<void>;
  }
  export interface CurveGroup {
    toObject(point: Uint8Array): unknown;
    fromRprLEM(buffer: Uint8Array, offset: number): Uint8Array;
  }
  export function buildBn128(singleThread?: boolean): Promise<Curve>;
}
