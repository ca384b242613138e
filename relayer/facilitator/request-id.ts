// SPDX-License-Identifier: MIT
import { AbiCoder } from "ethers";
import { fromHex, keccak, type Hex } from "../protocol/index.ts";

/** What one authorization is known by: the contract that keeps its nonce lets it happen once. */
export interface PaymentKey {
  chainId: number;
  /** The token over EIP-3009; the Permit2 contract over Permit2, whose nonces are one set for all tokens. */
  token: Hex;
  payer: Hex;
  /** Nonce of the authorization, 32 bytes. */
  nonce: Hex;
}

/**
 * The request id (R5) of what a payment buys: keccak256(abi.encode(chainId, token, payer, nonce)). Whoever answers puts it
 * into the receipt, and the payer computes it before paying.
 */
export function paymentRequestId({ chainId, token, payer, nonce }: PaymentKey): Hex {
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ["uint256", "address", "address", "bytes32"],
    [chainId, token, payer, nonce],
  );
  return keccak(fromHex(encoded));
}
