// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Wallet } from "ethers";
import { parse } from "yaml";
import { z } from "zod";
import type { Hex } from "./protocol/index.ts";

/** The configuration cannot be used. `code` is stable. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code: "config_unreadable" | "config_invalid" | "config_key_missing" | "config_key_unusable";
  constructor(code: ConfigError["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "an address, 0x and 40 hex digits")
  .transform((value) => value.toLowerCase() as Hex);
const wei = z.union([z.string().regex(/^[0-9]+$/), z.number().int().nonnegative()]).transform((value) => BigInt(value));
const millis = z.number().int().min(0);
const GWEI = 1_000_000_000n;
const MINUTE = 60_000;

const waitPolicy = (defaults: { maxCount: number; patientMs: number; impatientMs: number }) =>
  z
    .strictObject({
      maxCount: z.number().int().min(1).default(defaults.maxCount).describe("so many go at once"),
      patientMs: millis.default(defaults.patientMs).describe("from this age on they go if gas is cheap"),
      impatientMs: millis.default(defaults.impatientMs).describe("from this age on they go at any price"),
      cheapBaseFee: wei.prefault(String(20n * GWEI)).describe("base fee up to which gas counts as cheap, wei per gas"),
    })
    .refine((policy) => policy.patientMs <= policy.impatientMs, "patientMs must not exceed impatientMs");

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
      timeoutMs: millis.min(1_000).default(30_000).describe("time for a submission"),
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
      policy: waitPolicy({ maxCount: 1_000, patientMs: MINUTE, impatientMs: 10 * MINUTE })
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
      policy: waitPolicy({ maxCount: 20, patientMs: 15_000, impatientMs: 5 * MINUTE })
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
  queue: z
    .strictObject({
      redisUrl: z
        .url({ protocol: /^rediss?$/ })
        .optional()
        .describe("redis:// of a server that shares the work among processes; without it each runs its own"),
      runs: z
        .array(z.enum(["verify", "publish", "seal", "settle", "send"]))
        .optional()
        .describe("kinds of work that this process takes part in, where it is shared; all by default"),
      aloneAfterMs: millis
        .min(1_000)
        .default(15_000)
        .describe("without Redis for so long, the process works by itself until Redis is back"),
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
    .prefault({}),
  twinMarket: z
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
    .describe("watch the fees of a key market, and tell them under /v1/twin/fees"),
  x402: z
    .strictObject({
      token: address.describe("the token that payments are made in, on this chain; it must have EIP-3009"),
      name: z.string().min(1).describe("its EIP-712 name"),
      version: z.string().min(1).describe("its EIP-712 version"),
      payTo: z.union([z.literal("any"), z.array(address).min(1)]).describe('payees served at your cost, or "any"'),
      maxAmount: wei.describe("largest payment, in the token's smallest unit"),
      minAmount: wei.prefault("1").describe("smallest payment; below the price of gas it costs more than it brings"),
      waitFor: z.enum(["mined", "final"]).default("mined").describe("when a payment counts as made"),
      waitMs: millis.max(60_000).default(20_000).describe("a settle request waits so long for its outcome"),
      minSecondsLeft: z.number().int().min(6).default(12).describe("an authorization must hold for so long"),
      payerPerSecond: z.number().positive().default(10).describe("payments a payer may go on making"),
      payerBurst: z.number().int().min(1).default(100).describe("payments a payer may make at once"),
    })
    .refine(({ minAmount, maxAmount }) => minAmount <= maxAmount, "minAmount must not exceed maxAmount")
    .optional()
    .describe("be an x402 facilitator, under /x402"),
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

/** Environment variables that stand over the file. Secrets come from here only. */
export const ENVIRONMENT = {
  DATABASE_URL: "as store.databaseUrl",
  REDIS_URL: "as queue.redisUrl",
  RELAYER_DASHBOARD_PASSWORD: "password of the queue's dashboard, at least 12 characters; the user is operator",
  RELAYER_RPC_URLS: "as chain.rpcUrls, separated by commas",
  RELAYER_HOST: "as http.host",
  RELAYER_PORT: "as http.port",
  RELAYER_DATA_DIR: "as store.dataDir",
  RELAYER_LOG: "as log",
  RELAYER_PRIVATE_KEY: "private key of the sending account, 0x and 64 hex digits",
  RELAYER_KEYSTORE_PASSWORD: "password of the keystore file",
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Checks a configuration, environment over input.
 * @throws {ConfigError} naming every wrong key.
 */
export function parseConfig(input: unknown, env: Environment = {}): Config {
  const merged = structuredClone(input ?? {}) as Record<string, Record<string, unknown> | unknown>;
  const set = (section: string, key: string, value: unknown): void => {
    if (value === undefined) return;
    merged[section] = { ...(merged[section] as object | undefined), [key]: value };
  };
  set("store", "databaseUrl", env["DATABASE_URL"]);
  set("queue", "redisUrl", env["REDIS_URL"]);
  set("store", "dataDir", env["RELAYER_DATA_DIR"]);
  set("chain", "rpcUrls", env["RELAYER_RPC_URLS"]?.split(","));
  set("http", "host", env["RELAYER_HOST"]);
  set("http", "port", env["RELAYER_PORT"] === undefined ? undefined : Number(env["RELAYER_PORT"]));
  if (env["RELAYER_LOG"] !== undefined) merged["log"] = env["RELAYER_LOG"];
  const parsed = configSchema.safeParse(merged);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "(top level)"}: ${message}`);
    throw new ConfigError("config_invalid", `The configuration has mistakes:\n  ${wrong.join("\n  ")}`);
  }
  return parsed.data;
}

/** Reads a YAML or JSON file. Paths in it are relative to it. @throws {ConfigError} */
export function loadConfig(file: string, env: Environment = process.env): Config {
  let input: unknown;
  try {
    input = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new ConfigError("config_unreadable", `Cannot read ${file}: ${(error as Error).message}`, error);
  }
  const config = parseConfig(input, env);
  const from = (path: string): string => resolve(dirname(file), path);
  const dataDir = env["RELAYER_DATA_DIR"] ? resolve(config.store.dataDir) : from(config.store.dataDir);
  return {
    ...config,
    store: { ...config.store, dataDir },
    ...(config.keystore ? { keystore: from(config.keystore) } : {}),
  };
}

/**
 * The account that pays for calls, from `RELAYER_PRIVATE_KEY` or the encrypted keystore file.
 * @throws {ConfigError} that never repeats what it read.
 */
export async function loadSigner(config: Pick<Config, "keystore">, env: Environment = process.env): Promise<Wallet> {
  const key = env["RELAYER_PRIVATE_KEY"];
  if (key !== undefined) {
    if (!/^0x[0-9a-fA-F]{64}$/.test(key)) {
      throw new ConfigError("config_key_unusable", "RELAYER_PRIVATE_KEY is not 0x and 64 hex digits");
    }
    return new Wallet(key);
  }
  if (!config.keystore) {
    throw new ConfigError("config_key_missing", "Set RELAYER_PRIVATE_KEY, or keystore and RELAYER_KEYSTORE_PASSWORD");
  }
  const password = env["RELAYER_KEYSTORE_PASSWORD"];
  if (password === undefined) throw new ConfigError("config_key_missing", "Set RELAYER_KEYSTORE_PASSWORD");
  try {
    const wallet = await Wallet.fromEncryptedJson(readFileSync(config.keystore, "utf8"), password);
    return new Wallet(wallet.privateKey);
  } catch {
    throw new ConfigError("config_key_unusable", `${config.keystore} cannot be opened with RELAYER_KEYSTORE_PASSWORD`);
  }
}

/** Password of the queue's dashboard. @throws {ConfigError} if it is missing or short. */
export function dashboardPassword(env: Environment = process.env): string {
  const password = env["RELAYER_DASHBOARD_PASSWORD"];
  if (password === undefined || password.length < 12)
    throw new ConfigError("config_key_missing", "Set RELAYER_DASHBOARD_PASSWORD, at least 12 characters");
  return password;
}

/** Help text: every key with its default and what it is for. */
export function describeConfig(): string {
  const json = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" });
  const lines: string[] = [];
  const walk = (node: Record<string, unknown>, path: string): void => {
    const properties = node["properties"] as Record<string, Record<string, unknown>> | undefined;
    for (const [name, child] of Object.entries(properties ?? {})) {
      const at = path ? `${path}.${name}` : name;
      const fallback = child["default"];
      const shown = fallback === undefined || JSON.stringify(fallback) === "{}" ? "" : ` [${JSON.stringify(fallback)}]`;
      if (child["description"] ?? shown) lines.push(`  ${at}${shown}: ${String(child["description"] ?? "")}`);
      walk(child, at);
    }
  };
  walk(json as Record<string, unknown>, "");
  return [
    "Keys of the configuration file (YAML or JSON):",
    ...lines,
    "",
    "Environment, over the file:",
    ...Object.entries(ENVIRONMENT).map(([name, text]) => `  ${name}: ${text}`),
  ].join("\n");
}
