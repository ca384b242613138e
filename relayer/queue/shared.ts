// SPDX-License-Identifier: MIT
// What a queue that processes share takes and offers.
import type Bull from "bull";
import type { Queue } from "./queue.ts";

export interface BullOptions {
  /** `redis://` or `rediss://`. */
  redisUrl: string;
  /** Where it keeps its keys: one for every ledger, so that relayers of different ledgers never share work. */
  prefix: string;
  /** The kinds that this process runs; all by default. It may wake others all the same. */
  runs?: readonly string[];
  /** First pause after a failure; it doubles up to `maxRetryMs`. Milliseconds. */
  retryMs?: number;
  maxRetryMs?: number;
  /** Without Redis for so long this process runs the work itself until Redis is back. Milliseconds. */
  aloneAfterMs?: number;
  /** A worker that was killed is noticed after this long, and its piece runs elsewhere. Milliseconds. */
  lockMs?: number;
  /** A dead letter is tried again by itself after so long. Milliseconds. */
  reviveAfterMs?: number;
  /** For who only looks into Redis: without an answer there is nothing to do. */
  required?: boolean;
  onError?: (details: { work: string; key: string | null; failures: number; error: Error }) => void;
  /** Told when it begins (`true`) and ends (`false`) to work without Redis, which may be at the start. */
  onAlone?: (alone: boolean) => void;
}

/** A piece that was given up for now. */
export interface DeadLetter {
  work: string;
  key: string;
  /** What the last try failed with. */
  reason: string;
  failures: number;
  /** Unix milliseconds. */
  diedAt: number;
}

export interface SharedQueue extends Queue {
  /** The queues behind it, for a dashboard. */
  readonly queues: readonly Bull.Queue[];
  /** Whether this process works without Redis now. */
  alone(): boolean;
  deadLetters(): Promise<DeadLetter[]>;
  /** Tries a dead letter again, now. @throws {QueueError} `unknown_work`, `not_dead` */
  replay(work: string, key: string): Promise<void>;
}
