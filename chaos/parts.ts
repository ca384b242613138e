// SPDX-License-Identifier: MIT
// What the parts of a run are made of, set up before blocks come by the clock: nothing of it is ever taken back.
import { join } from "node:path";
import { parseEther, Wallet } from "ethers";
import type { ConfigInput } from "../relayer/config/index.ts";
import type { Domain, Hex } from "../relayer/protocol/index.ts";
import { freePort } from "../demo/wire.ts";
import type { PostgresServer } from "../test/support/postgres.ts";
import type { RedisServer } from "../test/support/redis.ts";
import type { ChaosChain } from "./chain.ts";
import { prepareChannels } from "./channels.ts";
import type { SmallDisk } from "./disk.ts";
import { allReady, forTwoLedgers, type Setting, type Step } from "./faults.ts";
import { makeDatabase } from "./ledger.ts";
import { onOneLedger, onTwoLedgers, prepareLoad } from "./load.ts";
import type { Part } from "./part.ts";
import { preparePayments, PRICE } from "./payments.ts";
import { superviseRelayer, type Supervised } from "./relayers.ts";

/** The least that outlives a reorganisation of depth 5. */
const CONFIRMATIONS = 6;
const ETHER = parseEther("100");

/** What all parts share. */
export interface Ground {
  chain: ChaosChain;
  redis: RedisServer;
  postgres: PostgresServer;
  disk: SmallDisk;
  folder: string;
  domain: Domain;
  random: () => number;
  /** Told of everything that has to be ended. */
  closes(what: string, close: () => Promise<unknown>): void;
  /** Told of everything that listens. */
  listens(what: string, url: string): void;
}

/** A part whose relayers are started when its turn comes. */
export interface Prepared {
  launch(): Promise<Part>;
}

interface Place {
  dataDir: string;
  databaseUrl: string;
}

async function configOf({ chain, redis, domain }: Ground, { dataDir, databaseUrl }: Place) {
  const token = await chain.protocol.token.getAddress();
  return ({ port, rpcUrls }: { port: number; rpcUrls: string[] }): ConfigInput => ({
    chain: {
      ...{ chainId: 31337, registry: domain.verifyingContract, rpcUrls, finality: { confirmations: CONFIRMATIONS } },
      ...{ pollMs: 400, cacheMs: 500 },
    },
    fees: { resubmitAfterMs: 4_000 },
    http: { port, requestsPerSecond: 5_000, burst: 5_000 },
    store: { dataDir, databaseUrl },
    queue: { redisUrl: redis.url, aloneAfterMs: 2_000, lockMs: 5_000, reviveAfterMs: 5_000, callsPerMinute: 600 },
    sealing: { policy: { maxCount: 20, patientMs: 500, impatientMs: 1_500 } },
    settlement: { policy: { maxCount: 6, patientMs: 1_000, impatientMs: 2_000 }, sweepMs: 300, retryMs: 250 },
    proofs: { processes: 1 },
    x402: { token, name: "OpenGradient", version: "1", payTo: "any", maxAmount: String(PRICE), waitMs: 8_000 },
    log: "info",
  });
}

async function funded({ chain }: Ground): Promise<{ privateKey: string; address: string }> {
  const sender = Wallet.createRandom();
  await chain.rpc.request("anvil_setBalance", [sender.address, `0x${ETHER.toString(16)}`]);
  return sender;
}

async function launchOne(
  ground: Ground,
  name: string,
  place: Place,
  more: { port: number; key?: string; words?: string[] },
): Promise<Supervised> {
  const { chain, folder } = ground;
  const config = await configOf(ground, place);
  const one = await superviseRelayer({ name, folder, chainUrl: chain.url, config, ...more });
  ground.closes(name, () => one.stop());
  ground.listens(name, one.url);
  return one;
}

const urlOf = (port: number): string => `http://127.0.0.1:${port}`;

/** Two relayers and a worker on one ledger; payments and channels too. */
export async function oneLedger(ground: Ground, steps: Step[], minutes: number | null): Promise<Prepared> {
  const { chain, redis, postgres, disk, domain, random, folder } = ground;
  const { protocol } = chain;
  const sender = await funded(ground);
  const settler = sender.address.toLowerCase() as Hex;
  const ports = [await freePort(), await freePort()];
  const urls = ports.map(urlOf);
  const load = await prepareLoad({ protocol, domain, plans: onOneLedger(urls), settler, label: "chaos" });
  ground.closes("the nodes", () => load.end());
  const payments = await preparePayments(protocol, urls);
  const channels = await prepareChannels({ chain, domain, urls, load, settler, confirmations: CONFIRMATIONS });
  ground.closes("the channels", () => channels.end());
  return {
    async launch() {
      const place = { dataDir: join(folder, "data"), databaseUrl: postgres.url };
      const relayers: Supervised[] = [];
      for (const [i, name] of ["relayer-a", "relayer-b"].entries())
        relayers.push(await launchOne(ground, name, place, { port: ports[i]!, key: sender.privateKey }));
      await allReady({ relayers });
      const worker = await launchOne(ground, "worker", place, { port: await freePort(), words: ["worker"] });
      const granted = { total: 0n };
      const setting: Setting = {
        chain,
        relayers,
        worker,
        redis,
        postgres,
        disk,
        sender: sender.address,
        random,
        granted,
      };
      return {
        title: "Two relayers with one key on one ledger",
        ...{ setting, domain, load, payments, channels, steps, minutes },
        ...{ ledgers: [postgres.url], leaves: [disk.folder] },
        accounts: () => [
          { name: "sender", address: sender.address, balance: ETHER, granted: granted.total },
          channels.account,
        ],
      };
    },
  };
}

/**
 * Two relayers with one key that know nothing of each other: each has a ledger of its own. Nobody should do this, and
 * who moves a relayer to another machine without stopping the first has done it. Nonces collide, batches come twice.
 */
export async function twoLedgers(ground: Ground, matching: RegExp | null, minutes: number | null): Promise<Prepared> {
  const { chain, redis, postgres, disk, domain, random, folder } = ground;
  const { protocol } = chain;
  const sender = await funded(ground);
  const settler = sender.address.toLowerCase() as Hex;
  const ports = [await freePort(), await freePort()];
  const plans = onTwoLedgers([urlOf(ports[0]!), urlOf(ports[1]!)]);
  const load = await prepareLoad({ protocol, domain, plans, settler, label: "chaos, two ledgers" });
  ground.closes("the nodes of two ledgers", () => load.end());
  return {
    async launch() {
      const relayers: Supervised[] = [];
      const ledgers: string[] = [];
      const leaves: string[] = [];
      for (const [i, name] of ["relayer-c", "relayer-d"].entries()) {
        const databaseUrl = await makeDatabase(postgres.url, name.replace("-", "_"));
        const dataDir = join(folder, name);
        ledgers.push(databaseUrl);
        leaves.push(join(dataDir, "leaves"));
        const more = { port: ports[i]!, key: sender.privateKey };
        relayers.push(await launchOne(ground, name, { dataDir, databaseUrl }, more));
      }
      await allReady({ relayers });
      const granted = { total: 0n };
      const setting: Setting = { chain, relayers, redis, postgres, disk, sender: sender.address, random, granted };
      return {
        title: "Two relayers with one key, each with a ledger of its own",
        ...{ setting, domain, load, ledgers, leaves, minutes },
        steps: forTwoLedgers.filter(({ name }) => matching?.test(name) ?? true),
        accounts: () => [{ name: "sender", address: sender.address, balance: ETHER, granted: granted.total }],
      };
    },
  };
}
