// SPDX-License-Identifier: MIT
import type { Deadlines } from "../batches/deadlines.ts";
import { isDue, type WaitPolicy } from "../batches/policy.ts";
import { makeBatch } from "../batches/seal.ts";
import type { ChainReader } from "../chain/reader.ts";
import { batchDigest, type Hex } from "../protocol/index.ts";
import type { Work } from "../queue/queue.ts";
import type { Database } from "../store/database.ts";
import { openAnswers } from "../store/deadlines.ts";
import { goAlone, insertSeal, openBatches, openReceipts, receiptOf } from "../store/singles.ts";
import { baseFeeOf } from "./gas.ts";

export interface SealOptions {
  db: Database;
  chain: ChainReader;
  policy: WaitPolicy;
  /** Receipts that waited for a signature this long settle alone. Milliseconds. */
  aloneAfterMs: number;
  /** Deadlines of the requests that receipts answer, if they are followed. */
  deadlines?: Pick<Deadlines, "within"> | undefined;
  /** With so little time left for its request, a receipt waits for no signature. Milliseconds. */
  aloneMarginMs?: number;
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
  const { db, chain, policy, aloneAfterMs, deadlines, aloneMarginMs = 0, settler, offered, now = Date.now } = options;

  /** Time until the first deadline in each open batch, as far as it is near. */
  async function timeLeft(): Promise<Map<string, number>> {
    const near = new Map(deadlines?.within(policy.marginMs).map(({ requestId, leftMs }) => [requestId, leftMs]));
    const left = new Map<string, number>();
    for (const { keyId, mode, requestId } of await openAnswers(db, [...near.keys()])) {
      const [batch, ms] = [`${keyId} ${mode}`, near.get(requestId)!];
      left.set(batch, Math.min(ms, left.get(batch) ?? ms));
    }
    return left;
  }

  return {
    concurrency: 1,
    sweepMs: options.sweepMs,
    find: async () => ["all"],
    async run() {
      const last = deadlines?.within(aloneMarginMs).map(({ requestId }) => requestId) ?? [];
      if ((await goAlone(db, now() - aloneAfterMs, last)) > 0) options.wentAlone();
      const open = await openBatches(db);
      if (open.length === 0) return;
      const baseFeePerGas = await baseFeeOf(chain);
      const left = await timeLeft();
      for (const { keyId, mode, count, oldest } of open) {
        const deadlineMs = left.get(`${keyId} ${mode}`);
        if (!isDue({ count, ageMs: now() - oldest, baseFeePerGas, deadlineMs }, policy)) continue;
        const members = await openReceipts(db, keyId, mode, policy.maxCount);
        const { batch } = makeBatch(chain.domain, members.map(receiptOf), settler);
        const ids = members.map((member) => member.id);
        if (await insertSeal(db, batch, batchDigest(chain.domain, batch), ids, now())) offered(keyId);
      }
    },
  };
}
