// SPDX-License-Identifier: MIT
import { z } from "@hono/zod-openapi";
import { isBelow } from "../api/schemas.ts";

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "an address, 0x and 40 hex digits")
  .transform((value) => value.toLowerCase() as `0x${string}`);
const bytes = (count: number) =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-fA-F]{${2 * count}}$`), `0x and ${2 * count} hex digits`)
    .transform((value) => value.toLowerCase() as `0x${string}`);
const uint256 = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,77})$/, "a decimal string")
  .refine((value) => isBelow(value, 78, 2n ** 256n), "below 2^256");
const short = z.string().min(1).max(200);

/** What a resource asks for, or a payer accepted. */
const requirements = z
  .object({
    scheme: short,
    network: short,
    amount: uint256,
    asset: address,
    payTo: address,
    maxTimeoutSeconds: z.number().positive(),
    extra: z.record(z.string(), z.unknown()).nullish(),
  })
  .openapi("X402PaymentRequirements");

/** A version 2 request to verify or to settle. What is not needed of it is not kept. */
export const paymentRequest = z
  .object({
    x402Version: z.number().int(),
    paymentPayload: z.object({
      x402Version: z.number().int(),
      accepted: requirements,
      payload: z.record(z.string(), z.unknown()),
    }),
    paymentRequirements: requirements,
  })
  .openapi("X402PaymentRequest");
export type PaymentRequest = z.output<typeof paymentRequest>;

/** The payload of `exact` over EIP-3009, signed by a key. */
export const eip3009Payload = z.object({
  signature: bytes(65),
  authorization: z.object({
    from: address,
    to: address,
    value: uint256,
    validAfter: uint256,
    validBefore: uint256,
    nonce: bytes(32),
  }),
});
export type Eip3009Payload = z.output<typeof eip3009Payload>;

/** The payload of `exact` over Permit2, signed by a key. */
export const permit2Payload = z.object({
  signature: bytes(65),
  permit2Authorization: z.object({
    from: address,
    permitted: z.object({ token: address, amount: uint256 }),
    spender: address,
    nonce: uint256,
    deadline: uint256,
    witness: z.object({ to: address, validAfter: uint256 }),
  }),
});
export type Permit2Payload = z.output<typeof permit2Payload>;

const extensions = z
  .record(z.string(), z.unknown())
  .optional()
  .openapi({ description: "`opengradient.requestId` is the request id that belongs into the receipt (R5)" });

export const verifyAnswer = z
  .object({
    isValid: z.boolean(),
    invalidReason: z.string().optional(),
    invalidMessage: z.string().optional(),
    payer: z.string().optional(),
    extensions,
  })
  .openapi("X402VerifyResponse");

export const settleAnswer = z
  .object({
    success: z.boolean(),
    errorReason: z.string().optional(),
    errorMessage: z.string().optional(),
    payer: z.string().optional(),
    transaction: z.string(),
    network: z.string(),
    amount: z.string().optional(),
    extensions,
  })
  .openapi("X402SettleResponse");

export const supportedAnswer = z
  .object({
    kinds: z.array(
      z.object({
        x402Version: z.number().int(),
        scheme: z.string(),
        network: z.string(),
        extra: z.record(z.string(), z.unknown()).optional(),
      }),
    ),
    extensions: z.array(z.string()),
    signers: z.record(z.string(), z.array(z.string())),
  })
  .openapi("X402SupportedResponse");

export const paymentStatus = z
  .object({
    requestId: z.string(),
    state: z.enum(["reserved", "submitted", "mined", "final", "failed"]).openapi({
      description:
        "`reserved` (found good, nothing sent), `submitted` (unknown until it is one of the following), `mined`, `final`, " +
        "or `failed` for good",
    }),
    reason: z.string().nullable(),
    payer: z.string(),
    payTo: z.string(),
    amount: z.string(),
    transaction: z.string().nullable(),
    /** Whether a settle request was answered with success. */
    answered: z.boolean(),
  })
  .openapi("X402PaymentStatus");

export type VerifyAnswer = z.infer<typeof verifyAnswer>;
export type SettleAnswer = z.infer<typeof settleAnswer>;
export type SupportedAnswer = z.infer<typeof supportedAnswer>;
export type PaymentStatus = z.infer<typeof paymentStatus>;
