// SPDX-License-Identifier: MIT

/**
 * The risk model's packed input for 17 prices, oldest first, from its description and apart from both the contract and
 * the model's own code: daily returns in 1/2000, the remainder dropped, 128 in the middle, one byte each.
 */
export function packedReturns(prices: readonly bigint[]): bigint {
  const bytes = prices.slice(1).map((price, day) => {
    const before = prices[day]!;
    const size = ((price > before ? price - before : before - price) * 2000n) / before;
    const steps = price > before ? 128n + size : 128n - size;
    return Number(steps > 255n ? 255n : steps < 0n ? 0n : steps);
  });
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString("hex")}`);
}
