// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { ConfigError } from "./errors.ts";
import { configSchema, type Config } from "./schema.ts";

/** Environment variables that stand over the file. Secrets come from here only. */
export const ENVIRONMENT = {
  DATABASE_URL: "as store.databaseUrl",
  REDIS_URL: "as queue.redisUrl",
  SUBGRAPH_URL: "as reconcile.subgraphUrl",
  SUBGRAPH_API_KEY: "sent to it as a bearer token",
  RELAYER_DASHBOARD_PASSWORD: "password of the queue's dashboard, at least 12 characters; the user is operator",
  RELAYER_RPC_URLS: "as chain.rpcUrls, separated by commas",
  RELAYER_HOST: "as http.host",
  RELAYER_PORT: "as http.port",
  RELAYER_DATA_DIR: "as store.dataDir",
  RELAYER_LOG: "as log",
  RELAYER_PRIVATE_KEY: "private key of the sending account, 0x and 64 hex digits",
  RELAYER_KEYSTORE_PASSWORD: "password of the keystore file",
  RELAYER_SIGNER_TOKEN: "bearer token for the remote signer of signer.url",
  RELAYER_API_KEY: "API key that the operator's commands show to a running relayer",
  OTEL_EXPORTER_OTLP_ENDPOINT: "OpenTelemetry collector, http://host:4318; traces are sent there if set",
  RELAYER_S3_ACCESS_KEY_ID: "key id for publication.s3",
  RELAYER_S3_SECRET_ACCESS_KEY: "its secret",
  RELAYER_S3_SESSION_TOKEN: "its session token, where there is one",
  RELAYER_IPFS_AUTHORIZATION: "header Authorization for publication.ipfs.rpcUrl",
  RELAYER_WALRUS_AUTHORIZATION: "header Authorization for publication.walrus.publisherUrl",
} as const;

/** As `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

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
  set("reconcile", "subgraphUrl", env["SUBGRAPH_URL"]);
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
