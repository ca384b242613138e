// SPDX-License-Identifier: MIT
// What operation asks of a running relayer, gathered in one place.
import type { TransactionManager } from "../chain/manager-options.ts";
import type { Rpc } from "../chain/rpc.ts";
import type { SharedQueue } from "../queue/bull.ts";
import type { Queue } from "../queue/queue.ts";
import type { Database } from "../store/database.ts";
import type { OperatorOptions } from "./api.ts";
import type { OperationSources } from "./metrics.ts";
import { probeChain, type Probe } from "./probe.ts";
import { readStatus } from "./status.ts";

export interface RunningParts {
  db: Database;
  rpc: Rpc;
  chainId: number;
  /** Address that pays. */
  sender: string;
  queue: Queue | SharedQueue;
  manager: TransactionManager;
  probe: Probe;
}

/** Sources for the operator's API and for metrics. */
export function operatorParts({ db, rpc, chainId, sender, queue, manager, probe }: RunningParts): {
  api: Pick<OperatorOptions, "status" | "unpark" | "deadLetters">;
  measured: OperationSources;
} {
  const shared = "deadLetters" in queue ? queue : undefined;

  async function deadLetters(): Promise<Record<string, number> | null> {
    if (!shared) return null;
    // While Redis is away commands to it would wait, and whoever asks for metrics with them.
    if (!shared.queues.every(({ client }) => client.status === "ready")) return null;
    const counts = shared.queues.map(async (one) => [one.name, await one.getFailedCount()] as const);
    return Object.fromEntries(await Promise.all(counts));
  }

  return {
    measured: { db, probe: probe.recent, parked: () => manager.health().parked, deadLetters },
    api: {
      unpark: (id) => manager.unpark(id),
      deadLetters: shared && { list: () => shared.deadLetters(), replay: (work, key) => shared.replay(work, key) },
      status: async () =>
        readStatus({
          ...{ db, chainId, sender, deadLetters: await deadLetters() },
          probe: await probeChain(rpc, sender),
          works: queue.health(),
          parked: manager.health().parked,
        }),
    },
  };
}
