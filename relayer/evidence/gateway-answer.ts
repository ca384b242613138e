// SPDX-License-Identifier: MIT
import { constants, verify } from "node:crypto";
import {
  fromHex,
  gatewayKeyId,
  gatewayMessage,
  gatewayRequestId,
  isGatewayKey,
  teeId,
  type GatewayAnswer,
  type Hex,
} from "../protocol/index.ts";

/** An answer of one of OpenGradient's gateways as it was handed in. */
export interface SignedGatewayAnswer extends GatewayAnswer {
  /** DER SubjectPublicKeyInfo. */
  publicKey: Uint8Array;
  /** 256 bytes; over HTTP it comes as base64. */
  signature: Uint8Array;
}

/** Whether the signature holds; if so, under which names the chain has it. */
export type GatewayVerdict =
  | { ok: true; keyId: Hex; teeId: Hex; message: Hex; requestId: Hex }
  | { ok: false; reason: "bad_public_key" | "bad_signature"; detail: string };

/**
 * RSASSA-PSS at the door, as the chain will check it: SHA-256, MGF1-SHA-256, a salt of 32 bytes, over the 32 bytes of the
 * message. It says that this key signed this answer. Whether the key is registered, its image approved, the time right and
 * nothing distrusted is for the chain (`GatewayAnswers`), and so is what it says of a model, a payer, a fee or a chain:
 * nothing.
 *
 * Throws ProtocolError where hashes or time are malformed.
 */
export function verifyGatewayAnswer(answer: SignedGatewayAnswer): GatewayVerdict {
  const { publicKey, signature } = answer;
  const message = gatewayMessage(answer);
  if (!isGatewayKey(publicKey))
    return {
      ok: false,
      reason: "bad_public_key",
      detail: "Expected RSA-2048 with exponent 65537 as DER SubjectPublicKeyInfo, 294 bytes",
    };
  const key = { key: Buffer.from(publicKey), format: "der", type: "spki" } as const;
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  if (signature.length !== 256 || !verify("sha256", fromHex(message, 32), { ...key, ...padding }, signature))
    return {
      ok: false,
      reason: "bad_signature",
      detail:
        "The signature is not this key's over keccak256(requestHash, outputHash, timestamp) as RSASSA-PSS with SHA-256 " +
        "and a salt of 32 bytes; check that the request was hashed as Python prints it, with sorted keys",
    };
  const keyId = gatewayKeyId(publicKey);
  return { ok: true, keyId, teeId: teeId(publicKey), message, requestId: gatewayRequestId(keyId, answer) };
}
