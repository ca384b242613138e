// SPDX-License-Identifier: MIT
// Lists of what was handed in, newest first. New rows come before the first page, so pages already read stay as they
// were; a place in each table says where to go on. Both walk along primary keys, whatever the ledger has grown to.
import { and, desc, eq, gte, isNull, lt, lte, sql } from "drizzle-orm";
import { view } from "../protocol/bytes.ts";
import { LEAF_SIZE, LEAVES_HEADER_SIZE, readLeaf, receiptId, type Domain, type Hex } from "../protocol/index.ts";
import type { Database } from "./database.ts";
import { batches, singles, type ItemState } from "./schema.ts";

export interface Filter {
  state?: ItemState | undefined;
  keyId?: Hex | undefined;
  /** Received at or after, unix milliseconds. */
  since?: number | undefined;
}

export interface ListedBatch {
  id: number;
  digest: Hex;
  state: ItemState;
  reason: string | null;
  keyId: Hex;
  mode: number;
  count: number;
  proved: boolean;
  published: boolean;
  transactionId: string | null;
  receivedAt: number;
  /** Failed tries in a row, and when the next is due: unix milliseconds. */
  tries: number;
  dueAt: number;
  /** Unix seconds. */
  settledAt: number | null;
}

export interface ListedReceipt {
  receiptId: Hex;
  requestId: Hex;
  keyId: Hex;
  mode: number;
  modelId: Hex;
  state: ItemState;
  reason: string | null;
  /** Digest of the batch it is in; null while it travels alone. */
  batch: Hex | null;
  index: number | null;
  transactionId: string | null;
  receivedAt: number;
  settledAt: number | null;
}

/** Where a list of receipts goes on: a place in a batch, and the single receipts below an id. */
export interface ReceiptPlace {
  batch: number;
  position: number;
  single: number;
}

const TOP = Number.MAX_SAFE_INTEGER;
const text = (id: number | null): string | null => (id === null ? null : String(id));

function matches(table: typeof batches | typeof singles, { state, keyId, since }: Filter) {
  return and(
    state === undefined ? undefined : eq(table.state, state),
    keyId === undefined ? undefined : eq(table.keyId, keyId),
    since === undefined ? undefined : gte(table.receivedAt, since),
  );
}

/** Batches below an id. */
export async function listBatches(
  db: Database,
  filter: Filter,
  below: number | undefined,
  limit: number,
): Promise<ListedBatch[]> {
  const found = await db
    .select({
      ...{ id: batches.id, digest: batches.digest, state: batches.state, reason: batches.reason },
      ...{ keyId: batches.keyId, mode: batches.mode, count: batches.count, proved: batches.proved },
      ...{ published: batches.published, transactionId: batches.transactionId, receivedAt: batches.receivedAt },
      ...{ tries: batches.tries, dueAt: batches.dueAt, settledAt: batches.settledAt },
    })
    .from(batches)
    .where(and(lt(batches.id, below ?? TOP), matches(batches, filter)))
    .orderBy(desc(batches.id))
    .limit(limit);
  return found.map((row) => ({ ...row, transactionId: text(row.transactionId) }));
}

/** Receipts from a place on, and the place after them; null where that was all. */
export async function listReceipts(
  db: Database,
  domain: Domain,
  filter: Filter,
  from: ReceiptPlace | null,
  limit: number,
): Promise<{ items: ListedReceipt[]; next: ReceiptPlace | null }> {
  const start = from ?? { batch: TOP, position: 0, single: TOP };
  const homes = await db
    .select({
      ...{ id: batches.id, digest: batches.digest, state: batches.state, reason: batches.reason },
      ...{ keyId: batches.keyId, mode: batches.mode, count: batches.count, settledAt: batches.settledAt },
      ...{ transactionId: batches.transactionId, receivedAt: batches.receivedAt },
    })
    .from(batches)
    .where(and(lte(batches.id, start.batch), matches(batches, filter)))
    .orderBy(desc(batches.id))
    .limit(limit + 2);
  const alone = await db
    .select()
    .from(singles)
    .where(and(lt(singles.id, start.single), isNull(singles.batchId), matches(singles, filter)))
    .orderBy(desc(singles.id))
    .limit(limit + 1);

  const items: ListedReceipt[] = [];
  const place = { ...start };
  let [b, s] = [0, 0];
  for (;;) {
    let home = homes[b];
    if (home && home.id === place.batch && place.position >= home.count) home = homes[++b];
    const single = alone[s];
    if (!home && !single) return { items, next: null };
    if (items.length >= limit) return { items, next: place };
    if (home && (!single || home.receivedAt >= single.receivedAt)) {
      const first = home.id === place.batch ? place.position : 0;
      const many = Math.min(limit - items.length, home.count - first);
      items.push(...(await leavesOf(db, domain, home, first, many)));
      Object.assign(place, { batch: home.id, position: first + many });
    } else {
      s++;
      const { receiptId: id, requestId, keyId, mode, modelId, state, reason } = single!;
      const { transactionId, receivedAt, settledAt } = single!;
      items.push({
        ...{ receiptId: id, requestId, keyId, mode, modelId, state, reason, batch: null, index: null },
        ...{ transactionId: text(transactionId), receivedAt, settledAt },
      });
      place.single = single!.id;
    }
  }
}

type Home = Pick<ListedBatch, "id" | "digest" | "state" | "reason" | "keyId" | "mode" | "receivedAt" | "settledAt"> & {
  transactionId: number | null;
};

/** Some receipts of a batch; the database cuts them out of the document. */
async function leavesOf(
  db: Database,
  domain: Domain,
  home: Home,
  first: number,
  many: number,
): Promise<ListedReceipt[]> {
  const at = LEAVES_HEADER_SIZE + LEAF_SIZE * first + 1;
  const [row] = await db
    .select({
      leaves: sql<Uint8Array>`substring(${batches.document} from ${at}::int for ${LEAF_SIZE * many}::int)`,
    })
    .from(batches)
    .where(eq(batches.id, home.id));
  const bytes = view(row!.leaves);
  return Array.from({ length: many }, (_, n) => {
    const receipt = readLeaf(bytes, n * LEAF_SIZE, home.keyId, home.mode);
    const { requestId, keyId, mode, modelId } = receipt;
    return {
      ...{ receiptId: receiptId(domain, receipt), requestId, keyId, mode, modelId },
      ...{ state: home.state, reason: home.reason, batch: home.digest, index: first + n },
      ...{ transactionId: text(home.transactionId), receivedAt: home.receivedAt, settledAt: home.settledAt },
    };
  });
}
