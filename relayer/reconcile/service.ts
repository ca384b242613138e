// SPDX-License-Identifier: MIT
import type { Registry } from "prom-client";
import type { Log } from "../chain/manager-options.ts";
import type { ChainReader } from "../chain/reader.ts";
import type { Rpc } from "../chain/rpc.ts";
import type { Config } from "../config/index.ts";
import { type ReconcileConfig, reconcileSchema } from "../config/reconcile.ts";
import type { Database } from "../store/database.ts";
import { createIndexClient } from "./index-client.ts";
import { type Cursor, START } from "./ledger.ts";
import { measureReconciliation } from "./metrics.ts";
import { createReconciler, type Reconciler, type Report } from "./reconciler.ts";

export interface ReconciliationParts {
  config: Pick<Config, "chain" | "reconcile">;
  db: Database;
  rpc: Pick<Rpc, "request">;
  chain: Pick<ChainReader, "settledAt">;
  /** For the index; from SUBGRAPH_API_KEY by default. */
  apiKey?: string | undefined;
}

const PAGE = 500;

/** A reconciler as the configuration wants it; with the defaults where it says nothing. */
export function reconcilerOf({ config, db, rpc, chain, apiKey }: ReconciliationParts): Reconciler {
  const settings = settingsOf(config);
  const { subgraphUrl: url, timeoutMs, maxBytes, maxPages, maxLagBlocks, verifyBlocks, logRange } = settings;
  return createReconciler({
    ...{ db, rpc, maxLagBlocks, verifyBlocks, logRange, pageSize: PAGE },
    ...{ maxLogBlocks: settings.maxLogBlocks, graceMs: settings.graceMs },
    registry: config.chain.registry,
    finality: config.chain.finality,
    settledAt: (id) => chain.settledAt(id),
    index: url
      ? createIndexClient({ url, apiKey: apiKey ?? process.env["SUBGRAPH_API_KEY"], timeoutMs, maxBytes, maxPages })
      : undefined,
  });
}

const settingsOf = ({ reconcile }: Pick<Config, "reconcile">): ReconcileConfig =>
  reconcile ?? reconcileSchema.parse({})!;

/** The last comparison, and when it was. */
export interface LastReport {
  report: Report;
  /** Unix milliseconds. */
  at: number;
}

export interface Reconciliation {
  last(): LastReport | null;
  health(): { verdict: string; index: string; lastError: string | null };
  /** Adds the gauges to a registry. */
  measure(registry: Registry): void;
  start(): void;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

/** Compares ledger and chain again and again, and tells; it never changes the ledger. */
export function createReconciliation(parts: ReconciliationParts & { log: Log; now?: () => number }): Reconciliation {
  const { log, now = Date.now } = parts;
  const settings = settingsOf(parts.config);
  const reconciler = reconcilerOf(parts);
  let last: LastReport | null = null;
  let cursor: Cursor = START;
  let stopped = true;
  let running: Promise<void> = Promise.resolve();
  let wake = (): void => undefined;

  async function once(): Promise<void> {
    const { newest, older } = settings;
    const { next, ...report } = await reconciler.run({
      newest,
      ...(older > 0 ? { older: { cursor, count: older } } : {}),
    });
    if (report.verdict !== "unknown") cursor = next ?? START;
    last = { report, at: now() };
    tell(report);
  }

  let told = "";
  /** The log hears of what is new; the metrics of what is. */
  function tell({ verdict, source, index, counts, findings, reason }: Report): void {
    const found = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
    const state = JSON.stringify([verdict, source, index.state, found]);
    if (state === told) return;
    told = state;
    const facts = { verdict, source, index, found, reason };
    if (verdict === "mismatch") log.error({ ...facts, first: findings.slice(0, 5) }, "ledger and chain do not agree");
    else if (verdict === "unknown") log.warn(facts, "ledger and chain could not be compared");
    else log.info(facts, "ledger and chain were compared");
  }

  const rest = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  async function loop(): Promise<void> {
    for (;;) {
      await once();
      if (stopped) return;
      await rest(settings.everyMs);
      if (stopped) return;
    }
  }

  return {
    last: () => last,
    health: () => ({
      verdict: last?.report.verdict ?? "unknown",
      index: last?.report.index.state ?? "none",
      lastError: last?.report.reason ?? null,
    }),
    measure: (registry) => measureReconciliation(registry, () => last),
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
