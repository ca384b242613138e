// SPDX-License-Identifier: MIT
import { z } from "zod";
import { millis } from "./values.ts";

export const queueSchema = z
  .strictObject({
    redisUrl: z
      .url({ protocol: /^rediss?$/ })
      .optional()
      .describe("redis:// of a server that shares the work among processes; without it each runs its own"),
    runs: z
      .array(z.enum(["verify", "publish", "republish", "seal", "settle", "send", "answers", "heartbeats"]))
      .optional()
      .describe("kinds of work that this process takes part in, where it is shared; all by default"),
    aloneAfterMs: millis
      .min(1_000)
      .default(15_000)
      .describe("without Redis for so long, the process works by itself until Redis is back"),
    lockMs: millis
      .min(1_000)
      .default(30_000)
      .describe("a process that was killed is noticed after so long, and its work goes elsewhere"),
    reviveAfterMs: millis.min(1_000).default(3_600_000).describe("a dead letter is tried again after so long"),
    callsPerMinute: z.number().int().min(1).default(60).describe("looks for items to settle, by all processes"),
    dashboard: z
      .strictObject({
        host: z.string().default("127.0.0.1").describe("address to listen on"),
        port: z.number().int().min(0).max(65_535).describe("0 takes a free one"),
      })
      .optional()
      .describe("Bull's dashboard, for operators; needs RELAYER_DASHBOARD_PASSWORD"),
  })
  .prefault({});
