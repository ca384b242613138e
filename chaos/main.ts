// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * `npm run chaos`: the real relayer, twice with one key, over a real PostgreSQL, Redis and chain node, is killed, cut off
 * and lied to while nodes hand in thousands of receipts. At the end a judge that reads only the chain says whether every
 * acknowledged receipt settled exactly once. Nothing is done by hand, and nothing is left behind.
 *
 *   npm run chaos                  every fault, in an order of the seed, for about six minutes
 *   npm run chaos -- --short       the most telling ones, once
 *   npm run chaos -- --seed 7      another order; --minutes 60 for a night
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseEther, Wallet } from "ethers";
import type { ConfigInput } from "../relayer/config/index.ts";
import type { Domain, Hex } from "../relayer/protocol/index.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { startRedis } from "../test/support/redis.ts";
import { startChaosChain } from "./chain.ts";
import { smallDisk } from "./disk.ts";
import { allReady, shuffled, steps, type Setting } from "./faults.ts";
import { judge } from "./judge.ts";
import { differences, openWork, unsuccessful } from "./ledger.ts";
import { startLoad, type Load } from "./load.ts";
import { PRICE, startPayments } from "./payments.ts";
import { deadLetters, superviseRelayer, type Supervised } from "./relayers.ts";
import { faultTable, loadTable, table, type Outcome } from "./report.ts";

const { values: options } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    minutes: { type: "string", default: "6" },
    only: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});
const RECOVERY_MS = 180_000;
const DRAIN_MS = 240_000;
const CONFIRMATIONS = 6;

const started = Date.now();
const closers: [string, () => Promise<unknown> | void][] = [];
const violations: string[] = [];
/** Where something listens while the run goes on. */
const ports: [string, number][] = [];
let folder = "";
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const say = (text: string): void => console.log(text);

let closing: Promise<void> | undefined;
const closeAll = (): Promise<void> => (closing ??= closeEach());

/** Ends everything in turn; what cannot be ended is a finding of its own. */
async function closeEach(): Promise<void> {
  for (const [what, close] of closers.splice(0).reverse())
    try {
      await close();
    } catch (error) {
      violations.push(`${what} could not be ended: ${(error as Error).message}`);
    }
}
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void closeAll().then(() => process.exit(130)));
// Whatever goes wrong here, nothing may be left running.
process.on("unhandledRejection", (error) => void fail(error));

async function fail(error: unknown): Promise<void> {
  console.error(error);
  await closeAll();
  process.exit(1);
}

try {
  await main();
} catch (error) {
  violations.push(`the run itself failed: ${(error as Error).stack ?? String(error)}`);
}
await closeAll();
violations.push(...(await leftBehind()));
for (const violation of violations) say(`VIOLATION: ${violation}`);
say(
  violations.length === 0 ? "\nEvery acknowledged receipt settled exactly once." : `\n${violations.length} violations`,
);
process.exit(violations.length === 0 ? 0 : 1);

/** Ports that still answer, and files and mounts that are still there. */
async function leftBehind(): Promise<string[]> {
  const found: string[] = [];
  for (const [what, port] of ports) {
    const answers = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => (socket.destroy(), resolve(true)));
      socket.once("error", () => resolve(false));
    });
    if (answers) found.push(`${what} still listens on port ${port}`);
  }
  const mounts = existsSync("/proc/mounts") ? readFileSync("/proc/mounts", "utf8") : "";
  if (folder !== "" && mounts.includes(folder)) found.push(`a file system is still mounted below ${folder}`);
  if (folder !== "" && !options.keep && existsSync(folder)) found.push(`${folder} is still there`);
  return found;
}

/** Numbers below 1 that follow from a seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function main(): Promise<void> {
  const random = seeded(Number(options.seed));
  folder = mkdtempSync(join(tmpdir(), "opengradient-chaos-"));
  if (!options.keep) closers.push(["its folder", () => rmSync(folder, { recursive: true, force: true })]);
  const disk = smallDisk(join(folder, "data", "leaves"));
  closers.push(["its disk", () => disk.remove()]);
  const postgres = await startPostgres();
  closers.push(["PostgreSQL", () => postgres.stop()]);
  const redis = await startRedis();
  closers.push(["Redis", () => redis.stop()]);
  const chain = await startChaosChain();
  closers.push(["the chain node", () => chain.stop()]);
  const { protocol } = chain;
  const noted = (what: string, url: string): void => void ports.push([what, Number(new URL(url).port)]);
  noted("PostgreSQL", postgres.url);
  noted("Redis", redis.url);
  noted("the chain node", chain.url);
  const registry = (await protocol.registry.getAddress()).toLowerCase() as Hex;
  const domain: Domain = { chainId: 31337n, verifyingContract: registry };
  const sender = Wallet.createRandom();
  await chain.rpc.request("anvil_setBalance", [sender.address, `0x${parseEther("100").toString(16)}`]);
  const token = await protocol.token.getAddress();

  const config = ({ port, rpcUrls }: { port: number; rpcUrls: string[] }): ConfigInput => ({
    chain: {
      ...{ chainId: 31337, registry, rpcUrls, finality: { confirmations: CONFIRMATIONS } },
      ...{ pollMs: 400, cacheMs: 500, requestTimeoutMs: 3_000 },
    },
    fees: { resubmitAfterMs: 4_000 },
    http: { port, requestsPerSecond: 5_000, burst: 5_000 },
    store: { dataDir: join(folder, "data"), databaseUrl: postgres.url },
    queue: { redisUrl: redis.url, aloneAfterMs: 2_000, lockMs: 5_000, reviveAfterMs: 5_000, callsPerMinute: 600 },
    sealing: { policy: { maxCount: 20, patientMs: 500, impatientMs: 1_500 } },
    settlement: { policy: { maxCount: 6, patientMs: 1_000, impatientMs: 2_000 }, sweepMs: 300, retryMs: 250 },
    proofs: { processes: 1 },
    x402: { token, name: "OpenGradient", version: "1", payTo: "any", maxAmount: String(PRICE), waitMs: 8_000 },
    log: "info",
  });
  const relayers: Supervised[] = [];
  const launch = async (name: string, key?: string, words: string[] = []): Promise<Supervised> => {
    const one = await superviseRelayer({ name, folder, chainUrl: chain.url, config, words, ...(key ? { key } : {}) });
    closers.push([name, () => one.stop()]);
    noted(name, one.url);
    return one;
  };
  for (const name of ["relayer-a", "relayer-b"]) relayers.push(await launch(name, sender.privateKey));
  await allReady({ relayers });
  const worker = await launch("worker", undefined, ["worker"]);
  const urls = relayers.map(({ url }) => url);
  // What is set up is in blocks that nothing here takes back.
  const load = await startLoad({ protocol, domain, urls, settler: sender.address.toLowerCase() as Hex });
  closers.push(["the nodes", () => load.end()]);
  const payments = await startPayments(protocol, urls);
  await protocol.networkHelpers.mine(8);
  const fromBlock = 0;
  await chain.startBlocks();
  const granted = { total: 0n };
  const setting: Setting = { chain, relayers, worker, redis, postgres, disk, sender: sender.address, random, granted };
  say(`Two relayers with one key, a worker; seed ${options.seed}; leaves on a ${disk.how} disk. Logs: ${folder}`);
  say(`ready after ${((Date.now() - started) / 1_000).toFixed(0)} s`);

  const outcomes = await inject(setting, load, random);

  say("\nno more faults; everything that was acknowledged has to end");
  await Promise.all([load.stop(), payments.stop()]);
  await drained(postgres.url);
  const verdict = await judge({
    ...{ chain, protocol, domain, fromBlock, payments, leaves: disk.folder },
    ...{ acknowledged: load.acknowledged.receipts, sender: sender.address, balance: parseEther("100") },
    granted: granted.total,
  });
  violations.push(...verdict.violations, ...(await differences(postgres.url, verdict.settled)));
  for (const { work, key, reason } of deadLetters(relayers[0]!))
    violations.push(`dead letter ${work} ${key}: ${reason}`);
  const failed = await unsuccessful(postgres.url);
  const crashes = [...relayers, worker].flatMap((one) => one.crashes);

  await load.end();
  for (const one of [...relayers, worker]) {
    const code = await one.stop();
    if (code !== 0) violations.push(`${one.name} did not end in order: ${code}`);
  }
  say(`\n${faultTable(outcomes)}\n\n${loadTable(load)}\n`);
  say(
    table([
      ["judged by the chain alone", ""],
      ...verdict.figures,
      ["relayers and worker killed", String([...relayers, worker].reduce((sum, one) => sum + one.kills, 0))],
      ["ended by themselves, and started again", String(crashes.length)],
      ["calls that did not succeed", failed.join("; ") || "0"],
    ]),
  );
  for (const crash of new Set(crashes)) say(`  ${crash}`);
  say(`seed ${options.seed}, ${((Date.now() - started) / 1_000).toFixed(0)} s in all`);
}

/** Runs the steps of the profile, each until what came after it is settled. */
async function inject(setting: Setting, load: Load, random: () => number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const chosen = steps.filter(({ name, short }) =>
    options.only ? new RegExp(options.only).test(name) : !options.short || short,
  );
  const end = Date.now() + (options.short || options.only ? 0 : Number(options.minutes) * 60_000);
  await recovery(setting, load);
  const watching: Promise<void>[] = [];
  do {
    for (const step of shuffled(chosen, random)) {
      const { name } = step;
      const at = `${((Date.now() - started) / 1_000).toFixed(0).padStart(4)} s`;
      try {
        await step.run(setting);
        say(`${at}  ${name}`);
        const watched = watch(name, setting, load).then((outcome) => void outcomes.push(outcome));
        watching.push(watched);
        // In the short profile the next fault does not wait until this one is overcome.
        if (options.short) await sleep(1_000);
        else await watched;
      } catch (error) {
        violations.push(`"${name}" could not be done: ${(error as Error).message}`);
      }
      if (watching.length >= chosen.length && Date.now() > end) break;
    }
  } while (Date.now() < end);
  await Promise.all(watching);
  return outcomes;
}

async function watch(name: string, setting: Setting, load: Load): Promise<Outcome> {
  const recovered = await recovery(setting, load);
  if (recovered === null) violations.push(`after "${name}" nothing settled for ${RECOVERY_MS / 1_000} s`);
  return { name, recovered };
}

/** How long it takes from now until a batch that is acknowledged from now on is on the chain. Milliseconds. */
async function recovery({ chain }: Setting, { acknowledged }: Load): Promise<number | null> {
  const from = Date.now();
  const { registry } = chain.protocol;
  while (Date.now() - from < RECOVERY_MS) {
    const fresh = acknowledged.batches.find(({ at }) => at >= from);
    // In a reorganisation the node itself stumbles for a moment; then it is asked again.
    const settledAt = fresh ? await registry.settledAt(fresh.digest).catch(() => 0n) : 0n;
    if (settledAt > 0n) return Date.now() - from;
    await sleep(100);
  }
  return null;
}

/** Waits until the ledger has nothing open. */
async function drained(url: string): Promise<void> {
  const until = Date.now() + DRAIN_MS;
  for (;;) {
    const open = await openWork(url);
    if (open.length === 0) return;
    if (Date.now() > until) {
      for (const { what, state, count } of open) violations.push(`${count} ${what} still ${state}`);
      return;
    }
    await sleep(500);
  }
}
