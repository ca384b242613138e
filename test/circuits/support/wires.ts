// SPDX-License-Identifier: GPL-3.0-or-later
import { mod, R } from "../../../circuits/setup/field.ts";
import { evaluate, type LinearCombination, type R1cs } from "../../../circuits/setup/r1cs.ts";

/**
 * Wires that can be changed alone, by `change`, without breaking a constraint: a · b = c is checked anew for each
 * wire in time linear in its occurrences.
 */
export function unpinnedWires(r1cs: R1cs, witness: readonly bigint[], change: (wire: number) => bigint): number[] {
  const values = r1cs.constraints.map(({ a, b, c }) => [a, b, c].map((side) => evaluate(side, witness)));
  const uses = new Map<number, Map<number, bigint[]>>();
  r1cs.constraints.forEach((constraint, row) => {
    ([constraint.a, constraint.b, constraint.c] as LinearCombination[]).forEach(({ wires, coefficients }, side) => {
      wires.forEach((wire, i) => {
        const rows = uses.get(wire) ?? new Map<number, bigint[]>();
        const sides = rows.get(row) ?? [0n, 0n, 0n];
        sides[side] = sides[side]! + coefficients[i]!;
        uses.set(wire, rows.set(row, sides));
      });
    });
  });
  const unpinned: number[] = [];
  for (let wire = 1; wire < r1cs.wires; wire++) {
    const delta = change(wire);
    const broken = [...(uses.get(wire) ?? [])].some(([row, sides]) => {
      const [a, b, c] = values[row]!.map((value, side) => value + sides[side]! * delta);
      return (a! * b! - c!) % R !== 0n;
    });
    if (!broken) unpinned.push(wire);
  }
  return unpinned;
}

/** A witness in which some wires have other values. */
export function mutated(witness: readonly bigint[], changes: Iterable<readonly [number, bigint]>): bigint[] {
  const copy = [...witness];
  for (const [wire, value] of changes) copy[wire] = mod(value);
  return copy;
}
