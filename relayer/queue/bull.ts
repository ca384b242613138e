// SPDX-License-Identifier: MIT
import Bull from "bull";
import { QueueError } from "./errors.ts";
import { createInProcessQueue } from "./in-process.ts";
import type { Queue, Work, WorkHealth } from "./queue.ts";
import type { BullOptions, DeadLetter, SharedQueue } from "./shared.ts";
import { answers } from "./usable.ts";

export { QueueError } from "./errors.ts";
export type { BullOptions, DeadLetter, SharedQueue } from "./shared.ts";

const DEAD_AT_ONCE = 1_000;
/** Redis is waited for so long at the start; whoever is not there then is shared with when it comes. */
const START_MS = 3_000;
/** What clocks of machines may differ by. */
const CLOCK_SLACK_MS = 60_000;
/** Bull's delayed set is ordered by milliseconds times this. */
const DELAY_UNIT = 0x1000;

/**
 * Shares work among processes, on Redis. The ledger says what is to be done, and a sweep (of one process a period, for
 * all) brings it here: Redis may be wiped at any moment, and while it is away, be it from the start, every process goes on
 * by itself, since work may run twice.
 * @throws {QueueError} `redis_evicts` if Redis may throw keys away; `redis_unreachable` where it is `required`.
 */
export async function createBullQueue(works: Record<string, Work>, options: BullOptions): Promise<SharedQueue> {
  const { runs = Object.keys(works), aloneAfterMs = 15_000, onError, onAlone } = options;
  const unknown = runs.filter((name) => !works[name]);
  if (unknown.length > 0) throw new QueueError("unknown_work", `There is no work named ${unknown.join(", ")}`);
  const kinds = new Map(Object.entries(works).map(([name, work]) => [name, createKind(name, work, options)]));
  const own = runs.map((name) => kinds.get(name)!);
  const { queue: first } = [...kinds.values()][0]!;
  let there: boolean;
  try {
    there = await answers(first, START_MS);
    if (!there && options.required) throw new QueueError("redis_unreachable", `Redis gave no answer in ${START_MS} ms`);
  } catch (error) {
    await Promise.all([...kinds.values()].map((kind) => kind.close()));
    throw error;
  }

  let alone: Queue | null = null;
  let refused = false;
  let lastSeen = performance.now();
  let watch: NodeJS.Timeout | undefined;
  const connected = (): boolean => own.every(({ queue }) => queue.client.status === "ready");

  function goAlone(): void {
    onAlone?.(true);
    const mine = Object.fromEntries(runs.map((name) => [name, works[name]!]));
    alone = createInProcessQueue(mine, { ...options, ...(onError ? { onError } : {}) });
  }

  /** Shares again, unless what came is a Redis that throws keys away: then it is told once, and all goes on alone. */
  async function share(ended: Queue): Promise<void> {
    try {
      if (!(await answers(first, START_MS))) return;
    } catch (error) {
      if (!refused) own[0]?.report(null, error, 1);
      refused = true;
      return;
    }
    refused = false;
    if (watch === undefined || alone !== ended || !connected()) return;
    alone = null;
    for (const kind of own) kind.start();
    onAlone?.(false);
    void ended.close();
  }

  async function look(): Promise<void> {
    if (connected()) {
      lastSeen = performance.now();
      if (alone) await share(alone);
    } else if (!alone && performance.now() - lastSeen > aloneAfterMs) goAlone();
  }
  let looking: Promise<void> | null = null;

  if (there) for (const kind of own) kind.start();
  else goAlone();
  watch = setInterval(() => void (looking ??= look().finally(() => (looking = null))), Math.min(1_000, aloneAfterMs));

  return {
    queues: [...kinds.values()].map(({ queue }) => queue),
    alone: () => alone !== null,
    wake(work, key) {
      if (alone) alone.wake(work, key);
      else void kinds.get(work)?.add([key]);
    },
    async settle() {
      if (alone) return alone.settle();
      for (const kind of own) await kind.sweep(true);
      for (const kind of own) await kind.drain();
    },
    health: () => alone?.health() ?? Object.fromEntries(own.map((kind) => [kind.name, kind.health()])),
    async deadLetters() {
      return (await Promise.all([...kinds.values()].map((kind) => kind.dead()))).flat();
    },
    async replay(work, key) {
      const kind = kinds.get(work);
      if (!kind) throw new QueueError("unknown_work", `There is no work named ${work}; there are ${[...kinds.keys()]}`);
      const job = await kind.queue.getJob(key);
      if (!job || !(await job.isFailed()))
        throw new QueueError("not_dead", `${work} ${key} is no dead letter; see dead-letters for those there are`);
      await job.retry();
    },
    async close() {
      clearInterval(watch);
      watch = undefined;
      await Promise.all([...[...kinds.values()].map((kind) => kind.close()), alone?.close()]);
    },
  };
}

/** One kind of work and its queue on Redis. */
function createKind(name: string, work: Work, options: BullOptions) {
  const {
    redisUrl,
    prefix,
    retryMs = 500,
    maxRetryMs = 60_000,
    reviveAfterMs = 3_600_000,
    lockMs = 30_000,
    onError,
  } = options;
  const health: WorkHealth = { running: 0, waiting: 0, consecutiveFailures: 0, lastError: null, lastSweepAt: null };
  let timer: NodeJS.Timeout | undefined;
  let started = false;
  let closed = false;
  let sweeping: Promise<void> | null = null;

  const queue = new Bull(name, redisUrl, {
    prefix,
    ...(work.rate ? { limiter: { max: work.rate.max, duration: work.rate.durationMs } } : {}),
    settings: {
      lockDuration: lockMs,
      stalledInterval: lockMs,
      // A piece whose workers die again and again is a dead letter too, if its kind has them.
      maxStalledCount: work.deadAfter ?? Number.MAX_SAFE_INTEGER,
      backoffStrategies: { doubling: (failures) => Math.min(maxRetryMs, retryMs * 2 ** (failures - 1)) },
    },
    defaultJobOptions: {
      attempts: work.deadAfter ?? Number.MAX_SAFE_INTEGER,
      backoff: { type: "doubling" },
      removeOnComplete: true,
      stackTraceLimit: 1,
    },
  });
  // Bull tells of lost connections and wiped keys this way; without a listener they would end the process. Each of its
  // connections tells of each try: that Redis is away is told once, by `onAlone`.
  queue.on("error", (error) => {
    if (closed) return;
    if (queue.client.status === "ready") return report(null, error, 1);
    note(error);
  });

  function note(error: Error): void {
    health.consecutiveFailures++;
    health.lastError = error.message;
  }

  function report(key: string | null, thrown: unknown, failures: number): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    note(error);
    try {
      onError?.({ work: name, key, failures, error });
    } catch {
      // A listener's own trouble must not stop the work.
    }
  }

  async function process(job: Bull.Job): Promise<void> {
    health.running++;
    try {
      await work.run(String(job.id));
      health.consecutiveFailures = 0;
    } catch (thrown) {
      report(String(job.id), thrown, job.attemptsMade + 1);
      throw thrown instanceof Error ? thrown : new Error(String(thrown));
    } finally {
      health.running--;
    }
  }

  /** A piece has its key for an id: however often it is added, it waits once. */
  async function add(keys: readonly string[]): Promise<void> {
    try {
      if (!closed && keys.length > 0) await queue.addBulk(keys.map((key) => ({ data: {}, opts: { jobId: key } })));
    } catch (error) {
      // Lost: the sweep finds it again.
      if (!closed) report(null, error, 1);
    }
  }

  async function sweepOnce(now: boolean): Promise<void> {
    try {
      // Commands would wait for Redis to come back, and a sweep with them.
      if (queue.client.status !== "ready") return;
      const turn = await queue.client.set(`${prefix}:${name}:sweep`, "1", "PX", Math.max(1, work.sweepMs), "NX");
      if (!turn && !now) return;
      await add(await work.find());
      health.lastSweepAt = Date.now();
      health.waiting = await queue.getWaitingCount();
      await hurry();
      for (const letter of await dead())
        if (Date.now() - letter.diedAt > reviveAfterMs) await (await queue.getJob(letter.key))?.retry();
    } catch (error) {
      if (!closed) report(null, error, 1);
    }
  }

  /**
   * Bull keeps pauses as times of day. One that ends later than any pause can was written by a process whose clock was
   * ahead; until then the piece would wait, and could not be added anew.
   */
  async function hurry(): Promise<void> {
    const latest = (Date.now() + maxRetryMs + CLOCK_SLACK_MS) * DELAY_UNIT;
    const late = await queue.client.zrangebyscore(queue.toKey("delayed"), latest, "+inf", "LIMIT", 0, DEAD_AT_ONCE);
    for (const key of late) await (await queue.getJob(key))?.promote();
  }

  function sweep(now: boolean): Promise<void> {
    sweeping ??= sweepOnce(now).finally(() => (sweeping = null));
    return sweeping;
  }

  async function dead(): Promise<DeadLetter[]> {
    if (work.deadAfter === undefined) return [];
    const jobs = await queue.getFailed(0, DEAD_AT_ONCE - 1);
    return jobs.filter(Boolean).map((job) => ({
      ...{ work: name, key: String(job.id), reason: job.failedReason ?? "" },
      ...{ failures: job.attemptsMade, diedAt: job.finishedOn ?? 0 },
    }));
  }

  function loop(): void {
    if (closed) return;
    void sweep(false).finally(() => {
      if (!closed) timer = setTimeout(loop, work.sweepMs);
    });
  }

  return {
    name,
    queue,
    add,
    sweep,
    dead,
    report,
    health: () => ({ ...health }),
    start(): void {
      if (started || closed) return;
      started = true;
      void queue.process(work.concurrency, process).catch((error: Error) => void (closed || report(null, error, 1)));
      timer = setTimeout(loop, 0);
    },
    /** Resolves when nothing waits or runs that was not tried yet. */
    async drain(): Promise<void> {
      for (;;) {
        const { waiting, active } = await queue.getJobCounts();
        if (waiting + active === 0) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async close(): Promise<void> {
      closed = true;
      clearTimeout(timer);
      // Where Redis is away nothing can be handed back: the lock runs out, and another takes the piece.
      const ready = queue.client.status === "ready";
      await sweeping;
      await queue.close(!ready);
    },
  };
}
