// SPDX-License-Identifier: MIT
import { and, eq, getTableColumns, inArray, isNull, sql } from "drizzle-orm";
import { LEAF_SIZE, LEAVES_HEADER_SIZE, type Batch, type Hex } from "../protocol/index.ts";
import { bytes, lock, rows, type Database } from "./database.ts";
import { Equivocation, StoreError } from "./errors.ts";
import { noteQuestions } from "./questions.ts";
import { batches, receiptIndex, singles, type ItemState } from "./schema.ts";

export type BatchRow = typeof batches.$inferSelect;

/** A batch that passed the door. */
export interface NewBatch {
  batch: Batch;
  digest: Hex;
  signature: Hex;
  /** Leaves document. */
  document: Uint8Array;
  /** 65 bytes a receipt. */
  signatures: Uint8Array;
  /** 32 bytes a receipt. */
  receiptIds: Uint8Array;
  /** Siblings in the tree, so that openings need no hashing. */
  paths: Uint8Array;
  /** Set for a proved batch. */
  proof?: { modelId: Hex; evidence: Uint8Array };
  state: ItemState;
  receivedAt: number;
}

/**
 * Commits a batch: when this returns, it is durable. Repeating it changes nothing, unless its proofs were found not to hold
 * and these are others.
 * @returns its id, and whether it was new.
 * @throws {Equivocation} if the key signed another receipt for one of the requests.
 * @throws {StoreError} `other_proofs` while other proofs of the same batch are being checked.
 */
export async function insertBatch(db: Database, fresh: NewBatch): Promise<{ id: number; isNew: boolean }> {
  return db.transaction(async (tx) => {
    // Two batches of one key that name one request must see each other, whichever relayer process they came to.
    await lock(tx, `key ${fresh.batch.keyId}`);
    const [known] = await tx.select({ id: batches.id }).from(batches).where(eq(batches.digest, fresh.digest));
    if (known) return { id: known.id, isNew: await proveAgain(tx, known.id, fresh) };
    const positions = await contradictions(tx, fresh);
    if (positions.length > 0) throw new Equivocation(positions);
    return { id: await insertBatchRow(tx, fresh), isNew: true };
  });
}

/**
 * Proofs are not signed, so whoever saw a batch can hand it in with bad ones first: that must not keep the good ones out.
 * What the chain refused stays refused, as another try would cost gas.
 */
async function proveAgain(tx: Pick<Database, "select" | "update">, id: number, fresh: NewBatch): Promise<boolean> {
  const { proof, state, receivedAt } = fresh;
  if (!proof) return false;
  const isOther = sql`${batches.evidence} <> ${bytes(proof.evidence)}::bytea`;
  const [other] = await tx
    .select({ id: batches.id })
    .from(batches)
    .where(and(eq(batches.id, id), eq(batches.state, "received"), isOther));
  if (other) throw new StoreError("other_proofs", "Other proofs of it are being checked; send these again in a moment");
  const again = await tx
    .update(batches)
    .set({ evidence: proof.evidence, state, receivedAt, reason: null, invalid: null, tries: 0, dueAt: 0 })
    .where(
      and(
        ...[eq(batches.id, id), eq(batches.state, "rejected"), eq(batches.reason, "InvalidProof")],
        ...[isNull(batches.transactionId), isOther],
      ),
    )
    .returning({ id: batches.id });
  return again.length === 1;
}

/** Inserts batch and index; the caller has checked it and holds the key's lock. */
export async function insertBatchRow(tx: Pick<Database, "insert" | "execute">, fresh: NewBatch): Promise<number> {
  const { batch, digest, signature, document, signatures, paths, proof, state, receivedAt } = fresh;
  const [row] = await tx
    .insert(batches)
    .values({
      ...batch,
      ...{ digest, signature, document, signatures, paths, state, receivedAt },
      proved: proof !== undefined,
      modelId: proof?.modelId ?? null,
      evidence: proof?.evidence ?? null,
    })
    .returning({ id: batches.id });
  // One statement for thousands of rows: the bytes are cut apart by the database. Not those of the document, which it has
  // put away in pieces by then: looking for them anew for each row took a third of the time.
  await tx.execute(sql`
    insert into ${receiptIndex} (receipt_id, request_id, batch_id, position)
    select substring(${bytes(fresh.receiptIds)}::bytea from 1 + 32 * n for 32),
           substring(${requestIdsOf(fresh)}::bytea from 1 + 32 * n for 32), ${row!.id}::bigint, n
    from generate_series(0, ${batch.count - 1}::int) as n`);
  if (proof) await noteQuestions(tx, row!.id);
  return row!.id;
}

/** 32 bytes a receipt, out of the leaves. */
function requestIdsOf({ batch: { count }, document }: NewBatch): Buffer {
  const requestIds = Buffer.alloc(32 * count);
  for (let n = 0; n < count; n++) {
    const at = LEAVES_HEADER_SIZE + n * LEAF_SIZE;
    requestIds.set(document.subarray(at, at + 32), 32 * n);
  }
  return requestIds;
}

/** Positions of receipts whose request the key answered with another receipt before. */
async function contradictions(tx: Pick<Database, "execute" | "select">, fresh: NewBatch): Promise<number[]> {
  const { keyId, count } = fresh.batch;
  // `offset 0` fences each look-up: without it, and without statistics, the planner turns the question round and reads
  // all batches of the key for every receipt. Whose answer it was is asked afterwards, of the few that are found.
  const found = await rows<{ n: number; batch_id: string | null }>(
    tx,
    sql`
    with given as materialized (
      select n, substring(${bytes(fresh.receiptIds)}::bytea from 1 + 32 * n for 32) as receipt_id,
             substring(${requestIdsOf(fresh)}::bytea from 1 + 32 * n for 32) as request_id
      from generate_series(0, ${count - 1}::int) as n
    )
    select given.n, r.batch_id from given cross join lateral (
      select batch_id from ${receiptIndex} where request_id = given.request_id and receipt_id <> given.receipt_id offset 0
    ) as r
    union all
    select given.n, null from given cross join lateral (
      select key_id from ${singles} where request_id = given.request_id and receipt_id <> given.receipt_id offset 0
    ) as s where s.key_id = ${bytes(keyId)}::bytea
    limit 10000`,
  );
  const homes = [...new Set(found.flatMap(({ batch_id: home }) => (home === null ? [] : [Number(home)])))];
  const own =
    homes.length === 0
      ? []
      : await tx
          .select({ id: batches.id })
          .from(batches)
          .where(and(inArray(batches.id, homes), eq(batches.keyId, keyId)));
  const ownIds = new Set(own.map(({ id }) => id));
  const positions = found.filter(({ batch_id: home }) => home === null || ownIds.has(Number(home))).map(({ n }) => n);
  return [...new Set(positions)].sort((a, b) => a - b).slice(0, 100);
}

/** A batch without its bytes. */
export type BatchSummary = Omit<BatchRow, "document" | "signatures" | "paths" | "evidence">;

const { document: _d, signatures: _s, paths: _p, evidence: _e, ...summaryColumns } = getTableColumns(batches);
/** Columns of a {@link BatchSummary}. */
export const summary = summaryColumns;

/** What is known of a batch; undefined if nothing. */
export async function findBatch(db: Database, digest: Hex): Promise<BatchSummary | undefined> {
  const [row] = await db.select(summary).from(batches).where(eq(batches.digest, digest));
  return row;
}

/** Keeps the paths of a batch that has none, or wrong ones. */
export async function keepPaths(db: Pick<Database, "update">, id: number, paths: Uint8Array): Promise<void> {
  await db.update(batches).set({ paths }).where(eq(batches.id, id));
}

/** A batch with its bytes. */
export async function readBatch(db: Database, id: number): Promise<BatchRow | undefined> {
  const [row] = await db.select().from(batches).where(eq(batches.id, id));
  return row;
}

/** The Batch that was signed. */
export function batchOf(row: Pick<BatchRow, keyof Batch>): Batch {
  const { keyId, mode, root, count, dataHash, settler } = row;
  return { keyId, mode, root, count, dataHash, settler };
}

/**
 * Moves a batch on if it still is where the caller found it, with the same evidence where that is given.
 * @returns false, with nothing changed, if somebody else moved it: jobs may run twice.
 */
export async function moveBatch(
  db: Pick<Database, "update">,
  id: number,
  from: ItemState,
  values: Partial<Omit<BatchRow, "id">>,
  evidence?: Uint8Array,
): Promise<boolean> {
  const moved = await db
    .update(batches)
    .set(values)
    .where(
      and(
        ...[eq(batches.id, id), eq(batches.state, from)],
        evidence && sql`${batches.evidence} = ${bytes(evidence)}::bytea`,
      ),
    )
    .returning({ id: batches.id });
  return moved.length > 0;
}
