// SPDX-License-Identifier: MIT
import { Counter, Gauge, type Registry } from "prom-client";
import type { FeesFeed, StreamEnd } from "./feed.ts";
import { FEES } from "./fees.ts";
import { chainTime } from "./wire.ts";

const ratio = (share: bigint): number => Number(share) / 1e18;

/**
 * Gauges of a market's fees. While the fees are unknown, those that would tell them have no samples: a rule that
 * compares them falls silent instead of comparing what once was.
 */
export function measureFees(registry: Registry, feed: FeesFeed, now: () => number = Date.now): void {
  const known = () => {
    const { last, unknownSince } = feed.knowledge();
    return unknownSince === null ? last : null;
  };
  const registers = [registry];
  new Gauge({
    name: "relayer_twin_market_fee_ratio",
    help: "Fee of a trade by its price; pending equals present where no increase is announced",
    labelNames: ["fee", "when"] as const,
    registers,
    collect() {
      this.reset();
      for (const fee of FEES) {
        const state = known()?.reading.fees[fee];
        if (!state) continue;
        this.set({ fee, when: "present" }, ratio(state.present));
        this.set({ fee, when: "pending" }, ratio(state.increase?.percent ?? state.present));
      }
    },
  });
  new Gauge({
    name: "relayer_twin_market_fee_cap_ratio",
    help: "What the fee can never exceed",
    labelNames: ["fee"] as const,
    registers,
    collect() {
      this.reset();
      for (const fee of FEES) {
        const state = known()?.reading.fees[fee];
        if (state) this.set({ fee }, ratio(state.cap));
      }
    },
  });
  new Gauge({
    name: "relayer_twin_market_fee_increase_seconds",
    help: "Time until an announced increase applies; no sample where none is announced",
    labelNames: ["fee"] as const,
    registers,
    collect() {
      this.reset();
      const last = known();
      for (const fee of FEES) {
        const increase = last?.reading.fees[fee].increase;
        if (last && increase) this.set({ fee }, Math.max(0, increase.effectiveAt - chainTime(last, now())));
      }
    },
  });
  new Gauge({
    name: "relayer_twin_market_fees_known",
    help: "1 while the last look at the fees succeeded, else 0",
    registers,
    collect() {
      this.set(known() ? 1 : 0);
    },
  });
  new Gauge({
    name: "relayer_twin_market_last_read_timestamp_seconds",
    help: "When the fees were read last; 0 if never",
    registers,
    collect() {
      this.set((feed.knowledge().last?.readAt ?? 0) / 1_000);
    },
  });
  new Gauge({
    name: "relayer_twin_market_last_block_timestamp_seconds",
    help: "Time of the block that the fees were read in; 0 if never. Far behind the clock: a node that stands still",
    registers,
    collect() {
      this.set(feed.knowledge().last?.reading.block.timestamp ?? 0);
    },
  });
  new Gauge({
    name: "relayer_twin_market_streams",
    help: "Clients that listen for changes",
    registers,
    collect() {
      this.set(feed.streams());
    },
  });
  new Counter({
    name: "relayer_twin_market_streams_ended_total",
    help: "Streams that ended, by why",
    labelNames: ["why"] as const,
    registers,
    collect() {
      this.reset();
      for (const [why, count] of Object.entries(feed.ended())) this.inc({ why: why as StreamEnd }, count);
    },
  });
}
