// SPDX-License-Identifier: MIT
/** EIP-1559 fees of one transaction, in wei per gas. */
export interface Fees {
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

/** What a block costs at present, in wei per gas. */
export interface Market {
  baseFeePerGas: bigint;
  /** Tip that the node suggests. */
  priorityFeePerGas: bigint;
}

export interface FeePolicy {
  /** Never offer more than this, whatever the market says. Wei per gas. */
  maxFeePerGas: bigint;
  /** Never tip more than this. Wei per gas. */
  maxPriorityFeePerGas: bigint;
  /** Least step of a replacement, in percent. Nodes ask for 10; some measure a little coarser. */
  bumpPercent: number;
  /** A replacement never offers more than this many times the present suggestion. */
  ceilingMultiplier: number;
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** The price that would be offered now: twice the base fee lasts for six full blocks of rising fees. */
export function suggestedFees(market: Market, policy: FeePolicy): Fees {
  const maxPriorityFeePerGas = min(market.priorityFeePerGas, policy.maxPriorityFeePerGas);
  return { maxPriorityFeePerGas, maxFeePerGas: 2n * market.baseFeePerGas + maxPriorityFeePerGas };
}

/**
 * Fees of a first attempt, under the ceiling; `null` where the ceiling is below the base fee, so that no block would
 * take it.
 */
export function firstFees(market: Market, policy: FeePolicy): Fees | null {
  if (market.baseFeePerGas > policy.maxFeePerGas) return null;
  const suggested = suggestedFees(market, policy);
  const maxFeePerGas = min(suggested.maxFeePerGas, policy.maxFeePerGas);
  return { maxFeePerGas, maxPriorityFeePerGas: min(suggested.maxPriorityFeePerGas, maxFeePerGas) };
}

/**
 * Fees that replace `pending`: both fields up by the step at least, as nodes compare both, and up to the market.
 * `null` where the step would pass the ceiling: then the pending attempt is sent again as it is.
 */
export function bumpedFees(pending: Fees, market: Market, policy: FeePolicy): Fees | null {
  const suggested = suggestedFees(market, policy);
  const step = (fee: bigint): bigint => {
    const raised = (fee * BigInt(100 + policy.bumpPercent) + 99n) / 100n;
    return max(raised, fee + 1n);
  };
  const ceiling = min(policy.maxFeePerGas, suggested.maxFeePerGas * BigInt(policy.ceilingMultiplier));
  const leastFee = step(pending.maxFeePerGas);
  const leastTip = step(pending.maxPriorityFeePerGas);
  if (leastFee > ceiling || leastTip > ceiling) return null;
  return {
    maxFeePerGas: min(max(leastFee, suggested.maxFeePerGas), ceiling),
    maxPriorityFeePerGas: min(max(leastTip, suggested.maxPriorityFeePerGas), ceiling),
  };
}
