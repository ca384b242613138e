// SPDX-License-Identifier: MIT
import type { Random } from "./random.ts";

/** Receipts of a day, in the order of their completion. */
export interface Load {
  name: string;
  keys: number;
  /** Milliseconds from the start of the day. */
  completedAt: Float64Array;
  /** Whose open batch it waits in. */
  keyOf: Uint8Array;
  /** Last moment of the on-chain request that it answers; NaN for most, which answer none. */
  deadline: Float64Array;
}

export interface LoadModel {
  name: string;
  /** Mean over the day. */
  perSecond: number;
  keys: number;
  /** Share of receipts that answer a request on chain. */
  onChain: number;
}

const DAY_MS = 86_400_000;
/** A burst is so much denser than what is around it, lasts so long on average, and so much of the day is one. */
const BURST = { factor: 8, meanMs: 60_000, share: 0.1 };
/** Time that a request on chain has left when its answer is completed. */
const LEFT_MS = { from: 10 * 60_000, to: 60 * 60_000 };

/** Poisson arrivals at two rates, one for bursts, that together make the mean. */
export function generateLoad({ name, perSecond, keys, onChain }: LoadModel, random: Random, dayMs = DAY_MS): Load {
  const quiet = perSecond / (1 + BURST.share * (BURST.factor - 1));
  const completed: number[] = [];
  let [t, inBurst] = [0, false];
  while (t < dayMs) {
    const mean = inBurst ? BURST.meanMs : (BURST.meanMs * (1 - BURST.share)) / BURST.share;
    const until = Math.min(dayMs, t + mean * random.exponential());
    const pause = 1_000 / (quiet * (inBurst ? BURST.factor : 1));
    // A Poisson process has no memory: the first pause after a change begins there.
    for (t += pause * random.exponential(); t < until; t += pause * random.exponential()) completed.push(t);
    [t, inBurst] = [until, !inBurst];
  }
  return {
    ...{ name, keys, completedAt: Float64Array.from(completed) },
    keyOf: Uint8Array.from(completed, () => Math.floor(keys * random.next())),
    deadline: Float64Array.from(completed, (at) =>
      random.next() < onChain ? at + LEFT_MS.from + (LEFT_MS.to - LEFT_MS.from) * random.next() : NaN,
    ),
  };
}
