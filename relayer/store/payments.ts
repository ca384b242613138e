// SPDX-License-Identifier: MIT
import { and, desc, eq, inArray, isNull, ne, sql } from "drizzle-orm";
import type { PaymentKey } from "../facilitator/request-id.ts";
import type { Hex } from "../protocol/index.ts";
import { lock, type Database } from "./database.ts";
import { attempts, payments, type PaymentState } from "./schema.ts";
import { insertTransaction } from "./transactions.ts";

export type PaymentRow = typeof payments.$inferSelect;

/** A payment that was found good. */
export interface NewPayment extends PaymentKey {
  requestId: Hex;
  payTo: Hex;
  amount: bigint;
  digest: Hex;
  /** Block that was the latest before it was found good. */
  fromBlock?: number;
}

const byKey = ({ chainId, token, payer, nonce }: PaymentKey) =>
  and(eq(payments.chainId, chainId), eq(payments.token, token), eq(payments.payer, payer), eq(payments.nonce, nonce));

export async function findPayment(db: Pick<Database, "select">, key: PaymentKey): Promise<PaymentRow | undefined> {
  const [row] = await db.select().from(payments).where(byKey(key));
  return row;
}

export async function findPaymentByRequest(db: Database, requestId: Hex): Promise<PaymentRow | undefined> {
  const [row] = await db.select().from(payments).where(eq(payments.requestId, requestId));
  return row;
}

export async function findPaymentOfTransaction(db: Database, transactionId: number): Promise<PaymentRow | undefined> {
  const [row] = await db.select().from(payments).where(eq(payments.transactionId, transactionId));
  return row;
}

export async function readPayments(db: Database, ids: readonly number[]): Promise<PaymentRow[]> {
  return ids.length === 0
    ? []
    : db
        .select()
        .from(payments)
        .where(inArray(payments.id, [...ids]));
}

/** Takes a payment for whoever asked first. @returns false if somebody was before. */
export async function reservePayment(db: Database, payment: NewPayment, now: number): Promise<boolean> {
  const taken = await db
    .insert(payments)
    .values({ ...payment, state: "reserved", receivedAt: now })
    .onConflictDoNothing()
    .returning({ id: payments.id });
  return taken.length > 0;
}

/**
 * Queues the call that carries a payment, together with what says so: a crash leaves both or neither. Where the call is
 * queued already, nothing happens. @returns the payment as it is then.
 */
export function submitPayment(
  db: Database,
  payment: NewPayment,
  call: { sender: string; to: string; data: string },
  now: number,
): Promise<PaymentRow> {
  return db.transaction(async (tx) => {
    await lock(tx, `payment ${payment.requestId}`);
    await tx
      .insert(payments)
      .values({ ...payment, state: "reserved", receivedAt: now })
      .onConflictDoNothing();
    const row = (await findPayment(tx, payment))!;
    if (row.state !== "reserved" || row.digest !== payment.digest) return row;
    const transactionId = await insertTransaction(tx, { ...call, chainId: payment.chainId, createdAt: now });
    const [changed] = await tx
      .update(payments)
      .set({ state: "submitted", transactionId })
      .where(eq(payments.id, row.id))
      .returning();
    return changed!;
  });
}

/**
 * Queues the call of a payment that failed once more, where its authorization still holds: the token lets it happen
 * once, however often it is carried there. Whoever was told that it was paid was told wrong, so one is told anew.
 * @returns the payment as it is then.
 */
export function resubmitPayment(
  db: Database,
  payment: NewPayment,
  call: { sender: string; to: string; data: string },
  now: number,
): Promise<PaymentRow> {
  return db.transaction(async (tx) => {
    await lock(tx, `payment ${payment.requestId}`);
    const row = (await findPayment(tx, payment))!;
    if (row.state !== "failed" || row.digest !== payment.digest) return row;
    const transactionId = await insertTransaction(tx, { ...call, chainId: payment.chainId, createdAt: now });
    const [changed] = await tx
      .update(payments)
      .set({ state: "submitted", transactionId, minedHash: null, reason: null, answeredAt: null })
      .where(eq(payments.id, row.id))
      .returning();
    return changed!;
  });
}

/** Takes a final transaction of somebody else's as the one that paid. */
export async function adoptPayment(db: Database, id: number, minedHash: Hex): Promise<void> {
  await db
    .update(payments)
    .set({ state: "final", minedHash, reason: null })
    .where(and(eq(payments.id, id), inArray(payments.state, ["reserved", "failed"])));
}

/** Number of payments by state. */
export async function countPayments(db: Database): Promise<{ state: PaymentState; count: number }[]> {
  const found = await db
    .select({ state: payments.state, count: sql<string>`count(*)` })
    .from(payments)
    .groupBy(payments.state);
  return found.map(({ state, count }) => ({ state, count: Number(count) }));
}

/** Says that a payment is paid, to one asker. @returns false if somebody was told before. */
export async function claimAnswer(db: Database, id: number, now: number): Promise<boolean> {
  const claimed = await db
    .update(payments)
    .set({ answeredAt: now })
    .where(and(eq(payments.id, id), isNull(payments.answeredAt)))
    .returning({ id: payments.id });
  return claimed.length > 0;
}

/** What a turn of its call means for a payment. What is final stays. */
export async function changePayment(
  db: Database,
  id: number,
  change: { state: PaymentState; minedHash: Hex | null; reason: string | null },
): Promise<void> {
  await db
    .update(payments)
    .set(change)
    .where(and(eq(payments.id, id), ne(payments.state, "final"), ne(payments.state, "failed")));
}

/** The newest signed form of a call that a node was handed: the one to look for while none is mined. */
export async function newestHash(db: Database, transactionId: number): Promise<Hex | undefined> {
  const [attempt] = await db
    .select({ hash: attempts.hash })
    .from(attempts)
    .where(and(eq(attempts.transactionId, transactionId), eq(attempts.purpose, "send"), ne(attempts.state, "prepared")))
    .orderBy(desc(attempts.signedAt))
    .limit(1);
  return attempt?.hash;
}
