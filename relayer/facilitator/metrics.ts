// SPDX-License-Identifier: MIT
import { Counter, Gauge, type Registry } from "prom-client";
import type { PaymentState } from "../store/schema.ts";

/**
 * Adds payments by state, and verifications and settlements by how they ended, to a registry.
 * @returns what the facilitator reports to.
 */
export function measurePayments(
  registry: Registry,
  count: () => Promise<{ state: PaymentState; count: number }[]>,
): (call: "verify" | "settle", outcome: string) => void {
  const payments = new Gauge({
    name: "relayer_x402_payments",
    help: "Payments in the ledger, by state",
    labelNames: ["state"] as const,
    registers: [],
    async collect() {
      const found = await count();
      this.reset();
      for (const { state, count: number } of found) this.set({ state }, number);
    },
  });
  registry.registerMetric(payments);
  const outcomes = new Counter({
    name: "relayer_x402_outcomes_total",
    help: "Verifications and settlements of payments, by outcome",
    labelNames: ["call", "outcome"] as const,
    registers: [registry],
  });
  return (call, outcome) => outcomes.inc({ call, outcome });
}
