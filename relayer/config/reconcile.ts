// SPDX-License-Identifier: MIT
import { z } from "zod";
import { millis, MINUTE } from "./values.ts";

export const reconcileSchema = z
  .strictObject({
    subgraphUrl: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe("GraphQL endpoint of the subgraph; without it the chain's logs are read"),
    everyMs: millis
      .min(1_000)
      .default(5 * MINUTE)
      .describe("pause between comparisons"),
    newest: z
      .number()
      .int()
      .min(1)
      .default(2_000)
      .describe("newest batches, and newest lone receipts, compared each time"),
    older: z.number().int().min(0).default(2_000).describe("older ones compared each time, all of them in turn"),
    maxLagBlocks: z.number().int().min(0).default(300).describe("an index further behind is not used"),
    verifyBlocks: z
      .number()
      .int()
      .min(0)
      .default(500)
      .describe("newest blocks of the index held against the chain's logs; 0 for none"),
    logRange: z.number().int().min(1).default(2_000).describe("blocks of one eth_getLogs"),
    maxLogBlocks: z.number().int().min(1).default(50_000).describe("blocks whose logs are read at most"),
    graceMs: millis.default(10 * MINUTE).describe("what settled so shortly ago the ledger may not know yet"),
    timeoutMs: millis.min(100).default(10_000).describe("patience with the index"),
    maxBytes: z.number().int().min(10_000).default(8_000_000).describe("largest answer of the index"),
    maxPages: z.number().int().min(1).default(40).describe("pages of 500 rows listed to check a total"),
  })
  .optional()
  .describe("compare the ledger with the chain, again and again");
export type ReconcileConfig = NonNullable<z.output<typeof reconcileSchema>>;
