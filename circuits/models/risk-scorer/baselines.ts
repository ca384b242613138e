// SPDX-License-Identifier: GPL-3.0-or-later
import type { Row } from "./data.ts";

/** The decay of RiskMetrics (J.P. Morgan, 1996) for daily returns: a convention, not fitted to anything here. */
export const DECAY = 0.94;

/** Sum of squared returns: the forecast of one line that a model has to be better than. */
export function squaredReturns(row: Row): number {
  return weightedSquares(row, 1);
}

/** Exponentially weighted volatility, squared and up to a factor: the same with the latest days counting most. */
export function weightedVolatility(row: Row): number {
  return weightedSquares(row, DECAY);
}

function weightedSquares({ features }: Row, decay: number): number {
  // Horner's scheme, oldest day first.
  return features.reduce((sum, feature) => decay * sum + (feature - 128) ** 2, 0);
}
