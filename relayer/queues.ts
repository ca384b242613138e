// SPDX-License-Identifier: MIT
// What the configuration says about queues, for relayer, worker and commands alike.
import type { Log } from "./chain/manager-options.ts";
import { dashboardPassword, type Config } from "./config/index.ts";
import { createBullQueue, type SharedQueue } from "./queue/bull.ts";
import { openDashboard, type Dashboard } from "./queue/dashboard.ts";
import { createInProcessQueue } from "./queue/in-process.ts";
import type { Queue, Work } from "./queue/queue.ts";

/**
 * The queue that a configuration asks for: this process's own, or the one it shares over Redis.
 * @throws {QueueError} see {@link createBullQueue}.
 */
export async function createQueue(config: Config, works: Record<string, Work>, log: Log): Promise<Queue | SharedQueue> {
  const { queue, settlement } = config;
  const options = {
    retryMs: settlement.retryMs,
    onError: ({ work, key, failures, error }: { work: string; key: string | null; failures: number; error: Error }) =>
      log.error({ work, key, failures, error: brief(error.message) }, "work failed"),
  };
  if (queue.redisUrl === undefined) return createInProcessQueue(works, options);
  return createBullQueue(works, {
    ...options,
    redisUrl: queue.redisUrl,
    prefix: queuePrefix(config),
    ...(queue.runs ? { runs: queue.runs.filter((name) => name in works) } : {}),
    aloneAfterMs: queue.aloneAfterMs,
    lockMs: queue.lockMs,
    reviveAfterMs: queue.reviveAfterMs,
    onAlone: (alone) =>
      log.warn({}, alone ? "Redis is away: working alone" : "Redis is back: the work is shared again"),
  });
}

/** Bull's dashboard, where it is configured and there is a Bull. @throws {ConfigError} `config_key_missing` */
export async function startDashboard(
  { queue: { dashboard } }: Config,
  queue: Queue | SharedQueue,
): Promise<Dashboard | undefined> {
  if (!dashboard || !("queues" in queue)) return undefined;
  return openDashboard({ ...dashboard, password: dashboardPassword(), queues: queue.queues });
}

/** A failed statement quotes its parameters, which may be all of a batch: a log is not to grow by megabytes a try. */
const brief = (text: string): string => (text.length <= 1_000 ? text : `${text.slice(0, 1_000)}…`);

/** Relayers that settle in one registry and keep one ledger share one. */
export function queuePrefix({ chain, store }: Config): string {
  const ledger = store.databaseUrl === undefined ? store.dataDir : databaseName(store.databaseUrl);
  return `opengradient:${chain.chainId}:${chain.registry}:${ledger}`;
}

/** Host and name; neither user nor password may get into Redis. */
function databaseName(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
