// SPDX-License-Identifier: MIT
import type { Queue, Work, WorkHealth } from "./queue.ts";

export interface InProcessOptions {
  /** First pause after a failure; it doubles up to `maxRetryMs`. Milliseconds. */
  retryMs?: number;
  maxRetryMs?: number;
  onError?: (details: { work: string; key: string | null; failures: number; error: Error }) => void;
  now?: () => number;
}

/** Entries remembered per kind; further ones wait in the ledger for the next sweep. */
const MAX_WAITING = 10_000;

/** Runs work in this process. Nothing a handler does ends the loop. */
export function createInProcessQueue(works: Record<string, Work>, options: InProcessOptions = {}): Queue {
  const { retryMs = 500, maxRetryMs = 60_000, onError, now = Date.now } = options;
  let closed = false;
  const runners = new Map(Object.entries(works).map(([name, work]) => [name, startRunner(name, work)]));

  function startRunner(name: string, work: Work) {
    const waiting = new Set<string>();
    const running = new Map<string, Promise<void>>();
    const failed = new Map<string, { failures: number; until: number }>();
    const again = new Set<string>();
    const health: WorkHealth = { running: 0, waiting: 0, consecutiveFailures: 0, lastError: null, lastSweepAt: null };
    let sweeping: Promise<void> | null = null;
    let timer: NodeJS.Timeout | undefined;

    function report(key: string | null, thrown: unknown, failures: number): void {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      health.consecutiveFailures++;
      health.lastError = error.message;
      try {
        onError?.({ work: name, key, failures, error });
      } catch {
        // A listener's own trouble must not stop the work.
      }
    }

    async function runOne(key: string): Promise<void> {
      try {
        await work.run(key);
        failed.delete(key);
        health.consecutiveFailures = 0;
      } catch (thrown) {
        const failures = (failed.get(key)?.failures ?? 0) + 1;
        if (failed.size >= MAX_WAITING) failed.delete(failed.keys().next().value!);
        failed.set(key, { failures, until: now() + Math.min(maxRetryMs, retryMs * 2 ** (failures - 1)) });
        report(key, thrown, failures);
      }
    }

    function pump(): void {
      for (const key of waiting) {
        if (closed || running.size >= work.concurrency) return;
        if (running.has(key)) continue;
        waiting.delete(key);
        const done = runOne(key).finally(() => {
          running.delete(key);
          if (again.delete(key)) add(key);
          pump();
        });
        running.set(key, done);
      }
    }

    /** Whether a piece that failed is not to be tried yet; a pause beyond the longest comes from a clock put back. */
    function rests(key: string): boolean {
      const left = (failed.get(key)?.until ?? 0) - now();
      return left > 0 && left <= maxRetryMs;
    }

    function add(key: string): void {
      if (closed || waiting.size >= MAX_WAITING || rests(key)) return;
      // What is said while it runs may be news that the run did not see: it runs once more.
      if (running.has(key)) again.add(key);
      else waiting.add(key);
    }

    async function sweep(): Promise<void> {
      try {
        for (const key of await work.find()) if (!running.has(key)) add(key);
        health.lastSweepAt = now();
      } catch (thrown) {
        report(null, thrown, 1);
      }
      pump();
    }

    function loop(): void {
      if (closed) return;
      sweeping ??= sweep().finally(() => {
        sweeping = null;
        clearTimeout(timer);
        if (!closed) timer = setTimeout(loop, work.sweepMs);
      });
    }
    timer = setTimeout(loop, 0);

    return {
      wake(key: string) {
        add(key);
        pump();
      },
      async settle() {
        await (sweeping ?? undefined);
        await sweep();
        while (running.size > 0) await Promise.all(running.values());
      },
      health: () => ({ ...health, running: running.size, waiting: waiting.size }),
      async stop() {
        clearTimeout(timer);
        waiting.clear();
        again.clear();
        await sweeping;
        clearTimeout(timer);
        await Promise.all(running.values());
      },
    };
  }

  return {
    wake: (work, key) => runners.get(work)?.wake(key),
    settle: async () => void (await Promise.all([...runners.values()].map((runner) => runner.settle()))),
    health: () => Object.fromEntries([...runners].map(([name, runner]) => [name, runner.health()])),
    async close() {
      closed = true;
      await Promise.all([...runners.values()].map((runner) => runner.stop()));
    },
  };
}
