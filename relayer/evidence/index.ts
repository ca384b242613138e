// SPDX-License-Identifier: GPL-3.0-or-later
import type { ChainReader } from "../chain/reader.ts";
import { Mode } from "../protocol/index.ts";
import type { EvidenceVerifier } from "./evidence.ts";
import type { ProofPool } from "./groth16/pool.ts";
import { proofVerifier } from "./proof.ts";
import { signatureVerifier } from "./signature.ts";

/** One verifier per mode. */
export function evidenceVerifiers(
  chain: ChainReader,
  pool: Pick<ProofPool, "verify">,
): Record<number, EvidenceVerifier> {
  const signatures = signatureVerifier(chain);
  return {
    [Mode.VANILLA]: signatures,
    [Mode.TEE]: signatures,
    [Mode.ZKML]: proofVerifier(chain, signatures, pool),
  };
}
