// SPDX-License-Identifier: MIT
import type { ChainReader } from "../chain/reader.ts";
import { recoverSigner } from "../protocol/index.ts";
import type { EvidenceVerifier, Verdict } from "./evidence.ts";

/** VANILLA and TEE: the key's signature is the whole evidence. */
export function signatureVerifier(chain: Pick<ChainReader, "signingKey">): EvidenceVerifier {
  async function verify({
    keyId,
    mode,
    digest,
    signature,
  }: Parameters<EvidenceVerifier["verify"]>[0]): Promise<Verdict> {
    const key = await chain.signingKey(keyId, mode);
    if (!key) return { ok: false, reason: "unknown_key", detail: `No key ${keyId} signs in mode ${mode}` };
    if (recoverSigner(digest, signature) === key.signer) return { ok: true };
    return {
      ok: false,
      reason: "bad_signature",
      detail:
        "The signature is not the key's over this content on this chain and registry; sign the EIP-712 digest with low s",
    };
  }
  return { verify, inspect: verify };
}
