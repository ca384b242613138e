// SPDX-License-Identifier: MIT
import { TypedDataEncoder, ZeroAddress, ZeroHash } from "ethers";
import { NodeRefused } from "../chain/errors.ts";
import type { Rpc } from "../chain/rpc.ts";
import { eip3009, type TokenDomain } from "./eip3009.ts";
import { REASONS } from "./reasons.ts";

/** Whether `exact` over EIP-3009 can be kept here, or why it cannot. */
export type Offer = { offered: true } | { offered: false; reason: string; detail: string };

/**
 * Asks the chain for what settlement relies on, before anything is promised: a call to an address without code succeeds
 * and moves nothing. @throws {ChainUnavailable}
 */
export async function checkOffer(rpc: Rpc, domain: TokenDomain): Promise<Offer> {
  const token = domain.verifyingContract;
  if ((await rpc.request<string>("eth_getCode", [token, "latest"])) === "0x")
    return { offered: false, reason: REASONS.noCode, detail: `no contract at ${token}` };
  const state = await view(rpc, token, eip3009.encodeFunctionData("authorizationState", [ZeroAddress, ZeroHash]));
  if (state !== ZeroHash)
    return { offered: false, reason: REASONS.noEip3009, detail: `${token} answers no authorizationState` };
  // Not part of EIP-3009, but nearly all such tokens tell it. A wrong name would make every signature a wrong one.
  const separator = await view(rpc, token, eip3009.encodeFunctionData("DOMAIN_SEPARATOR"));
  if (separator?.length === 66 && separator !== TypedDataEncoder.hashDomain({ ...domain }))
    return { offered: false, reason: REASONS.tokenName, detail: `${token} signs under another name or version` };
  return { offered: true };
}

async function view(rpc: Rpc, to: string, data: string): Promise<string | undefined> {
  try {
    return await rpc.request<string>("eth_call", [{ to, data }, "latest"]);
  } catch (error) {
    if (error instanceof NodeRefused) return undefined;
    throw error;
  }
}
