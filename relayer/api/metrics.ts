// SPDX-License-Identifier: MIT
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { WorkHealth } from "../queue/queue.ts";

export interface MetricSources {
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
  const failures = new Gauge({
    name: "relayer_work_consecutive_failures",
    registers: [],
    help: "Failures in a row of each kind of work",
    labelNames: ["work"] as const,
    collect() {
      for (const [work, health] of Object.entries(sources.works())) this.set({ work }, health.consecutiveFailures);
    },
  });
  registry.registerMetric(failures);
  const timing: MiddlewareHandler = async (c, next) => {
    const end = duration.startTimer();
    await next();
    end({ method: c.req.method, route: routePath(c, -1), status: String(c.res.status) });
  };
  return { registry, received, refused, timing };
}
