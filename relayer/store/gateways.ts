// SPDX-License-Identifier: MIT
// The ledger of what gateways hand in. Every change compares with the state it started from, as jobs may run twice.
import { and, asc, count, eq, gt, inArray, isNull, lte, min, sql } from "drizzle-orm";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "./database.ts";
import { StoreError } from "./errors.ts";
import {
  gatewayAnswers as answers,
  gatewayCursors as cursors,
  gatewayHeartbeats as heartbeats,
  gatewayKeys as keys,
  type GatewayState,
} from "./schema-gateways.ts";
import { insertTransaction } from "./transactions.ts";

export type AnswerRow = typeof answers.$inferSelect;
type KeyRow = typeof keys.$inferSelect;

/** An answer that passed the door. */
export interface NewAnswer {
  requestId: Hex;
  keyId: Hex;
  requestHash: Hex;
  outputHash: Hex;
  /** Unix seconds. */
  timestamp: number;
  signature: Uint8Array;
  individual: boolean;
  receivedAt: number;
}

/** A call as it is queued. */
export interface NewCall {
  chainId: number;
  sender: string;
  to: string;
  data: string;
  createdAt: number;
}

// ------------------------------------------------------------------------------------------------------------ keys

export async function findGatewayKey(db: Database, teeId: Hex): Promise<KeyRow | undefined> {
  const [row] = await db.select().from(keys).where(eq(keys.teeId, teeId));
  return row;
}

/** First block whose logs were not read yet; undefined where none were. */
export async function gatewayCursor(db: Database, place: Hex): Promise<number | undefined> {
  const [row] = await db.select().from(cursors).where(eq(cursors.place, place));
  return row?.nextBlock;
}

/** Keeps keys together with how far they were read. */
export async function addGatewayKeys(db: Database, place: Hex, found: readonly KeyRow[], nextBlock: number) {
  await db.transaction(async (tx) => {
    if (found.length > 0)
      await tx
        .insert(keys)
        .values([...found])
        .onConflictDoNothing();
    await tx
      .insert(cursors)
      .values({ place, nextBlock })
      .onConflictDoUpdate({
        target: cursors.place,
        set: { nextBlock: sql`greatest(${cursors.nextBlock}, excluded.next_block)` },
      });
  });
}

// --------------------------------------------------------------------------------------------------------- answers

/** Commits an answer: when this returns, it is durable. Of the same answer the first stays, whatever it became. */
export async function insertAnswer(db: Database, fresh: NewAnswer): Promise<{ row: AnswerRow; isNew: boolean }> {
  const [row] = await db
    .insert(answers)
    .values({ ...fresh, state: "received" })
    .onConflictDoNothing()
    .returning();
  if (row) return { row, isNew: true };
  return { row: (await findAnswer(db, fresh.requestId))!, isNew: false };
}

export async function findAnswer(db: Database, requestId: Hex): Promise<AnswerRow | undefined> {
  const [row] = await db.select().from(answers).where(eq(answers.requestId, requestId));
  return row;
}

const waiting = and(eq(answers.state, "received"), isNull(answers.transactionId));

/** Answers that wait for a call and are due: how many, since when, and whether one of them is not to wait. */
export async function answerBacklog(
  db: Database,
  now: number,
): Promise<{ count: number; oldest: number | null; individual: boolean }> {
  const [row] = await db
    .select({
      count: count(),
      oldest: min(answers.receivedAt),
      individual: sql<boolean>`coalesce(bool_or(${answers.individual}), false)`,
    })
    .from(answers)
    .where(and(waiting, lte(answers.dueAt, now)));
  return row!;
}

/** Answers that wait for a call and are due, oldest first, each with its key. */
export async function readyAnswers(
  db: Database,
  now: number,
  limit: number,
): Promise<(AnswerRow & { publicKey: Uint8Array })[]> {
  const found = await db
    .select()
    .from(answers)
    .innerJoin(keys, eq(keys.keyId, answers.keyId))
    .where(and(waiting, lte(answers.dueAt, now)))
    .orderBy(asc(answers.id))
    .limit(limit);
  return found.map((row) => ({ ...row.gateway_answers, publicKey: row.gateway_keys.publicKey }));
}

/**
 * Queues a call and marks its answers submitted, all at once.
 * @returns false, with nothing written, if one of them is not waiting any more.
 */
export async function submitAnswers(db: Database, call: NewCall, ids: readonly number[]): Promise<boolean> {
  try {
    await db.transaction(async (tx) => {
      const transactionId = await insertTransaction(tx, call);
      const taken = await tx
        .update(answers)
        .set({ state: "submitted", transactionId })
        .where(and(waiting, inArray(answers.id, [...ids])))
        .returning({ id: answers.id });
      if (taken.length !== ids.length) throw new StoreError("item_taken", "An answer is in another call already");
    });
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.code === "item_taken") return false;
    throw error;
  }
}

/** Ends an answer that waits: the chain has it, or will never take it. */
export async function endAnswer(
  db: Database,
  id: number,
  values: { state: "final" | "rejected"; reason?: string; settledAt?: number },
): Promise<void> {
  await db
    .update(answers)
    .set(values)
    .where(and(eq(answers.id, id), waiting));
}

const laterEachTime = (now: number, baseMs: number) => ({
  tries: sql`${answers.tries} + 1` as unknown as number,
  dueAt: sql`${now}::bigint + (${baseMs}::int * power(2, least(${answers.tries}, 8)))::bigint` as unknown as number,
});

/** Puts an answer off after a failed try, longer each time. */
export async function postponeAnswer(db: Database, id: number, now: number, baseMs: number): Promise<void> {
  await db
    .update(answers)
    .set(laterEachTime(now, baseMs))
    .where(and(eq(answers.id, id), waiting));
}

/** Leaves an answer alone for a while that is not ripe yet. That is no failed try. */
export async function holdAnswer(db: Database, id: number, dueAt: number): Promise<void> {
  await db
    .update(answers)
    .set({ dueAt })
    .where(and(eq(answers.id, id), waiting));
}

/** What a call's turn changes in one of its answers. */
export interface AnswerChange {
  requestId: Hex;
  state: GatewayState;
  reason: string | null;
  settledAt: number | null;
  /** It leaves its call and waits for another one, longer each time. */
  retry?: { now: number; baseMs: number };
}

/** Changes answers of a call; those that left it stay as they are. */
export async function changeAnswers(db: Database, transactionId: number, changes: readonly AnswerChange[]) {
  await db.transaction(async (tx) => {
    for (const { requestId, retry, ...values } of changes)
      await tx
        .update(answers)
        .set({ ...values, ...(retry ? { transactionId: null, ...laterEachTime(retry.now, retry.baseMs) } : {}) })
        .where(and(eq(answers.requestId, requestId), eq(answers.transactionId, transactionId)));
  });
}

/** How many answers and heartbeats are in each state, for metrics. */
export async function countGateways(db: Database) {
  const [ofAnswers, ofHeartbeats] = await Promise.all([
    db.select({ state: answers.state, count: count() }).from(answers).groupBy(answers.state),
    db.select({ state: heartbeats.state, count: count() }).from(heartbeats).groupBy(heartbeats.state),
  ]);
  return { answers: ofAnswers, heartbeats: ofHeartbeats };
}

/** Answers handed in, by day of UTC, newest first, and all there ever were. */
export async function answersByDay(db: Database, since: number): Promise<{ total: number; days: Map<string, number> }> {
  const day = sql<string>`to_char(to_timestamp(${answers.receivedAt} / 1000) at time zone 'UTC', 'YYYY-MM-DD')`;
  const [all] = await db.select({ count: count() }).from(answers);
  const found = await db
    .select({ day, count: count() })
    .from(answers)
    .where(gt(answers.receivedAt, since))
    .groupBy(day);
  return { total: all!.count, days: new Map(found.map((row) => [row.day, row.count])) };
}
