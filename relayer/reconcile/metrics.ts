// SPDX-License-Identifier: MIT
import { Gauge, type Registry } from "prom-client";
import { INDEX_STATES, VERDICTS } from "./reconciler.ts";
import type { LastReport } from "./service.ts";
import { FINDING_KINDS } from "./types.ts";

/**
 * Gauges of the last comparison. What could not be known has no sample, or one that says so: a rule never compares what
 * once was.
 */
export function measureReconciliation(registry: Registry, last: () => LastReport | null): void {
  const registers = [registry];
  new Gauge({
    name: "relayer_reconcile_verdict",
    help: "1 for what the last comparison of ledger and chain came to; unknown before the first",
    labelNames: ["verdict"] as const,
    registers,
    collect() {
      const verdict = last()?.report.verdict ?? "unknown";
      for (const one of VERDICTS) this.set({ verdict: one }, one === verdict ? 1 : 0);
    },
  });
  new Gauge({
    name: "relayer_reconcile_findings",
    help: "What the last comparison found, by kind; no sample while it could not be made",
    labelNames: ["kind"] as const,
    registers,
    collect() {
      this.reset();
      const report = last()?.report;
      if (!report || report.verdict === "unknown") return;
      for (const kind of FINDING_KINDS) this.set({ kind }, report.counts[kind]);
    },
  });
  new Gauge({
    name: "relayer_reconcile_items",
    help: "Items of the ledger in the last comparison; unchecked are those older than the logs that were read",
    labelNames: ["which"] as const,
    registers,
    collect() {
      this.set({ which: "compared" }, last()?.report.compared ?? 0);
      this.set({ which: "unchecked" }, last()?.report.unchecked ?? 0);
    },
  });
  new Gauge({
    name: "relayer_reconcile_index",
    help: "1 for how the index stood in the last comparison",
    labelNames: ["state"] as const,
    registers,
    collect() {
      const state = last()?.report.index.state ?? "none";
      for (const one of INDEX_STATES) this.set({ state: one }, one === state ? 1 : 0);
    },
  });
  new Gauge({
    name: "relayer_reconcile_index_lag_blocks",
    help: "Final blocks that the index had not reached; no sample where it did not say",
    registers,
    collect() {
      this.reset();
      const lag = last()?.report.index.lag ?? null;
      if (lag === null) this.remove();
      else this.set(lag);
    },
  });
  new Gauge({
    name: "relayer_reconcile_last_timestamp_seconds",
    help: "When ledger and chain were last compared with an outcome; 0 if never",
    registers,
    collect() {
      const known = last();
      if (!known) this.set(0);
      else if (known.report.verdict !== "unknown") this.set(known.at / 1_000);
    },
  });
  new Gauge({
    name: "relayer_reconcile_seconds",
    help: "Time that the last comparison took",
    registers,
    collect() {
      this.set((last()?.report.took ?? 0) / 1_000);
    },
  });
}
