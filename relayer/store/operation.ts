// SPDX-License-Identifier: MIT
// What an operator asks the ledger: how much waits, since when, and what it cost.
import { and, asc, desc, eq, getTableColumns, gte, inArray, isNotNull, lt, min, sql } from "drizzle-orm";
import type { Hex } from "../protocol/index.ts";
import { rows, type Database } from "./database.ts";
import { attempts, batches, singles, transactions, type ItemState } from "./schema.ts";

/** Items of one table in one state. */
export interface Backlog {
  table: "batches" | "singles";
  state: ItemState;
  count: number;
  /** When the oldest of them was received, unix milliseconds. */
  oldest: number;
}

/** States in which an item still has a way to go here. */
export const OPEN_STATES: readonly ItemState[] = ["received", "verified", "submitted", "mined"];

/** How many items are in each state, and since when the oldest was received. */
export async function backlog(db: Database): Promise<Backlog[]> {
  const count = sql<number>`count(*)::int`;
  const [some, others] = await Promise.all([
    db
      .select({ state: batches.state, count, oldest: min(batches.receivedAt).mapWith(Number) })
      .from(batches)
      .groupBy(batches.state),
    db
      .select({ state: singles.state, count, oldest: min(singles.receivedAt).mapWith(Number) })
      .from(singles)
      .groupBy(singles.state),
  ]);
  return [
    ...some.map((row): Backlog => ({ table: "batches", ...row, oldest: row.oldest! })),
    ...others.map((row): Backlog => ({ table: "singles", ...row, oldest: row.oldest! })),
  ];
}

/** One kind of work as the ledger has it. */
export interface WorkDue {
  work: string;
  /** Pieces that may run now. */
  due: number;
  /** Since when the oldest of them may, unix milliseconds; null where nothing is due. */
  oldestDue: number | null;
}

/**
 * What each kind of work has to do now. Sealing and settling wait on purpose, for company and for a price: their
 * oldest is bounded by the policies' patience, and only more than that is a lag.
 */
export async function dueWork(db: Database, now: number): Promise<WorkDue[]> {
  const due = sql`greatest(due_at, received_at)`;
  const at = sql`${now}::bigint`;
  const found = await rows<{ work: string; due: number; oldest: string | number | null }>(
    db,
    sql`
    select 'verify' as work, count(*)::int as due, min(${due}) as oldest from (
      select due_at, received_at from ${batches} where state = 'received'
      union all select due_at, received_at from ${singles} where state = 'received') as items where ${due} <= ${at}
    union all
    select 'publish', count(*)::int, min(${due}) from ${batches}
      where state = 'verified' and not published and ${due} <= ${at}
    union all
    select 'seal', count(*)::int, min(received_at) from ${singles}
      where state = 'verified' and not alone and seal_id is null
    union all
    select 'settle', count(*)::int, min(${due}) from (
      select due_at, received_at from ${batches} where state = 'verified' and published and transaction_id is null
      union all select due_at, received_at from ${singles}
        where state = 'verified' and alone and transaction_id is null) as items where ${due} <= ${at}
    union all
    select 'send', count(*)::int, min(created_at) from ${transactions} where state in ('queued', 'pending')`,
  );
  return found.map(({ work, due, oldest }) => ({ work, due, oldestDue: oldest === null ? null : Number(oldest) }));
}

/** Calls in one state. */
export interface CallCount {
  state: string;
  count: number;
  /** When the oldest was queued, unix milliseconds. */
  oldest: number;
}

/** What mined calls of one kind cost. */
export interface Spent {
  kind: string;
  calls: number;
  gas: bigint;
  /** Everything that the chain took for them, data fees of a rollup included. */
  wei: bigint;
}

/** Calls by state, signed forms of those that are open, and what the mined ones cost, by kind. */
export async function callStatistics(db: Database): Promise<{
  calls: CallCount[];
  attempts: { state: string; purpose: string; count: number }[];
  /** Signed forms of the open call that has most. */
  mostAttempts: number;
  spent: Spent[];
}> {
  const open = inArray(transactions.state, ["queued", "pending", "mined"]);
  const count = sql<number>`count(*)::int`;
  const [calls, forms, [most], spent] = await Promise.all([
    db
      .select({ state: transactions.state, count, oldest: min(transactions.createdAt).mapWith(Number) })
      .from(transactions)
      .groupBy(transactions.state),
    db
      .select({ state: attempts.state, purpose: attempts.purpose, count })
      .from(attempts)
      .innerJoin(transactions, eq(transactions.id, attempts.transactionId))
      .where(open)
      .groupBy(attempts.state, attempts.purpose),
    rows<{ most: number }>(
      db,
      sql`select coalesce(max(n), 0)::int as most from (
        select count(*) as n from ${attempts} join ${transactions} on ${transactions.id} = ${attempts.transactionId}
        where ${transactions.state} in ('queued', 'pending') group by ${attempts.transactionId}) as counts`,
    ),
    db
      .select({
        kind: transactions.kind,
        calls: count,
        gas: sql<string>`sum(${transactions.gasUsed})::text`,
        wei: sql<string>`sum(${transactions.feeWei})::text`,
      })
      .from(transactions)
      .where(isNotNull(transactions.feeWei))
      .groupBy(transactions.kind),
  ]);
  return {
    calls: calls.map((row) => ({ ...row, oldest: row.oldest! })),
    attempts: forms,
    mostAttempts: most!.most,
    spent: spent.map(({ kind, calls: mined, gas, wei }) => ({
      ...{ kind: kind ?? "other", calls: mined },
      ...{ gas: BigInt(gas), wei: BigInt(wei) },
    })),
  };
}

/** Keeps what a mined transaction cost; saying it twice changes nothing. `null`: its block vanished. */
export async function recordCost(
  db: Database,
  transactionId: string,
  cost: { kind: string; gasUsed: number; feeWei: bigint } | null,
): Promise<void> {
  await db
    .update(transactions)
    .set(cost ?? { kind: null, gasUsed: null, feeWei: null })
    .where(eq(transactions.id, Number(transactionId)));
}

/** What a signed form was for; undefined if it is not ours. */
export async function purposeOf(db: Database, hash: Hex): Promise<"send" | "cancel" | undefined> {
  const [row] = await db.select({ purpose: attempts.purpose }).from(attempts).where(eq(attempts.hash, hash));
  return row?.purpose;
}

export interface ListedTransaction {
  id: string;
  state: string;
  kind: string | null;
  sender: string;
  to: string;
  nonce: number | null;
  /** Of the signed form that was seen in a block. */
  hash: string | null;
  succeeded: boolean | null;
  reason: string | null;
  createdAt: number;
  finalAt: number | null;
  gasUsed: number | null;
  feeWei: string | null;
  attempts: { hash: string; state: string; purpose: string; maxFeePerGas: string; signedAt: number }[];
}

const transactionColumns = getTableColumns(transactions);
const attemptColumns = getTableColumns(attempts);

/** Calls and their signed forms, the newest first, from below an id on. */
export async function listTransactions(
  db: Database,
  wanted: { states?: readonly string[] | undefined; since?: number | undefined; below?: number | undefined },
  limit: number,
): Promise<ListedTransaction[]> {
  const { states, since, below } = wanted;
  const { data: _data, ...columns } = transactionColumns;
  const found = await db
    .select(columns)
    .from(transactions)
    .where(
      and(
        below === undefined ? undefined : lt(transactions.id, below),
        since === undefined ? undefined : gte(transactions.createdAt, since),
        states === undefined
          ? undefined
          : inArray(transactions.state, [...states] as (typeof transactions.$inferSelect.state)[]),
      ),
    )
    .orderBy(desc(transactions.id))
    .limit(limit);
  const ids = found.map(({ id }) => id);
  const { raw: _raw, ...form } = attemptColumns;
  const forms =
    ids.length === 0
      ? []
      : await db
          .select(form)
          .from(attempts)
          .where(inArray(attempts.transactionId, ids))
          .orderBy(asc(attempts.signedAt));
  return found.map(({ id, minedHash, feeWei, ...row }) => ({
    ...{ id: String(id), state: row.state, kind: row.kind, sender: row.sender, to: row.to, nonce: row.nonce },
    ...{ hash: minedHash, succeeded: row.succeeded, reason: row.reason },
    ...{ createdAt: row.createdAt, finalAt: row.finalAt, gasUsed: row.gasUsed, feeWei: feeWei?.toString() ?? null },
    attempts: forms
      .filter(({ transactionId }) => transactionId === id)
      .map(({ hash, state, purpose, maxFeePerGas, signedAt }) => ({
        ...{ hash, state, purpose, maxFeePerGas: maxFeePerGas.toString(), signedAt },
      })),
  }));
}

/** The account that calls were last sent from; undefined if none ever was. */
export async function lastSender(db: Database, chainId: number): Promise<Hex | undefined> {
  const [row] = await db
    .select({ sender: transactions.sender })
    .from(transactions)
    .where(eq(transactions.chainId, chainId))
    .orderBy(desc(transactions.id))
    .limit(1);
  return row?.sender;
}
