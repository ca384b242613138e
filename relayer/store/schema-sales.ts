// SPDX-License-Identifier: MIT
// What a gateway sold. Work and money are two stories of one sale, and each is kept: their differences are what
// reconciliation looks for.
import { bigint, boolean, index, numeric, pgTable, text, uniqueIndex } from "drizzle-orm/pg-core";
import { blob, hex } from "./columns.ts";

/** How far the answer has come. `failed` is for good. */
export type WorkState = "none" | "running" | "answered" | "failed";
/**
 * How far the money has come. `asked`: it was asked for, and nobody knows; `paid`: it is in a block; `final`; `refused`:
 * certainly not paid, and not asked for again; `lost`: served, and the authorization ended unpaid.
 */
export type ChargeState = "none" | "asked" | "paid" | "final" | "refused" | "lost";

/** Answers that are sold for an x402 payment, one a payment. */
export const sales = pgTable(
  "sales",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    /** Of payment, answer and receipt (R5). */
    requestId: hex().notNull(),
    payer: hex().notNull(),
    payTo: hex().notNull(),
    amount: numeric({ mode: "bigint", precision: 78, scale: 0 }).notNull(),
    /** Path and query that it was paid for. */
    resource: text().notNull(),
    /** keccak256 of method, resource and body. */
    requestHash: hex().notNull(),
    /** Of the receipt's input hash, so that a repeat makes the same one. */
    salt: hex().notNull(),
    /** Payment and requirements as JSON, to settle again with. */
    payment: text().notNull(),
    /** Unix seconds at which the payer's authorization ends. */
    validBefore: bigint({ mode: "number" }).notNull(),
    /** Charged before the work, as for streams. */
    prepaid: boolean().notNull(),
    work: text().$type<WorkState>().notNull(),
    charge: text().$type<ChargeState>().notNull(),
    /** Why work or charge failed. */
    reason: text(),
    answer: blob(),
    mediaType: text(),
    receiptId: hex(),
    /** Receipt and signature as JSON. */
    receipt: text(),
    transaction: hex(),
    /** Transaction by which the operator gave the money back. */
    refund: hex(),
    reservedAt: bigint({ mode: "number" }).notNull(),
    changedAt: bigint({ mode: "number" }).notNull(),
    /** When the answer was handed to a connection that took it. */
    servedAt: bigint({ mode: "number" }),
  },
  (table) => [
    uniqueIndex("sales_request").on(table.requestId),
    index("sales_open").on(table.charge, table.work, table.changedAt),
    index("sales_payer").on(table.payer, table.reservedAt),
  ],
);
