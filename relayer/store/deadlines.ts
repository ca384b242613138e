// SPDX-License-Identifier: MIT
// Which of the receipts that wait answer certain requests.
import { and, eq, inArray, isNull, lte } from "drizzle-orm";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "./database.ts";
import { batches, receiptIndex, singles } from "./schema.ts";

/** Receipts in open batches that answer one of these requests, by their key's batch. */
export async function openAnswers(
  db: Database,
  requestIds: readonly Hex[],
): Promise<{ keyId: Hex; mode: number; requestId: Hex }[]> {
  if (requestIds.length === 0) return [];
  return db
    .select({ keyId: singles.keyId, mode: singles.mode, requestId: singles.requestId })
    .from(singles)
    .where(
      and(
        ...[inArray(singles.requestId, [...requestIds]), eq(singles.state, "verified")],
        ...[eq(singles.alone, false), isNull(singles.sealId)],
      ),
    );
}

/** Of these requests, those whose receipts wait for a call and are due, in a batch or alone. */
export async function readyAnswersTo(db: Database, now: number, requestIds: readonly Hex[]): Promise<Hex[]> {
  if (requestIds.length === 0) return [];
  const [alone, batched] = await Promise.all([
    db
      .select({ requestId: singles.requestId })
      .from(singles)
      .where(
        and(
          ...[inArray(singles.requestId, [...requestIds]), eq(singles.state, "verified"), eq(singles.alone, true)],
          ...[isNull(singles.transactionId), lte(singles.dueAt, now)],
        ),
      ),
    db
      .select({ requestId: receiptIndex.requestId })
      .from(receiptIndex)
      .innerJoin(batches, eq(batches.id, receiptIndex.batchId))
      .where(
        and(
          ...[inArray(receiptIndex.requestId, [...requestIds]), eq(batches.state, "verified")],
          ...[eq(batches.published, true), isNull(batches.transactionId), lte(batches.dueAt, now)],
        ),
      ),
  ]);
  return [...alone, ...batched].map(({ requestId }) => requestId);
}
