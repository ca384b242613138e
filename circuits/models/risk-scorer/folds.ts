// SPDX-License-Identifier: GPL-3.0-or-later
import { areaUnderCurve } from "../../training/measures.ts";
import { squaredReturns, weightedVolatility } from "./baselines.ts";
import { type Row, rows, split } from "./data.ts";
import { fitRiskScorer, riskLogit } from "./train.ts";

/** Each pair of neighbours is a fold: fitted on all rows up to the first, judged on those from there to the second. */
const BOUNDARIES = ["2003-12-31", "2005-12-31", "2007-12-31", "2009-12-31", "2012-12-31"] as const;

/** Ridges tried. */
export const RIDGES = [3, 10, 30, 100, 300, 1000] as const;

/** Areas under the ROC curve inside the training years. */
export interface FoldAreas {
  readonly areas: readonly number[];
  /** Mean of the areas weighted by large losses, of which the calm years have next to none. */
  readonly mean: number;
}

/** Judges a way to fit a score on later years than it was fitted on. Held-out rows take no part. */
export function judge(fit: (training: readonly Row[]) => (row: Row) => number): FoldAreas {
  const { training } = split(rows());
  const folds = BOUNDARIES.slice(1).map((end, index) => {
    const start = BOUNDARIES[index]!;
    const score = fit(training.filter(({ date }) => date <= start));
    const later = training.filter(({ date }) => date > start && date <= end);
    const scored = later.map((row) => ({ score: score(row), positive: row.largeLoss }));
    return { area: areaUnderCurve(scored), losses: later.filter((row) => row.largeLoss).length };
  });
  const losses = folds.reduce((sum, fold) => sum + fold.losses, 0);
  const mean = folds.reduce((sum, fold) => sum + fold.area * fold.losses, 0) / losses;
  return { areas: folds.map(({ area }) => area), mean };
}

/** Judges a ridge. */
export function judgeRidge(ridge: number): FoldAreas {
  return judge((training) => {
    const network = fitRiskScorer(training, ridge);
    return (row) => riskLogit(network, row);
  });
}

function print(): void {
  const line = (name: string, { areas, mean }: FoldAreas): void =>
    console.log(`${name.padEnd(30)}${areas.map((area) => area.toFixed(3)).join("  ")}   ${mean.toFixed(4)}`);
  console.log(
    `fitted up to                  ${BOUNDARIES.slice(0, -1)
      .map((date) => date.slice(0, 4))
      .join("   ")}    weighted mean`,
  );
  line(
    "sum of squared returns",
    judge(() => squaredReturns),
  );
  line(
    "weighted volatility",
    judge(() => weightedVolatility),
  );
  for (const ridge of RIDGES) line(`ridge ${ridge}`, judgeRidge(ridge));
}

if (process.argv[1] === import.meta.filename) print();
