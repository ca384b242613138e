/** One figure of `bench/results.json`, beside a baseline of the same run. */
export interface Row {
  name: string;
  value: number;
  unit: string;
  /** What it is compared with, in the same unit; null where there is nothing to compare with. */
  baseline: number | null;
  /** Times better than the baseline. */
  ratio: number | null;
  /** What was promised of `value`, or of `ratio` where `unit` says so; null where nothing was. */
  target: number | null;
  better: "lower" | "higher";
}

/** A row; `ratio` follows from value and baseline. */
export function row(
  name: string,
  value: number,
  unit: string,
  better: Row["better"],
  { baseline = null, target = null }: { baseline?: number | null; target?: number | null } = {},
): Row {
  const ratio = baseline === null ? null : round(better === "lower" ? baseline / value : value / baseline);
  return {
    name,
    value: round(value),
    unit,
    baseline: baseline === null ? null : round(baseline),
    ratio,
    target,
    better,
  };
}

/** Whether a promise was kept; true where there was none. */
export function kept({ value, target, better }: Row): boolean {
  return target === null || (better === "lower" ? value <= target : value >= target);
}

function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(4));
}
