// SPDX-License-Identifier: MIT
// Permit2, and x402's proxy for `exact` before it: how a token without EIP-3009 is paid with. Addresses, ABI and types are
// those of `@x402/evm`, as stock clients sign them.
import {
  PERMIT2_ADDRESS,
  permit2WitnessTypes,
  x402ExactPermit2ProxyABI,
  x402ExactPermit2ProxyAddress,
} from "@x402/evm";
import { Interface, Signature, TypedDataEncoder, toBeHex, type InterfaceAbi, type TypedDataField } from "ethers";
import type { Rpc } from "../chain/rpc.ts";
import type { Hex } from "../protocol/index.ts";
import type { TokenDomain } from "./eip3009.ts";

/** The same on every chain that has it; payers allow it to take the token, once. */
export const PERMIT2 = PERMIT2_ADDRESS.toLowerCase() as Hex;
/** The one spender that payers sign for. It pays whom the witness names, and anybody may call it. */
export const EXACT_PROXY = x402ExactPermit2ProxyAddress.toLowerCase() as Hex;

export const permit2 = new Interface([
  "function DOMAIN_SEPARATOR() view returns (bytes32)",
  "function nonceBitmap(address owner, uint256 word) view returns (uint256)",
]);
export const exactProxy = new Interface(x402ExactPermit2ProxyABI as unknown as InterfaceAbi);

/** What the proxy hands to Permit2 as the witness's type; another one, and no stock signature would hold. */
export const WITNESS_TYPE_STRING =
  "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)";

/** What a payer signs. */
export interface Permit {
  from: Hex;
  permitted: { token: Hex; amount: bigint };
  spender: Hex;
  nonce: bigint;
  deadline: bigint;
  witness: { to: Hex; validAfter: bigint };
}

const types = permit2WitnessTypes as unknown as Record<string, TypedDataField[]>;

/** Permit2's own domain: it has no version. */
export const permit2Domain = (chainId: number) => ({ name: "Permit2", chainId, verifyingContract: PERMIT2 });

/** Names a permit's content, whichever signature it comes with. */
export function permitDigest({ chainId }: TokenDomain, permit: Permit): Hex {
  const { permitted, spender, nonce, deadline, witness } = permit;
  return TypedDataEncoder.hash(permit2Domain(chainId), types, {
    ...{ permitted, spender, nonce, deadline, witness },
  }) as Hex;
}

/** Calldata that carries a permit to the proxy. */
export function encodeSettle({ permitted, nonce, deadline, from, witness }: Permit, signature: Hex): Hex {
  const { serialized } = Signature.from(signature);
  return exactProxy.encodeFunctionData("settle", [{ permitted, nonce, deadline }, from, witness, serialized]) as Hex;
}

/** The token that such a call moves. */
export function tokenOfSettle(data: string): Hex {
  const [permit] = exactProxy.decodeFunctionData("settle", data) as unknown as [{ permitted: { token: string } }];
  return permit.permitted.token.toLowerCase() as Hex;
}

/** Whether the payer's nonce is spent: used, or invalidated. @throws {ChainUnavailable} */
export async function isNonceSpent(rpc: Rpc, { payer, nonce }: { payer: Hex; nonce: Hex }): Promise<boolean> {
  const data = permit2.encodeFunctionData("nonceBitmap", [payer, BigInt(nonce) >> 8n]);
  const bitmap = BigInt(await rpc.request<string>("eth_call", [{ to: PERMIT2, data }, "latest"]));
  return ((bitmap >> (BigInt(nonce) & 0xffn)) & 1n) === 1n;
}

/** A nonce of Permit2 as the ledger and request ids have it. */
export const nonceWord = (nonce: string): Hex => toBeHex(BigInt(nonce), 32) as Hex;
