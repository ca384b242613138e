// SPDX-License-Identifier: MIT
import { isDue, type WaitPolicy } from "../batches/policy.ts";
import { makeBatch } from "../batches/seal.ts";
import type { ChainReader } from "../chain/reader.ts";
import { batchDigest, type Hex } from "../protocol/index.ts";
import type { Work } from "../queue/queue.ts";
import type { Database } from "../store/database.ts";
import { goAlone, insertSeal, openBatches, openReceipts, receiptOf } from "../store/singles.ts";
import { baseFeeOf } from "./gas.ts";

export interface SealOptions {
  db: Database;
  chain: ChainReader;
  policy: WaitPolicy;
  /** Receipts that waited for a signature this long settle alone. Milliseconds. */
  aloneAfterMs: number;
  /** Who is named as settler of the batches offered. */
  settler: Hex;
  sweepMs: number;
  /** Told when a batch was offered to a key. */
  offered: (keyId: Hex) => void;
  /** Told when receipts go alone. */
  wentAlone: () => void;
  now?: () => number;
}

/** Offers the open batches of keys for signature when the policy says so, and ends waits that were in vain. */
export function sealWork(options: SealOptions): Work {
  const { db, chain, policy, aloneAfterMs, settler, offered, wentAlone, now = Date.now } = options;
  return {
    concurrency: 1,
    sweepMs: options.sweepMs,
    find: async () => ["all"],
    async run() {
      if ((await goAlone(db, now() - aloneAfterMs)) > 0) wentAlone();
      const open = await openBatches(db);
      if (open.length === 0) return;
      const baseFeePerGas = await baseFeeOf(chain);
      for (const { keyId, mode, count, oldest } of open) {
        if (!isDue({ count, ageMs: now() - oldest, baseFeePerGas }, policy)) continue;
        const members = await openReceipts(db, keyId, mode, policy.maxCount);
        const { batch } = makeBatch(chain.domain, members.map(receiptOf), settler);
        const ids = members.map((member) => member.id);
        if (await insertSeal(db, batch, batchDigest(chain.domain, batch), ids, now())) offered(keyId);
      }
    },
  };
}
