// SPDX-License-Identifier: MIT
// When waiting items are to go: by size, age, gas price and deadline. The same rule decides when a key's open batch is sealed
// and when sealed batches are put into a call, with other numbers.

export interface WaitPolicy {
  /** So many go at once. */
  maxCount: number;
  /** From this age on they go if gas is cheap. Milliseconds. */
  patientMs: number;
  /** From this age on they go at any price. Milliseconds. */
  impatientMs: number;
  /** Base fee up to which gas counts as cheap, wei per gas. */
  cheapBaseFee: bigint;
  /** So long before the first deadline of what waits they go at any price. Milliseconds. */
  marginMs: number;
}

/** What waits. */
export interface Waiting {
  count: number;
  /** Age of the oldest, milliseconds. Negative where a clock was put back meanwhile: then nobody knows, and it goes. */
  ageMs: number;
  /** Base fee of the latest block; undefined if the chain could not be asked, which then decides nothing. */
  baseFeePerGas: bigint | undefined;
  /** Time until the first deadline among them, milliseconds; undefined where none is known to have one. */
  deadlineMs?: number | undefined;
}

/**
 * Whether what waits is to go now. More items, a greater age, cheaper gas or less time until a deadline never turn a yes
 * into a no.
 */
export function isDue({ count, ageMs, baseFeePerGas, deadlineMs }: Waiting, policy: WaitPolicy): boolean {
  if (count <= 0) return false;
  if (deadlineMs !== undefined && deadlineMs <= policy.marginMs) return true;
  if (count >= policy.maxCount || ageMs >= policy.impatientMs || ageMs < 0) return true;
  return ageMs >= policy.patientMs && baseFeePerGas !== undefined && baseFeePerGas <= policy.cheapBaseFee;
}
