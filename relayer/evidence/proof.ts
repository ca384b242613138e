// SPDX-License-Identifier: GPL-3.0-or-later
import type { ChainReader } from "../chain/reader.ts";
import { circuitOutputHash, OutputScheme, signalInputHash, type Receipt } from "../protocol/index.ts";
import type { Evidence, EvidenceVerifier, Verdict } from "./evidence.ts";
import { decodeEvidence, EvidenceError, signalsOf } from "./groth16/encode.ts";
import type { ProofPool } from "./groth16/pool.ts";

/** ZKML: the key's signature, and a proof for every receipt. Neither suffices alone. */
export function proofVerifier(
  chain: Pick<ChainReader, "verifyingKey">,
  signatures: EvidenceVerifier,
  pool: Pick<ProofPool, "verify">,
): EvidenceVerifier {
  async function inspect(evidence: Evidence): Promise<Verdict> {
    const { proofs } = evidence;
    if (!proofs) return { ok: false, reason: "mode_needs_proof", detail: "ZKML needs a proof for every receipt" };
    const signed = await signatures.inspect(evidence);
    if (!signed.ok) return signed;
    const key = await chain.verifyingKey(proofs.modelId);
    if (!key) return { ok: false, reason: "unknown_model", detail: `Model ${proofs.modelId} has no verifying key` };
    return readable(() => {
      const decoded = decodeEvidence(proofs.bytes, signalsOf(key), proofs.receiptIds);
      const invalid = proofs.receipts.flatMap((receipt, index) =>
        agrees(receipt, decoded[index]!.publicSignals.map(BigInt)) ? [] : [index],
      );
      if (invalid.length === 0) return { ok: true };
      const detail = "Receipts say other inputs or outputs than their proofs' signals";
      return { ok: false, reason: "signal_mismatch", detail, invalid };
    });
  }

  return {
    inspect,
    async verify(evidence) {
      const inspected = await inspect(evidence);
      if (!inspected.ok) return inspected;
      const proofs = evidence.proofs!;
      const key = (await chain.verifyingKey(proofs.modelId))!;
      try {
        const { ok, invalid } = await pool.verify(key, proofs.bytes, proofs.receiptIds);
        if (ok) return { ok: true };
        return { ok: false, reason: "InvalidProof", detail: `Proofs ${invalid.join(", ")} do not hold`, invalid };
      } catch (error) {
        return readable(() => {
          throw error;
        });
      }
    },
  };
}

/** What the signals say of input and output, in snarkjs order: input, outputs, binding. */
function agrees(receipt: Receipt, signals: readonly bigint[]): boolean {
  return (
    receipt.outputScheme === OutputScheme.CIRCUIT &&
    receipt.inputHash === signalInputHash(signals[0]!) &&
    receipt.outputHash === circuitOutputHash(signals.slice(1, -1))
  );
}

function readable(read: () => Verdict): Verdict {
  try {
    return read();
  } catch (error) {
    if (error instanceof EvidenceError) return { ok: false, reason: error.code, detail: error.message };
    throw error;
  }
}
