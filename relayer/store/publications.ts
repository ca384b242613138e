// SPDX-License-Identifier: MIT
import { and, asc, eq, gte, inArray, lt, lte, min, notExists, or, sql } from "drizzle-orm";
import type { Hex } from "../protocol/index.ts";
import { batches, publications, type PublicationState } from "./schema.ts";
import type { Database } from "./database.ts";

export type PublicationRow = typeof publications.$inferSelect;

/** One document in one store. */
export interface PublicationRef {
  batchId: number;
  store: string;
}

/** Where the leaves of a batch are, and are not. */
export function publicationsOf(db: Database, batchId: number): Promise<PublicationRow[]> {
  return db.select().from(publications).where(eq(publications.batchId, batchId)).orderBy(asc(publications.store));
}

/** Notes that a store holds the leaves: they were read back just now. */
export async function recordPublished(
  db: Database,
  { batchId, store }: PublicationRef,
  placed: { locator: string | null; expiresAt: number | null },
  now: number,
): Promise<void> {
  const { locator, expiresAt } = placed;
  const values = {
    ...{ state: "published" as const, locator, expiresAt, publishedAt: now, checkedAt: now },
    ...{ reason: null, tries: 0, dueAt: 0 },
  };
  await db
    .insert(publications)
    .values({ batchId, store, ...values })
    .onConflictDoUpdate({ target: [publications.batchId, publications.store], set: values });
}

/** Notes that leaves are to be put somewhere, if they are not there. */
export async function recordWanted(db: Database, wanted: readonly PublicationRef[]): Promise<void> {
  if (wanted.length === 0) return;
  await db
    .insert(publications)
    .values(wanted.map((ref) => ({ ...ref, state: "missing" as const })))
    .onConflictDoNothing();
}

/** Notes that a document was read back and found whole. */
export async function recordChecked(db: Database, { batchId, store }: PublicationRef, now: number): Promise<void> {
  await db
    .update(publications)
    .set({ checkedAt: now, reason: null, tries: 0, dueAt: 0 })
    .where(and(eq(publications.batchId, batchId), eq(publications.store, store), eq(publications.state, "published")));
}

/**
 * Notes what went wrong, and puts the next try off, longer each time.
 * @param state null leaves it: nothing was found out about the document.
 */
export async function recordTrouble(
  db: Database,
  { batchId, store }: PublicationRef,
  state: PublicationState | null,
  reason: string,
  { now, retryMs }: { now: number; retryMs: number },
): Promise<void> {
  await db
    .insert(publications)
    .values({ batchId, store, state: state ?? "missing", reason, tries: 1, dueAt: now + retryMs })
    .onConflictDoUpdate({
      target: [publications.batchId, publications.store],
      set: {
        ...(state === null ? {} : { state }),
        reason,
        tries: sql`${publications.tries} + 1`,
        dueAt: sql`${now}::bigint + (${retryMs}::int * power(2, least(${publications.tries}, 8)))::bigint`,
      },
    });
}

/** What is to be looked at: troubles, what expires before `expiry`, and what was not checked since `checkedBefore`. */
export async function publicationsDue(
  db: Database,
  wanted: { stores: readonly string[]; now: number; expiry: number; checkedBefore: number; receivedSince: number },
  limit: number,
): Promise<PublicationRef[]> {
  const { stores, now, expiry, checkedBefore, receivedSince } = wanted;
  return db
    .select({ batchId: publications.batchId, store: publications.store })
    .from(publications)
    .innerJoin(batches, eq(batches.id, publications.batchId))
    .where(
      and(
        inArray(publications.store, [...stores]),
        lte(publications.dueAt, now),
        eq(batches.published, true),
        gte(batches.receivedAt, receivedSince),
        or(
          inArray(publications.state, ["missing", "lost"]),
          lt(publications.expiresAt, expiry),
          lt(publications.checkedAt, checkedBefore),
        ),
      ),
    )
    .orderBy(sql`${publications.expiresAt} asc nulls last`, asc(publications.batchId))
    .limit(limit);
}

/** Published batches that a store was never given: it came into the configuration later, or is not required. */
export async function batchesNotIn(
  db: Database,
  store: string,
  receivedSince: number,
  limit: number,
): Promise<PublicationRef[]> {
  const there = db
    .select({ one: sql`1` })
    .from(publications)
    .where(and(eq(publications.batchId, batches.id), eq(publications.store, store)));
  const found = await db
    .select({ batchId: batches.id })
    .from(batches)
    .where(and(eq(batches.published, true), gte(batches.receivedAt, receivedSince), notExists(there)))
    .orderBy(asc(batches.id))
    .limit(limit);
  return found.map(({ batchId }) => ({ batchId, store }));
}

/** How many documents each store holds, and when the first of them expires; for metrics. */
export function countPublications(
  db: Database,
): Promise<{ store: string; state: PublicationState; count: number; soonest: number | null }[]> {
  return db
    .select({
      store: publications.store,
      state: publications.state,
      count: sql<number>`count(*)::int`,
      soonest: min(publications.expiresAt),
    })
    .from(publications)
    .groupBy(publications.store, publications.state);
}

/** The published leaves of this hash, from the ledger itself, and where else they are. */
export async function publishedLeaves(db: Database, dataHash: Hex): Promise<Uint8Array | undefined> {
  const [row] = await db.select({ document: batches.document }).from(batches).where(published(dataHash)).limit(1);
  return row?.document;
}

/** Where the leaves of this hash are published; undefined if they are not. */
export async function publishedPlaces(db: Database, dataHash: Hex): Promise<PublicationRow[] | undefined> {
  const [row] = await db.select({ id: batches.id }).from(batches).where(published(dataHash)).limit(1);
  return row && (await publicationsOf(db, row.id)).filter(({ state }) => state === "published");
}

const published = (dataHash: Hex) => and(eq(batches.dataHash, dataHash), eq(batches.published, true));
