// SPDX-License-Identifier: MIT
import { z } from "zod";
import { createApiClient, dataOf, RelayerProblem, RETRIES, retryingFetch, type RetryOptions } from "../client/index.ts";
import type { Batch, Hex } from "../protocol/index.ts";
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

export interface ClientOptions extends Partial<RetryOptions> {
  url: string;
  /** API key with the scope `submit`, where the relayer wants one. */
  apiKey?: string | undefined;
}

/**
 * A node's client of a relayer: the generated one, with what comes back checked, as a node signs by it.
 * Its methods throw {@link RelayerProblem} for a refusal, {@link RelayerUnavailable} where no try was answered.
 */
export function createRelayerClient(options: ClientOptions): RelayerClient {
  const api = createApiClient(options);
  const retries = { ...RETRIES, ...options };
  const wire = ({ receipt, signature }: SignedReceipt) => ({ receipt: receiptToWire(receipt), signature });

  async function known<T>(answer: Promise<T>): Promise<T | null> {
    try {
      return (await answer) ?? null;
    } catch (error) {
      if (error instanceof RelayerProblem && error.status === 404) return null;
      throw error;
    }
  }

  return {
    async postReceipt(signed, evidence) {
      const body = { ...wire(signed), ...(evidence === "0x" ? {} : { evidence }) };
      await dataOf(api.POST("/v1/receipts", { body }));
    },
    async postBatch({ batch, signature, receipts }) {
      await dataOf(api.POST("/v1/batches", { body: { batch, signature, receipts: receipts.map(wire) } }));
    },
    async postProofs({ batch, modelId, signature, receipts, evidence }) {
      const body = { batch, modelId, signature, receipts: receipts.map(wire), evidence };
      await dataOf(api.POST("/v1/proofs", { body }));
    },
    async nextSeal(keyId, waitSeconds, signal) {
      const offered = await dataOf(
        api.GET("/v1/keys/{keyId}/seals", {
          params: { path: { keyId }, query: { wait: waitSeconds } },
          fetch: retryingFetch({ ...retries, timeoutMs: (waitSeconds + 10) * 1_000, tries: 1 }),
          ...(signal ? { signal } : {}),
        }),
      );
      return offered ? sealSchema.parse(offered) : null;
    },
    async answerSeal(id, signature) {
      await dataOf(api.POST("/v1/seals/{id}", { params: { path: { id } }, body: { signature } }));
    },
    async batchStatus(digest) {
      const found = await known(dataOf(api.GET("/v1/batches/{digest}", { params: { path: { digest } } })));
      if (found === null) return null;
      const { state, reason, invalid } = batchStatusSchema.parse(found);
      return { state, reason: reason ?? null, invalid: invalid ?? [] };
    },
    receiptStatus: (id) => known(dataOf(api.GET("/v1/receipts/{id}", { params: { path: { id } } }))),
  };
}
