// SPDX-License-Identifier: MIT
import { Counter, Gauge, type Registry } from "prom-client";
import type { Database } from "../store/database.ts";
import { countSales, type SaleState } from "../store/sales.ts";

export interface GatewayMetrics {
  /** Payments that were presented, by scheme and how they ended. */
  payments: Counter<"scheme" | "outcome">;
}

/** States that are somebody's loss or due until they are resolved. */
const NOT_SERVED: readonly SaleState[] = ["charged", "owed"];
const NOT_CHARGED: readonly SaleState[] = ["uncharged", "lost"];

const COUNT_EVERY_MS = 1_000;

/** Adds a gateway's metrics to a registry. */
export function measureSales(registry: Registry, db: Database): GatewayMetrics {
  // Three gauges are collected together, and counting reads the whole ledger: once is enough.
  let counted: { at: number; counts: Promise<Map<SaleState, number>> } | undefined;
  const recent = (): Promise<Map<SaleState, number>> => {
    if (!counted || Date.now() - counted.at > COUNT_EVERY_MS) counted = { at: Date.now(), counts: countSales(db) };
    counted.counts.catch(() => (counted = undefined));
    return counted.counts;
  };
  const sales = new Gauge({
    name: "relayer_gateway_sales",
    help: "Sales in the ledger, by state",
    labelNames: ["state"] as const,
    registers: [],
    async collect() {
      const counts = await recent();
      this.reset();
      for (const [state, count] of counts) this.set({ state }, count);
    },
  });
  const sumOf = (name: string, help: string, states: readonly SaleState[]) =>
    new Gauge({
      ...{ name, help, registers: [] },
      async collect() {
        const counts = await recent();
        this.set(states.reduce((all, state) => all + (counts.get(state) ?? 0), 0));
      },
    });
  const unserved = sumOf(
    "relayer_gateway_charged_not_served",
    "Sales that were paid and not handed out: an answer waits, or a refund is owed",
    NOT_SERVED,
  );
  const uncharged = sumOf(
    "relayer_gateway_served_not_charged",
    "Sales that were handed out and are not paid, for good or until settled again",
    NOT_CHARGED,
  );
  for (const gauge of [sales, unserved, uncharged]) registry.registerMetric(gauge);
  return {
    payments: new Counter({
      name: "relayer_gateway_payments_total",
      help: "Payments presented to the gateway, by scheme and how they ended",
      labelNames: ["scheme", "outcome"] as const,
      registers: [registry],
    }),
  };
}
