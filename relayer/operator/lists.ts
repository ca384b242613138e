// SPDX-License-Identifier: MIT
// Pages of the operator's lists, the same for the API and for commands that read the ledger themselves.
import type { z } from "@hono/zod-openapi";
import type { Domain } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import { listBatches, listReceipts } from "../store/listing.ts";
import { listTransactions } from "../store/operation.ts";
import {
  fromCursor,
  idPlace,
  receiptPlace,
  toCursor,
  type batchList,
  type itemQuery,
  type receiptList,
  type transactionList,
  type transactionQuery,
} from "./messages.ts";

type ItemQuery = z.infer<typeof itemQuery>;
type TransactionQuery = z.infer<typeof transactionQuery>;

export async function receiptPage(
  db: Database,
  domain: Domain,
  { state, key, since, limit, cursor }: ItemQuery,
): Promise<z.infer<typeof receiptList>> {
  const from = fromCursor(receiptPlace, cursor);
  const { items, next } = await listReceipts(db, domain, { state, keyId: key, since }, from, limit);
  return { items, next: next && toCursor(next) };
}

export async function batchPage(
  db: Database,
  { state, key, since, limit, cursor }: ItemQuery,
): Promise<z.infer<typeof batchList>> {
  const below = fromCursor(idPlace, cursor)?.below;
  const found = await listBatches(db, { state, keyId: key, since }, below, limit + 1);
  const items = found.slice(0, limit);
  const next = found.length > limit ? toCursor({ below: items.at(-1)!.id }) : null;
  return { items: items.map(({ id: _id, ...batch }) => batch), next };
}

export async function transactionPage(
  db: Database,
  { state, since, limit, cursor }: TransactionQuery,
): Promise<z.infer<typeof transactionList>> {
  const below = fromCursor(idPlace, cursor)?.below;
  const found = await listTransactions(db, { states: state && [state], since, below }, limit + 1);
  const items = found.slice(0, limit) as z.infer<typeof transactionList>["items"];
  return { items, next: found.length > limit ? toCursor({ below: Number(items.at(-1)!.id) }) : null };
}
