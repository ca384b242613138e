// SPDX-License-Identifier: MIT
import type { BlockTimes } from "../chain/block-times.ts";
import type { Log } from "../chain/manager-options.ts";
import type { Hex } from "../protocol/index.ts";
import type { Work } from "../queue/queue.ts";
import type { Database } from "../store/database.ts";
import { carryHeartbeat, dropHeartbeat, dueHeartbeats } from "../store/gateway-heartbeats.ts";
import { enclaveHeartbeats } from "./abi.ts";
import { MAX_HEARTBEAT_AGE } from "./door.ts";

export interface HeartbeatWorkOptions {
  db: Database;
  chainId: number;
  /** EnclaveHeartbeats. */
  place: Hex;
  /** Least pause between two of one key. Milliseconds. */
  everyMs: number;
  /** Of all keys, carried in a minute. */
  perMinute: number;
  blockTimes: () => Promise<BlockTimes>;
  sender: string;
  sweepMs: number;
  submitted: () => void;
  log: Log;
  now?: () => number;
}

const MINUTE = 60_000;
/** A call that waits for its block must not be too old in it. Seconds. */
const TIME_TO_LAND = 60n;

/** Carries the newest heartbeat of each key, at a rate that somebody who signs many cannot raise. */
export function heartbeatWork(options: HeartbeatWorkOptions): Work {
  const { db, chainId, place, everyMs, perMinute, sender, submitted, log, now = Date.now } = options;
  return {
    concurrency: 1,
    sweepMs: options.sweepMs,
    find: async () => ["all"],
    async run() {
      const due = await dueHeartbeats(db, now() - everyMs, perMinute);
      if (due.length === 0) return;
      const { latest } = await options.blockTimes();
      for (const row of due) {
        if (BigInt(row.timestamp) + MAX_HEARTBEAT_AGE < latest + TIME_TO_LAND) {
          await dropHeartbeat(db, row, "OutOfTime");
          log.warn({ keyId: row.keyId }, "a heartbeat waited until it was too old");
          continue;
        }
        const { keyId, timestamp, publicKey, signature } = row;
        const data = enclaveHeartbeats.encodeFunctionData("heartbeat", [keyId, timestamp, publicKey, signature]);
        const call = { chainId, sender, to: place, data, createdAt: now() };
        if (await carryHeartbeat(db, call, row, { most: perMinute, since: now() - MINUTE })) submitted();
      }
    },
  };
}
