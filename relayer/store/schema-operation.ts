// SPDX-License-Identifier: MIT
// What operation keeps in the ledger: who may ask for what, and what was answered under which key.
import { bigint, index, integer, pgTable, smallint, text, uniqueIndex } from "drizzle-orm/pg-core";
import { hex } from "./columns.ts";

const id = () => bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity();
const millis = () => bigint({ mode: "number" });

/** What a key may do: read the operator's lists; retry; keep keys and everything else; hand in submissions. */
export const SCOPES = ["read", "retry", "admin", "submit"] as const;
export type Scope = (typeof SCOPES)[number];

/** Keys of the HTTP API. The secret itself is nowhere: only its hash. */
export const apiKeys = pgTable(
  "api_keys",
  {
    id: id(),
    /** Public part, by which a key is found, named and revoked. */
    prefix: text().notNull(),
    /** SHA-256 of the whole key. 256 random bits need no slow hash. */
    hash: hex().notNull(),
    label: text().notNull(),
    scopes: text().array().$type<Scope[]>().notNull(),
    /** Receipts that may be handed in under it; null is no bound of its own. */
    receiptsPerMinute: integer(),
    createdAt: millis().notNull(),
    /** To the minute. */
    lastUsedAt: millis(),
    revokedAt: millis(),
  },
  (table) => [uniqueIndex("api_keys_prefix").on(table.prefix)],
);

/** Answers to requests with an `Idempotency-Key`, for a day. */
export const idempotency = pgTable(
  "idempotency",
  {
    id: id(),
    /** Who asked: an API key, or a network. Nobody meets the keys of others. */
    owner: text().notNull(),
    key: text().notNull(),
    /** SHA-256 of method, path and body. */
    requestHash: hex().notNull(),
    /** Null while the first request is worked on. */
    status: smallint(),
    contentType: text(),
    body: text(),
    createdAt: millis().notNull(),
  },
  (table) => [
    uniqueIndex("idempotency_key").on(table.owner, table.key),
    index("idempotency_created").on(table.createdAt),
  ],
);
