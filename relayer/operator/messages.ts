// SPDX-License-Identifier: MIT
// What an operator asks and hears, once: these schemas validate, make the OpenAPI document, and the client's types.
import { z } from "@hono/zod-openapi";
import { Problem } from "../api/problems.ts";
import { hex } from "../api/schemas.ts";
import { ITEM_STATES } from "../store/schema.ts";
import { SCOPES } from "../store/schema-operation.ts";

export const TRANSACTION_STATES = ["queued", "pending", "mined", "final", "failed"] as const;
export const MAX_LIMIT = 200;

const millis = z.number().int().openapi({ description: "Unix milliseconds" });
const seconds = z.number().int().nullable().openapi({ description: "Unix seconds" });
const weiText = z.string().openapi({ description: "Wei, a decimal string" });
const text = z.string().nullable();

const page = {
  since: z.coerce.number().int().min(0).optional().openapi({ description: "Received at or after, unix milliseconds" }),
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(50),
  cursor: z.string().max(200).optional().openapi({ description: "`next` of the page before" }),
};
export const itemQuery = z.object({ state: z.enum(ITEM_STATES).optional(), key: hex(32).optional(), ...page });
export const transactionQuery = z.object({ state: z.enum(TRANSACTION_STATES).optional(), ...page });

const next = text.openapi({ description: "Cursor of the next page; null where this was the last" });

export const receiptList = z
  .object({
    items: z.array(
      z.object({
        ...{ receiptId: z.string(), requestId: z.string(), keyId: z.string(), modelId: z.string() },
        ...{ mode: z.number().int(), state: z.enum(ITEM_STATES), reason: text },
        ...{ batch: text, index: z.number().int().nullable(), transactionId: text },
        ...{ receivedAt: millis, settledAt: seconds },
      }),
    ),
    next,
  })
  .openapi("ReceiptList");

export const batchList = z
  .object({
    items: z.array(
      z.object({
        ...{ digest: z.string(), state: z.enum(ITEM_STATES), reason: text, keyId: z.string() },
        ...{ mode: z.number().int(), count: z.number().int(), proved: z.boolean(), published: z.boolean() },
        ...{ transactionId: text, receivedAt: millis, settledAt: seconds },
        tries: z.number().int().openapi({ description: "Failed tries in a row" }),
        dueAt: z.number().int().openapi({ description: "When the next is due, unix milliseconds; 0 for now" }),
      }),
    ),
    next,
  })
  .openapi("BatchList");

export const transactionList = z
  .object({
    items: z.array(
      z.object({
        ...{ id: z.string(), state: z.enum(TRANSACTION_STATES), kind: text, sender: z.string(), to: z.string() },
        ...{ nonce: z.number().int().nullable(), hash: text, succeeded: z.boolean().nullable(), reason: text },
        ...{ createdAt: millis, finalAt: millis.nullable(), gasUsed: z.number().int().nullable() },
        feeWei: weiText.nullable(),
        attempts: z.array(
          z.object({
            ...{ hash: z.string(), state: z.string(), purpose: z.string() },
            ...{ maxFeePerGas: weiText, signedAt: millis },
          }),
        ),
      }),
    ),
    next,
  })
  .openapi("TransactionList");

const count = z.number().int();
export const statusAnswer = z
  .object({
    at: millis,
    chain: z.object({
      chainId: count,
      head: count.nullable(),
      blockAgeSeconds: count.nullable(),
      baseFeePerGas: weiText.nullable(),
      endpoints: z.array(
        z.object({
          ...{ host: z.string(), up: z.boolean(), latencyMs: z.number().nullable() },
          ...{ head: count.nullable(), lag: count.nullable() },
        }),
      ),
    }),
    sender: z.object({
      ...{ address: text, balanceWei: weiText.nullable() },
      ...{ latestNonce: count.nullable(), pendingNonce: count.nullable() },
    }),
    backlog: z.array(
      z.object({ table: z.string(), state: z.string(), count, oldestSeconds: z.number().int().nullable() }),
    ),
    works: z.array(
      z.object({ work: z.string(), due: count, lagSeconds: count, consecutiveFailures: count.nullable() }),
    ),
    transactions: z.array(
      z.object({
        ...{ id: z.string(), state: z.string(), kind: text, nonce: count.nullable(), attempts: count },
        ...{ lastHash: text, maxFeePerGas: weiText.nullable(), ageSeconds: count, parked: text },
      }),
    ),
    spent: z.array(z.object({ kind: z.string(), calls: count, gas: z.string(), wei: weiText })),
    deadLetters: z.record(z.string(), count).nullable(),
  })
  .openapi("Status");

export const retryRequest = z
  .strictObject({
    id: z
      .string()
      .max(66)
      .regex(/^(0x[0-9a-f]{64}|[1-9][0-9]{0,14})$/, "a receipt id, a batch digest, or the number of a transaction"),
  })
  .openapi("Retry");
export const retryAnswer = z
  .object({
    kind: z.enum(["batch", "receipt", "transaction"]),
    id: z.string(),
    state: z.string(),
    did: z.enum(["due_now", "reopened"]),
  })
  .openapi("Retried");

export const deadLetterList = z
  .object({
    items: z.array(
      z.object({ work: z.string(), key: z.string(), reason: z.string(), failures: count, diedAt: millis }),
    ),
  })
  .openapi("DeadLetterList");
export const replayRequest = z
  .strictObject({
    work: z.string().max(50).optional().openapi({ description: "All kinds without it" }),
    key: z.string().max(200).optional().openapi({ description: "All of the kind without it" }),
  })
  .refine(({ work, key }) => key === undefined || work !== undefined, "a key needs its work")
  .openapi("Replay");
export const replayAnswer = z.object({ replayed: count }).openapi("Replayed");

const scopes = z.array(z.enum(SCOPES)).min(1).max(SCOPES.length);
export const apiKeySchema = z
  .object({
    ...{ id: z.string(), label: z.string(), scopes, receiptsPerMinute: count.nullable() },
    ...{ createdAt: millis, lastUsedAt: millis.nullable(), revokedAt: millis.nullable() },
  })
  .openapi("ApiKey");
export const apiKeyList = z.object({ items: z.array(apiKeySchema) }).openapi("ApiKeyList");
export const newApiKey = z
  .strictObject({
    label: z.string().max(100).default(""),
    scopes,
    receiptsPerMinute: z.number().int().min(1).max(10_000_000).nullable().default(null),
  })
  .openapi("NewApiKey");
export const madeApiKey = z
  .object({ key: apiKeySchema, secret: z.string().openapi({ description: "Shown this once" }) })
  .openapi("MadeApiKey");

/** Cursors are opaque to clients: what is in them may change with any release. */
export function toCursor(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** @throws {Problem} `malformed` if this release made no such cursor. */
export function fromCursor<T>(schema: z.ZodType<T>, cursor: string | undefined): T | null {
  if (cursor === undefined) return null;
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
  } catch {
    throw new Problem("malformed", "The cursor is none of this list; begin anew without it");
  }
}

const place = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const idPlace = z.strictObject({ below: place });
export const receiptPlace = z.strictObject({ batch: place, position: place.max(0xffffffff), single: place });
