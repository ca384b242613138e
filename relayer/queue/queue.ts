// SPDX-License-Identifier: MIT

/**
 * A kind of work. The ledger says what is to be done; a queue only decides who runs it and when, so losing a queue
 * loses nothing. Any job may run twice, at once too: handlers compare with the row's state before they change it.
 */
export interface Work {
  /** Keys of all work that waits now, from the ledger; the sweep that finds what no one was woken for. */
  find(): Promise<string[]>;
  /** Does one piece. A failure is retried later; handlers put a poisoned piece aside themselves. */
  run(key: string): Promise<void>;
  /** Pieces at once. */
  concurrency: number;
  /** Milliseconds between sweeps. */
  sweepMs: number;
  /**
   * After so many failures in a row a piece is a dead letter, where the queue keeps them: set apart with its reason, and
   * tried again after a long while or when an operator says so. Without it a piece is never given up.
   */
  deadAfter?: number;
  /** No more than `max` pieces are begun in `durationMs`, by all processes together where the queue is shared. */
  rate?: { max: number; durationMs: number };
}

/** Health of one kind of work. */
export interface WorkHealth {
  running: number;
  waiting: number;
  consecutiveFailures: number;
  lastError: string | null;
  /** When the ledger was last searched for work; null before the first time. */
  lastSweepAt: number | null;
}

/** Runs work. In process by default; one on Redis takes the same works. */
export interface Queue {
  /** Says that there is work, so that it need not wait for the sweep. Never throws; losing it only costs time. */
  wake(work: string, key: string): void;
  /** Sweeps at once and resolves when everything found then has been tried. */
  settle(): Promise<void>;
  health(): Record<string, WorkHealth>;
  /** Takes no more work and resolves when what runs has ended. */
  close(): Promise<void>;
}
