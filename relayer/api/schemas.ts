// SPDX-License-Identifier: MIT
// What comes in and goes out, once: these schemas validate and make the OpenAPI document.
import { z } from "@hono/zod-openapi";
import type { Batch, Hex, Receipt } from "../protocol/index.ts";
import { ITEM_STATES } from "../store/schema.ts";

/** Lower-case hex of exactly so many bytes. */
export const hex = (bytes: number) =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`), `0x and ${2 * bytes} lower-case hex digits`)
    .openapi({ example: `0x${"ab".repeat(bytes)}` }) as unknown as z.ZodType<Hex, string>;

/** Lower-case hex of whole bytes, at most so many. */
const hexUpTo = (bytes: number) =>
  z
    .string()
    .max(2 + 2 * bytes)
    .regex(/^0x(?:[0-9a-f]{2})*$/, "0x and an even number of lower-case hex digits") as unknown as z.ZodType<
    Hex,
    string
  >;

/**
 * Whether digits say less than a limit of so many digits. It is asked of what the form has already refused, too: what is no
 * number at all is not its matter, and what is too long is never read.
 */
export const isBelow = (value: string, digits: number, limit: bigint): boolean =>
  value.length < digits || (value.length === digits && /^[0-9]+$/.test(value) && BigInt(value) < limit);

/** A decimal string of a uint of so many bits, without leading zeros: JSON numbers end at 2^53. */
const uint = (bits: bigint, digits: number) => {
  const limit = 1n << bits;
  return z
    .string()
    .regex(new RegExp(`^(?:0|[1-9][0-9]{0,${digits - 1}})$`), `a decimal string below 2^${bits}`)
    .refine((value) => isBelow(value, digits, limit), `a decimal string below 2^${bits}`)
    .openapi({ example: "1" });
};
const uint64 = uint(64n, 20);
const uint128 = uint(128n, 39);
const uint8 = z.number().int().min(0).max(255);

const b32 = hex(32);
const address = hex(20);
const signature = hex(65);

export const receiptSchema = z
  .strictObject({
    requestId: b32,
    modelId: b32,
    inputHash: b32,
    outputHash: b32,
    outputScheme: uint8,
    contextHash: b32,
    keyId: b32,
    payer: address,
    sequence: uint64,
    cumulativeFee: uint128,
    completedAt: uint64,
    mode: uint8,
  })
  .openapi("Receipt");
type WireReceipt = z.infer<typeof receiptSchema>;

/** The receipt of its JSON form. */
export function receiptFromWire(wire: WireReceipt): Receipt {
  return {
    requestId: wire.requestId,
    modelId: wire.modelId,
    inputHash: wire.inputHash,
    outputHash: wire.outputHash,
    outputScheme: wire.outputScheme,
    contextHash: wire.contextHash,
    keyId: wire.keyId,
    payer: wire.payer,
    sequence: BigInt(wire.sequence),
    cumulativeFee: BigInt(wire.cumulativeFee),
    completedAt: BigInt(wire.completedAt),
    mode: wire.mode,
  };
}

/** The JSON form of a receipt. */
export function receiptToWire(receipt: Receipt): WireReceipt {
  const { sequence, cumulativeFee, completedAt } = receipt;
  return {
    ...receipt,
    ...{ sequence: String(sequence), cumulativeFee: String(cumulativeFee), completedAt: String(completedAt) },
  };
}

export const batchSchema = z
  .strictObject({
    keyId: b32,
    mode: uint8,
    root: b32,
    count: z.number().int().min(1).max(0xffffffff),
    dataHash: b32,
    settler: address,
  })
  .openapi("Batch") satisfies z.ZodType<Batch>;

/** Optional in every submission: says what it was signed for, so that a mix-up is named instead of a bad signature. */
const domain = z
  .strictObject({ chainId: uint64, verifyingContract: address })
  .optional()
  .openapi({ description: "Where it was signed for; checked if given" });

const signedReceipt = z.strictObject({ receipt: receiptSchema, signature });

/** Largest number of receipts and bytes of evidence that one submission may carry. */
export interface Bounds {
  maxReceipts: number;
  maxProofs: number;
}

// 16 signals and the 256 bytes of the proof itself.
const MAX_PROOF_BYTES = 256 + 32 * 15;

/** Bodies of the submissions, for these bounds. */
export function submissionSchemas({ maxReceipts, maxProofs }: Bounds) {
  return {
    receipt: z
      .strictObject({ receipt: receiptSchema, signature, evidence: hexUpTo(MAX_PROOF_BYTES).optional(), domain })
      .openapi("SubmitReceipt"),
    batch: z
      .strictObject({ batch: batchSchema, signature, receipts: z.array(signedReceipt).min(1).max(maxReceipts), domain })
      .openapi("SubmitBatch"),
    proofs: z
      .strictObject({
        batch: batchSchema,
        modelId: b32,
        signature,
        receipts: z.array(signedReceipt).min(1).max(maxProofs),
        evidence: hexUpTo(MAX_PROOF_BYTES * maxProofs),
        domain,
      })
      .openapi("SubmitProofs"),
    sealAnswer: z.strictObject({ signature }).openapi("AnswerSeal"),
  };
}
export type Submissions = ReturnType<typeof submissionSchemas>;

const state = z.enum(ITEM_STATES).openapi({
  description:
    "What is known: `received` (durable), `verified` (evidence holds), `batched`, `submitted` (in a call), `mined` (in a " +
    "block that may vanish), `final`, or `rejected` with a reason",
});

export const acceptedReceipt = z.object({ receiptId: z.string(), state }).openapi("AcceptedReceipt");
export const acceptedBatch = z
  .object({ digest: z.string(), count: z.number().int(), state, reason: z.string().nullable() })
  .openapi("AcceptedBatch");

export const receiptStatus = z
  .object({
    receiptId: z.string(),
    state,
    reason: z.string().nullable(),
    receipt: receiptSchema,
    signature: z.string(),
    /** Digest of the batch it is in; null while it travels alone. */
    batch: z.string().nullable(),
    index: z.number().int().nullable(),
    /** What `InferenceRegistry.verification` takes; null while its place is not known. */
    opening: z
      .object({
        receipt: receiptSchema,
        batch: z.object({ ...batchSchema.shape, count: z.number().int() }),
        index: z.number().int(),
        proof: z.array(z.string()),
      })
      .nullable(),
    transactionHash: z.string().nullable(),
    /** Unix seconds; null while it is not in a block. */
    settledAt: z.number().int().nullable(),
  })
  .openapi("ReceiptStatus");

export const batchStatus = z
  .object({
    digest: z.string(),
    state,
    reason: z.string().nullable(),
    batch: batchSchema,
    signature: z.string(),
    modelId: z.string().nullable(),
    /** Places of the proofs that do not hold, where that is why it was rejected. */
    invalid: z.array(z.number().int()).nullable(),
    published: z.boolean(),
    transactionHash: z.string().nullable(),
    settledAt: z.number().int().nullable(),
  })
  .openapi("BatchStatus");

export const sealOffer = z
  .object({ id: z.string(), batch: batchSchema, receiptIds: z.array(z.string()) })
  .openapi("SealOffer");
