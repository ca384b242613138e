// SPDX-License-Identifier: MIT
import { z } from "zod";
import { operationHttp, signerSchema } from "./operation.ts";
import { publicationSchema } from "./publication.ts";
import { openGradientSchema } from "./opengradient.ts";
import { queueSchema } from "./queue.ts";
import { requestsSchema } from "./requests.ts";
import { reconcileSchema } from "./reconcile.ts";
import { twinMarketSchema } from "./twin-market.ts";
import { address, GWEI, millis, MINUTE, waitPolicy, wei } from "./values.ts";
import { x402Schema } from "./x402.ts";

export const configSchema = z.strictObject({
  chain: z.strictObject({
    chainId: z.number().int().positive().describe("chain that receipts are settled on"),
    registry: address.describe("address of its InferenceRegistry"),
    rpcUrls: z
      .array(z.url({ protocol: /^https?$/ }))
      .min(1)
      .describe("JSON-RPC nodes, the preferred one first"),
    finality: z
      .union([
        z.strictObject({ confirmations: z.number().int().min(1) }),
        z.strictObject({ tag: z.enum(["finalized", "safe"]) }),
      ])
      .default({ confirmations: 10 })
      .describe("when a block counts as final"),
    pollMs: millis.min(50).default(2_000).describe("pause between looks at the chain"),
    cacheMs: millis.default(5_000).describe("how long keys and models are remembered"),
    requestTimeoutMs: millis.min(100).default(10_000).describe("patience with a node"),
  }),
  fees: z
    .strictObject({
      maxFeePerGas: wei.prefault(String(200n * GWEI)).describe("ceiling, wei per gas"),
      maxPriorityFeePerGas: wei.prefault(String(3n * GWEI)).describe("ceiling of the tip, wei per gas"),
      bumpPercent: z.number().int().min(10).default(12).describe("a replacement pays so much more, at least 10"),
      ceilingMultiplier: z.number().min(1).default(5).describe("how many times the market a replacement may pay"),
      resubmitAfterMs: millis.default(60_000).describe("an unmined attempt is replaced after so long"),
    })
    .prefault({}),
  http: z
    .strictObject({
      host: z.string().default("127.0.0.1").describe("address to listen on"),
      port: z.number().int().min(0).max(65_535).default(8080).describe("0 takes a free one"),
      maxBodyBytes: z.number().int().min(1_000).default(16_000_000).describe("largest body"),
      maxReceipts: z.number().int().min(1).max(10_000).default(10_000).describe("receipts of one signed batch"),
      maxProofs: z.number().int().min(1).max(256).default(128).describe("receipts of one proved batch"),
      maxInFlight: z.number().int().min(1).default(8).describe("submissions worked on at once"),
      requestsPerSecond: z.number().positive().default(50).describe("that one address may go on making"),
      burst: z.number().int().min(1).default(200).describe("requests that one address may make at once"),
      maxConnectionsEach: z
        .number()
        .int()
        .min(1)
        .default(1_000)
        .describe("connections of one address at once, of 4,000 in all; a reverse proxy counts as one address"),
      timeoutMs: millis.min(1_000).default(30_000).describe("time for a submission"),
      ...operationHttp,
    })
    .prefault({}),
  store: z
    .strictObject({
      dataDir: z.string().default("data/relayer").describe("directory of the embedded database and published leaves"),
      databaseUrl: z.string().optional().describe("postgres:// of a server, instead of the embedded database"),
    })
    .prefault({}),
  sealing: z
    .strictObject({
      policy: waitPolicy({ maxCount: 1_000, patientMs: MINUTE, impatientMs: 10 * MINUTE, marginMs: 10 * MINUTE })
        .prefault({})
        .describe("when single receipts of a key are put into a batch and offered for signature"),
      aloneAfterMs: millis
        .max(36 * 60 * MINUTE, "at most half of MAX_DELAY, 36 hours")
        .default(36 * 60 * MINUTE)
        .describe("a receipt that found no signature for so long settles alone"),
      settler: address.optional().describe("named as settler of offered batches; the relayer's own address if unset"),
    })
    .prefault({}),
  settlement: z
    .strictObject({
      policy: waitPolicy({ maxCount: 20, patientMs: 15_000, impatientMs: 5 * MINUTE, marginMs: 5 * MINUTE })
        .prefault({})
        .describe("when batches that are ready are put into a call"),
      maxGas: wei.prefault("14000000").describe("gas of one call, below the cap of 16,777,216"),
      maxBytes: z.number().int().min(1_000).default(100_000).describe("calldata of one call"),
      retryMs: millis.default(5_000).describe("first pause after a failure; it doubles"),
      sweepMs: millis.min(20).default(1_000).describe("pause between searches of the ledger for work"),
    })
    .prefault({}),
  proofs: z
    .strictObject({
      processes: z.number().int().min(1).max(64).optional().describe("child processes that check proofs"),
      timeoutMs: millis.min(1_000).default(60_000).describe("time for one batch of proofs"),
    })
    .prefault({}),
  publication: publicationSchema,
  queue: queueSchema,
  reconcile: reconcileSchema,
  twinMarket: twinMarketSchema,
  requests: requestsSchema,
  opengradient: openGradientSchema,
  x402: x402Schema,
  signer: signerSchema,
  log: z.enum(["fatal", "error", "warn", "info", "debug", "silent"]).default("info").describe("log level"),
  keystore: z
    .string()
    .optional()
    .describe("encrypted keystore file of the sending account; see RELAYER_KEYSTORE_PASSWORD"),
});

/** A checked configuration. Holds no secret. */
export type Config = z.output<typeof configSchema>;
/** Its part about payments. */
export type X402Config = NonNullable<Config["x402"]>;
/** A configuration as it is written. */
export type ConfigInput = z.input<typeof configSchema>;
