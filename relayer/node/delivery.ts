// SPDX-License-Identifier: MIT
import { setTimeout as sleep } from "node:timers/promises";
import { batchDigest, bindingOf, dataHashOf, leavesDocument, merkleRoot, Mode } from "../protocol/index.ts";
import { ZERO_ADDRESS, type Batch, type Domain, type Hex, type Receipt } from "../protocol/index.ts";
import type { RelayerClient } from "./client.ts";
import { BatchRejected, RelayerProblem } from "./errors.ts";
import type { NodeKey } from "./keys.ts";
import type { RequestStore, SealedBatch, Waiting } from "./request-store.ts";

/**
 * Makes the proof of one run.
 * @param job.witness What the answer came with.
 * @param job.binding The public signal that ties the proof to this receipt and no other.
 * @returns the proof and its signals without the binding, in the verifier's format.
 */
export type Prover = (job: { witness: Uint8Array; binding: bigint; receipt: Receipt }) => Promise<Hex>;

export interface DeliveryOptions {
  key: NodeKey;
  mode: number;
  modelId: Hex;
  domain: Domain;
  store: RequestStore;
  relayer: RelayerClient;
  settler?: Hex;
  prove?: Prover;
  delivery?: "batches" | "receipts";
  batchSize?: number;
  deliverEveryMs?: number;
  now?: () => number;
  onError: (error: Error) => void;
}

// A proved batch carries its proofs as calldata, and costs gas for each: 64 use about a quarter of a transaction.
const SIGNED_BATCH_SIZE = 1_000;
const PROVED_BATCH_SIZE = 64;
const FOLLOWED_AT_ONCE = 20;

/** Brings issued receipts to the relayer: proves them, seals them into batches, posts until they are taken. */
export function createDelivery(options: DeliveryOptions) {
  const { key, mode, modelId, domain, store, relayer, prove, onError, now = Date.now } = options;
  const zkml = mode === Mode.ZKML;
  const batchSize = options.batchSize ?? (zkml ? PROVED_BATCH_SIZE : SIGNED_BATCH_SIZE);
  let current: Promise<void> | null = null;

  async function proveWaiting(): Promise<void> {
    if (!zkml || !prove) return;
    for (const { receiptId, receipt, witness } of store.unproved(batchSize)) {
      try {
        store.recordProof(receiptId, await prove({ witness, binding: bindingOf(receiptId), receipt }));
      } catch (error) {
        store.recordProofFailure(receiptId);
        onError(
          new Error(`the proof of ${receiptId} failed and is tried again: ${(error as Error).message}`, {
            cause: error,
          }),
        );
      }
    }
  }

  async function seal(leaves: Waiting[]): Promise<void> {
    const receipts = leaves.map(({ receipt }) => receipt);
    const ids = leaves.map(({ receiptId }) => receiptId);
    const batch: Batch = {
      keyId: key.keyId,
      mode,
      root: merkleRoot(ids),
      count: ids.length,
      dataHash: dataHashOf(leavesDocument(domain, { keyId: key.keyId, mode }, receipts)),
      settler: options.settler ?? ZERO_ADDRESS,
    };
    const digest = batchDigest(domain, batch);
    store.keepBatch({ digest, batch, signature: await key.sign(digest) }, ids);
  }

  async function postBatch({ digest, batch, signature, leaves }: SealedBatch): Promise<void> {
    const receipts = leaves.map((leaf) => ({ receipt: leaf.receipt, signature: leaf.signature }));
    try {
      if (zkml) {
        const evidence: Hex = `0x${leaves.map((leaf) => leaf.evidence.slice(2)).join("")}`;
        await relayer.postProofs({ batch, modelId, signature, receipts, evidence });
      } else {
        await relayer.postBatch({ batch, signature, receipts });
      }
      store.recordPosted(digest);
    } catch (error) {
      onError(error as Error);
      const bad = badLeaves(error, leaves);
      if (bad.length > 0) store.breakUp(digest, bad, (error as RelayerProblem).code);
    }
  }

  /** What was taken may still turn out bad: proofs are verified after the reply, and the chain has the last word. */
  async function follow(): Promise<void> {
    for (const { digest, receiptIds } of store.following(FOLLOWED_AT_ONCE, now())) {
      try {
        const status = await relayer.batchStatus(digest);
        if (status === null) store.recordUnposted(digest);
        else if (status.state === "final") store.closeBatch(digest);
        else if (status.state === "rejected") {
          const named = status.invalid.flatMap((place) => receiptIds[place] ?? []);
          const bad = named.length > 0 ? named : receiptIds;
          const reason = status.reason ?? "no reason given";
          store.breakUp(digest, bad, reason);
          onError(new BatchRejected(digest, reason, bad.length, receiptIds.length));
        }
      } catch (error) {
        onError(error as Error);
      }
    }
  }

  async function postReceipt({ receiptId, receipt, signature, evidence }: Waiting): Promise<void> {
    try {
      await relayer.postReceipt({ receipt, signature }, evidence);
      store.recordPosted(receiptId);
    } catch (error) {
      onError(error as Error);
      // What is refused for what it says will be refused again; one bad receipt must not hold up the others.
      if (isVerdict(error)) store.setAside(receiptId, error.code);
    }
  }

  async function once(): Promise<void> {
    await proveWaiting();
    const own = { keyId: key.keyId, mode };
    // Only the key that signed them could seal them, and it is gone: they settle singly, under their own signatures.
    for (const orphan of store.orphaned(batchSize, key.keyId)) await postReceipt(orphan);
    if (options.delivery === "receipts") {
      for (const waiting of store.waiting(batchSize, own)) await postReceipt(waiting);
      return;
    }
    for (let leaves = store.waiting(batchSize, own); leaves.length > 0; leaves = store.waiting(batchSize, own))
      await seal(leaves);
    for (const sealed of store.unposted()) await postBatch(sealed);
    await follow();
  }

  const deliver = (): Promise<void> => (current ??= once().finally(() => (current = null)));

  return {
    deliver,
    async run(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await deliver().catch(onError);
        await sleep(options.deliverEveryMs ?? 2_000, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}

/** A refusal for what was said, not for when or how often. */
function isVerdict(error: unknown): error is RelayerProblem {
  return error instanceof RelayerProblem && [400, 409, 413, 422].includes(error.status);
}

/** Leaves that the relayer names as bad. Without names the batch is kept and posted again: nothing is given up. */
function badLeaves(error: unknown, leaves: readonly Waiting[]): Hex[] {
  if (!isVerdict(error) || !Array.isArray(error.problem.positions)) return [];
  return error.problem.positions.flatMap((place) => leaves[Number(place)]?.receiptId ?? []);
}
