// SPDX-License-Identifier: MIT
import type { Log } from "../chain/manager-options.ts";
import type { Work } from "../queue/queue.ts";
import { readBatch } from "../store/batches.ts";
import type { Database } from "../store/database.ts";
import {
  batchesNotIn,
  publicationsDue,
  publicationsOf,
  recordChecked,
  recordPublished,
  recordTrouble,
  type PublicationRow,
} from "../store/publications.ts";
import { PublicationError, type Publication } from "./publication.ts";
import type { Publications } from "./stores.ts";

/** Why a document was put into a store that was to have it already. */
export type Renewal = "absent" | "lost" | "expiring";

export interface RepublishOptions {
  db: Database;
  publications: Publications;
  /** What expires within this time is published anew. */
  renewBeforeMs: number;
  /** Each document is read back so often. */
  checkEveryMs: number;
  /** Older batches are not looked after any more; null for ever. */
  keepMs: number | null;
  /** First pause after a failure; it doubles. */
  retryMs: number;
  sweepMs: number;
  /** Told of every document that was put anew, and why. */
  renewed: (store: string, why: Renewal) => void;
  log: Log;
  now?: () => number;
}

/** Documents looked at in one sweep: with a minute between sweeps, some 70,000 a day. */
const FOUND_AT_ONCE = 50;
/** Reading the whole ledger for what a store was never given. */
const COMPARE_EVERY_MS = 3_600_000;

/**
 * Keeps what was published: gives stores what they never got, puts anew what will expire, and reads back everything by
 * and by to find what is damaged or gone. The ledger has every document, so all of that can be repaired from it.
 */
export function republishWork(options: RepublishOptions): Work {
  const { db, publications, renewBeforeMs, checkEveryMs, keepMs, retryMs, renewed, log, now = Date.now } = options;
  const stores = new Map(publications.all.map((store) => [store.name, store]));
  const compared = new Map<string, number>();

  async function find(): Promise<string[]> {
    const at = now();
    const receivedSince = keepMs === null ? 0 : at - keepMs;
    const wanted = { now: at, expiry: at + renewBeforeMs, checkedBefore: at - checkEveryMs, receivedSince };
    const found = await publicationsDue(db, { ...wanted, stores: [...stores.keys()] }, FOUND_AT_ONCE);
    for (const store of stores.keys()) {
      if (at - (compared.get(store) ?? 0) < COMPARE_EVERY_MS) continue;
      const absent = await batchesNotIn(db, store, receivedSince, FOUND_AT_ONCE);
      if (absent.length === 0) compared.set(store, at);
      found.push(...absent);
    }
    return found.map(({ batchId, store }) => `${batchId} ${store}`);
  }

  /** Why it must be put there now; undefined if it lies there whole. */
  async function lacks(store: Publication, row: PublicationRow | undefined, dataHash: `0x${string}`) {
    if (row === undefined || row.state === "missing") return "absent";
    if (row.state === "lost") return "lost";
    if (row.expiresAt !== null && row.expiresAt < now() + renewBeforeMs) return "expiring";
    try {
      return (await store.read(dataHash, row.locator)) ? undefined : "lost";
    } catch (error) {
      if (error instanceof PublicationError && error.code === "damaged") return "lost";
      throw error;
    }
  }

  async function run(key: string): Promise<void> {
    const [id, name] = key.split(" ") as [string, string];
    const batchId = Number(id);
    const store = stores.get(name);
    const batch = await readBatch(db, batchId);
    if (!store || !batch?.published) return;
    const ref = { batchId, store: name };
    const row = (await publicationsOf(db, batchId)).find((one) => one.store === name);
    let why: Renewal | undefined;
    try {
      why = await lacks(store, row, batch.dataHash);
      if (why === undefined) return await recordChecked(db, ref, now());
      if (why === "lost" && row?.state !== "lost")
        log.error({ batch: batch.digest, store: name }, "published leaves are damaged or gone; written anew");
      const placed = await store.publish(batch.dataHash, batch.document, why !== "absent");
      await recordPublished(db, ref, placed, now());
      renewed(name, why);
    } catch (error) {
      const state = why === "absent" ? "missing" : why === "lost" ? "lost" : null;
      const { message } = error as Error;
      await recordTrouble(db, ref, state, message.slice(0, 500), { now: now(), retryMs });
      log.warn({ batch: batch.digest, store: name, error: message }, "leaves could not be kept published; tried again");
      throw error;
    }
  }

  return { concurrency: 2, sweepMs: options.sweepMs, find, run };
}
