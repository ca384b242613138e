// SPDX-License-Identifier: MIT
import type { Log } from "../chain/manager-options.ts";
import type { Work } from "../queue/queue.ts";
import { moveBatch, readBatch } from "../store/batches.ts";
import type { Database } from "../store/database.ts";
import { publicationsOf, recordPublished, recordWanted } from "../store/publications.ts";
import { postpone, unpublishedBatches } from "../store/settlement.ts";
import type { Publications } from "./stores.ts";

export interface PublishOptions {
  db: Database;
  publications: Publications;
  /** Batches published at once. */
  concurrency: number;
  retryMs: number;
  sweepMs: number;
  /** Told when a batch became ready to settle. */
  published: () => void;
  log: Log;
  now?: () => number;
}

const FOUND_AT_ONCE = 200;

/**
 * Publishes the leaves of verified batches in every required store, each under its hash, before anything names them on
 * chain. The other stores get them by and by, from {@link republishWork}.
 */
export function publishWork(options: PublishOptions): Work {
  const { db, publications, published, log, now = Date.now } = options;
  return {
    concurrency: options.concurrency,
    sweepMs: options.sweepMs,
    deadAfter: 20,
    find: async () => (await unpublishedBatches(db, now(), FOUND_AT_ONCE)).map(String),
    async run(key) {
      const id = Number(key);
      const row = await readBatch(db, id);
      if (row?.state !== "verified" || row.published) return; // done by another run
      const known = await publicationsOf(db, id);
      const there = new Set(known.filter(({ state }) => state === "published").map(({ store }) => store));
      const tried = await Promise.allSettled(
        publications.required
          .filter(({ name }) => !there.has(name))
          .map(async (store) => {
            const placed = await store.publish(row.dataHash, row.document);
            // At once: what one store has need not be put there again because another has not.
            await recordPublished(db, { batchId: id, store: store.name }, placed, now());
          }),
      );
      const failures = tried.flatMap((one) => (one.status === "rejected" ? [one.reason as Error] : []));
      const [first] = failures;
      if (first) {
        // Its own trouble, or a store's: it waits, longer each time, and the others go on.
        await postpone(db, { table: "batches", id }, now(), options.retryMs);
        const error = failures.map(({ message }) => message).join("; ");
        log.warn({ batch: row.digest, error }, "leaves could not be published; tried again");
        throw first;
      }
      const others = publications.all.filter((store) => !publications.required.includes(store));
      await recordWanted(
        db,
        others.map(({ name }) => ({ batchId: id, store: name })),
      );
      await moveBatch(db, id, "verified", { published: true, tries: 0, dueAt: 0 });
      log.info({ batch: row.digest, dataHash: row.dataHash }, "published leaves");
      published();
    },
  };
}
