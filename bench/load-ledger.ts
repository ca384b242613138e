// SPDX-License-Identifier: MIT
import { Agent, request } from "node:http";
import { sql } from "drizzle-orm";
import { randomBytes } from "node:crypto";
import { makeBatch, packSignatures } from "../relayer/batches/seal.ts";
import { batchDigest, toHex, type Domain, type Hex } from "../relayer/protocol/index.ts";
import { insertBatch } from "../relayer/store/batches.ts";
import { openDatabase, rows, type Database, type DatabaseOptions } from "../relayer/store/database.ts";
import { findReceipt } from "../relayer/store/receipts.ts";
import { benchReceipt } from "./load-receipts.ts";
import type { LookUpOptions } from "./load.ts";
import { row, type Row } from "./row.ts";

const domain: Domain = { chainId: 31337n, verifyingContract: `0x${"11".repeat(20)}` };
const SIZE = 1_000;
const LOOK_UPS = 6_000;
/** Of them are not counted: a relayer runs for longer than its code takes to be compiled. */
const FIRST = 2_000;
const NAIVE_MS = 3_000;

/** What it is held against: a row a receipt, each committed by itself, nothing checked, as a first version would do it. */
export async function naiveInserts(ledger: DatabaseOptions): Promise<number> {
  const { db, close } = await openDatabase(ledger);
  try {
    await db.execute(
      sql`create table naive (receipt_id bytea primary key, leaf bytea not null, signature bytea not null)`,
    );
    const start = performance.now();
    let count = 0;
    for (; performance.now() - start < NAIVE_MS; count++) {
      const [id, leaf, signature] = [randomBytes(32), randomBytes(213), randomBytes(65)];
      await db.execute(sql`insert into naive values (${id}, ${leaf}, ${signature})`);
    }
    const rate = (count * 1_000) / (performance.now() - start);
    await db.execute(sql`drop table naive`);
    return rate;
  } finally {
    await close();
  }
}

/** Brings the store to so many receipts, by the path that acceptance takes after the door. */
async function fill(db: Database, keyId: Hex, stored: number): Promise<void> {
  const [known] = await rows<{ n: number }>(db, sql`select count(*) as n from receipt_index`);
  for (let n = Number(known!.n); n < stored; n += SIZE) {
    const receipts = Array.from({ length: SIZE }, () => benchReceipt(keyId));
    const { batch, document, receiptIds, paths } = makeBatch(domain, receipts, `0x${"55".repeat(20)}`);
    const signature = toHex(randomBytes(65));
    const signatures = packSignatures(receipts.map(() => signature));
    await insertBatch(db, {
      ...{ batch, digest: batchDigest(domain, batch), signature, document, signatures, receiptIds, paths },
      ...{ state: "verified", receivedAt: Date.now() },
    });
  }
}

function percentiles(times: number[]): { p50: number; p99: number } {
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(times.length / 2)]!, p99: times[Math.floor(times.length * 0.99)]! };
}

/** Look-ups of random receipts among many, by the query and over HTTP. */
export async function lookUps({ ledger, keyId, stored, start, answer, stop }: LookUpOptions): Promise<Row[]> {
  const database = await openDatabase(ledger);
  let ids: Hex[];
  let queried: { p50: number; p99: number };
  let scanned: number;
  try {
    const { db } = database;
    await fill(db, keyId, stored);
    // As those that a relayer has worked for a month: a million that all wait to be published would keep it busy meanwhile.
    await db.execute(sql`update batches set state = 'final', settled_at = received_at`);
    // What filling leaves for the server to do would be measured otherwise: nobody hands in a million receipts at once.
    await db.execute(sql`vacuum analyze`);
    await db.execute(sql`checkpoint`);
    const any = sql`select receipt_id from receipt_index order by random() limit ${LOOK_UPS}`;
    ids = (await rows<{ receipt_id: Uint8Array }>(db, any)).map((one) => toHex(one.receipt_id));
    const pick = (): Hex => ids[Math.floor(Math.random() * ids.length)]!;
    const plan = await rows<{ "QUERY PLAN": string }>(
      db,
      sql`explain select batch_id, position from receipt_index where receipt_id = ${Buffer.from(pick().slice(2), "hex")}`,
    );
    const text = plan.map((line) => line["QUERY PLAN"]).join(" ");
    if (!/Index(?: Only)? Scan|Bitmap Index Scan/.test(text)) throw new Error(`No index is used: ${text}`);
    const times: number[] = [];
    for (let n = 0; n < LOOK_UPS; n++) {
      const [id, from] = [pick(), performance.now()];
      if (!(await findReceipt(db, id))) throw new Error(`${id} is not found`);
      if (n >= FIRST) times.push(performance.now() - from);
    }
    queried = percentiles(times);
    // Beside it, what one look-up costs that finds no index.
    const from = performance.now();
    await db.execute(
      sql`select count(*) from receipt_index where receipt_id || '' = ${Buffer.from(pick().slice(2), "hex")}`,
    );
    scanned = performance.now() - from;
  } finally {
    await database.close();
  }
  const relayer = start(ledger.url === undefined ? [] : [ledger.url]);
  const { url } = await answer<{ url: string }>(relayer);
  const asked = await timed(url, () => `/v1/receipts/${ids[Math.floor(Math.random() * ids.length)]!}`);
  // Beside it, what a request costs for which nothing is looked up: this machine's part.
  const nothing = await timed(url, () => "/healthz");
  await stop(relayer);
  const among = `among ${stored.toLocaleString("en")} receipts`;
  // The embedded ledger shares one thread with all else: what is promised of it is the query, mostly.
  const promised = ledger.url === undefined ? {} : { target: 5 };
  return [
    row(`look-up by the query ${among}, p50`, queried.p50, "ms", "lower", { baseline: scanned, target: 5 }),
    row(`look-up by the query ${among}, p99`, queried.p99, "ms", "lower", promised),
    row(`look-up over HTTP with its opening ${among}, p50`, asked.p50, "ms", "lower", {
      ...promised,
      baseline: nothing.p50,
    }),
    // No promise: where a request that looks nothing up takes 5 ms at the 99th percentile, the machine is measured.
    row(`look-up over HTTP with its opening ${among}, p99`, asked.p99, "ms", "lower", { baseline: nothing.p99 }),
  ];
}

async function timed(url: string, path: () => string): Promise<{ p50: number; p99: number }> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  for (let n = 0; n < LOOK_UPS; n++) {
    const from = performance.now();
    const status = await get(url + path(), agent);
    if (status !== 200) throw new Error(`${url} answered with ${status}`);
    if (n >= FIRST) times.push(performance.now() - from);
  }
  agent.destroy();
  return percentiles(times);
}

function get(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode!));
    })
      .on("error", reject)
      .end();
  });
}
