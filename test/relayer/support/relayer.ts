// SPDX-License-Identifier: MIT
// A relayer with real HTTP, a real database and real child processes; only what it reads of the chain is held here.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRelayer, type Relayer } from "../../../relayer/app.ts";
import { receiptToWire } from "../../../relayer/api/schemas.ts";
import { makeBatch } from "../../../relayer/batches/seal.ts";
import { ChainUnavailable } from "../../../relayer/chain/errors.ts";
import type { ChainReader, MeasurementState, ModelState, SigningKey } from "../../../relayer/chain/reader.ts";
import { parseConfig, type ConfigInput } from "../../../relayer/config/index.ts";
import * as protocol from "../../../relayer/protocol/index.ts";
import type { Batch, Domain, Hex, Receipt } from "../../../relayer/protocol/index.ts";

export const domain: Domain = { chainId: 31337n, verifyingContract: `0x${"11".repeat(20)}` };
export const NEVER = 2n ** 256n - 1n;
export const nowSeconds = (): bigint => BigInt(Math.floor(Date.now() / 1000));
export const random = (bytes = 32): Hex => protocol.toHex(randomBytes(bytes));
const DAY = 86_400n;

/** A key pair as a node holds it. */
export function makeKey(kind: number = protocol.KeyKind.OPERATOR) {
  const secret = randomBytes(32);
  const publicKey = protocol.publicKeyOf(secret);
  const sign = (digest: Hex): Hex => protocol.signDigest(secret, digest);
  return { keyId: protocol.keyId(kind, publicKey), signer: protocol.addressOf(publicKey), kind, sign };
}
export type Key = ReturnType<typeof makeKey>;

/** What the chain is to say. */
export function makeChain() {
  const keys = new Map<Hex, SigningKey>();
  const models = new Map<Hex, ModelState>();
  const verifyingKeys = new Map<Hex, Uint8Array>();
  const measurements = new Map<string, MeasurementState>();
  const settled = new Map<Hex, bigint>();
  const state = { down: false, baseFeePerGas: 10n };
  const ask = async <T>(answer: () => T): Promise<T> => {
    if (state.down) throw new ChainUnavailable("eth_call", [new Error("connection refused")]);
    return answer();
  };
  const reader: ChainReader = {
    domain,
    signingKey: (keyId) => ask(() => keys.get(keyId) ?? null),
    modelState: (modelId) => ask(() => models.get(modelId) ?? null),
    verifyingKey: (modelId) => ask(() => verifyingKeys.get(modelId) ?? null),
    measurementState: (keyId, modelId) => ask(() => measurements.get(`${keyId} ${modelId}`) ?? null),
    settledAt: (id) => ask(() => settled.get(id) ?? 0n),
    verification: () =>
      ask(() => {
        throw new Error("the relayer never asks for a verdict");
      }),
    settlementStatus: () => ask(() => ({ pausedUntil: 0n, closesAt: 0n })),
    head: () => ask(() => ({ number: 1, timestamp: nowSeconds(), baseFeePerGas: state.baseFeePerGas })),
  };
  return {
    ...{ reader, state, keys, models, verifyingKeys, measurements, settled },
    addKey(key: Key, over: Partial<SigningKey> = {}): Key {
      const validity = { validFrom: nowSeconds() - 30n * DAY, validUntil: nowSeconds() + 30n * DAY };
      const { signer, kind } = key;
      keys.set(key.keyId, { signer, kind, ...validity, distrustedFrom: NEVER, frozenUntil: 0n, ...over });
      return key;
    },
    addModel(modes: number, over: Partial<ModelState> = {}): Hex {
      const modelId = random();
      models.set(modelId, {
        ...{ modes, verifier: protocol.ZERO_ADDRESS, distrustedFrom: NEVER, frozenUntil: 0n },
        ...{ verifierDistrustedFrom: NEVER, verifierFrozenUntil: 0n, blockedFrom: NEVER, ...over },
      });
      return modelId;
    },
  };
}

export function makeReceipt(key: Pick<Key, "keyId">, modelId: Hex, over: Partial<Receipt> = {}): Receipt {
  return {
    ...{ requestId: random(), modelId, inputHash: random(), outputHash: random(), outputScheme: 0 },
    ...{ contextHash: protocol.ZERO_HASH, keyId: key.keyId, payer: random(20), sequence: 0n },
    ...{ cumulativeFee: 10n ** 16n, completedAt: nowSeconds(), mode: 0, ...over },
  };
}

/** Body of POST /v1/receipts. */
export function receiptBody(key: Key, receipt: Receipt) {
  return { receipt: receiptToWire(receipt), signature: key.sign(protocol.receiptId(domain, receipt)) };
}

/** Body of POST /v1/batches, changed before it is signed by `over`. */
export function batchBody(key: Key, receipts: Receipt[], over: Partial<Batch> = {}) {
  const batch = { ...makeBatch(domain, receipts, `0x${"55".repeat(20)}`).batch, ...over };
  const digest = protocol.batchDigest(domain, batch);
  return {
    body: { batch, signature: key.sign(digest), receipts: receipts.map((one) => receiptBody(key, one)) },
    digest,
  };
}

export const tempDir = (): string => mkdtempSync(join(tmpdir(), "relayer-test-"));

/** Settlement rests unless a test says otherwise. */
const WEEK = 7 * 86_400_000;
const resting = { maxCount: 1_000_000, patientMs: WEEK, impatientMs: WEEK };

export interface RunningRelayer extends Relayer {
  post(path: string, body: unknown): Promise<Answer>;
  get(path: string): Promise<Answer>;
  errors: { message: string; details: object }[];
  warnings: string[];
}
export interface Answer {
  status: number;
  headers: Headers;
  // oxlint-disable-next-line no-explicit-any
  body: any;
}

export async function request(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // not everything is JSON: metrics, 204
  }
  return { status: response.status, headers: response.headers, body };
}

/** Starts a relayer in `dataDir` over a chain held in the test. */
export async function startRelayer(
  chain: ReturnType<typeof makeChain>,
  dataDir: string,
  over: Partial<ConfigInput> = {},
): Promise<RunningRelayer> {
  const errors: RunningRelayer["errors"] = [];
  const warnings: string[] = [];
  const config = parseConfig({
    chain: { chainId: 31337, registry: domain.verifyingContract, rpcUrls: ["http://127.0.0.1:9"] },
    store: { dataDir },
    sealing: { policy: resting },
    settlement: { policy: resting, sweepMs: 50, retryMs: 20 },
    ...over,
    http: { port: 0, requestsPerSecond: 10_000, burst: 10_000, batchesPerMinutePerKey: 10_000, ...over.http },
  });
  const relayer = await createRelayer(config, {
    chain: chain.reader,
    signer: { address: `0x${"22".repeat(20)}`, signTransaction: () => Promise.reject(new Error("nothing to send")) },
    log: {
      info: () => undefined,
      warn: (_details, message) => void warnings.push(message),
      error: (details, message) => void errors.push({ message, details }),
    },
  });
  const headers = { "content-type": "application/json" };
  return {
    ...relayer,
    ...{ errors, warnings },
    post: (path, body) =>
      request(relayer.url + path, {
        method: "POST",
        headers,
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    get: (path) => request(relayer.url + path),
  };
}

export const removeDir = (directory: string): void => rmSync(directory, { recursive: true, force: true });
