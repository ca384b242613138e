// SPDX-License-Identifier: MIT
import type { Load } from "./load.ts";

/** What one fault did. */
export interface Outcome {
  name: string;
  /** From its end until something that came after it was settled. Milliseconds; `null` if that took too long. */
  recovered: number | null;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** A table with its columns in line. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const right = (row: number, column: number): boolean => row > 0 && column > 0;
  return rows
    .map((cells, row) =>
      cells
        .map((cell, column) => (right(row, column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Faults, how often, and how long recovery took. */
export function faultTable(outcomes: readonly Outcome[]): string {
  const byName = new Map<string, Outcome[]>();
  for (const outcome of outcomes) byName.set(outcome.name, [...(byName.get(outcome.name) ?? []), outcome]);
  const rows = [...byName].map(([name, all]) => {
    const times = all.flatMap(({ recovered }) => (recovered === null ? [] : [recovered]));
    const worst = times.length < all.length ? "too long" : seconds(Math.max(...times));
    return [name, String(all.length), times.length > 0 ? seconds(median(times)) : "-", worst];
  });
  return table([["fault", "times", "recovered in (median)", "at worst"], ...rows]);
}

/** What the nodes did and met. */
export function loadTable({ made, problems }: Load): string {
  return table([
    ["nodes", "receipts"],
    ...Object.entries(made).map(([kind, count]) => [kind, String(count)]),
    ["what nodes met and repeated", ""],
    ...[...problems].map(([what, count]) => [`  ${what}`, String(count)]),
  ]);
}
