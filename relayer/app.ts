// SPDX-License-Identifier: GPL-3.0-or-later
// Where the parts of a relayer are put together; nothing else knows all of them.
import { createAdaptorServer } from "@hono/node-server";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createApi } from "./api/api.ts";
import { createDoor } from "./api/door.ts";
import { connectionLimit } from "./api/limits.ts";
import { createMetrics } from "./api/metrics.ts";
import { createSealWaiting } from "./api/seal-waiting.ts";
import { filePublication } from "./batches/publication.ts";
import { blockTimes, finalTime } from "./chain/block-times.ts";
import type { Log, TransactionSigner } from "./chain/manager-options.ts";
import { tellAll } from "./chain/listeners.ts";
import { createChainReader, type ChainReader } from "./chain/reader.ts";
import { createRpc } from "./chain/rpc.ts";
import { settlementListener } from "./chain/settlement-watcher.ts";
import { createTransactionManager } from "./chain/transactions.ts";
import type { Config } from "./config/index.ts";
import { evidenceVerifiers } from "./evidence/index.ts";
import { createProofPool } from "./evidence/groth16/pool.ts";
import { checkOffer } from "./facilitator/offer.ts";
import { createFacilitator, tokenDomain } from "./facilitator/service.ts";
import { paymentListener } from "./facilitator/watcher.ts";
import type { Domain, Hex } from "./protocol/index.ts";
import { createQueue, startDashboard } from "./queues.ts";
import { settlementSink } from "./settlement/follow.ts";
import { publishWork } from "./settlement/publish.ts";
import { sealWork } from "./settlement/seal.ts";
import { settleWork } from "./settlement/settle.ts";
import { verifyWork } from "./settlement/verify.ts";
import { openDatabase } from "./store/database.ts";
import { countStates, type ItemRef } from "./store/settlement.ts";
import { createTransactionStore } from "./store/transactions.ts";
import { createTwinFees } from "./twin/service.ts";

/** What a relayer is made with beside its configuration. */
export interface RelayerParts {
  signer: TransactionSigner;
  log: Log;
  /** Reads the chain; by default over the configured nodes. */
  chain?: ChainReader;
}

export interface Relayer {
  /** Where it listens, without a slash at the end. */
  url: string;
  /** Address that pays for its calls. */
  sender: string;
  registry: Hex;
  /** Where the queue's dashboard listens, if it does. */
  dashboard: string | undefined;
  /** Takes no more requests, lets what runs end, and gives everything back. */
  close(): Promise<void>;
}

/**
 * Starts a relayer: it listens when this resolves.
 * @throws {StoreError} `data_dir_in_use`; {@link ChainUnavailable}, {@link WrongRegistry} if the registry cannot be
 * opened.
 */
export async function createRelayer(config: Config, parts: RelayerParts): Promise<Relayer> {
  const { signer, log } = parts;
  const { chain: at, fees, http, sealing, settlement } = config;
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const rpc = createRpc({ urls: at.rpcUrls, chainId: at.chainId, timeoutMs: at.requestTimeoutMs });
    const domain: Domain = { chainId: BigInt(at.chainId), verifyingContract: at.registry };
    const chain = parts.chain ?? (await createChainReader({ rpc, domain, ttlMs: at.cacheMs }));
    const offer = config.x402 && (await checkOffer(rpc, tokenDomain(config.x402, at.chainId)));
    if (offer && !offer.offered) log.error({ ...offer }, "x402 payments are not offered");
    const database = await openDatabase({ dataDir: config.store.dataDir, url: config.store.databaseUrl });
    closers.push(() => database.close());
    const { db } = database;
    const { processes, timeoutMs } = config.proofs;
    const pool = createProofPool({ timeoutMs, ...(processes ? { processes } : {}) });
    closers.push(() => pool.close());
    const verifiers = evidenceVerifiers(chain, pool);
    const bounds = { maxGas: settlement.maxGas, maxBytes: settlement.maxBytes };
    const sealWaiting = createSealWaiting();
    const wake = (work: string, key: string): void => queue.wake(work, key);
    const wakeSettle = (): void => wake("settle", "all");
    const ready = ({ table, id }: ItemRef): void => (table === "batches" ? wake("publish", String(id)) : wakeSettle());

    const manager = createTransactionManager({
      store: createTransactionStore(db),
      rpc,
      signer,
      chainId: at.chainId,
      policy: {
        ...fees,
        rebroadcastAfterMs: Math.min(12_000, fees.resubmitAfterMs),
        parkMs: 30_000,
        finality: at.finality,
        gasMarginPercent: 20,
        // Sends count until they are final, and payments come one to a call.
        maxInFlight: config.x402 ? 64 : 16,
        estimateTries: 3,
        pollMs: at.pollMs,
      },
      listener: tellAll([
        settlementListener({
          domain,
          reader: chain,
          sink: settlementSink({ db, chain, retryMs: settlement.retryMs, released: wakeSettle, log }),
        }),
        ...(config.x402 ? [paymentListener({ db, token: config.x402.token, log })] : []),
      ]),
      log,
    });
    const timing = { retryMs: settlement.retryMs, sweepMs: settlement.sweepMs };
    const works = {
      verify: verifyWork({ db, domain, verifiers, concurrency: 4, ...timing, verified: ready, log }),
      seal: sealWork({
        ...{ db, chain, policy: sealing.policy, aloneAfterMs: sealing.aloneAfterMs, sweepMs: settlement.sweepMs },
        settler: sealing.settler ?? (signer.address.toLowerCase() as Hex),
        offered: (keyId) => sealWaiting.offered(keyId),
        wentAlone: wakeSettle,
      }),
      publish: publishWork({
        ...{ db, concurrency: 4, ...timing, published: wakeSettle, log },
        publication: filePublication(join(config.store.dataDir, "leaves")),
      }),
      settle: {
        rate: { max: config.queue.callsPerMinute, durationMs: 60_000 },
        ...settleWork({
          ...{ db, chain, policy: settlement.policy, bounds, sender: signer.address, ...timing, log },
          finalTime: () => finalTime(rpc, at.finality),
          blockTimes: () => blockTimes(rpc),
          submitted: () => wake("send", "all"),
        }),
      },
      send: { concurrency: 1, sweepMs: at.pollMs, find: async () => ["all"], run: () => manager.tick() },
    };
    const queue = await createQueue(config, works, log);
    closers.push(() => queue.close());
    const dashboard = await startDashboard(config, queue);
    if (dashboard) closers.push(() => dashboard.close());

    const twinFees = config.twinMarket && createTwinFees({ ...config.twinMarket, chainId: at.chainId, rpc, log });
    if (twinFees) {
      twinFees.start();
      closers.push(() => twinFees.stop());
    }

    const facilitator =
      config.x402 &&
      createFacilitator({
        ...{ db, rpc, chainId: at.chainId, config: config.x402, offer: offer!, log },
        sender: signer.address.toLowerCase() as Hex,
        submitted: () => wake("send", "all"),
      });

    const metrics = createMetrics({ items: () => countStates(db), works: () => queue.health() });
    twinFees?.measure(metrics.registry);
    const api = createApi({
      ...{ db, chain, verifiers, metrics, sealWaiting, wake, log },
      door: createDoor({ chain, verifiers, bounds }),
      ready: async () => {
        await database.ping();
        return { head: (await chain.head()).number, endpoints: rpc.health() };
      },
      twinFees: twinFees?.feed,
      facilitator,
      health: () => ({
        ...{ works: queue.health(), transactions: manager.health() },
        ...(twinFees ? { twinFees: twinFees.health() } : {}),
      }),
      bounds: http,
      rate: { perSecond: http.requestsPerSecond, burst: http.burst },
      timeoutMs: http.timeoutMs,
    });
    const server = createAdaptorServer({
      fetch: api.fetch,
      // How often slow connections are looked for.
      serverOptions: { connectionsCheckingInterval: 5_000 },
    }) as Server;
    // Whoever opens connections must not use up the files that the ledger needs too.
    server.maxConnections = MAX_CONNECTIONS;
    connectionLimit(server, http.maxConnectionsEach);
    server.requestTimeout = http.timeoutMs;
    server.headersTimeout = Math.min(10_000, http.timeoutMs);
    // Longer than clients and proxies keep an idle connection: whoever closes second loses no request to the race.
    server.keepAliveTimeout = 65_000;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(http.port, http.host, resolve);
    });
    closers.push(() => {
      sealWaiting.close();
      twinFees?.feed.close();
      facilitator?.close();
      return closeServer(server);
    });
    const { port } = server.address() as AddressInfo;
    const host = http.host.includes(":") ? `[${http.host}]` : http.host;
    return {
      url: `http://${host}:${port}`,
      sender: signer.address,
      registry: at.registry,
      dashboard: dashboard?.url,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const MAX_CONNECTIONS = 4_000;
const GRACE_MS = 5_000;

/** Lets running requests end, for a while. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), GRACE_MS);
    // A kept-alive connection becomes idle when its request ends, and nobody else would close it then.
    const idle = setInterval(() => server.closeIdleConnections(), 50);
    server.close(() => {
      clearTimeout(force);
      clearInterval(idle);
      resolve();
    });
  });
}
