// SPDX-License-Identifier: MIT
import { eq } from "drizzle-orm";
import { type Hex, type Receipt } from "../protocol/index.ts";
import { readLeafOf, type BatchSummary } from "./batches.ts";
import type { Database } from "./database.ts";
import { batches, receiptIndex, singles, transactions, type ItemState } from "./schema.ts";
import { receiptOf } from "./singles.ts";

/** Everything the ledger knows of a receipt. */
export interface ReceiptStatus {
  receipt: Receipt;
  signature: Hex;
  state: ItemState;
  reason: string | null;
  settledAt: number | null;
  transactionId: number | null;
  /** The batch it is in, and its place there. */
  home: { batch: BatchSummary; position: number } | null;
}

// Which of several homes tells most of a receipt: the one that came furthest.
const RANK: Record<ItemState, number> = {
  final: 6,
  mined: 5,
  submitted: 4,
  batched: 3,
  verified: 2,
  received: 1,
  rejected: 0,
};

/** What is known of a receipt; undefined if nothing. */
export async function findReceipt(db: Database, receiptId: Hex): Promise<ReceiptStatus | undefined> {
  const homes = await db
    .select({ batchId: receiptIndex.batchId, position: receiptIndex.position, state: batches.state })
    .from(receiptIndex)
    .innerJoin(batches, eq(batches.id, receiptIndex.batchId))
    .where(eq(receiptIndex.receiptId, receiptId));
  const [home] = homes.sort((a, b) => RANK[b.state] - RANK[a.state]);
  const [single] = await db.select().from(singles).where(eq(singles.receiptId, receiptId));
  if (single && (!home || (single.batchId === null && RANK[single.state] >= RANK[home.state]))) {
    const { signature, state, reason, settledAt, transactionId } = single;
    return { receipt: receiptOf(single), signature, state, reason, settledAt, transactionId, home: null };
  }
  if (!home) return undefined;
  const { position } = home;
  const { batch, receipt, signature } = (await readLeafOf(db, home.batchId, position))!;
  return {
    receipt,
    signature,
    // A receipt that was posted alone has been batched, whatever its batch still has to go through.
    state: single && batch.state === "verified" ? "batched" : batch.state,
    reason: batch.reason,
    settledAt: batch.settledAt,
    transactionId: batch.transactionId,
    home: { batch, position },
  };
}

/** Hash of the transaction that was seen in a block for a call; null while there is none. */
export async function minedHash(db: Database, transactionId: number | null): Promise<Hex | null> {
  if (transactionId === null) return null;
  const [row] = await db
    .select({ hash: transactions.minedHash })
    .from(transactions)
    .where(eq(transactions.id, transactionId));
  return row?.hash ?? null;
}
