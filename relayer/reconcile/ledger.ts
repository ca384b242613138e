// SPDX-License-Identifier: MIT
// What is read of the ledger. Nothing here writes: a finding is for somebody to look at, not to be acted on.
import { and, desc, eq, inArray, isNull, lt, sql } from "drizzle-orm";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import { attempts, batches, singles, transactions } from "../store/schema.ts";
import type { LedgerItem } from "./types.ts";

/** Where a reading of the ledger stands: the smallest row of each table that was read. */
export interface Cursor {
  batches: number | null;
  singles: number | null;
}
export const START: Cursor = { batches: null, singles: null };

/** An item, and since when it is known, milliseconds. */
export interface KnownItem extends LedgerItem {
  receivedAt: number;
}

const block = sql<number | null>`case when ${transactions.succeeded} is not false then ${transactions.minedBlock} end`;

const batchColumns = {
  id: batches.digest,
  keyId: batches.keyId,
  mode: batches.mode,
  count: batches.count,
  root: batches.root,
  state: batches.state,
  settledAt: batches.settledAt,
  receivedAt: batches.receivedAt,
  block: block.mapWith(nullable),
};
const singleColumns = {
  id: singles.receiptId,
  keyId: singles.keyId,
  mode: singles.mode,
  state: singles.state,
  settledAt: singles.settledAt,
  receivedAt: singles.receivedAt,
  block: block.mapWith(nullable),
};
function nullable(value: unknown): number | null {
  return value === null ? null : Number(value);
}

/**
 * Items from the newest on, `limit` of each table at most, and where to go on; null where there are no more. Receipts
 * that went into a batch are the batch's.
 */
export async function newestItems(
  db: Database,
  limit: number,
  before: Cursor = START,
): Promise<{ items: KnownItem[]; next: Cursor | null }> {
  const [fromBatches, fromSingles] = await Promise.all([
    db
      .select({ row: batches.id, item: batchColumns })
      .from(batches)
      .leftJoin(transactions, eq(batches.transactionId, transactions.id))
      .where(before.batches === null ? undefined : lt(batches.id, before.batches))
      .orderBy(desc(batches.id))
      .limit(limit),
    db
      .select({ row: singles.id, item: singleColumns })
      .from(singles)
      .leftJoin(transactions, eq(singles.transactionId, transactions.id))
      .where(and(isNull(singles.batchId), before.singles === null ? undefined : lt(singles.id, before.singles)))
      .orderBy(desc(singles.id))
      .limit(limit),
  ]);
  const items = [
    ...fromBatches.map(({ item }): KnownItem => ({ ...item, kind: "batch" })),
    ...fromSingles.map(({ item }): KnownItem => ({ ...item, kind: "receipt", count: 1, root: null })),
  ];
  // A table that is at its end stays there: its smallest row has none before it.
  const next = {
    batches: fromBatches.at(-1)?.row ?? before.batches ?? 0,
    singles: fromSingles.at(-1)?.row ?? before.singles ?? 0,
  };
  return { items, next: items.length === 0 ? null : next };
}

/** Which of these calls are this ledger's own, in whichever signed form. */
export async function ownCalls(db: Database, hashes: readonly Hex[]): Promise<Set<Hex>> {
  if (hashes.length === 0) return new Set();
  const found = await db
    .select({ hash: attempts.hash })
    .from(attempts)
    .where(inArray(attempts.hash, [...new Set(hashes)]));
  return new Set(found.map(({ hash }) => hash));
}
