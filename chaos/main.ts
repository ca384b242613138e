// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * `npm run chaos`: the real relayer, twice with one key, over a real PostgreSQL, Redis and chain node, is killed, cut off
 * and lied to while nodes hand in thousands of receipts. At the end a judge that reads only the chain says whether every
 * acknowledged receipt settled exactly once. Nothing is done by hand, and nothing is left behind.
 *
 *   npm run chaos                  every fault, in an order of the seed, for about six minutes; then two ledgers, one key
 *   npm run chaos -- --short       the most telling ones, once
 *   npm run chaos -- --seed 7      another order; --minutes 60 for a night
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Hex } from "../relayer/protocol/index.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { startRedis } from "../test/support/redis.ts";
import { startChaosChain } from "./chain.ts";
import { smallDisk } from "./disk.ts";
import { steps } from "./faults.ts";
import { runPart, type Listener } from "./part.ts";
import { oneLedger, twoLedgers, type Ground, type Prepared } from "./parts.ts";

const { values: options } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    minutes: { type: "string" },
    only: { type: "string" },
    part: { type: "string" },
    limit: { type: "string" },
    patience: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});
/** Of the whole time that a full run takes, the share of the part with two ledgers. */
const TWO_LEDGERS_SHARE = 0.2;
const MINUTES = 6;
/** After so long a run is given up; beside its faults everything has to start, to end, and to be judged. */
const LIMIT_MINUTES = 15;
const BESIDE_MINUTES = 9;
const CLOSE_MS = 60_000;

const started = Date.now();
const closers: [string, () => Promise<unknown> | void][] = [];
const violations: string[] = [];
/** Where something listens while the run goes on. */
const ports: [string, number][] = [];
let folder = "";
let phase = "the start";
const say = (text: string): void => console.log(text);
const seconds = (): number => (Date.now() - started) / 1_000;

let closing: Promise<void> | undefined;
const closeAll = (): Promise<void> => (closing ??= closeEach());

/** Ends everything in turn; what cannot be ended in time is a finding of its own. */
async function closeEach(): Promise<void> {
  for (const [what, close] of closers.splice(0).reverse()) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`it takes more than ${CLOSE_MS / 1_000} s`)), CLOSE_MS);
    });
    try {
      await Promise.race([close(), late]);
    } catch (error) {
      violations.push(`${what} could not be ended: ${(error as Error).message}`);
    } finally {
      clearTimeout(timer);
    }
  }
}
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void closeAll().then(() => process.exit(130)));
// Whatever goes wrong here, nothing may be left running.
process.on("unhandledRejection", (error) => void (closing === undefined && fail(error)));

async function fail(error: unknown): Promise<void> {
  console.error(error);
  await closeAll();
  process.exit(1);
}

const minutes = options.minutes === undefined ? null : Number(options.minutes);
const faultMinutes = options.short ? 0 : (minutes ?? (options.only === undefined ? MINUTES : 0));
const limitMinutes =
  options.limit === undefined ? Math.max(LIMIT_MINUTES, faultMinutes + BESIDE_MINUTES) : Number(options.limit);
if (![faultMinutes, limitMinutes, Number(options.patience ?? 0)].every((value) => value >= 0))
  throw new Error("--minutes, --limit and --patience take numbers");

class OutOfTime extends Error {}
const limit = new Promise<never>((_, reject) => {
  const late = (): void =>
    reject(new OutOfTime(`${limitMinutes} minutes are over, and it was at ${phase}; --limit gives it more`));
  setTimeout(late, limitMinutes * 60_000).unref();
});
try {
  await Promise.race([main(), limit]);
} catch (error) {
  violations.push(`the run did not come to its end: ${(error as Error).message}`);
  if (!(error instanceof OutOfTime)) console.error((error as Error).stack);
}
await closeAll();
violations.push(...(await leftBehind()));
say(`\nseed ${options.seed}, ${seconds().toFixed(0)} s in all\n`);
for (const violation of violations) say(`VIOLATION: ${violation}`);
say(violations.length === 0 ? "Every acknowledged receipt settled exactly once." : `\n${violations.length} violations`);
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
  const listens = (what: string, url: string): void => void ports.push([what, Number(new URL(url).port)]);
  listens("PostgreSQL", postgres.url);
  listens("Redis", redis.url);
  listens("the chain node", chain.url);
  const registry = (await chain.protocol.registry.getAddress()).toLowerCase() as Hex;
  const ground: Ground = {
    ...{ chain, redis, postgres, disk, folder, random, listens },
    domain: { chainId: 31337n, verifyingContract: registry },
    closes: (what, close) => void closers.push([what, close]),
  };
  const parts = await prepare(ground);
  await chain.protocol.networkHelpers.mine(8);
  await chain.startBlocks();

  say(`Two relayers with one key, a worker; seed ${options.seed}; leaves on a ${disk.how} disk. Logs: ${folder}`);
  const to: Listener = {
    ...{ say, seconds },
    at: (what) => void (phase = what),
    violation: (text) => void violations.push(text),
  };
  for (const { launch } of parts) {
    phase = "the start of relayers";
    const part = await launch();
    say(`\n${part.title}: ready after ${seconds().toFixed(0)} s`);
    await runPart(part, to, options.patience === undefined ? undefined : Number(options.patience) * 1_000);
  }
}

/** The parts that the words ask for. */
async function prepare(ground: Ground): Promise<Prepared[]> {
  const matching = options.only === undefined ? null : new RegExp(options.only);
  const chosen = steps.filter(({ name, short }) => matching?.test(name) ?? (!options.short || short));
  const time = (share: number): number | null => (faultMinutes === 0 ? null : faultMinutes * share);
  const wanted = (name: string): boolean =>
    options.part === undefined ? name === "one-ledger" || (!options.short && matching === null) : options.part === name;
  const parts: Prepared[] = [];
  if (wanted("one-ledger")) parts.push(await oneLedger(ground, chosen, time(1)));
  if (wanted("two-ledgers")) parts.push(await twoLedgers(ground, matching, time(TWO_LEDGERS_SHARE)));
  if (parts.length === 0) throw new Error("--part is one-ledger or two-ledgers");
  return parts;
}
