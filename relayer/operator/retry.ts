// SPDX-License-Identifier: MIT
import { and, eq, isNull, sql } from "drizzle-orm";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import { StoreError } from "../store/errors.ts";
import { batches, singles, transactions, type ItemState } from "../store/schema.ts";

/** What a retry did. */
export interface Retried {
  kind: "batch" | "receipt" | "transaction";
  id: string;
  state: string;
  /** `due_now`: its pause is over. `reopened`: it was set aside, and waits for a call again. */
  did: "due_now" | "reopened";
}

/** Kinds of work to wake for a retried thing. */
export type WakeUp = { work: "verify" | "publish" | "settle" | "send" | "seal"; key: string };

/**
 * Reasons of the chain that end when somebody registers or approves something. All others are of the item itself, and
 * what the chain refused for them it would refuse again, at this relayer's cost.
 */
const CAN_END: ReadonlySet<string> = new Set(["UnknownKey", "UnknownModel", "MeasurementNotApproved"]);

const refused = (what: string, why: string): StoreError => new StoreError("not_retryable", `${what}: ${why}`);

/**
 * Makes one thing due now: a receipt by its id, a batch by its digest, a call by its number.
 * @param unpark Ends the rest of a call, which only the process that sends knows of; without it calls are refused.
 * @throws {StoreError} `not_known`; `not_retryable` with the reason.
 */
export async function retry(
  db: Database,
  id: string,
  unpark?: (transactionId: string) => boolean,
): Promise<{ result: Retried; wake: WakeUp }> {
  if (/^[1-9][0-9]{0,14}$/.test(id)) return retryTransaction(db, id, unpark);
  if (!/^0x[0-9a-f]{64}$/.test(id))
    throw new StoreError("not_known", `${id} is neither a receipt id, a batch digest, nor the number of a transaction`);
  const [batch] = await db
    .select({ id: batches.id, state: batches.state, reason: batches.reason, published: batches.published })
    .from(batches)
    .where(eq(batches.digest, id as Hex));
  if (batch) {
    const result = await retryItem(db, batches, "batch", id, batch);
    const work = result.state === "received" ? "verify" : batch.published ? "settle" : "publish";
    const key = work === "verify" ? `batches ${batch.id}` : work === "publish" ? String(batch.id) : "all";
    return { result, wake: { work, key } };
  }
  const [single] = await db
    .select({ id: singles.id, state: singles.state, reason: singles.reason, alone: singles.alone })
    .from(singles)
    .where(eq(singles.receiptId, id as Hex));
  if (!single) throw new StoreError("not_known", `No receipt handed in alone, and no batch, is known as ${id}`);
  if (single.state === "batched") throw refused(`receipt ${id}`, "it is in a batch; retry that one by its digest");
  const result = await retryItem(db, singles, "receipt", id, single);
  const work = result.state === "received" ? "verify" : single.alone ? "settle" : "seal";
  return { result, wake: { work, key: work === "verify" ? `singles ${single.id}` : "all" } };
}

async function retryItem(
  db: Database,
  table: typeof batches | typeof singles,
  kind: "batch" | "receipt",
  id: string,
  row: { id: number; state: ItemState; reason: string | null },
): Promise<Retried> {
  const { state, reason } = row;
  const what = `${kind} ${id}`;
  if (state === "submitted" || state === "mined")
    throw refused(what, "it is in a call; retry that transaction, whose number the lists tell");
  if (state === "final") throw refused(what, "it is settled for good");
  if (state === "rejected" && !CAN_END.has(reason ?? ""))
    throw refused(what, `it was set aside as ${reason ?? "unknown"}, which trying again does not change`);
  // One failed try stays on record: an item whose calls failed goes on travelling alone, and takes no other down.
  const [moved] = await db
    .update(table)
    .set(
      state === "rejected"
        ? { state: "verified", reason: null, transactionId: null, tries: 1, dueAt: 0 }
        : { tries: sql`least(${table.tries}, 1)` as unknown as number, dueAt: 0 },
    )
    .where(
      and(
        ...[eq(table.id, row.id), eq(table.state, state)],
        ...(state === "rejected" ? [] : [isNull(table.transactionId)]),
      ),
    )
    .returning({ state: table.state });
  if (!moved) throw refused(what, "it moved on meanwhile; look again");
  return { kind, id, state: moved.state, did: state === "rejected" ? "reopened" : "due_now" };
}

async function retryTransaction(
  db: Database,
  id: string,
  unpark: ((transactionId: string) => boolean) | undefined,
): Promise<{ result: Retried; wake: WakeUp }> {
  const [row] = await db
    .select({ state: transactions.state, reason: transactions.reason })
    .from(transactions)
    .where(eq(transactions.id, Number(id)));
  if (!row) throw new StoreError("not_known", `There is no transaction ${id}`);
  const what = `transaction ${id}`;
  if (row.state === "final") throw refused(what, "it is final");
  if (row.state === "failed")
    throw refused(what, `it failed for good (${row.reason ?? "unknown"}), and what it carried waits for another call`);
  if (row.state === "mined") throw refused(what, "it is in a block, and needs nothing but confirmations");
  if (!unpark) throw refused(what, "only the relayer that sends it knows of its pause: ask it with --url");
  unpark(id);
  return { result: { kind: "transaction", id, state: row.state, did: "due_now" }, wake: { work: "send", key: "all" } };
}
