// SPDX-License-Identifier: MIT
import type { Registry } from "prom-client";
import type { Log } from "../chain/manager-options.ts";
import type { Rpc } from "../chain/rpc.ts";
import { createFeesFeed, type FeesFeed } from "./feed.ts";
import { measureFees } from "./metrics.ts";
import { createFeeReader } from "./reader.ts";
import { watchFees } from "./watcher.ts";

export interface TwinFeesOptions {
  address: string;
  chainId: number;
  pollMs: number;
  maxBlockAgeMs: number;
  maxStreams: number;
  maxStreamsEach: number;
  heartbeatMs: number;
  streamLifeMs: number;
  rpc: Pick<Rpc, "request">;
  log: Log;
}

export interface TwinFees {
  feed: FeesFeed;
  health(): { consecutiveFailures: number; lastError: string | null };
  /** Adds the gauges to a registry. */
  measure(registry: Registry): void;
  start(): void;
  stop(): Promise<void>;
}

/** An answer that takes longer comes too late to be called present. */
const PATIENCE_MS = 10_000;
const STALL_MS = 30_000;

/** Watches the fees of one market and tells them. */
export function createTwinFees(options: TwinFeesOptions): TwinFees {
  const { address: market, chainId, pollMs, maxStreams, maxStreamsEach, heartbeatMs, rpc, log } = options;
  const feed = createFeesFeed({
    ...{ market, chainId, maxStreams, maxStreamsEach, heartbeatMs },
    lifeMs: options.streamLifeMs,
    stallMs: STALL_MS,
  });
  const watcher = watchFees({
    read: createFeeReader((method, params) => rpc.request(method, params), market, {
      maxAgeSeconds: Math.floor(options.maxBlockAgeMs / 1_000),
    }),
    pollMs,
    patienceMs: PATIENCE_MS,
    told: (knowledge) => feed.told(knowledge),
    onError: ({ message }) => log.warn({ market, error: message }, "the fees of the key market cannot be read"),
    onRecovery: () => log.info({ market }, "the fees of the key market are read again"),
  });
  return {
    feed,
    health: () => watcher.health(),
    measure: (registry) => measureFees(registry, feed),
    start: () => watcher.start(),
    async stop() {
      feed.close();
      await watcher.stop();
    },
  };
}
