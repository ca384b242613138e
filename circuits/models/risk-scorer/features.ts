// SPDX-License-Identifier: GPL-3.0-or-later

/** Daily returns that the model looks at; it takes one price more. */
export const FEATURES = 16;

/** Units a return is counted in: 1/2000, so a feature step is 0.05 % and features span −6.40 % to +6.35 %. */
export const SCALE = 2000n;

/**
 * One feature, in integers as a contract computes it: r = (p1 − p0) · SCALE / p0 with Solidity's int256 division,
 * which drops the remainder, then r + 128 held to [0, 255]. The unit of the prices cancels out.
 *
 * @throws RangeError unless both prices are positive.
 */
export function feature(previous: bigint, price: bigint): number {
  if (previous <= 0n || price <= 0n) throw new RangeError("Prices must be positive");
  const shifted = ((price - previous) * SCALE) / previous + 128n;
  return Number(shifted < 0n ? 0n : shifted > 255n ? 255n : shifted);
}

/** Features of 17 prices, oldest first. */
export function featuresOf(prices: readonly bigint[]): number[] {
  if (prices.length !== FEATURES + 1) throw new RangeError(`Expected ${FEATURES + 1} prices, got ${prices.length}`);
  return prices.slice(1).map((price, index) => feature(prices[index]!, price));
}

/** The one signal that carries the features: Σ features[i] << 8i, the oldest in the lowest byte. */
export function packFeatures(features: readonly number[]): bigint {
  return features.reduce((packed, value, index) => packed | (BigInt(value) << BigInt(8 * index)), 0n);
}

/** From this score on a large loss is likely enough to act on: the highest quarter of the training days. */
export const ALERT_SCORE = 56;
