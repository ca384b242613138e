// SPDX-License-Identifier: MIT
import type { FeesKnowledge, FeesReading } from "./fees.ts";

export interface FeesWatcherOptions {
  read: () => Promise<FeesReading>;
  pollMs: number;
  /** A reading that takes longer is no answer, whatever it may say later. */
  patienceMs: number;
  /** After each reading, good or bad. What it throws is reported and ends nothing. */
  told: (knowledge: FeesKnowledge) => void;
  /** First failure of a row, and its end. */
  onError: (error: Error) => void;
  onRecovery: () => void;
  now?: () => number;
}

export interface FeesWatcher {
  knowledge(): FeesKnowledge;
  health(): { consecutiveFailures: number; lastError: string | null };
  start(): void;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

/** Reads the fees again and again, whatever happens. */
export function watchFees(options: FeesWatcherOptions): FeesWatcher {
  const { read, pollMs, patienceMs, told, onError, onRecovery, now = Date.now } = options;
  let knowledge: FeesKnowledge = { last: null, unknownSince: now() };
  let failures = 0;
  let lastError: string | null = null;
  let stopped = true;
  let running: Promise<void> = Promise.resolve();
  let wake = (): void => undefined;

  function tell(): void {
    try {
      told(knowledge);
    } catch (error) {
      onError(error as Error);
    }
  }

  function succeeded(reading: FeesReading): void {
    const { last } = knowledge;
    const known = last?.reading.block.hash === reading.block.hash;
    knowledge = { last: { reading, seenAt: known ? last.seenAt : now(), readAt: now() }, unknownSince: null };
    if (failures > 0) onRecovery();
    failures = 0;
    lastError = null;
    tell();
  }

  function failed(error: Error): void {
    lastError = error.message;
    if (failures++ === 0) onError(error);
    knowledge = { ...knowledge, unknownSince: knowledge.unknownSince ?? now() };
    tell();
  }

  /** Resolves to null when the time is over or the watcher was stopped. */
  function within<T>(ms: number, promise: Promise<T>): Promise<T | null> {
    return new Promise((resolve) => {
      const end = (outcome: T | null): void => {
        clearTimeout(timer);
        resolve(outcome);
      };
      const timer = setTimeout(() => end(null), ms);
      wake = () => end(null);
      void promise.then(end);
    });
  }

  async function loop(): Promise<void> {
    for (;;) {
      const outcome = await within(
        patienceMs,
        read().then(
          (reading) => ({ reading }),
          (error: Error) => ({ error }),
        ),
      );
      if (stopped) return;
      if (outcome === null) failed(new Error(`no answer within ${patienceMs} ms`));
      else if ("error" in outcome) failed(outcome.error);
      else succeeded(outcome.reading);
      await within(pollMs, new Promise<never>(() => undefined));
      if (stopped) return;
    }
  }

  return {
    knowledge: () => knowledge,
    health: () => ({ consecutiveFailures: failures, lastError }),
    start() {
      if (!stopped) return;
      stopped = false;
      running = loop();
    },
    async stop() {
      stopped = true;
      wake();
      await running;
    },
  };
}
