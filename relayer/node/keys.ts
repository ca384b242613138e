// SPDX-License-Identifier: MIT
import { TypedDataEncoder } from "ethers";
import { fromHex, keyId, KeyKind, publicKeyOf, signDigest, toHex, type Hex } from "../protocol/index.ts";

/** A signing key, wherever its secret is kept. */
export interface NodeKey {
  readonly keyId: Hex;
  /** One of {@link KeyKind}. */
  readonly kind: number;
  /** x ‖ y, 64 bytes, 0x. */
  readonly publicKey: Hex;
  /** @returns 65 bytes r ‖ s ‖ v over a digest, low s, v 27 or 28. */
  sign(digest: Hex): Hex | Promise<Hex>;
}

/** A key held in this process. @param privateKey 32 bytes, 0x. */
export function localKey(privateKey: Hex, kind: number = KeyKind.OPERATOR): NodeKey {
  const secret = fromHex(privateKey, 32);
  const publicKey = publicKeyOf(secret);
  return {
    keyId: keyId(kind, publicKey),
    kind,
    publicKey: toHex(publicKey),
    sign: (digest) => signDigest(secret, digest),
  };
}

/**
 * What `NodeRegistry.addOperatorKey` wants of a new key: its own signature, so that nobody can claim another's.
 * EIP-712 `RegisterKey(bytes32 nodeId,address operator,bytes32 keyId)` under the registry's own domain.
 */
export async function signKeyRegistration(
  key: NodeKey,
  registration: { chainId: bigint; nodeRegistry: Hex; nodeId: Hex; operator: Hex },
): Promise<{ publicKey: Hex; signature: Hex }> {
  const { chainId, nodeRegistry, nodeId, operator } = registration;
  const domain = { name: "OpenGradient NodeRegistry", version: "1", chainId, verifyingContract: nodeRegistry };
  const types = {
    RegisterKey: [
      { name: "nodeId", type: "bytes32" },
      { name: "operator", type: "address" },
      { name: "keyId", type: "bytes32" },
    ],
  };
  const digest = TypedDataEncoder.hash(domain, types, { nodeId, operator, keyId: key.keyId }) as Hex;
  return { publicKey: key.publicKey, signature: await key.sign(digest) };
}
