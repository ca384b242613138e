// SPDX-License-Identifier: MIT
// Where the operator's commands look: at the ledger where it can be shared, else through the running relayer.
import type { z } from "@hono/zod-openapi";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createRpc } from "../chain/rpc.ts";
import { createApiClient, dataOf, RETRIES, retryingFetch } from "../client/index.ts";
import { ConfigError, type Config, type Environment } from "../config/index.ts";
import type { Domain, Hex } from "../protocol/index.ts";
import { senderAddress } from "../signer/index.ts";
import { createApiKey, listApiKeys, revokeApiKey, type ApiKey } from "../store/api-keys.ts";
import { migrationState, openDatabase, type OpenDatabase } from "../store/database.ts";
import { StoreError } from "../store/errors.ts";
import { lastSender } from "../store/operation.ts";
import type { Scope } from "../store/schema-operation.ts";
import { batchPage, receiptPage, transactionPage } from "./lists.ts";
import type { batchList, itemQuery, receiptList, transactionList, transactionQuery } from "./messages.ts";
import { probeChain } from "./probe.ts";
import { retry, type Retried } from "./retry.ts";
import { readStatus, type Status } from "./status.ts";

type ItemQuery = z.infer<typeof itemQuery>;
type TransactionQuery = z.infer<typeof transactionQuery>;
export type NewKey = { label: string; scopes: Scope[]; receiptsPerMinute: number | null };

/** What commands ask, whoever answers. */
export interface Source {
  status(): Promise<Status>;
  receipts(query: ItemQuery): Promise<z.infer<typeof receiptList>>;
  batches(query: ItemQuery): Promise<z.infer<typeof batchList>>;
  transactions(query: TransactionQuery): Promise<z.infer<typeof transactionList>>;
  retry(id: string): Promise<Retried>;
  createKey(wanted: NewKey): Promise<{ key: ApiKey; secret: string }>;
  listKeys(): Promise<ApiKey[]>;
  /** @throws {StoreError} `not_known` */
  revokeKey(id: string): Promise<ApiKey>;
  close(): Promise<void>;
}

export interface SourceOptions {
  /** Asks the relayer there. */
  url?: string | undefined;
  /** Not called where `url` says enough. */
  configuration: () => Config;
  env?: Environment;
  /** An embedded ledger that is not there yet is made. */
  create?: boolean;
}

/**
 * The ledger of the configuration, read as it is; or the relayer at `url`. Where the embedded ledger belongs to a running
 * relayer, that one is asked, if there is a key to show.
 * @throws {ConfigError} {@link StoreError}
 */
export async function openSource({ url, configuration, env = process.env, create }: SourceOptions): Promise<Source> {
  const apiKey = env["RELAYER_API_KEY"];
  if (url !== undefined) {
    if (apiKey === undefined)
      throw new ConfigError("config_key_missing", "Set RELAYER_API_KEY, made by relayer keys create");
    return remoteSource(url, apiKey);
  }
  const config = configuration();
  try {
    return await localSource(config, env, create ?? false);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "data_dir_in_use") throw error;
    const at = ownUrl(config);
    if (apiKey !== undefined && config.http.port !== 0) return remoteSource(at, apiKey);
    const way = "a running relayer has it: set RELAYER_API_KEY, made by relayer keys create before it was started";
    throw new StoreError("ledger_in_use", `The embedded ledger cannot be shared, and ${way}; and --url if not ${at}`);
  }
}

/** Where a relayer of this configuration listens, from its own machine. */
function ownUrl({ http: { host, port } }: Config): string {
  const own = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${own.includes(":") ? `[${own}]` : own}:${port}`;
}

/** Opens the ledger without changing a shared one. @throws {StoreError} `no_ledger`, `ledger_not_current` */
export async function openLedger({ store }: Config, create: boolean): Promise<OpenDatabase> {
  const { dataDir, databaseUrl: url } = store;
  if (url === undefined && !create && !existsSync(join(dataDir, "ledger")))
    throw new StoreError("no_ledger", `There is no ledger in ${dataDir}; check store.dataDir`);
  const ledger = await openDatabase({ dataDir, url, migrate: create });
  try {
    const { missing, newer } = await migrationState(ledger.db);
    if (missing > 0 || newer) {
      const way = newer ? "use the release that it was last opened with" : "start a relayer of this release on it once";
      throw new StoreError("ledger_not_current", `The ledger is of another release; ${way}`);
    }
    return ledger;
  } catch (error) {
    await ledger.close();
    throw error;
  }
}

async function localSource(config: Config, env: Environment, create: boolean): Promise<Source> {
  const { chain: at } = config;
  const domain: Domain = { chainId: BigInt(at.chainId), verifyingContract: at.registry as Hex };
  const ledger = await openLedger(config, create);
  const { db } = ledger;
  return {
    async status() {
      const rpc = createRpc({ urls: at.rpcUrls, chainId: at.chainId, timeoutMs: at.requestTimeoutMs });
      const sender = senderAddress(config, env) ?? (await lastSender(db, at.chainId)) ?? null;
      const probe = await probeChain(rpc, sender);
      return readStatus({ db, chainId: at.chainId, sender, probe, deadLetters: null });
    },
    receipts: (query) => receiptPage(db, domain, query),
    batches: (query) => batchPage(db, query),
    transactions: (query) => transactionPage(db, query),
    // Whoever sweeps the ledger next finds what is due now.
    retry: async (id) => (await retry(db, id)).result,
    createKey: (wanted) => createApiKey(db, wanted),
    listKeys: () => listApiKeys(db),
    async revokeKey(id) {
      const revoked = await revokeApiKey(db, id);
      if (!revoked) throw new StoreError("not_known", `There is no API key ${id}`);
      return revoked;
    },
    close: () => ledger.close(),
  };
}

function remoteSource(url: string, apiKey: string): Source {
  const api = createApiClient({ url, apiKey, tries: 2 });
  return {
    status: () => dataOf(api.GET("/v1/operator/status")),
    receipts: (query) => dataOf(api.GET("/v1/operator/receipts", { params: { query } })),
    batches: (query) => dataOf(api.GET("/v1/operator/batches", { params: { query } })),
    transactions: (query) => dataOf(api.GET("/v1/operator/transactions", { params: { query } })),
    retry: (id) => dataOf(api.POST("/v1/operator/retry", { body: { id } })),
    // Once: a repetition would make a second key, whose secret nobody saw.
    createKey: (body) =>
      dataOf(api.POST("/v1/operator/keys", { body, fetch: retryingFetch({ ...RETRIES, tries: 1 }) })),
    listKeys: async () => (await dataOf(api.GET("/v1/operator/keys"))).items,
    revokeKey: (id) => dataOf(api.DELETE("/v1/operator/keys/{id}", { params: { path: { id } } })),
    close: async () => undefined,
  };
}
