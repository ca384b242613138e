// SPDX-License-Identifier: MIT
// Receipts a second through POST /v1/batches, over real HTTP into the embedded ledger. The load comes from this
// process, the relayer has its own.
import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { receiptToWire } from "../relayer/api/schemas.ts";
import { makeBatch } from "../relayer/batches/seal.ts";
import {
  addressOf,
  batchDigest,
  keyId as keyIdOf,
  publicKeyOf,
  receiptId,
  signDigest,
  toHex,
  type Domain,
  type Hex,
} from "../relayer/protocol/index.ts";
import { benchReceipt } from "./load-receipts.ts";
import { row, type Row } from "./row.ts";

export interface IngestFigures {
  /** Through POST /v1/batches in batches of 1,000, batch signature and every leaf checked. */
  receiptsPerSecond: number;
  /**
   * Growth of the relayer's resident memory between receipt 20,000 and 200,000, bytes: the most that it rose above
   * any earlier measure, taken every 20,000 after a collection, so that memory of the start given back meanwhile hides nothing.
   */
  rssGrowth: number;
  /** Processor time of the relayer, all threads, microseconds a receipt: what a busy machine does not change. */
  cpuPerReceipt: number;
  /** Through POST /v1/receipts, each signature checked and each committed on its own. */
  singleReceiptsPerSecond: number;
  receipts: number;
  singles: number;
}

export interface IngestOptions {
  /** Receipts in batches; growth is measured from the 20,000th on. */
  receipts?: number;
  singles?: number;
  batchSize?: number;
}

const WARM = 20_000;
const BATCHES_IN_FLIGHT = 3;
const SINGLES_IN_FLIGHT = 8;
const domain: Domain = { chainId: 31337n, verifyingContract: `0x${"11".repeat(20)}` };

/** Runs the measurement; leaves nothing behind. */
export async function measureIngest(options: IngestOptions = {}): Promise<IngestFigures> {
  const { receipts = 200_000, singles = 2_000, batchSize = 1_000 } = options;
  const secret = randomBytes(32);
  const publicKey = publicKeyOf(secret);
  const keyId = keyIdOf(0, publicKey);
  const dataDir = mkdtempSync(join(tmpdir(), "ingest-"));
  const child = fork(
    fileURLToPath(new URL("./ingest-relayer.ts", import.meta.url)),
    [dataDir, keyId, addressOf(publicKey)],
    {
      execArgv: ["--expose-gc", "--import", import.meta.resolve("tsx")],
    },
  );
  try {
    const { url } = await answer<{ url: string }>(child);
    const usage = (): Promise<{ rss: number; cpu: number }> => {
      child.send("usage");
      return answer(child);
    };
    // Everything that a node does is done beforehand. Single signatures inside a batch are kept unread by the
    // relayer, so random bytes stand for them.
    const make = (count: number): Buffer[] =>
      Array.from({ length: count / batchSize }, () => signedBatch(keyId, secret, batchSize));
    let spent = 0;
    const run = async (bodies: Buffer[]): Promise<void> => {
      const start = performance.now();
      await post(`${url}/v1/batches`, bodies, BATCHES_IN_FLIGHT);
      spent += performance.now() - start;
    };
    await run(make(WARM));
    spent = 0;
    const before = await usage();
    let lowest = before.rss;
    let rssGrowth = 0;
    // In portions, so that the load generator's own memory stays small.
    for (let done = WARM; done < receipts; done += WARM) {
      await run(make(Math.min(WARM, receipts - done)));
      const { rss } = await usage();
      rssGrowth = Math.max(rssGrowth, rss - lowest);
      lowest = Math.min(lowest, rss);
    }
    const after = await usage();
    const cpuPerReceipt = (after.cpu - before.cpu) / (receipts - WARM);
    const receiptsPerSecond = (receipts - WARM) / (spent / 1000);

    const bodies = Array.from({ length: singles }, () => signedReceipt(keyId, secret));
    const start = performance.now();
    await post(`${url}/v1/receipts`, bodies, SINGLES_IN_FLIGHT);
    const singleReceiptsPerSecond = singles / ((performance.now() - start) / 1000);
    return { receiptsPerSecond, rssGrowth, cpuPerReceipt, singleReceiptsPerSecond, receipts, singles };
  } finally {
    await stop(child);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** The figures as rows of the results, with the targets that they are held to. */
export async function ingestion(options: IngestOptions = {}): Promise<Row[]> {
  const figures = await measureIngest(options);
  return [
    row("receipts in signed batches of 1,000", figures.receiptsPerSecond, "receipts/s", "higher", { target: 5_000 }),
    row("receipts one by one", figures.singleReceiptsPerSecond, "receipts/s", "higher"),
    row("relayer's processor time a batched receipt", figures.cpuPerReceipt, "µs", "lower"),
    row("memory that stays, receipt 20,000 to 200,000", figures.rssGrowth / 1e6, "MB", "lower", { target: 50 }),
  ];
}

function signedBatch(keyId: Hex, secret: Uint8Array, size: number): Buffer {
  const receipts = Array.from({ length: size }, () => benchReceipt(keyId));
  const { batch } = makeBatch(domain, receipts, `0x${"55".repeat(20)}`);
  const signature = signDigest(secret, batchDigest(domain, batch));
  const signed = receipts.map((one) => ({ receipt: receiptToWire(one), signature: toHex(randomBytes(65)) }));
  return Buffer.from(JSON.stringify({ batch, signature, receipts: signed }));
}

function signedReceipt(keyId: Hex, secret: Uint8Array): Buffer {
  const one = benchReceipt(keyId);
  return Buffer.from(
    JSON.stringify({ receipt: receiptToWire(one), signature: signDigest(secret, receiptId(domain, one)) }),
  );
}

/** Posts all bodies, a few at once; throws at the first that is not newly accepted. */
async function post(url: string, bodies: Buffer[], inFlight: number): Promise<void> {
  let next = 0;
  const sender = async (): Promise<void> => {
    while (next < bodies.length) {
      const body = new Uint8Array(bodies[next++]!);
      const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
      const text = await response.text();
      if (response.status !== 201) throw new Error(`POST ${url} answered ${response.status}: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, sender));
}

function answer<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`The relayer ended with code ${code}`));
    child.once("exit", ended);
    child.once("message", (message) => {
      child.off("exit", ended);
      resolve(message as T);
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || !child.connected) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.send("close");
  const force = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await ended;
  clearTimeout(force);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const figures = await measureIngest({ receipts: Number(process.argv[2] ?? 200_000) });
  console.log(`batches of 1,000:  ${figures.receiptsPerSecond.toFixed(0)} receipts/s`);
  console.log(`processor time:    ${figures.cpuPerReceipt.toFixed(0)} µs a receipt`);
  console.log(
    `memory growth:     ${(figures.rssGrowth / 1e6).toFixed(1)} MB from receipt 20,000 to ${figures.receipts}`,
  );
  console.log(`one by one:        ${figures.singleReceiptsPerSecond.toFixed(0)} receipts/s`);
}
