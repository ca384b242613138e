// SPDX-License-Identifier: MIT
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { WorkHealth } from "../queue/queue.ts";

export interface MetricSources {
  items(): Promise<{ table: string; state: string; count: number }[]>;
  works(): Record<string, WorkHealth>;
}

export interface Metrics {
  registry: Registry;
  /** Receipts made durable, by how they came. */
  received: Counter<"endpoint">;
  refused: Counter<"code">;
  /** Measures every request; goes first. */
  timing: MiddlewareHandler;
}

const COUNT_EVERY_MS = 5_000;

/** The relayer's metrics, in a registry of their own so that several relayers can live in one process. */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const received = new Counter({
    name: "relayer_receipts_received_total",
    help: "Receipts made durable",
    labelNames: ["endpoint"] as const,
    registers,
  });
  const refused = new Counter({
    name: "relayer_requests_refused_total",
    help: "Requests refused, by problem code",
    labelNames: ["code"] as const,
    registers,
  });
  const duration = new Histogram({
    name: "relayer_request_seconds",
    help: "Time to answer",
    labelNames: ["method", "route", "status"] as const,
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
    registers,
  });
  const items = new Gauge({
    name: "relayer_items",
    registers: [],
    help: "Batches and lone receipts in the ledger, by state",
    labelNames: ["table", "state"] as const,
    async collect() {
      this.reset();
      for (const { table, state, count } of await recentItems()) this.set({ table, state }, count);
    },
  });
  const failures = new Gauge({
    name: "relayer_work_consecutive_failures",
    registers: [],
    help: "Failures in a row of each kind of work",
    labelNames: ["work"] as const,
    collect() {
      for (const [work, health] of Object.entries(sources.works())) this.set({ work }, health.consecutiveFailures);
    },
  });
  for (const gauge of [items, failures]) registry.registerMetric(gauge);
  // Counting reads the whole ledger: whoever asks again soon hears the same.
  let counted: { at: number; items: ReturnType<MetricSources["items"]> } | null = null;
  const recentItems = (): ReturnType<MetricSources["items"]> => {
    if (!counted || Date.now() - counted.at > COUNT_EVERY_MS) {
      counted = { at: Date.now(), items: sources.items() };
      counted.items.catch(() => (counted = null));
    }
    return counted.items;
  };
  const timing: MiddlewareHandler = async (c, next) => {
    const end = duration.startTimer();
    await next();
    end({ method: c.req.method, route: routePath(c, -1), status: String(c.res.status) });
  };
  return { registry, received, refused, timing };
}
