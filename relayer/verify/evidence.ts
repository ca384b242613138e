// SPDX-License-Identifier: GPL-3.0-or-later
// The evidence that a batch or receipt settled with, from the transaction that settled it. The chain checked it then; here
// it is checked once more, without the contracts.
import { decodeSettlement, itemId, type SettlementItem } from "../chain/settlement.ts";
import { createProofPool } from "../evidence/groth16/pool.ts";
import { proofVerifier } from "../evidence/proof.ts";
import type { EvidenceVerifier } from "../evidence/evidence.ts";
import { fromHex, Mode, receiptId, recoverSigner, type Hex, type Receipt } from "../protocol/index.ts";
import type { AuditedChain } from "./chain.ts";
import type { Findings } from "./report.ts";

/** The item of this id in a transaction's calldata; undefined where it went through another contract. */
export async function itemIn(chain: AuditedChain, transactionHash: Hex, id: Hex): Promise<SettlementItem | undefined> {
  const sent = await chain.rpc.request<{ to: string | null; input: string } | null>("eth_getTransactionByHash", [
    transactionHash,
  ]);
  if (sent?.to?.toLowerCase() !== chain.domain.verifyingContract) return undefined;
  // The id is a hash of everything but the evidence, so what is found here is what settled.
  return decodeSettlement(sent.input).find((item) => itemId(chain.domain, item) === id);
}

const taken: EvidenceVerifier = { inspect: async () => ({ ok: true }), verify: async () => ({ ok: true }) };

/** Checks signature and proofs of an item over its receipts. */
export async function checkEvidence(
  chain: AuditedChain,
  item: SettlementItem | undefined,
  id: Hex,
  receipts: readonly Receipt[],
  findings: Findings,
): Promise<void> {
  if (!item) {
    findings.note(
      "signature",
      "settled through another contract: its evidence is not in the calldata; the chain checked it",
    );
    return;
  }
  const { keyId, mode } = receipts[0]!;
  const key = await chain.reader.signingKey(keyId, mode);
  const signer = recoverSigner(id, item.signature);
  findings.check(
    "signature",
    key !== null && signer === key.signer,
    key === null
      ? `key ${keyId} is not in the registry of mode ${mode}`
      : `of ${signer ?? "nobody"} over ${id}, in the settling transaction; the key registry names ${key.signer}`,
  );
  if (mode !== Mode.ZKML || item.kind === "signed") return;
  const modelId = receipts[0]!.modelId;
  const ids = receipts.map((receipt) => receiptId(chain.domain, receipt));
  const proofs = { modelId, bytes: fromHex(item.evidence), receiptIds: ids, receipts };
  const pool = createProofPool({ processes: 1, timeoutMs: 600_000 });
  try {
    const verifier = proofVerifier(chain.reader, taken, pool);
    const verdict = await verifier.verify({ keyId, mode, digest: id, signature: item.signature, proofs });
    findings.check(
      "proofs",
      verdict.ok,
      verdict.ok
        ? `${ids.length} Groth16 proofs of the settling transaction hold under the verifying key of model ${modelId}, each bound to its receipt, its hashes equal to the leaf's`
        : `${verdict.reason}: ${verdict.detail}`,
    );
  } finally {
    await pool.close();
  }
}
