// SPDX-License-Identifier: MIT
// secp256k1 over digests, in the one form the contracts take: 65 bytes r ‖ s ‖ v, low s, v 27 or 28.
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "./keccak.ts";
import { fromHex, ProtocolError, toHex } from "./bytes.ts";
import type { Hex } from "./types.ts";

const HALF_ORDER = secp256k1.Point.CURVE().n >> 1n;

/** x ‖ y, 64 bytes, of a private key. */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  return secp256k1.getPublicKey(privateKey, false).slice(1);
}

/** Address of a public key x ‖ y. */
export function addressOf(publicKey: Uint8Array): Hex {
  if (publicKey.length !== 64) {
    throw new ProtocolError("bad_public_key", `A secp256k1 key is 64 bytes x ‖ y, got ${publicKey.length}`);
  }
  return toHex(keccak_256(publicKey).subarray(12));
}

/** Signs a digest: 65 bytes r ‖ s ‖ v, low s, deterministic (RFC 6979). */
export function signDigest(privateKey: Uint8Array, digest: Hex): Hex {
  const signature = secp256k1.sign(fromHex(digest, 32), privateKey, { prehash: false, format: "recovered" });
  const out = new Uint8Array(65);
  out.set(signature.subarray(1), 0);
  out[64] = 27 + signature[0]!;
  return toHex(out);
}

/**
 * Address that signed `digest`, or undefined where the signature is none: wrong length, v other than 27 or 28, high s
 * (refused like on chain, as it would be a second signature of the same thing), or not on the curve.
 */
export function recoverSigner(digest: Hex, signature: Hex): Hex | undefined {
  if (signature.length !== 132) return undefined;
  try {
    const bytes = fromHex(signature, 65);
    const recovery = bytes[64]! - 27;
    if (recovery !== 0 && recovery !== 1) return undefined;
    if (BigInt(toHex(bytes.subarray(32, 64))) > HALF_ORDER) return undefined;
    const parsed = secp256k1.Signature.fromBytes(bytes.subarray(0, 64), "compact").addRecoveryBit(recovery);
    return addressOf(parsed.recoverPublicKey(fromHex(digest, 32)).toBytes(false).slice(1));
  } catch {
    return undefined; // not a curve point: nobody signed this
  }
}
