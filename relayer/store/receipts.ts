// SPDX-License-Identifier: MIT
import { eq, sql } from "drizzle-orm";
import { GROUP_SIZE } from "../batches/paths.ts";
import { view } from "../protocol/bytes.ts";
import { LEAF_SIZE, LEAVES_HEADER_SIZE, readLeaf, toHex, type Hex, type Receipt } from "../protocol/index.ts";
import { summary, type BatchSummary } from "./batches.ts";
import { bytes, type Database } from "./database.ts";
import { batches, ITEM_STATES, receiptIndex, singles, transactions, type ItemState } from "./schema.ts";
import { receiptOf } from "./singles.ts";

/** Where a batched receipt is, with the bytes that its opening is made of. */
export interface ReceiptHome {
  batch: BatchSummary;
  position: number;
  /** Leaves of its group, as in the leaves document. */
  group: Uint8Array;
  /** Path of its group; null where none are kept. */
  path: Uint8Array | null;
}

/** Everything the ledger knows of a receipt. */
export interface ReceiptStatus {
  receipt: Receipt;
  signature: Hex;
  state: ItemState;
  reason: string | null;
  settledAt: number | null;
  /** Of the transaction that was seen in a block; null while there is none. */
  transactionHash: Hex | null;
  /** The batch it is in, and its place there. */
  home: ReceiptHome | null;
}

// Which of several homes tells most of a receipt: the one that came furthest.
const ORDER: readonly ItemState[] = ["rejected", ...ITEM_STATES.filter((state) => state !== "rejected")];

const int = (value: number) => sql`${value}::int`;

/**
 * All of it in one statement: a look-up is mostly the way to the database and back. Only what is needed of a batch's bytes is
 * read, as the database keeps them uncompressed.
 *
 * It has no name at the server, though planning is half of what it costs there: a plan made while the tables were small
 * would be kept when they no longer are, and not every pooler knows names.
 */
function prepare(db: Database) {
  const asked = sql.placeholder("receiptId");
  const { batchId, position } = receiptIndex;
  // Planned in less time than joins.
  const hashOf = (call: typeof batches.transactionId | typeof singles.transactionId) =>
    sql<Hex | null>`(select ${transactions.minedHash} from ${transactions} where ${transactions.id} = ${call})`.mapWith(
      transactions.minedHash,
    );
  const first = sql`(${position} - ${position} % ${int(GROUP_SIZE)})`;
  const group = sql<Uint8Array>`substring(${batches.document}
    from ${int(LEAVES_HEADER_SIZE + 1)} + ${int(LEAF_SIZE)} * ${first} for ${int(LEAF_SIZE * GROUP_SIZE)})`;
  // The same as `pathAt`. What the database says of a length it knows without reading the bytes.
  const length = sql`(length(${batches.paths}) / ((${batches.count} + ${int(GROUP_SIZE - 1)}) / ${int(GROUP_SIZE)}))`;
  const path = sql<Uint8Array | null>`substring(${batches.paths}
    from 1 + ${length} * (${position} / ${int(GROUP_SIZE)}) for ${length})`;
  // Homes are few, mostly one; the bytes are cut out of the best of them alone.
  const order = sql.join(
    ORDER.map((state) => sql`${state}`),
    sql`, `,
  );
  const furthest = sql`array_position(array[${order}]::text[], ${batches.state})`;
  return db
    .select({
      ...{ batch: summary, position, group, path, batchHash: hashOf(batches.transactionId) },
      signature: sql<Uint8Array>`substring(${batches.signatures} from 1 + 65 * ${position} for 65)`,
      single: {
        ...{ keyId: singles.keyId, mode: singles.mode, leaf: singles.leaf, signature: singles.signature },
        ...{ batchId: singles.batchId, state: singles.state, reason: singles.reason, settledAt: singles.settledAt },
      },
      ownHash: hashOf(singles.transactionId),
    })
    .from(sql`(values (1)) as asked`)
    .leftJoin(receiptIndex, eq(receiptIndex.receiptId, asked))
    .leftJoin(batches, eq(batches.id, batchId))
    .leftJoin(singles, eq(singles.receiptId, asked))
    .orderBy(sql`${furthest} desc nulls last`)
    .limit(1)
    .prepare("");
}

const prepared = new WeakMap<Database, ReturnType<typeof prepare>>();

/** What is known of a receipt; undefined if nothing. */
export async function findReceipt(db: Database, receiptId: Hex): Promise<ReceiptStatus | undefined> {
  const statement = prepared.get(db) ?? prepare(db);
  prepared.set(db, statement);
  const [row] = await statement.execute({ receiptId: bytes(receiptId) });
  const { batch, single } = row!;
  const rank = ({ state }: { state: ItemState }): number => ORDER.indexOf(state);
  if (single && (!batch || (single.batchId === null && rank(single) >= rank(batch)))) {
    const { signature, state, reason, settledAt } = single;
    return {
      ...{ receipt: receiptOf(single), signature, state, reason, settledAt },
      ...{ transactionHash: row!.ownHash, home: null },
    };
  }
  if (!batch) return undefined;
  const { group, path } = row!;
  const position = row!.position!;
  return {
    receipt: readLeaf(view(group), LEAF_SIZE * (position % GROUP_SIZE), batch.keyId, batch.mode),
    signature: toHex(row!.signature),
    // A receipt that was posted alone has been batched, whatever its batch still has to go through.
    state: single && batch.state === "verified" ? "batched" : batch.state,
    reason: batch.reason,
    settledAt: batch.settledAt,
    transactionHash: row!.batchHash,
    home: { batch, position, group, path },
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
