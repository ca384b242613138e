// SPDX-License-Identifier: MIT
// A process that hands in batches at a fixed rate, whatever the relayer does: a batch that had to wait for its turn was
// late from when it was due, so that a relayer that stands still cannot slow down who measures it. What is handed in was
// signed beforehand and lies on disk.
import { randomBytes } from "node:crypto";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { Agent, request } from "node:http";
import { receiptToWire } from "../relayer/api/schemas.ts";
import { makeBatch } from "../relayer/batches/seal.ts";
import { batchDigest, signDigest, toHex, type Domain, type Hex } from "../relayer/protocol/index.ts";
import { benchReceipt } from "./load-receipts.ts";

export type Order =
  | { do: "make"; file: string; keyId: Hex; secret: string; batches: number; size: number }
  | { do: "run"; url: string; intervalMs: number };
export interface Made {
  bytes: number;
}
export interface Ran {
  /** From when each batch was due to when it was answered as durable, milliseconds. */
  latencies: number[];
  /** Batches that were told to come back, each time. */
  refused: number;
  /** Anything but acceptance in the end; the first of them. */
  failures: string[];
  /** Batches answered with 201. */
  accepted: number;
  tookMs: number;
}

const domain: Domain = { chainId: 31337n, verifyingContract: `0x${"11".repeat(20)}` };
const PATIENCE_MS = 60_000;
let file = "";
const places: { at: number; length: number }[] = [];

function make(order: Order & { do: "make" }): Made {
  const secret = Buffer.from(order.secret, "hex");
  file = order.file;
  const out = openSync(file, "w");
  let at = 0;
  for (let n = 0; n < order.batches; n++) {
    const receipts = Array.from({ length: order.size }, () => benchReceipt(order.keyId));
    const { batch } = makeBatch(domain, receipts, `0x${"55".repeat(20)}`);
    const signature = signDigest(secret, batchDigest(domain, batch));
    // Signatures of single receipts are kept unread in a batch, so random bytes stand for them.
    const signed = receipts.map((one) => ({ receipt: receiptToWire(one), signature: toHex(randomBytes(65)) }));
    const bytes = Buffer.from(JSON.stringify({ batch, signature, receipts: signed }));
    writeSync(out, bytes);
    places.push({ at, length: bytes.length });
    at += bytes.length;
  }
  closeSync(out);
  return { bytes: at };
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

function post(url: string, body: Buffer): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": body.length };
    const sent = request(`${url}/v1/batches`, { method: "POST", headers, agent }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode!, text }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function run({ url, intervalMs }: Order & { do: "run" }): Promise<Ran> {
  const ran: Ran = { latencies: [], refused: 0, failures: [], accepted: 0, tookMs: 0 };
  const source = openSync(file, "r");
  const start = performance.now() + 200;
  const one = async (n: number): Promise<void> => {
    const due = start + n * intervalMs;
    const { at, length } = places[n]!;
    const body = Buffer.alloc(length);
    readSync(source, body, 0, length, at);
    for (;;) {
      const answer = await post(url, body).catch((error: Error) => ({ status: 0, text: error.message }));
      if (answer.status === 503 && performance.now() - due < PATIENCE_MS) {
        ran.refused++;
        await new Promise((resolve) => setTimeout(resolve, 100 + 100 * Math.random()));
        continue;
      }
      ran.latencies.push(performance.now() - due);
      if (answer.status === 201) ran.accepted++;
      else if (ran.failures.push(`${answer.status} ${answer.text.slice(0, 200)}`) > 10) ran.failures.length = 10;
      return;
    }
  };
  const sent: Promise<void>[] = [];
  for (let n = 0; n < places.length; n++) {
    const wait = start + n * intervalMs - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    sent.push(one(n));
  }
  await Promise.all(sent);
  ran.tookMs = performance.now() - start;
  closeSync(source);
  return ran;
}

process.on("message", (order: Order) => {
  if (order.do === "make") process.send!(make(order));
  else void run(order).then((ran) => process.send!(ran));
});
process.on("disconnect", () => process.exit(0));
