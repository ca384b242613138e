// SPDX-License-Identifier: MIT
// What OpenGradient's gateways hand in, in tables of its own: it is no receipt and settles in a contract of its own.
import { bigint, boolean, index, integer, pgTable, text, uniqueIndex } from "drizzle-orm/pg-core";
import { blob, hex } from "./columns.ts";

const millis = () => bigint({ mode: "number" });
const seconds = () => bigint({ mode: "number" });
const reference = () => bigint({ mode: "number" });

/** `received` (durable, its signature checked) `→ submitted → mined → final`, or `rejected` with a reason. */
export const GATEWAY_STATES = ["received", "submitted", "mined", "final", "rejected"] as const;
export type GatewayState = (typeof GATEWAY_STATES)[number];

/** RSA keys that the enclave registry ever admitted. Rows are hashes and what they are of, so they never change. */
export const gatewayKeys = pgTable("gateway_keys", {
  teeId: hex().primaryKey(),
  keyId: hex().notNull(),
  publicKey: blob().notNull(),
});

/** How far the logs that those keys come from are read, by the GatewayAnswers whose enclaves they are. */
export const gatewayCursors = pgTable("gateway_cursors", {
  place: hex().primaryKey(),
  nextBlock: bigint({ mode: "number" }).notNull(),
});

/** Answers, each once: the chain names them the same way. */
export const gatewayAnswers = pgTable(
  "gateway_answers",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    requestId: hex().notNull(),
    keyId: hex().notNull(),
    requestHash: hex().notNull(),
    outputHash: hex().notNull(),
    /** Unix seconds, by the enclave's clock. */
    timestamp: seconds().notNull(),
    signature: blob().notNull(),
    /** It does not wait for others. */
    individual: boolean().notNull(),
    state: text().$type<GatewayState>().notNull(),
    reason: text(),
    transactionId: reference(),
    settledAt: seconds(),
    receivedAt: millis().notNull(),
    tries: integer().notNull().default(0),
    dueAt: millis().notNull().default(0),
  },
  (table) => [
    uniqueIndex("gateway_answers_request").on(table.requestId),
    index("gateway_answers_work").on(table.state, table.dueAt),
    index("gateway_answers_transaction").on(table.transactionId),
  ],
);

/** The newest heartbeat of each key; older ones tell nobody anything. */
export const gatewayHeartbeats = pgTable(
  "gateway_heartbeats",
  {
    keyId: hex().primaryKey(),
    teeId: hex().notNull(),
    timestamp: seconds().notNull(),
    signature: blob().notNull(),
    state: text().$type<GatewayState>().notNull(),
    reason: text(),
    transactionId: reference(),
    receivedAt: millis().notNull(),
    /** When one of this key was last put into a call. */
    carriedAt: millis().notNull().default(0),
  },
  (table) => [
    index("gateway_heartbeats_work").on(table.state, table.carriedAt),
    index("gateway_heartbeats_transaction").on(table.transactionId),
  ],
);
