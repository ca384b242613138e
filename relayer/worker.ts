// SPDX-License-Identifier: GPL-3.0-or-later
import type { Log } from "./chain/manager-options.ts";
import { createChainReader } from "./chain/reader.ts";
import { createRpc } from "./chain/rpc.ts";
import { ConfigError, type Config } from "./config/index.ts";
import { createProofPool } from "./evidence/groth16/pool.ts";
import { evidenceVerifiers } from "./evidence/index.ts";
import { createQueue } from "./queues.ts";
import { verifyWork } from "./settlement/verify.ts";
import { openDatabase } from "./store/database.ts";

/**
 * Starts a process that does nothing but verify evidence for the relayers of one ledger, on any machine. It holds no
 * key and listens nowhere.
 * @throws {ConfigError} `config_invalid` where relayer and worker would not share ledger and queue.
 */
export async function createWorker(config: Config, log: Log): Promise<{ close(): Promise<void> }> {
  const { chain: at, proofs, settlement, store, queue } = config;
  if (store.databaseUrl === undefined || queue.redisUrl === undefined)
    throw new ConfigError("config_invalid", "A worker shares ledger and queue: set DATABASE_URL and REDIS_URL");
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const rpc = createRpc({ urls: at.rpcUrls, chainId: at.chainId, timeoutMs: at.requestTimeoutMs });
    const domain = { chainId: BigInt(at.chainId), verifyingContract: at.registry };
    const chain = await createChainReader({ rpc, domain, ttlMs: at.cacheMs });
    const database = await openDatabase({ dataDir: store.dataDir, url: store.databaseUrl });
    closers.push(() => database.close());
    const pool = createProofPool({
      timeoutMs: proofs.timeoutMs,
      ...(proofs.processes ? { processes: proofs.processes } : {}),
    });
    closers.push(() => pool.close());
    const verify = verifyWork({
      ...{ db: database.db, domain, verifiers: evidenceVerifiers(chain, pool), concurrency: 4 },
      ...{ retryMs: settlement.retryMs, sweepMs: settlement.sweepMs, log },
      // A relayer's own sweep finds what became ready.
      verified: () => undefined,
    });
    const shared = await createQueue(config, { verify }, log);
    closers.push(() => shared.close());
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}
