// SPDX-License-Identifier: MIT
import { and, asc, count, eq, gt, inArray, isNotNull, isNull, lt, ne, or, sql, type SQL } from "drizzle-orm";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "./database.ts";
import { sales, type ChargeState, type WorkState } from "./schema-sales.ts";

export type SaleRow = typeof sales.$inferSelect;
export type NewSale = Pick<
  SaleRow,
  | "requestId"
  | "payer"
  | "payTo"
  | "amount"
  | "resource"
  | "requestHash"
  | "salt"
  | "payment"
  | "validBefore"
  | "prepaid"
>;

/** What a sale is as a whole, for people and metrics. */
export type SaleState =
  | "reserved"
  | "working"
  | "answered"
  | "charging"
  | "charged"
  | "owed"
  | "refunded"
  | "served"
  | "uncharged"
  | "lost"
  | "failed";

const isPaid = (charge: ChargeState): boolean => charge === "paid" || charge === "final";

/** Work and money of a sale in one word. */
export function saleState({
  work,
  charge,
  servedAt,
  refund,
}: Pick<SaleRow, "work" | "charge" | "servedAt" | "refund">): SaleState {
  if (refund !== null) return "refunded";
  if (isPaid(charge)) return work === "failed" ? "owed" : servedAt === null ? "charged" : "served";
  if (charge === "lost") return "lost";
  if (servedAt !== null) return "uncharged";
  if (charge === "refused" || work === "failed") return "failed";
  if (work === "answered") return "answered";
  if (charge === "asked") return "charging";
  return work === "running" ? "working" : "reserved";
}

/** Takes a payment for one request. @returns nothing if it was taken before, for whatever. */
export async function reserveSale(db: Database, sale: NewSale, now: number): Promise<SaleRow | undefined> {
  const [row] = await db
    .insert(sales)
    .values({ ...sale, work: "none", charge: "none", reservedAt: now, changedAt: now })
    .onConflictDoNothing()
    .returning();
  return row;
}

export async function findSale(db: Database, requestId: Hex): Promise<SaleRow | undefined> {
  const [row] = await db.select().from(sales).where(eq(sales.requestId, requestId));
  return row;
}

type Change = Partial<
  Pick<
    SaleRow,
    | "prepaid"
    | "work"
    | "charge"
    | "reason"
    | "answer"
    | "mediaType"
    | "receiptId"
    | "receipt"
    | "transaction"
    | "servedAt"
  >
>;

/**
 * Changes a sale that is still as somebody saw it. @returns the sale as it is then, or nothing where somebody else was
 * first.
 */
export async function changeSale(
  db: Database,
  from: { id: number; work?: readonly WorkState[]; charge?: readonly ChargeState[] },
  change: Change,
  now: number,
): Promise<SaleRow | undefined> {
  const [row] = await db
    .update(sales)
    .set({ ...change, changedAt: now })
    .where(
      and(
        eq(sales.id, from.id),
        from.work && inArray(sales.work, [...from.work]),
        from.charge && inArray(sales.charge, [...from.charge]),
      ),
    )
    .returning();
  return row;
}

/** A connection took the answer. The first time is kept. */
export async function markServed(db: Database, id: number, now: number): Promise<void> {
  await db
    .update(sales)
    .set({ servedAt: now, changedAt: now })
    .where(and(eq(sales.id, id), isNull(sales.servedAt)));
}

/**
 * Withdraws an answer that was paid and that nobody fetched: nobody gets it any more, and a refund is owed. That must
 * come before the money goes back, or a payer has both. @returns whether there was one to withdraw.
 */
export async function endUnfetched(db: Database, requestId: Hex, now: number): Promise<boolean> {
  const changed = await db
    .update(sales)
    .set({ work: "failed", reason: "withdrawn", answer: null, changedAt: now })
    .where(
      and(
        eq(sales.requestId, requestId),
        eq(sales.work, "answered"),
        inArray(sales.charge, ["paid", "final"]),
        isNull(sales.servedAt),
      ),
    )
    .returning({ id: sales.id });
  return changed.length > 0;
}

/**
 * Records the operator's refund of a sale that was paid and whose work failed, once: what is running may be served yet,
 * and what is answered fetched. @returns whether there was one to refund.
 */
export async function recordRefund(db: Database, requestId: Hex, transaction: Hex, now: number): Promise<boolean> {
  const changed = await db
    .update(sales)
    .set({ refund: transaction, changedAt: now })
    .where(
      and(
        eq(sales.requestId, requestId),
        inArray(sales.charge, ["paid", "final"]),
        isNull(sales.refund),
        eq(sales.work, "failed"),
      ),
    )
    .returning({ id: sales.id });
  return changed.length > 0;
}

/** A sale whose story goes on: money that may still come or vanish, or work that somebody began. */
const unsettled = or(
  inArray(sales.charge, ["asked", "paid"]),
  and(eq(sales.charge, "none"), ne(sales.work, "failed")),
) as SQL;

/** Sales that nobody touched since `before` although their story goes on, oldest first. */
export function staleSales(db: Database, before: number, limit: number): Promise<SaleRow[]> {
  return db
    .select()
    .from(sales)
    .where(and(unsettled, lt(sales.changedAt, before)))
    .orderBy(asc(sales.changedAt))
    .limit(limit);
}

/** Moves a sale behind the others that wait for a look. */
export async function touchSale(db: Database, id: number, now: number): Promise<void> {
  await db.update(sales).set({ changedAt: now }).where(eq(sales.id, id));
}

/** Paid and not served, and served and not paid: what an operator is told of. */
export function openSales(db: Database, limit: number): Promise<SaleRow[]> {
  const owed = and(inArray(sales.charge, ["paid", "final"]), isNull(sales.refund), isNull(sales.servedAt));
  const unpaid = and(isNotNull(sales.servedAt), inArray(sales.charge, ["asked", "lost", "refused", "none"]));
  return db.select().from(sales).where(or(owed, unpaid)).orderBy(asc(sales.reservedAt)).limit(limit);
}

/** Sales of a payer since then that are worked on, or were, before they are paid. */
export async function countUnpaid(db: Database, payer: Hex, since: number): Promise<number> {
  const [row] = await db
    .select({ count: count() })
    .from(sales)
    .where(
      and(
        eq(sales.payer, payer),
        gt(sales.reservedAt, since),
        eq(sales.prepaid, false),
        ne(sales.work, "failed"),
        inArray(sales.charge, ["none", "asked"]),
      ),
    );
  return row!.count;
}

/** Whether a payer made this gateway work or serve for nothing since then. */
export async function costUs(db: Database, payer: Hex, since: number): Promise<boolean> {
  const found = await db
    .select({ id: sales.id })
    .from(sales)
    .where(
      and(
        eq(sales.payer, payer),
        gt(sales.reservedAt, since),
        or(eq(sales.charge, "lost"), and(eq(sales.charge, "refused"), eq(sales.work, "answered"))),
      ),
    )
    .limit(1);
  return found.length > 0;
}

/** Forgets the answers of sales that are over and older. @returns how many. */
export async function forgetAnswers(db: Database, before: number): Promise<number> {
  const forgotten = await db
    .update(sales)
    .set({ answer: null })
    .where(
      and(isNotNull(sales.answer), inArray(sales.charge, ["final", "refused", "lost"]), lt(sales.reservedAt, before)),
    )
    .returning({ id: sales.id });
  return forgotten.length;
}

/** Number and amount of sales by state. */
export async function countSales(db: Database): Promise<Map<SaleState, number>> {
  const served = sql<boolean>`${sales.servedAt} is not null`;
  const refunded = sql<boolean>`${sales.refund} is not null`;
  const found = await db
    .select({ work: sales.work, charge: sales.charge, served, refunded, count: sql<string>`count(*)` })
    .from(sales)
    .groupBy(sales.work, sales.charge, served, refunded);
  const counts = new Map<SaleState, number>();
  for (const { work, charge, served: isServed, refunded: isRefunded, count: many } of found) {
    const state = saleState({ work, charge, servedAt: isServed ? 1 : null, refund: isRefunded ? "0x" : null });
    counts.set(state, (counts.get(state) ?? 0) + Number(many));
  }
  return counts;
}
