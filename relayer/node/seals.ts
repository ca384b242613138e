// SPDX-License-Identifier: MIT
import { setTimeout as sleep } from "node:timers/promises";
import { batchDigest, dataHashOf, leavesDocument, merkleRoot, type Domain } from "../protocol/index.ts";
import type { RelayerClient, Seal } from "./client.ts";
import { SealRefused } from "./errors.ts";
import type { NodeKey } from "./keys.ts";
import type { RequestStore } from "./request-store.ts";

/**
 * Checks that a seal is over leaves this node issued, under its own key and mode, and that root, count and data hash
 * follow from them. A signature over anything else could be a provable fault (foreign leaf).
 * @throws {SealRefused}
 */
export function checkSeal(seal: Seal, node: { key: NodeKey; mode: number; domain: Domain; store: RequestStore }): void {
  const { batch, receiptIds } = seal;
  const refuse = (reason: string): never => {
    throw new SealRefused(seal.id, reason);
  };
  if (batch.keyId !== node.key.keyId) refuse("it is for another key");
  if (batch.mode !== node.mode) refuse("it is for another mode");
  if (batch.count !== receiptIds.length) refuse(`it counts ${batch.count} leaves and names ${receiptIds.length}`);
  if (new Set(receiptIds).size !== receiptIds.length) refuse("it names a leaf twice");
  const issued = node.store.issuedAmong(receiptIds);
  const receipts = receiptIds.map((id) => issued.get(id) ?? refuse(`leaf ${id} was not issued here`));
  if (merkleRoot(receiptIds) !== batch.root) refuse("its root is not that of its leaves");
  const document = leavesDocument(node.domain, { keyId: batch.keyId, mode: batch.mode }, receipts);
  if (dataHashOf(document) !== batch.dataHash) refuse("its data hash is not that of its leaves");
}

/** Follows the long poll and signs what {@link checkSeal} lets pass. Never ends before `signal`. */
export async function answerSeals(node: {
  key: NodeKey;
  mode: number;
  domain: Domain;
  store: RequestStore;
  relayer: RelayerClient;
  waitSeconds: number;
  signal: AbortSignal;
  onError: (error: Error) => void;
}): Promise<void> {
  const { key, domain, relayer, waitSeconds, signal, onError } = node;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const seal = await relayer.nextSeal(key.keyId, waitSeconds, signal);
      if (!seal) {
        // A relayer that answers at once must not be asked in a tight loop.
        await sleep(50, undefined, { signal });
        continue;
      }
      checkSeal(seal, node);
      await relayer.answerSeal(seal.id, await key.sign(batchDigest(domain, seal.batch)));
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      onError(error as Error);
      await sleep(Math.min(30_000, 250 * 2 ** Math.min(failures, 7)), undefined, { signal }).catch(() => undefined);
    }
  }
}
