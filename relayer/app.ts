// SPDX-License-Identifier: GPL-3.0-or-later
// Where the parts of a relayer are put together; nothing else knows all of them.
import { createAdaptorServer } from "@hono/node-server";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createApi } from "./api/api.ts";
import { createDoor } from "./api/door.ts";
import { connectionLimit } from "./api/limits.ts";
import { createMetrics } from "./api/metrics.ts";
import { createSealWaiting } from "./api/seal-waiting.ts";
import { createDeadlines } from "./batches/deadlines.ts";
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
import { measurePayments } from "./facilitator/metrics.ts";
import { checkOffers, logOffers } from "./facilitator/offer.ts";
import { createFacilitator, tokenDomain } from "./facilitator/service.ts";
import { paymentListener } from "./facilitator/watcher.ts";
import { costListener } from "./operator/cost.ts";
import { measureOperation } from "./operator/metrics.ts";
import { operatorParts } from "./operator/parts.ts";
import { startProbe } from "./operator/probe.ts";
import { startTracing, traceCalls, traceWorks } from "./operator/tracing.ts";
import type { Domain, Hex } from "./protocol/index.ts";
import { publicationMetrics } from "./publication/metrics.ts";
import { publishWork } from "./publication/publish.ts";
import { republishWork } from "./publication/republish.ts";
import { createPublications, republishTimes } from "./publication/stores.ts";
import { createGatewayReader } from "./opengradient/reader.ts";
import { createGateways } from "./opengradient/service.ts";
import { createQueue, startDashboard } from "./queues.ts";
import { createReconciliation } from "./reconcile/service.ts";
import { settlementSink } from "./settlement/follow.ts";
import { sealWork } from "./settlement/seal.ts";
import { settleWork } from "./settlement/settle.ts";
import { verifyWork } from "./settlement/verify.ts";
import { openDatabase } from "./store/database.ts";
import { countPayments } from "./store/payments.ts";
import type { ItemRef } from "./store/settlement.ts";
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
    const publications = createPublications(config);
    const published = publicationMetrics();
    const rpc = createRpc({ urls: at.rpcUrls, chainId: at.chainId, timeoutMs: at.requestTimeoutMs });
    const domain: Domain = { chainId: BigInt(at.chainId), verifyingContract: at.registry };
    const chain = parts.chain ?? (await createChainReader({ rpc, domain, ttlMs: at.cacheMs }));
    const offers = config.x402 && (await checkOffers(rpc, tokenDomain(config.x402, at.chainId), config.x402.permit2));
    if (offers) logOffers(offers, log);
    const gatewayReader =
      config.opengradient &&
      (await createGatewayReader({ rpc, registry: at.registry, ...config.opengradient, ttlMs: at.cacheMs }));
    const database = await openDatabase({ dataDir: config.store.dataDir, url: config.store.databaseUrl });
    closers.push(() => database.close());
    const { db } = database;
    const tracing = await startTracing();
    closers.push(() => tracing.close());
    const { processes, timeoutMs } = config.proofs;
    const pool = createProofPool({ timeoutMs, ...(processes ? { processes } : {}) });
    closers.push(() => pool.close());
    const verifiers = evidenceVerifiers(chain, pool);
    const bounds = { maxGas: settlement.maxGas, maxBytes: settlement.maxBytes };
    const sealWaiting = createSealWaiting();
    const wake = (work: string, key: string): void => queue.wake(work, key);
    const wakeSettle = (): void => wake("settle", "all");
    const ready = ({ table, id }: ItemRef): void => (table === "batches" ? wake("publish", String(id)) : wakeSettle());

    const gateways =
      config.opengradient &&
      createGateways({
        ...{
          db,
          rpc,
          chain,
          reader: gatewayReader!,
          config: config.opengradient,
          chainId: at.chainId,
          bounds,
          sender: signer.address,
          log,
        },
        ...{ finality: at.finality, cacheMs: at.cacheMs },
        ...{ retryMs: settlement.retryMs, sweepMs: settlement.sweepMs, wake: (work) => wake(work, "all") },
      });

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
        costListener(db),
        ...(tracing.on ? [traceCalls(tracing)] : []),
        ...(gateways ? [gateways.listener] : []),
      ]),
      log,
    });
    const deadlines =
      config.requests && createDeadlines({ ...config.requests, requests: config.requests.address, rpc, log });
    if (deadlines) {
      deadlines.start();
      closers.push(() => deadlines.stop());
    }
    const timing = { retryMs: settlement.retryMs, sweepMs: settlement.sweepMs };
    const works = {
      verify: verifyWork({ db, domain, verifiers, concurrency: 4, ...timing, verified: ready, log }),
      seal: sealWork({
        ...{ db, chain, policy: sealing.policy, aloneAfterMs: sealing.aloneAfterMs, sweepMs: settlement.sweepMs },
        ...{ deadlines, aloneMarginMs: settlement.policy.marginMs },
        settler: sealing.settler ?? (signer.address.toLowerCase() as Hex),
        offered: (keyId) => sealWaiting.offered(keyId),
        wentAlone: wakeSettle,
      }),
      publish: publishWork({
        ...{ db, publications, concurrency: 4, ...timing, published: wakeSettle, log },
      }),
      republish: republishWork({
        ...{ db, publications, ...republishTimes(config), retryMs: 60_000, log },
        renewed: published.renewed,
      }),
      settle: {
        rate: { max: config.queue.callsPerMinute, durationMs: 60_000 },
        ...settleWork({
          ...{ db, chain, policy: settlement.policy, deadlines, bounds, sender: signer.address, ...timing, log },
          finalTime: () => finalTime(rpc, at.finality),
          blockTimes: () => blockTimes(rpc),
          submitted: (ids) => {
            tracing.note({ "item.ids": [...ids] });
            wake("send", "all");
          },
        }),
      },
      send: { concurrency: 1, sweepMs: at.pollMs, find: async () => ["all"], run: () => manager.tick() },
      ...gateways?.works,
    };
    const queue = await createQueue(config, traceWorks(works, tracing, db), log);
    closers.push(() => queue.close());
    const dashboard = await startDashboard(config, queue);
    if (dashboard) closers.push(() => dashboard.close());

    const twinFees = config.twinMarket && createTwinFees({ ...config.twinMarket, chainId: at.chainId, rpc, log });
    if (twinFees) {
      twinFees.start();
      closers.push(() => twinFees.stop());
    }

    const metrics = createMetrics({ works: () => queue.health() });
    const reconciliation = config.reconcile && createReconciliation({ config, db, rpc, chain, log });
    if (reconciliation) {
      reconciliation.start();
      closers.push(() => reconciliation.stop());
    }

    const facilitator =
      config.x402 &&
      createFacilitator({
        ...{ db, rpc, chainId: at.chainId, config: config.x402, offers: offers!, finality: at.finality, log },
        sender: signer.address.toLowerCase() as Hex,
        submitted: () => wake("send", "all"),
        observe: measurePayments(metrics.registry, () => countPayments(db)),
      });

    const probe = startProbe(rpc, signer.address, PROBE_MS);
    closers.push(() => probe.stop());
    const operation = operatorParts({ db, rpc, chainId: at.chainId, sender: signer.address, queue, manager, probe });
    measureOperation(metrics.registry, operation.measured);
    twinFees?.measure(metrics.registry);
    published.measure(metrics.registry, db);
    gateways?.measure(metrics.registry);
    deadlines?.measure(metrics.registry);
    gateways?.start();
    reconciliation?.measure(metrics.registry);
    const api = createApi({
      ...{ db, chain, verifiers, metrics, sealWaiting, wake, log },
      door: createDoor({ chain, verifiers, bounds }),
      ready: async () => {
        await database.ping();
        const shares = "alone" in queue && { queue: queue.alone() ? "alone" : "shared" };
        return { head: (await chain.head()).number, endpoints: rpc.health(), ...shares };
      },
      twinFees: twinFees?.feed,
      facilitator,
      gateways: gateways && { ...gateways, heartbeatWaitMs: config.opengradient!.heartbeatWaitMs },
      health: () => ({
        ...{ works: queue.health(), transactions: manager.health() },
        ...(twinFees ? { twinFees: twinFees.health() } : {}),
        ...(reconciliation ? { reconciliation: reconciliation.health() } : {}),
      }),
      operator: { ...operation.api, wake },
      tracing,
      submissionKeys: http.submissionKeys,
      corsOrigins: http.corsOrigins,
      bounds: http,
      rate: { perSecond: http.requestsPerSecond, burst: http.burst },
      timeoutMs: http.timeoutMs,
    });
    const server = createAdaptorServer({
      fetch: api.fetch,
      // How often slow connections are looked for.
      serverOptions: { connectionsCheckingInterval: 5_000, maxHeaderSize: maxHeaderSize(config) },
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
      gateways?.close();
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

/** How often nodes and account are looked at for metrics. */
const PROBE_MS = 15_000;
const MAX_CONNECTIONS = 4_000;
const MAX_HEADERS = 16_384;
/** Gateways send whole answers in a header. A little more is let in, so that a refusal can say what is too large. */
const maxHeaderSize = ({ opengradient }: Config): number => MAX_HEADERS + (opengradient?.maxDataBytes ?? 0);
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
