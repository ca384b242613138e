// SPDX-License-Identifier: MIT
import type { Publication } from "../batches/publication.ts";
import type { Log } from "../chain/manager-options.ts";
import type { Work } from "../queue/queue.ts";
import { moveBatch, readBatch } from "../store/batches.ts";
import type { Database } from "../store/database.ts";
import { postpone, unpublishedBatches } from "../store/settlement.ts";

export interface PublishOptions {
  db: Database;
  publication: Publication;
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

/** Publishes the leaves of verified batches, each under its hash, before anything names them on chain. */
export function publishWork(options: PublishOptions): Work {
  const { db, publication, published, log, now = Date.now } = options;
  return {
    concurrency: options.concurrency,
    sweepMs: options.sweepMs,
    deadAfter: 20,
    find: async () => (await unpublishedBatches(db, now(), FOUND_AT_ONCE)).map(String),
    async run(key) {
      const id = Number(key);
      const row = await readBatch(db, id);
      if (row?.state !== "verified" || row.published) return; // done by another run
      try {
        await publication.publish(row.dataHash, row.document);
      } catch (error) {
        // Its own trouble, or the store's: it waits, longer each time, and the others go on.
        await postpone(db, { table: "batches", id }, now(), options.retryMs);
        log.warn({ batch: row.digest, error: (error as Error).message }, "leaves could not be published; tried again");
        throw error;
      }
      await moveBatch(db, id, "verified", { published: true, tries: 0, dueAt: 0 });
      log.info({ batch: row.digest, dataHash: row.dataHash }, "published leaves");
      published();
    },
  };
}
