// SPDX-License-Identifier: MIT
import { Counter, Gauge, type Registry } from "prom-client";
import type { Database } from "../store/database.ts";
import { countPublications } from "../store/publications.ts";
import type { Renewal } from "./republish.ts";

/** Counting reads the whole table: whoever asks again soon hears the same. */
const COUNT_EVERY_MS = 30_000;

/** What is published, and what had to be put anew. */
export function publicationMetrics() {
  const renewals = new Counter({
    name: "relayer_publication_renewals_total",
    help: "Documents put into a store anew, by why: absent, lost or expiring",
    labelNames: ["store", "why"] as const,
    registers: [],
  });
  return {
    renewed: (store: string, why: Renewal): void => renewals.inc({ store, why }),
    measure(registry: Registry, db: Database): void {
      let counted: { at: number; rows: ReturnType<typeof countPublications> } | null = null;
      const recent = (): ReturnType<typeof countPublications> => {
        if (!counted || Date.now() - counted.at > COUNT_EVERY_MS) {
          counted = { at: Date.now(), rows: countPublications(db) };
          counted.rows.catch(() => (counted = null));
        }
        return counted.rows;
      };
      const documents = new Gauge({
        name: "relayer_publications",
        help: "Leaves documents by store and state: published, missing (not put yet), lost (damaged or gone)",
        labelNames: ["store", "state"] as const,
        registers: [],
        async collect() {
          this.reset();
          for (const { store, state, count } of await recent()) this.set({ store, state }, count);
        },
      });
      const soonest = new Gauge({
        name: "relayer_publication_soonest_expiry_timestamp_seconds",
        help: "When the first published document expires; no sample for a store in which none does",
        labelNames: ["store"] as const,
        registers: [],
        async collect() {
          this.reset();
          for (const { store, state, soonest: at } of await recent())
            if (state === "published" && at !== null) this.set({ store }, at / 1_000);
        },
      });
      for (const metric of [renewals, documents, soonest]) registry.registerMetric(metric);
    },
  };
}
