// SPDX-License-Identifier: MIT
// The ledger of record. What a row's state says is all that the relayer knows; queues only wake workers up.
//
// Receipts of a batch have no row of their own: the batch holds them as one document, `receipt_index` says where, and
// their state is the batch's. That is what lets thousands arrive a second and settle with one update.
import { bigint, boolean, index, integer, numeric, pgTable, smallint, text, uniqueIndex } from "drizzle-orm/pg-core";
import { blob, hex } from "./columns.ts";

export * from "./schema-publications.ts";
export * from "./schema-gateways.ts";

/** `received → verified → batched → submitted → mined → final`, or `rejected` with a reason. */
export const ITEM_STATES = ["received", "verified", "batched", "submitted", "mined", "final", "rejected"] as const;
export type ItemState = (typeof ITEM_STATES)[number];

const id = () => bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity();
const millis = () => bigint({ mode: "number" });
const seconds = () => bigint({ mode: "number" });
const reference = () => bigint({ mode: "number" });

// How an item is worked on: shared by batches and receipts that travel alone.
const work = {
  state: text().$type<ItemState>().notNull(),
  /** Why it was rejected. */
  reason: text(),
  /** The call it is part of; what became of it is read from that call's logs. */
  transactionId: reference(),
  /** Unix seconds of the block it settled in. */
  settledAt: seconds(),
  receivedAt: millis().notNull(),
  /** Failed tries in a row, and when the next is due. */
  tries: integer().notNull().default(0),
  dueAt: millis().notNull().default(0),
};

/** Signed and proved batches. */
export const batches = pgTable(
  "batches",
  {
    id: id(),
    digest: hex().notNull(),
    proved: boolean().notNull(),
    keyId: hex().notNull(),
    mode: smallint().notNull(),
    root: hex().notNull(),
    count: integer().notNull(),
    dataHash: hex().notNull(),
    settler: hex().notNull(),
    signature: hex().notNull(),
    /** Leaves document: every receipt of the batch. */
    document: blob().notNull(),
    /** 65 bytes a receipt, in order: each receipt signed on its own, verified when used. */
    signatures: blob().notNull(),
    /** Siblings in its tree (relayer/batches/paths.ts); null for a batch of before they were kept. */
    paths: blob(),
    /** Proved batches only. */
    modelId: hex(),
    evidence: blob(),
    /** Places of the proofs that do not hold, where that is why it was rejected. */
    invalid: integer().array(),
    published: boolean().notNull().default(false),
    ...work,
  },
  (table) => [
    uniqueIndex("batches_digest").on(table.digest),
    index("batches_work").on(table.state, table.dueAt),
    index("batches_transaction").on(table.transactionId),
    index("batches_data_hash").on(table.dataHash),
  ],
);

/** Where a batched receipt is kept. The same receipt may be in several batches: settling twice has no second effect. */
export const receiptIndex = pgTable(
  "receipt_index",
  {
    receiptId: hex().notNull(),
    requestId: hex().notNull(),
    batchId: reference().notNull(),
    position: integer().notNull(),
  },
  (table) => [index("receipt_index_receipt").on(table.receiptId), index("receipt_index_request").on(table.requestId)],
);

/** What receipts with a proof are about, for those who have a question and no receipt id. */
export const questions = pgTable(
  "questions",
  {
    id: id(),
    receiptId: hex().notNull(),
    modelId: hex().notNull(),
    inputHash: hex().notNull(),
  },
  (table) => [
    uniqueIndex("questions_receipt").on(table.receiptId),
    index("questions_question").on(table.inputHash, table.modelId),
  ],
);

/** Receipts handed in alone. */
export const singles = pgTable(
  "singles",
  {
    id: id(),
    receiptId: hex().notNull(),
    requestId: hex().notNull(),
    keyId: hex().notNull(),
    mode: smallint().notNull(),
    modelId: hex().notNull(),
    /** The receipt as in a leaves document. */
    leaf: blob().notNull(),
    signature: hex().notNull(),
    /** A proof, for ZKML. */
    evidence: blob(),
    /** The offer it is part of while its key's client is asked to sign a batch. */
    sealId: reference(),
    /** The batch it went into. From then on the batch's state is its own. */
    batchId: reference(),
    /** Sealing was not possible in time: it settles alone. */
    alone: boolean().notNull().default(false),
    ...work,
  },
  (table) => [
    uniqueIndex("singles_receipt").on(table.receiptId),
    uniqueIndex("singles_request").on(table.requestId, table.keyId),
    index("singles_work").on(table.state, table.dueAt),
    index("singles_open").on(table.keyId, table.state),
    index("singles_transaction").on(table.transactionId),
    index("singles_batch").on(table.batchId),
  ],
);

/** Batches that a key's client is asked to sign. */
export const seals = pgTable(
  "seals",
  {
    id: id(),
    digest: hex().notNull(),
    keyId: hex().notNull(),
    mode: smallint().notNull(),
    root: hex().notNull(),
    count: integer().notNull(),
    dataHash: hex().notNull(),
    settler: hex().notNull(),
    state: text().$type<"offered" | "signed" | "withdrawn">().notNull(),
    offeredAt: millis().notNull(),
  },
  (table) => [uniqueIndex("seals_digest").on(table.digest), index("seals_key").on(table.keyId, table.state)],
);

/** Calls to the chain: each is to happen once. A nonce belongs to the row that owns the call. */
export const transactions = pgTable(
  "transactions",
  {
    id: id(),
    chainId: bigint({ mode: "number" }).notNull(),
    sender: hex().notNull(),
    nonce: bigint({ mode: "number" }),
    to: hex().notNull(),
    data: blob().notNull(),
    gasLimit: numeric({ mode: "bigint", precision: 78, scale: 0 }),
    state: text().$type<"queued" | "pending" | "mined" | "final" | "failed">().notNull(),
    minedHash: hex(),
    minedBlock: bigint({ mode: "number" }),
    minedBlockHash: hex(),
    /** Whether the final transaction did what it was sent for. */
    succeeded: boolean(),
    reason: text(),
    createdAt: millis().notNull(),
    finalAt: millis(),
    /** What the mined transaction was for and cost, as its receipt says; null while none is mined. */
    kind: text(),
    gasUsed: bigint({ mode: "number" }),
    feeWei: numeric({ mode: "bigint", precision: 78, scale: 0 }),
  },
  (table) => [index("transactions_open").on(table.chainId, table.sender, table.state)],
);

/** Every signed form of a call: any of them may be mined, so none is ever forgotten. */
export const attempts = pgTable(
  "attempts",
  {
    hash: hex().primaryKey(),
    transactionId: reference().notNull(),
    nonce: bigint({ mode: "number" }).notNull(),
    maxFeePerGas: numeric({ mode: "bigint", precision: 78, scale: 0 }).notNull(),
    maxPriorityFeePerGas: numeric({ mode: "bigint", precision: 78, scale: 0 }).notNull(),
    purpose: text().$type<"send" | "cancel">().notNull(),
    state: text().$type<"prepared" | "broadcast" | "mined" | "replaced" | "dropped" | "unknown">().notNull(),
    raw: blob().notNull(),
    signedAt: millis().notNull(),
    sentAt: millis(),
  },
  (table) => [index("attempts_transaction").on(table.transactionId)],
);

/** Where a payment stands. `mined` may vanish with its block, `failed` is for good. */
export type PaymentState = "reserved" | "submitted" | "mined" | "final" | "failed";

/** Payments by signed authorization (x402): each is taken once, from the moment that it was found good. */
export const payments = pgTable(
  "payments",
  {
    id: id(),
    chainId: bigint({ mode: "number" }).notNull(),
    /** Contract that keeps the nonce: the token, or Permit2. */
    token: hex().notNull(),
    payer: hex().notNull(),
    /** Nonce of the authorization, not of a transaction. */
    nonce: hex().notNull(),
    requestId: hex().notNull(),
    payTo: hex().notNull(),
    amount: numeric({ mode: "bigint", precision: 78, scale: 0 }).notNull(),
    /** EIP-712 digest of the authorization: another one under the same nonce is another payment. */
    digest: hex().notNull(),
    state: text().$type<PaymentState>().notNull(),
    reason: text(),
    transactionId: reference(),
    minedHash: hex(),
    /** Block that was the latest before it was found good: what was done with its nonce since is later. */
    fromBlock: bigint({ mode: "number" }),
    receivedAt: millis().notNull(),
    /** When somebody was told that it is paid. Nobody else is. */
    answeredAt: millis(),
  },
  (table) => [
    uniqueIndex("payments_authorization").on(table.chainId, table.token, table.payer, table.nonce),
    uniqueIndex("payments_request").on(table.requestId),
    index("payments_transaction").on(table.transactionId),
  ],
);

export { apiKeys, idempotency } from "./schema-operation.ts";
export * from "./schema-sales.ts";
