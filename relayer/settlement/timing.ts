// SPDX-License-Identifier: MIT
import type { BlockTimes } from "../chain/block-times.ts";
import type { SigningKey } from "../chain/reader.ts";
import { MAX_DELAY, MAX_SKEW, type CompletedSpan } from "../protocol/index.ts";

/** What is to be done with an item whose receipts were completed in this span. */
export type Timing = { is: "due" } | { is: "early"; seconds: number } | { is: "lost"; reason: string };

/**
 * Whether an item may be in the next block. A signed batch settles without a look at the times of its receipts,
 * once and for ever: brought too early, its newest receipts would read `CompletedInFuture` for good. And what the chain
 * would leave out, or could never read as verified, is not worth the gas.
 * @param whole One bad receipt spoils the item: proved batches and receipts alone. A signed batch is lost only with
 * its last receipt. Lost is what the latest block says so of: unlike the next one, its time is agreed on.
 */
export function timingOf(
  { oldest, newest }: CompletedSpan,
  whole: boolean,
  key: Pick<SigningKey, "validUntil" | "distrustedFrom">,
  { latest, next }: BlockTimes,
): Timing {
  if (key.distrustedFrom <= latest) return { is: "lost", reason: "KeyDistrusted" };
  if ((whole ? oldest : newest) + MAX_DELAY < latest) return { is: "lost", reason: "CompletedTooLongAgo" };
  if ((whole ? newest : oldest) > key.validUntil) return { is: "lost", reason: "OutsideKeyValidity" };
  const early = newest - MAX_SKEW - next;
  return early > 0n ? { is: "early", seconds: Number(early) } : { is: "due" };
}
