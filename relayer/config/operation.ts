// SPDX-License-Identifier: MIT
import { z } from "zod";
import { address, millis } from "./values.ts";

/** Keys of `http` about who may hand in how much, and from which pages. */
export const operationHttp = {
  submissionKeys: z
    .enum(["optional", "required"])
    .default("optional")
    .describe("required: submissions need an API key with the scope submit, made by relayer keys create"),
  batchesPerMinutePerKey: z
    .number()
    .int()
    .min(1)
    .default(60)
    .describe("batches, and receipts with proofs, that one signing key may hand in; each costs you gas"),
  receiptsPerMinutePerKey: z
    .number()
    .int()
    .min(1)
    .default(6_000)
    .describe("receipts without proofs that one signing key may hand in one by one"),
  corsOrigins: z
    .array(z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).origin))
    .max(100)
    .default([])
    .describe("web pages that may ask from browsers, as https://host; none by default"),
} as const;

export const signerSchema = z
  .strictObject({
    url: z.url({ protocol: /^https?$/ }).describe("JSON-RPC of clef or web3signer, which holds the key"),
    address: address.describe("the account that it signs for"),
    timeoutMs: millis.min(100).default(10_000).describe("patience with it"),
  })
  .optional()
  .describe("sign elsewhere: no key is held here; RELAYER_SIGNER_TOKEN is sent as bearer token if set");
