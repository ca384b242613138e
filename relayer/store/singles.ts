// SPDX-License-Identifier: MIT
import { and, asc, eq, inArray, isNull, lt, or, sql } from "drizzle-orm";
import { view } from "../protocol/bytes.ts";
import { LEAF_SIZE, readLeaf, writeLeaf, type Batch, type Hex, type Receipt } from "../protocol/index.ts";
import { insertBatchRow, type NewBatch } from "./batches.ts";
import { bytes, lock, rows, type Database } from "./database.ts";
import { Equivocation, StoreError } from "./errors.ts";
import { noteQuestion } from "./questions.ts";
import { batches, receiptIndex, seals, singles, type ItemState } from "./schema.ts";

export type SingleRow = typeof singles.$inferSelect;
export type SealRow = typeof seals.$inferSelect;

/** A receipt that passed the door alone. */
export interface NewSingle {
  receipt: Receipt;
  receiptId: Hex;
  signature: Hex;
  evidence: Uint8Array | null;
  state: ItemState;
  receivedAt: number;
}

/**
 * Commits a receipt: when this returns, it is durable. Repeating it changes nothing, unless its proof was found not to
 * hold and this is another one.
 * @throws {Equivocation} if the key signed another receipt for the same request.
 * @throws {StoreError} `other_proofs` while another proof of it is being checked.
 */
export async function insertSingle(db: Database, fresh: NewSingle): Promise<{ id: number; isNew: boolean }> {
  const { receipt, receiptId, signature, evidence, state, receivedAt } = fresh;
  const { requestId, keyId, mode, modelId } = receipt;
  return db.transaction(async (tx) => {
    await lock(tx, `key ${keyId}`);
    // One statement: in an embedded database each costs as much as the work it does.
    const [known] = await rows<{ id: number | null; same: boolean }>(
      tx,
      sql`
      select id, receipt_id = ${bytes(receiptId)} as same from ${singles}
      where key_id = ${bytes(keyId)} and request_id = ${bytes(requestId)}
      union all
      select null, false from (
        select batch_id from ${receiptIndex}
        where request_id = ${bytes(requestId)} and receipt_id <> ${bytes(receiptId)} offset 0
      ) as r where exists (select from ${batches} as b where b.id = r.batch_id and b.key_id = ${bytes(keyId)})
      limit 1`,
    );
    if (known?.same) return { id: Number(known.id), isNew: await proveAgain(tx, Number(known.id), fresh) };
    if (known) throw new Equivocation([0]);
    const leaf = Buffer.alloc(LEAF_SIZE);
    writeLeaf(leaf, 0, receipt);
    const [row] = await tx
      .insert(singles)
      .values({ receiptId, requestId, keyId, mode, modelId, leaf, signature, evidence, state, receivedAt })
      .returning({ id: singles.id });
    if (evidence) await noteQuestion(tx, receiptId, receipt);
    return { id: row!.id, isNew: true };
  });
}

/**
 * The proof is not signed, so whoever saw a receipt can hand it in with a bad one first: that must not keep the good one
 * out. What the chain refused stays refused, as another try would cost gas.
 */
async function proveAgain(tx: Pick<Database, "select" | "update">, id: number, fresh: NewSingle): Promise<boolean> {
  const { evidence, state, receivedAt } = fresh;
  if (evidence === null) return false;
  const isOther = sql`${singles.evidence} <> ${bytes(evidence)}::bytea`;
  const [other] = await tx
    .select({ id: singles.id })
    .from(singles)
    .where(and(eq(singles.id, id), eq(singles.state, "received"), isOther));
  if (other)
    throw new StoreError("other_proofs", "Another proof of it is being checked; send this one again in a moment");
  const again = await tx
    .update(singles)
    .set({ evidence, state, receivedAt, reason: null, tries: 0, dueAt: 0, alone: false })
    .where(
      and(
        ...[eq(singles.id, id), eq(singles.state, "rejected"), eq(singles.reason, "InvalidProof")],
        ...[isNull(singles.transactionId), isOther],
      ),
    )
    .returning({ id: singles.id });
  return again.length === 1;
}

/** The receipt of a row. */
export function receiptOf(row: Pick<SingleRow, "leaf" | "keyId" | "mode">): Receipt {
  return readLeaf(view(row.leaf), 0, row.keyId, row.mode);
}

/** A row with its bytes. */
export async function readSingle(db: Database, id: number): Promise<SingleRow | undefined> {
  const [row] = await db.select().from(singles).where(eq(singles.id, id));
  return row;
}

/**
 * Moves a receipt on if it still is where the caller found it, with the same evidence where that is given; false if
 * somebody else moved it.
 */
export async function moveSingle(
  db: Pick<Database, "update">,
  id: number,
  from: ItemState,
  values: Partial<Omit<SingleRow, "id">>,
  evidence?: Uint8Array,
): Promise<boolean> {
  const moved = await db
    .update(singles)
    .set(values)
    .where(
      and(
        ...[eq(singles.id, id), eq(singles.state, from)],
        evidence && sql`${singles.evidence} = ${bytes(evidence)}::bytea`,
      ),
    )
    .returning({ id: singles.id });
  return moved.length > 0;
}

const open = and(eq(singles.state, "verified"), eq(singles.alone, false), isNull(singles.sealId));

/** Keys with receipts that wait to be sealed: how many, and since when. */
export async function openBatches(
  db: Database,
): Promise<{ keyId: Hex; mode: number; count: number; oldest: number }[]> {
  return db
    .select({
      keyId: singles.keyId,
      mode: singles.mode,
      count: sql<number>`count(*)::int`,
      oldest: sql<number>`min(${singles.receivedAt})`.mapWith(Number),
    })
    .from(singles)
    .where(open)
    .groupBy(singles.keyId, singles.mode);
}

/** The receipts that a key's next batch is made of, oldest first. */
export async function openReceipts(db: Database, keyId: Hex, mode: number, limit: number): Promise<SingleRow[]> {
  return db
    .select()
    .from(singles)
    .where(and(open, eq(singles.keyId, keyId), eq(singles.mode, mode)))
    .orderBy(asc(singles.id))
    .limit(limit);
}

/** Offers a batch for signature: its receipts belong to the offer from now on. False if one was taken meanwhile. */
export async function insertSeal(
  db: Database,
  batch: Batch,
  digest: Hex,
  members: readonly number[],
  offeredAt: number,
): Promise<number | undefined> {
  return db
    .transaction(async (tx) => {
      await lock(tx, `key ${batch.keyId}`);
      const [known] = await tx.select().from(seals).where(eq(seals.digest, digest));
      // The same batch may be offered again after it was withdrawn; it is the same one then.
      const [row] = known
        ? await tx.update(seals).set({ state: "offered", offeredAt }).where(eq(seals.id, known.id)).returning()
        : await tx
            .insert(seals)
            .values({ ...batch, digest, state: "offered", offeredAt })
            .returning();
      const taken = await tx
        .update(singles)
        .set({ sealId: row!.id })
        .where(and(open, inArray(singles.id, [...members])))
        .returning({ id: singles.id });
      if (taken.length !== members.length) {
        tx.rollback();
        return undefined;
      }
      return row!.id;
    })
    .catch((error: Error) => {
      if (error.name === "TransactionRollbackError" || error.message === "Rollback") return undefined;
      throw error;
    });
}

/** The oldest batch offered to a key, with its receipt ids in order. */
export async function offeredSeal(db: Database, keyId: Hex): Promise<{ seal: SealRow; receiptIds: Hex[] } | undefined> {
  const [seal] = await db
    .select()
    .from(seals)
    .where(and(eq(seals.keyId, keyId), eq(seals.state, "offered")))
    .orderBy(asc(seals.id))
    .limit(1);
  if (!seal) return undefined;
  const members = await sealMembers(db, seal.id);
  return { seal, receiptIds: members.map((member) => member.receiptId) };
}

/** An offer by its id. */
export async function readSeal(db: Database, id: number): Promise<SealRow | undefined> {
  const [row] = await db.select().from(seals).where(eq(seals.id, id));
  return row;
}

/** Receipts of an offer, in the order of its leaves. */
export async function sealMembers(db: Pick<Database, "select">, sealId: number): Promise<SingleRow[]> {
  return db.select().from(singles).where(eq(singles.sealId, sealId)).orderBy(asc(singles.id));
}

/** Turns a signed offer into a batch, together with its receipts. Repeating it changes nothing. */
export async function sealBatch(
  db: Database,
  sealId: number,
  signature: Hex,
  make: (seal: SealRow, members: SingleRow[]) => Pick<NewBatch, "document" | "receiptIds" | "signatures" | "paths">,
  receivedAt: number,
): Promise<number> {
  return db.transaction(async (tx) => {
    const [found] = await tx.select().from(seals).where(eq(seals.id, sealId));
    if (!found) throw new StoreError("unknown_seal", `There is no batch offered under ${sealId}`);
    await lock(tx, `key ${found.keyId}`);
    // Held until the end, so that its receipts cannot go alone meanwhile.
    const [seal] = await tx.select().from(seals).where(eq(seals.id, sealId)).for("update");
    const [known] = await tx.select({ id: batches.id }).from(batches).where(eq(batches.digest, found.digest));
    if (known) return known.id;
    if (seal?.state !== "offered") {
      throw new StoreError("seal_withdrawn", "Its receipts settle alone, as no signature came in time");
    }
    const members = await sealMembers(tx, sealId);
    const { keyId, mode, root, count, dataHash, settler, digest } = seal;
    const batchId = await insertBatchRow(tx, {
      batch: { keyId, mode, root, count, dataHash, settler },
      ...{ digest, signature, state: "verified", receivedAt },
      ...make(seal, members),
    });
    await tx.update(seals).set({ state: "signed" }).where(eq(seals.id, sealId));
    await tx.update(singles).set({ state: "batched", batchId }).where(eq(singles.sealId, sealId));
    return batchId;
  });
}

/** When the answer was completed, unix seconds: the last but one field of a leaf. */
const completedMs = sql`(('x' || encode(substring(${singles.leaf} from 205 for 8), 'hex'))::bit(64)::bigint)`;

/**
 * Receipts that were received, or completed, before `before` (milliseconds) wait no longer for a signature: they settle
 * alone, and so do those that answer one of `requestIds`; offers they are part of are withdrawn; the other receipts of
 * those offers wait anew. The chain counts from
 * completion: a receipt that came late must not wait until it is too old.
 * @returns how many receipts go alone.
 */
export async function goAlone(db: Database, before: number, requestIds: readonly Hex[] = []): Promise<number> {
  return db.transaction(async (tx) => {
    const isLate = and(
      eq(singles.state, "verified"),
      eq(singles.alone, false),
      or(
        lt(singles.receivedAt, before),
        sql`${completedMs} < ${Math.floor(before / 1_000)}::bigint`,
        ...(requestIds.length > 0 ? [inArray(singles.requestId, [...requestIds])] : []),
      ),
    );
    const affected = await tx.selectDistinct({ id: singles.sealId }).from(singles).where(isLate);
    const offers = affected.flatMap(({ id }) => (id === null ? [] : [id]));
    // Offers are locked before their receipts, here as where they are signed: it is one or the other.
    if (offers.length > 0)
      await tx
        .select({ id: seals.id })
        .from(seals)
        .where(inArray(seals.id, offers))
        .orderBy(asc(seals.id))
        .for("update");
    const late = await tx.update(singles).set({ alone: true }).where(isLate).returning({ sealId: singles.sealId });
    const withdrawn = [...new Set(late.flatMap(({ sealId }) => (sealId === null ? [] : [sealId])))];
    if (withdrawn.length > 0) {
      await tx
        .update(seals)
        .set({ state: "withdrawn" })
        .where(and(inArray(seals.id, withdrawn), eq(seals.state, "offered")));
      await tx
        .update(singles)
        .set({ sealId: null })
        .where(and(inArray(singles.sealId, withdrawn), eq(singles.state, "verified")));
    }
    return late.length;
  });
}
