// SPDX-License-Identifier: MIT
/**
 * What a relayer bears: batches at a fixed rate for a minute, look-ups among a million receipts, proofs by more processes.
 * Relayer, load and database are processes of their own. With PostgreSQL installed it is measured, beside the embedded
 * ledger; both write to disk what they say is there. Everything is removed at the end.
 */
import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sql } from "drizzle-orm";
import { addressOf, keyId as keyIdOf, publicKeyOf, type Hex } from "../relayer/protocol/index.ts";
import { openDatabase, rows, type DatabaseOptions } from "../relayer/store/database.ts";
import type { Made, Order, Ran } from "./load-generator.ts";
import { lookUps, naiveInserts } from "./load-ledger.ts";
import { postgresIfThere } from "./postgres.ts";
import { row, type Row } from "./row.ts";

export interface LoadOptions {
  /** Receipts a second that are offered. */
  rate?: number;
  seconds?: number;
  /** Receipts of a batch. */
  size?: number;
  /** Receipts in the store when look-ups are measured. */
  stored?: number;
  /** With a profile of the relayer in this folder. */
  profile?: string;
}

const RATE = 5_000;
const tsx = ["--import", import.meta.resolve("tsx")];
const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Of what is offered to a PostgreSQL server: the embedded ledger is for smaller ones, as it works in the relayer's own thread. */
const EMBEDDED_SHARE = 0.5;

/** The rows of `npm run bench -- load`. */
export async function load(options: LoadOptions = {}): Promise<Row[]> {
  const all: Row[] = [];
  const server = await postgresIfThere();
  try {
    const rate = (options.rate ?? RATE) * EMBEDDED_SHARE;
    all.push(...(await onLedger("embedded ledger", undefined, { ...options, rate })));
    if (server) all.push(...(await onLedger("PostgreSQL", server.url, options)));
    else console.log("  PostgreSQL is not installed: the embedded ledger alone is measured");
  } finally {
    await server?.stop();
  }
  return all;
}

async function onLedger(where: string, url: string | undefined, options: LoadOptions): Promise<Row[]> {
  const { rate = RATE, seconds = 60, size = 250, stored = 1_000_000, profile } = options;
  const folder = mkdtempSync(join(tmpdir(), "load-"));
  const dataDir = join(folder, "relayer");
  const ledger: DatabaseOptions = { dataDir, url };
  const secret = randomBytes(32);
  const publicKey = publicKeyOf(secret);
  const keyId = keyIdOf(0, publicKey);
  const own: ChildProcess[] = [];
  try {
    const naive = await naiveInserts(ledger);
    const generator = started(program("./load-generator.ts"), [], tsx, own);
    const batches = Math.ceil((rate * seconds) / size);
    const order: Order = {
      do: "make",
      file: join(folder, "bodies"),
      keyId,
      secret: secret.toString("hex"),
      batches,
      size,
    };
    await ask<Made>(generator, order);

    const profiling = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
    const args = [dataDir, keyId, addressOf(publicKey), ...(url === undefined ? [] : [url])];
    const relayer = started(program("./ingest-relayer.ts"), args, [...profiling, "--expose-gc", ...tsx], own);
    const { url: at } = await answer<{ url: string }>(relayer);
    const rss: number[] = [residentOf(relayer.pid!)];
    const watch = setInterval(() => rss.push(residentOf(relayer.pid!)), 5_000);
    const ran = await ask<Ran>(generator, { do: "run", url: at, intervalMs: (1_000 * size) / rate });
    clearInterval(watch);
    rss.push(residentOf(relayer.pid!));
    const { cpu } = await ask<{ cpu: number }>(relayer, "usage");
    await stop(relayer);

    const database = await openDatabase(ledger);
    let lost: number;
    try {
      const [kept] = await rows<{ n: number }>(database.db, sql`select count(*) as n from receipt_index`);
      lost = ran.accepted * size - Number(kept!.n);
    } finally {
      await database.close();
    }
    ran.latencies.sort((a, b) => a - b);
    const at100 = (share: number): number =>
      ran.latencies[Math.min(ran.latencies.length - 1, Math.floor(share * ran.latencies.length))]!;
    const achieved = (ran.accepted * size * 1_000) / ran.tookMs;
    console.log(
      `  ${where}: batches of ${size}, ${rate} receipts/s offered for ${seconds} s; load average ${loadavg()
        .map((one) => one.toFixed(1))
        .join(" ")}; ` +
        `told to come back ${ran.refused} times; memory ${rss.map((bytes) => Math.round(bytes / 1e6)).join(" ")} MB` +
        (ran.failures.length > 0 ? `; failures: ${ran.failures.join(" | ")}` : ""),
    );
    const half = rss.slice(Math.floor(rss.length / 2));
    const found = await lookUps({
      ledger,
      keyId,
      signer: addressOf(publicKey),
      stored,
      start: (extra) => started(program("./ingest-relayer.ts"), [...args.slice(0, 3), ...extra], tsx, own),
      answer,
      stop,
    });
    const name = (what: string): string => `${where}: ${what}`;
    return [
      row(name(`receipts/s, ${rate} offered`), achieved, "receipts/s", "higher", {
        baseline: naive,
        target: rate * 0.98,
      }),
      row(name("acceptance, p50"), at100(0.5), "ms", "lower"),
      row(name("acceptance, p95"), at100(0.95), "ms", "lower"),
      row(name("acceptance, p99"), at100(0.99), "ms", "lower", { target: 250 }),
      row(name("acceptance, longest"), at100(1), "ms", "lower"),
      row(name("batches not accepted"), batches - ran.accepted, "batches", "lower", { target: 0 }),
      row(name("receipts acknowledged and not in the ledger"), Math.abs(lost), "receipts", "lower", { target: 0 }),
      row(name("relayer's processor time a receipt"), cpu / (ran.accepted * size), "µs", "lower"),
      row(
        name("memory, most in the second half above least"),
        (Math.max(...half) - Math.min(...half)) / 1e6,
        "MB",
        "lower",
        { target: 150 },
      ),
      ...found.map((one) => ({ ...one, name: name(one.name) })),
    ];
  } finally {
    for (const child of own) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resident memory as the system sees it: nothing is collected for it. */
function residentOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024;
}

function started(file: string, args: string[], execArgv: string[], own: ChildProcess[]): ChildProcess {
  const child = fork(file, args, { execArgv });
  own.push(child);
  return child;
}

function answer<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`A process of the measurement ended with ${code}`));
    child.once("exit", ended);
    child.once("message", (message) => {
      child.off("exit", ended);
      resolve(message as T);
    });
  });
}

function ask<T>(child: ChildProcess, order: Order | string): Promise<T> {
  const said = answer<T>(child);
  child.send(order);
  return said;
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.send("close");
  await ended;
}

export type Starter = (extra: string[]) => ChildProcess;
export interface LookUpOptions {
  ledger: DatabaseOptions;
  keyId: Hex;
  signer: Hex;
  stored: number;
  start: Starter;
  answer: <T>(child: ChildProcess) => Promise<T>;
  stop: (child: ChildProcess) => Promise<void>;
}
