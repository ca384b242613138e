// SPDX-License-Identifier: GPL-3.0-or-later

/** A scored row with its truth. */
export interface Scored {
  readonly score: number;
  readonly positive: boolean;
}

/** Counts of a yes/no decision against the truth. */
export interface Confusion {
  readonly truePositive: number;
  readonly falsePositive: number;
  readonly falseNegative: number;
  readonly trueNegative: number;
}

/**
 * Area under the ROC curve: the chance that a positive row scores above a negative one, equal scores counting half
 * (Mann-Whitney U). NaN where one of the classes is empty.
 */
export function areaUnderCurve(rows: readonly Scored[]): number {
  const sorted = [...rows].sort((a, b) => a.score - b.score);
  let rankSum = 0;
  let positives = 0;
  for (let start = 0; start < sorted.length;) {
    let end = start;
    while (end < sorted.length && sorted[end]!.score === sorted[start]!.score) end++;
    const rank = (start + 1 + end) / 2;
    for (; start < end; start++) {
      if (!sorted[start]!.positive) continue;
      rankSum += rank;
      positives++;
    }
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * (sorted.length - positives));
}

/** Decides yes at or above the threshold. */
export function confusion(rows: readonly Scored[], threshold: number): Confusion {
  const count = (yes: boolean, positive: boolean): number =>
    rows.filter((row) => row.score >= threshold === yes && row.positive === positive).length;
  return {
    truePositive: count(true, true),
    falsePositive: count(true, false),
    falseNegative: count(false, true),
    trueNegative: count(false, false),
  };
}

/** The threshold that the `alarms` highest rows reach, as far as equal scores allow. */
export function thresholdFor(scores: readonly number[], alarms: number): number {
  return [...scores].sort((a, b) => b - a)[Math.max(0, alarms - 1)] ?? Infinity;
}

/** Share of rows in which two answers are equal. */
export function agreement<T>(first: readonly T[], second: readonly T[]): number {
  return first.filter((value, index) => value === second[index]).length / first.length;
}
