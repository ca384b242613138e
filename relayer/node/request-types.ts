// SPDX-License-Identifier: MIT
import type { Batch, Hex, Receipt } from "../protocol/index.ts";
import type { SignedReceipt } from "./wire.ts";

/** An answer as it was given, and will be given to every repeat. */
export interface Issued extends SignedReceipt {
  receiptId: Hex;
  body: Uint8Array;
}

/** An answer that a key may sign; it will sign no other under this request id. */
export type Decided = Omit<Issued, "signature">;

/** A place in a payment channel, with the channel's total after it. */
export interface ChannelPlace {
  channelId: Hex;
  sequence: bigint;
  cumulativeFee: bigint;
}

/** A receipt that is still to reach the relayer. */
export interface Waiting extends SignedReceipt {
  receiptId: Hex;
  /** Proof, for ZKML; `0x` otherwise. */
  evidence: Hex;
}

/** A batch that was signed, and is to be posted until the relayer has it. */
export interface SealedBatch {
  digest: Hex;
  batch: Batch;
  signature: Hex;
  leaves: Waiting[];
}

/** Whose a request id is, and how far its answer has come. */
export interface Reserved {
  fingerprint: Hex;
  /** Of the key that asks; an enclave comes back with another key, and decides anew. */
  decided: Decided | null;
  issued: Issued | null;
}

/**
 * What a node must not forget, whatever happens: which request ids it took and what it signed for them. Every method
 * is durable when it returns.
 */
export interface RequestStore {
  /**
   * Takes a request id for the request with this fingerprint, and with it its place in a channel.
   * @returns whose it is now, and its answer if there is one.
   * @throws {ChannelOutOfOrder} where the place is new and not ahead of all before it; nothing is taken then.
   * `cumulativeFee` is the most that the answer may bring the channel's total to.
   */
  reserve(request: { requestId: Hex; fingerprint: Hex; keyId: Hex; place?: ChannelPlace }, now: number): Reserved;
  /** What was answered under a request id, by whatever key; `null` if nothing was, or not yet. */
  issued(requestId: Hex): Issued | null;
  /**
   * Keeps a key's first answer to a request, before it is signed; a second one changes nothing.
   * @returns what is kept: the decided receipt, and no other, may be signed unless an answer was issued.
   * @throws {ChannelOutOfOrder} where its total is below an earlier place's or above a later one's.
   */
  decide(decided: Decided, details: { witness: Uint8Array | null }): Reserved;
  /** Keeps the first signature of a request, of a receipt that was decided. @returns the answer that is kept. */
  issue(receipt: Receipt, signature: Hex): Issued;
  /** Receipts whose proof is still to be made. */
  unproved(limit: number): { receiptId: Hex; receipt: Receipt; witness: Uint8Array }[];
  recordProof(receiptId: Hex, evidence: Hex): void;
  /** It is tried again, after those that failed less often. */
  recordProofFailure(receiptId: Hex): void;
  /** Receipts of a key and mode in no batch, not posted, with their proof where they need one, oldest first. */
  waiting(limit: number, of: { keyId: Hex; mode: number }): Waiting[];
  /** The same of all keys but this one: of keys this node had before. */
  orphaned(limit: number, keyId: Hex): Waiting[];
  /** Which of these ids this node issued, with their receipts. */
  issuedAmong(receiptIds: readonly Hex[]): Map<Hex, Receipt>;
  keepBatch(sealed: Omit<SealedBatch, "leaves">, receiptIds: readonly Hex[]): void;
  /** Batches the relayer does not have yet. */
  unposted(): SealedBatch[];
  recordPosted(digestOrReceiptId: Hex): void;
  /** Batches the relayer has, whose end is not known; least recently asked for first. */
  following(limit: number, now: number): { digest: Hex; receiptIds: Hex[] }[];
  /** The relayer lost it: it is posted again. */
  recordUnposted(digest: Hex): void;
  /** Its end is known: nothing is left to do for it. */
  closeBatch(digest: Hex): void;
  /** The batch will not be taken: `bad` receipts are set aside with the reason, the others wait again. */
  breakUp(digest: Hex, bad: readonly Hex[], reason: string): void;
  setAside(receiptId: Hex, reason: string): void;
  close(): void;
}
