// SPDX-License-Identifier: MIT
import { z } from "zod";
import { address, millis, MINUTE, waitPolicy } from "./values.ts";

export const openGradientSchema = z
  .strictObject({
    gatewayAnswers: address.describe("GatewayAnswers on this chain, where answers of OpenGradient's gateways settle"),
    enclaveHeartbeats: address.describe("EnclaveHeartbeats on this chain, where their signs of life go"),
    fromBlock: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe("block in which the EnclaveRegistry was deployed: the keys of gateways are read from there on"),
    logBlocks: z.number().int().min(1).max(100_000).default(2_000).describe("blocks of one question for logs"),
    policy: waitPolicy({ maxCount: 20, patientMs: 5 * MINUTE, impatientMs: 15 * MINUTE })
      .prefault({})
      .describe("when answers handed in as `batch` are put into a call; `individual` ones never wait"),
    maxDataBytes: z
      .number()
      .int()
      .min(1_024)
      .max(262_144)
      .default(32_768)
      .describe("largest x-settlement-data header; that of an individual answer holds request and answer whole"),
    answersPerMinutePerKey: z
      .number()
      .int()
      .min(1)
      .default(300)
      .describe("answers of one gateway's key that are carried at your cost: some 75,000 gas each"),
    heartbeatEveryMs: millis
      .min(1_000)
      .max(20 * MINUTE, "at most 20 minutes: a heartbeat that waits longer is too old to be taken")
      .default(10 * MINUTE)
      .describe("least pause between two heartbeats of one key that are carried; the newest waits"),
    heartbeatsPerMinute: z.number().int().min(1).default(30).describe("heartbeats of all keys carried in a minute"),
    heartbeatWaitMs: millis
      .max(60_000)
      .default(15_000)
      .describe("a heartbeat request waits so long for its transaction; gateways give up after 20 seconds"),
  })
  .optional()
  .describe("take what OpenGradient's gateways send to their facilitator, under its paths");

/** Its part about OpenGradient's gateways. */
export type OpenGradientConfig = NonNullable<z.output<typeof openGradientSchema>>;
