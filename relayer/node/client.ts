// SPDX-License-Identifier: MIT
import { boundedText } from "../bounded-text.ts";
import { z } from "zod";
import type { Batch, Hex } from "../protocol/index.ts";
import { RelayerProblem, RelayerUnavailable } from "./errors.ts";
import { receiptToWire, type SignedBatch, type SignedReceipt } from "./wire.ts";

const hex = (bytes: number) =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`))
    .transform((value) => value as Hex);
const batchSchema = z.object({
  keyId: hex(32),
  mode: z.number().int(),
  root: hex(32),
  count: z.number().int(),
  dataHash: hex(32),
  settler: hex(20),
});
const sealSchema = z.object({
  id: z.string(),
  batch: batchSchema,
  /** Leaves in order. */
  receiptIds: z.array(hex(32)).min(1),
});

/** A batch that the relayer made of single receipts and asks to have signed. */
export interface Seal {
  id: string;
  batch: Batch;
  receiptIds: Hex[];
}

const batchStatusSchema = z.object({
  state: z.string(),
  reason: z.string().nullish(),
  /** Places of proofs that do not hold. */
  invalid: z.array(z.number().int()).nullish(),
});

/** What the relayer knows of a batch. */
export interface BatchStatus {
  /** `received`, `verified`, `batched`, `submitted`, `mined`, `final` or `rejected`. */
  state: string;
  reason: string | null;
  /** Places of the proofs that do not hold, where that is why it was rejected. */
  invalid: number[];
}

/** The relayer's HTTP API as a node uses it. All calls may be repeated: the relayer knows what it has by its digest. */
export interface RelayerClient {
  postReceipt(signed: SignedReceipt, evidence: Hex): Promise<void>;
  postBatch(signed: SignedBatch): Promise<void>;
  postProofs(signed: SignedBatch & { modelId: Hex; evidence: Hex }): Promise<void>;
  /** Waits up to `waitSeconds` for a batch to sign; `null` if there was none. */
  nextSeal(keyId: Hex, waitSeconds: number, signal?: AbortSignal): Promise<Seal | null>;
  answerSeal(sealId: string, signature: Hex): Promise<void>;
  /** `null` if the relayer does not know it. */
  batchStatus(digest: Hex): Promise<BatchStatus | null>;
  /** What the relayer knows of a receipt; `null` if nothing. */
  receiptStatus(receiptId: Hex): Promise<Record<string, unknown> | null>;
}

export interface ClientOptions {
  url: string;
  /** Tries of a call, the first included, before {@link RelayerUnavailable}. */
  tries?: number;
  timeoutMs?: number;
  /** First pause between tries; it doubles. Milliseconds. */
  pauseMs?: number;
}

/** Of an answer; the largest are offers of 10,000 receipts. A relayer is not to fill a node's memory. */
const MAX_ANSWER_BYTES = 16_000_000;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * A client that repeats what may have been lost on the way: no answer, 429 and 5xx are tried again.
 * Its methods throw {@link RelayerProblem} for a refusal, {@link RelayerUnavailable} where no try was answered.
 */
export function createRelayerClient(options: ClientOptions): RelayerClient {
  const { url, tries = 4, timeoutMs = 15_000, pauseMs = 200 } = options;
  const base = url.replace(/\/+$/, "");

  async function call(
    method: "GET" | "POST",
    path: string,
    body?: unknown,
    over: { timeoutMs?: number; tries?: number; signal?: AbortSignal } = {},
  ): Promise<{ status: number; body: unknown }> {
    const limit = over.tries ?? tries;
    for (let attempt = 1; ; attempt++) {
      let problem: Error;
      let pause = pauseMs * 2 ** (attempt - 1) * (0.5 + Math.random());
      try {
        const timeout = AbortSignal.timeout(over.timeoutMs ?? timeoutMs);
        const response = await fetch(base + path, {
          method,
          signal: over.signal ? AbortSignal.any([over.signal, timeout]) : timeout,
          ...(body === undefined
            ? {}
            : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
        });
        const text = await boundedText(response, MAX_ANSWER_BYTES);
        const parsed: unknown = text === "" ? null : parse(text);
        if (response.ok) return { status: response.status, body: parsed };
        problem = new RelayerProblem(response.status, isRecord(parsed) ? parsed : { detail: text.slice(0, 200) });
        if (response.status < 500 && response.status !== 429) throw problem;
        const after = Number(response.headers.get("retry-after"));
        if (after > 0) pause = Math.min(after * 1_000, 60_000);
      } catch (error) {
        if (error instanceof RelayerProblem) throw error;
        if (over.signal?.aborted) throw error;
        problem = error as Error;
      }
      if (attempt >= limit) {
        throw problem instanceof RelayerProblem
          ? problem
          : new RelayerUnavailable(base + path, problem.cause ?? problem);
      }
      await sleep(pause);
    }
  }

  async function get(path: string): Promise<Record<string, unknown> | null> {
    try {
      const { body } = await call("GET", path);
      return isRecord(body) ? body : null;
    } catch (error) {
      if (error instanceof RelayerProblem && error.status === 404) return null;
      throw error;
    }
  }

  const wire = ({ receipt, signature }: SignedReceipt) => ({ receipt: receiptToWire(receipt), signature });

  return {
    async postReceipt(signed, evidence) {
      await call("POST", "/v1/receipts", { ...wire(signed), ...(evidence === "0x" ? {} : { evidence }) });
    },
    async postBatch({ batch, signature, receipts }) {
      await call("POST", "/v1/batches", { batch, signature, receipts: receipts.map(wire) });
    },
    async postProofs({ batch, modelId, signature, receipts, evidence }) {
      await call("POST", "/v1/proofs", { batch, modelId, signature, receipts: receipts.map(wire), evidence });
    },
    async nextSeal(keyId, waitSeconds, signal) {
      const over = { timeoutMs: (waitSeconds + 10) * 1_000, tries: 1, ...(signal ? { signal } : {}) };
      const { status, body } = await call("GET", `/v1/keys/${keyId}/seals?wait=${waitSeconds}`, undefined, over);
      return status === 204 || body === null ? null : sealSchema.parse(body);
    },
    async answerSeal(sealId, signature) {
      await call("POST", `/v1/seals/${encodeURIComponent(sealId)}`, { signature });
    },
    async batchStatus(digest) {
      const found = await get(`/v1/batches/${digest}`);
      if (found === null) return null;
      const { state, reason, invalid } = batchStatusSchema.parse(found);
      return { state, reason: reason ?? null, invalid: invalid ?? [] };
    },
    receiptStatus: (receiptId) => get(`/v1/receipts/${receiptId}`),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
