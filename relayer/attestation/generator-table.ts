// SPDX-License-Identifier: MIT
import { GENERATOR, along, chord, residue, tangent, toBytes48, type Point } from "./p384.ts";

/** Doublings between the table's two rows. */
export const ROW_SHIFT = 192;
/** Points in the first and in the second row: with a STOP before them, as much as a contract's code may hold. */
export const ROW_LENGTHS = [128, 127] as const;

/** 1, 3, 5 … times a point. */
export function oddMultiples(point: Point, count: number): Point[] {
  const twice = along(tangent(point), point, point);
  const multiples = [point];
  while (multiples.length < count) {
    const last = multiples[multiples.length - 1]!;
    multiples.push(along(chord(last, twice)!, last, twice));
  }
  return multiples;
}

let rows: readonly (readonly Point[])[] | undefined;

/** The odd multiples of G and of 2^192·G that `P384Table` holds. */
export function generatorRows(): readonly (readonly Point[])[] {
  if (rows) return rows;
  let shifted = GENERATOR;
  for (let i = 0; i < ROW_SHIFT; i++) shifted = along(tangent(shifted), shifted, shifted);
  rows = [oddMultiples(GENERATOR, ROW_LENGTHS[0]), oddMultiples(shifted, ROW_LENGTHS[1])];
  return rows;
}

/** What `P384Table` is deployed with. */
export function generatorTable(): Uint8Array {
  return Buffer.concat(
    generatorRows()
      .flat()
      .flatMap((point) => [toBytes48(residue(point.x)), toBytes48(residue(point.y))]),
  );
}
