// SPDX-License-Identifier: MIT
import type { Receipt } from "../protocol/index.ts";
import { Origin, type LookupPolicy } from "./messages.ts";

/** How far a receipt that could be an answer is. */
export interface Standing {
  /** Unix seconds of settlement; undefined while it can only be settled by whoever gets it. */
  settledAt: bigint | undefined;
}

/**
 * Whether a contract with this policy would accept a receipt at `now`, unix seconds. It spares a caller what would be
 * refused and decides nothing: the contract asks again.
 */
export function answers(policy: LookupPolicy, receipt: Receipt, { settledAt }: Standing, now: bigint): boolean {
  const { origins } = policy;
  const names = (origin: bigint): boolean => (origins & origin) !== 0n;
  if (((policy.modes >> receipt.mode) & 1) === 0 || !policy.modelIds.includes(receipt.modelId)) return false;
  // Every question that comes here is about an input; what is found by it is held against it once more.
  if (!names(Origin.INPUT) || receipt.inputHash !== policy.inputHash) return false;
  if (names(Origin.REQUEST) && receipt.requestId !== policy.requestId) return false;
  if (names(Origin.KEYS) && !policy.keyIds.includes(receipt.keyId)) return false;
  if (receipt.contextHash !== policy.contextHash) return false;
  // What settles in the transaction itself has settled just now.
  const settled = settledAt ?? now;
  const from = receipt.completedAt < settled ? receipt.completedAt : settled;
  // The chain's clock and this one differ by seconds: a receipt of the newest block may be of the future here.
  const time = settled > now ? settled : now;
  return time - from <= policy.maxAge && time - settled >= policy.minSettled;
}

/** The order in which answers are given: settled ones first, as they cost the caller least; then the newest. */
export function preferred<T extends Standing & { receipt: Receipt }>(found: readonly T[]): T[] {
  const rank = ({ settledAt }: T): number => (settledAt === undefined ? 1 : 0);
  return [...found].sort((a, b) => rank(a) - rank(b) || Number(b.receipt.completedAt - a.receipt.completedAt));
}
