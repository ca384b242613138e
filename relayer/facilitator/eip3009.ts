// SPDX-License-Identifier: MIT
import { Interface, recoverAddress, Signature, TypedDataEncoder } from "ethers";
import type { RpcReceipt } from "../chain/sending.ts";
import type { Hex } from "../protocol/index.ts";

/** EIP-3009, as far as a facilitator calls it. The (v, r, s) form is the one that every such token has. */
export const eip3009 = new Interface([
  "function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
  "function authorizationState(address authorizer, bytes32 nonce) view returns (bool)",
  "function DOMAIN_SEPARATOR() view returns (bytes32)",
  "event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)",
  "event Transfer(address indexed from, address indexed to, uint256 value)",
]);

/** What a payer signs. */
export interface Authorization {
  from: Hex;
  to: Hex;
  value: bigint;
  validAfter: bigint;
  validBefore: bigint;
  nonce: Hex;
}

export interface TokenDomain {
  name: string;
  version: string;
  chainId: number;
  verifyingContract: Hex;
}

const types = {
  TransferWithAuthorization: [
    { name: "from", type: "address" },
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "validAfter", type: "uint256" },
    { name: "validBefore", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
};

/** Names an authorization's content, whichever signature it comes with. */
export function authorizationDigest(domain: TokenDomain, authorization: Authorization): Hex {
  return TypedDataEncoder.hash({ ...domain }, types, authorization) as Hex;
}

/** Whether the payer's own key signed; false for anything that is no signature. */
export function isSignedBy(payer: Hex, digest: Hex, signature: Hex): boolean {
  try {
    return recoverAddress(digest, signature).toLowerCase() === payer;
  } catch {
    return false;
  }
}

/** Calldata that carries an authorization to its token. */
export function encodeTransfer(authorization: Authorization, signature: Hex): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const { v, r, s } = Signature.from(signature);
  return eip3009.encodeFunctionData("transferWithAuthorization", [
    ...[from, to, value, validAfter, validBefore, nonce],
    ...[v, r, s],
  ]) as Hex;
}

/** Whether the token itself says that so much went from payer to payee. A transaction that succeeded says nothing. */
export function movedTokens(
  receipt: RpcReceipt,
  { token, payer, payTo, amount }: { token: Hex; payer: Hex; payTo: Hex; amount: bigint },
): boolean {
  if (BigInt(receipt.status) !== 1n) return false;
  return receipt.logs.some((log) => {
    if (log.address.toLowerCase() !== token || log.topics.length !== 3) return false;
    const event = eip3009.parseLog(log);
    if (event?.name !== "Transfer") return false;
    const [from, to, value] = event.args as unknown as [string, string, bigint];
    return from.toLowerCase() === payer && to.toLowerCase() === payTo && value === amount;
  });
}
