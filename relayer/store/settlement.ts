// SPDX-License-Identifier: MIT
// What settlement reads and writes. Every change compares with the state it started from, as jobs may run twice.
import { and, asc, eq, gt, inArray, isNull, lte, min, or, sql, type Column } from "drizzle-orm";
import type { Hex } from "../protocol/index.ts";
import { batches, singles, type ItemState } from "./schema.ts";
import type { Database } from "./database.ts";
import { StoreError } from "./errors.ts";
import { insertTransaction } from "./transactions.ts";

/** Something that settles as one. */
export interface ItemRef {
  table: "batches" | "singles";
  id: number;
}

const of = (table: ItemRef["table"]) => (table === "batches" ? batches : singles);
const idOf = (table: ItemRef["table"]) => (table === "batches" ? batches.digest : singles.receiptId);

const ready = {
  // Whoever reads the root on chain must find its leaves: they are published first.
  batches: and(eq(batches.state, "verified"), isNull(batches.transactionId), eq(batches.published, true)),
  singles: and(eq(singles.state, "verified"), eq(singles.alone, true), isNull(singles.transactionId)),
};

/** No pause is longer. What is due later than that was put off by a clock that went wrong, and is due. Milliseconds. */
const LONGEST_PAUSE_MS = 1_800_000;
const isDue = (dueAt: Column, now: number) => or(lte(dueAt, now), gt(dueAt, now + LONGEST_PAUSE_MS));

/** Batches and lone receipts that wait for a call: how many, and since when. */
export async function readyBacklog(db: Database, now: number): Promise<{ count: number; oldest: number | null }> {
  const parts = await Promise.all([
    db
      .select({ count: sql<number>`count(*)::int`, oldest: min(batches.receivedAt) })
      .from(batches)
      .where(and(ready.batches, isDue(batches.dueAt, now))),
    db
      .select({ count: sql<number>`count(*)::int`, oldest: min(singles.receivedAt) })
      .from(singles)
      .where(and(ready.singles, isDue(singles.dueAt, now))),
  ]);
  const found = parts.map(([row]) => row!);
  const oldest = found.flatMap((row) => (row.oldest === null ? [] : [row.oldest]));
  return {
    count: found.reduce((sum, row) => sum + row.count, 0),
    oldest: oldest.length > 0 ? Math.min(...oldest) : null,
  };
}

/** What waits for a call and is due, oldest first. */
export async function readyItems(db: Database, now: number, limit: number): Promise<ItemRef[]> {
  const fromBatches = await db
    .select({ id: batches.id })
    .from(batches)
    .where(and(ready.batches, isDue(batches.dueAt, now)))
    .orderBy(asc(batches.id))
    .limit(limit);
  const fromSingles = await db
    .select({ id: singles.id })
    .from(singles)
    .where(and(ready.singles, isDue(singles.dueAt, now)))
    .orderBy(asc(singles.id))
    .limit(limit);
  return [
    ...fromBatches.map(({ id }): ItemRef => ({ table: "batches", id })),
    ...fromSingles.map(({ id }): ItemRef => ({ table: "singles", id })),
  ];
}

/** Items whose proofs have not been checked yet and are due. */
export async function unverifiedItems(db: Database, now: number, limit: number): Promise<ItemRef[]> {
  const found: ItemRef[] = [];
  for (const table of ["batches", "singles"] as const) {
    const rows = await db
      .select({ id: of(table).id })
      .from(of(table))
      .where(and(eq(of(table).state, "received"), isDue(of(table).dueAt, now)))
      .orderBy(asc(of(table).id))
      .limit(limit);
    found.push(...rows.map(({ id }): ItemRef => ({ table, id })));
  }
  return found;
}

/** Verified batches whose leaves are not published yet and are due. */
export async function unpublishedBatches(db: Database, now: number, limit: number): Promise<number[]> {
  const found = await db
    .select({ id: batches.id })
    .from(batches)
    .where(and(eq(batches.state, "verified"), eq(batches.published, false), isDue(batches.dueAt, now)))
    .orderBy(asc(batches.id))
    .limit(limit);
  return found.map(({ id }) => id);
}

/**
 * Queues a call and marks its items submitted, all at once.
 * @returns false, with nothing written, if one of the items is not waiting any more.
 */
export async function submitCall(
  db: Database,
  call: { chainId: number; sender: string; to: string; data: string; createdAt: number },
  items: readonly ItemRef[],
): Promise<boolean> {
  try {
    await db.transaction(async (tx) => {
      const transactionId = await insertTransaction(tx, call);
      for (const table of ["batches", "singles"] as const) {
        const ids = items.filter((item) => item.table === table).map((item) => item.id);
        if (ids.length === 0) continue;
        const taken = await tx
          .update(of(table))
          .set({ state: "submitted", transactionId })
          .where(and(ready[table], inArray(of(table).id, ids)))
          .returning({ id: of(table).id });
        if (taken.length !== ids.length) throw new StoreError("item_taken", "An item is in another call already");
      }
    });
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.code === "item_taken") return false;
    throw error;
  }
}

const laterEachTime = (table: ItemRef["table"], now: number, baseMs: number) => ({
  tries: sql`${of(table).tries} + 1` as unknown as number,
  dueAt:
    sql`${now}::bigint + least(${baseMs}::bigint * power(2, least(${of(table).tries}, 8)), ${LONGEST_PAUSE_MS}::bigint)::bigint` as unknown as number,
});

/** Leaves an item alone for a while that is not ripe yet. That is no failed try. */
export async function holdBack(db: Database, { table, id }: ItemRef, dueAt: number): Promise<void> {
  await db
    .update(of(table))
    .set({ dueAt })
    .where(and(eq(of(table).id, id), eq(of(table).state, "verified")));
}

/** Puts an item off after a failed try, longer each time. */
export async function postpone(db: Database, { table, id }: ItemRef, now: number, baseMs: number): Promise<void> {
  await db
    .update(of(table))
    .set(laterEachTime(table, now, baseMs))
    .where(eq(of(table).id, id));
}

/** What a call's turn changes in its items. */
export interface ItemChange {
  state: ItemState;
  reason?: string | null;
  settledAt?: number | null;
  /** The item leaves its call and waits for another one, longer each time. */
  retry?: { now: number; baseMs: number };
}

/** Changes items of a call by what they are known as on chain; those that left the call stay as they are. */
export async function changeItems(
  db: Database,
  transactionId: number,
  changes: readonly { id: Hex; kind: "signed" | "proved" | "receipt"; change: ItemChange }[],
): Promise<void> {
  await db.transaction(async (tx) => {
    for (const { id, kind, change } of changes) {
      const table = kind === "receipt" ? "singles" : "batches";
      const { retry, ...values } = change;
      await tx
        .update(of(table))
        .set({
          ...values,
          ...(retry ? { transactionId: null, ...laterEachTime(table, retry.now, retry.baseMs) } : {}),
        })
        .where(and(eq(idOf(table), id), eq(of(table).transactionId, transactionId)));
    }
  });
}
