// SPDX-License-Identifier: MIT
import { z } from "zod";
import { address, millis, wei } from "./values.ts";

/** What one payment brings at least must be near what all are worth: a payer chooses how many there are. */
const MIN_PART = 1_000n;

export const x402Schema = z
  .strictObject({
    token: address.describe("the token that payments are made in, on this chain"),
    name: z.string().min(1).describe("its EIP-712 name, for EIP-3009; of a token without it, its name"),
    version: z.string().min(1).describe("its EIP-712 version, for EIP-3009; of a token without it, anything"),
    permit2: z
      .enum(["auto", "off"])
      .default("auto")
      .describe("payments over Permit2: where the chain has Permit2 and the proxy of x402, or never"),
    payTo: z.union([z.literal("any"), z.array(address).min(1)]).describe('payees served at your cost, or "any"'),
    maxAmount: wei.describe("largest payment, in the token's smallest unit"),
    minAmount: wei
      .optional()
      .describe(
        "smallest payment, a thousandth of maxAmount where left out; below the price of gas it costs more than it brings, and anybody may have you carry it",
      ),
    waitFor: z.enum(["mined", "final"]).default("mined").describe("when a payment counts as made"),
    waitMs: millis.max(60_000).default(20_000).describe("a settle request waits so long for its outcome"),
    minSecondsLeft: z.number().int().min(6).default(12).describe("an authorization must hold for so long"),
    payerPerSecond: z.number().positive().default(10).describe("payments a payer may go on making"),
    payerBurst: z.number().int().min(1).default(100).describe("payments a payer may make at once"),
  })
  .refine(({ minAmount, maxAmount }) => (minAmount ?? 0n) <= maxAmount, "minAmount must not exceed maxAmount")
  .transform(({ minAmount, ...rest }) => ({ ...rest, minAmount: minAmount ?? (rest.maxAmount / MIN_PART || 1n) }))
  .optional()
  .describe("be an x402 facilitator, under /x402");
