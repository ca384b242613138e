// SPDX-License-Identifier: MIT
import type { Hex, Receipt } from "../protocol/index.ts";

/** Evidence as it was handed in: one signature over a digest, and for ZKML proofs of the receipts. */
export interface Evidence {
  keyId: Hex;
  mode: number;
  /** Batch digest or receipt id. */
  digest: Hex;
  signature: Hex;
  /** ZKML only. */
  proofs?: {
    modelId: Hex;
    bytes: Uint8Array;
    /** In the order of the proofs. */
    receiptIds: readonly Hex[];
    receipts: readonly Receipt[];
  };
}

/** Whether evidence holds; if not, why, and which proofs are bad where that is known. */
export type Verdict = { ok: true } | { ok: false; reason: string; detail: string; invalid?: number[] };

/**
 * Checks the evidence of one mode, to avoid paying for junk: never to decide truth, which the chain does.
 * Throws where nothing could be found out (chain unreachable, workers busy): that is no verdict.
 */
export interface EvidenceVerifier {
  /** The whole check. */
  verify(evidence: Evidence): Promise<Verdict>;
  /** The part that is cheap enough to answer while the sender waits: all but the proofs' pairings. */
  inspect(evidence: Evidence): Promise<Verdict>;
}
