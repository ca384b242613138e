// SPDX-License-Identifier: MIT
import { z } from "zod";
import { address, millis } from "./values.ts";

export const requestsSchema = z
  .strictObject({
    address: address.describe("InferenceRequests on this chain, whose deadlines receipts are to meet"),
    lookbackBlocks: z
      .number()
      .int()
      .min(1)
      .default(302_400)
      .describe("blocks that are read at the start: 7 days of them, as no request lives longer; this is for 2 seconds"),
    logBlocks: z.number().int().min(1).max(100_000).default(2_000).describe("blocks of one question for logs"),
    pollMs: millis.min(50).default(4_000).describe("pause between looks for new requests"),
    maxOpen: z.number().int().min(1).max(100_000).default(10_000).describe("open requests remembered"),
  })
  .optional()
  .describe("seal and settle in time for the deadlines of requests that were asked on chain");
