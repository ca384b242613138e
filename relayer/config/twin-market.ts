// SPDX-License-Identifier: MIT
import { z } from "zod";
import { address, millis } from "./values.ts";

export const twinMarketSchema = z
  .strictObject({
    address: address.describe("the TwinMarket on this chain whose fees are watched"),
    pollMs: millis.min(100).default(2_000).describe("pause between looks at its fees"),
    maxBlockAgeMs: millis
      .min(1_000)
      .default(120_000)
      .describe("where the node's newest block is older, the fees are unknown: it stands still"),
    maxStreams: z.number().int().min(1).default(500).describe("clients that listen for changes at once"),
    maxStreamsEach: z.number().int().min(1).default(20).describe("of them from one address"),
    heartbeatMs: millis.min(100).default(15_000).describe("a quiet stream says so often that it is alive"),
    streamLifeMs: millis.min(1_000).default(3_600_000).describe("a stream ends after so long; clients connect again"),
  })
  .optional()
  .describe("watch the fees of a key market, and tell them under /v1/twin/fees");
