// SPDX-License-Identifier: MIT
import { id, TypedDataEncoder, ZeroAddress, ZeroHash } from "ethers";
import { NodeRefused } from "../chain/errors.ts";
import type { Log } from "../chain/manager-options.ts";
import type { Rpc } from "../chain/rpc.ts";
import { eip3009, type TokenDomain } from "./eip3009.ts";
import { EXACT_PROXY, exactProxy, PERMIT2, permit2, permit2Domain, WITNESS_TYPE_STRING } from "./permit2.ts";
import { REASONS } from "./reasons.ts";
import type { TransferMethod } from "./signed.ts";

/** Whether payments can be kept here, or why they cannot. */
export type Offer = { offered: true } | { offered: false; reason: string; detail: string };
/** By the way in which `exact` moves tokens. */
export type Offers = Record<TransferMethod, Offer>;

/** Both ways at once. @throws {ChainUnavailable} */
export async function checkOffers(rpc: Rpc, domain: TokenDomain, overPermit2: "auto" | "off"): Promise<Offers> {
  return {
    eip3009: await checkOffer(rpc, domain),
    permit2:
      overPermit2 === "off"
        ? { offered: false, reason: REASONS.payloadType, detail: "payments over Permit2 are switched off here" }
        : await checkPermit2(rpc, domain),
  };
}

/** Says what is not offered, and why. */
export function logOffers({ eip3009, permit2: overPermit2 }: Offers, log: Log): void {
  if (!eip3009.offered && !overPermit2.offered)
    log.error({ eip3009, permit2: overPermit2 }, "x402 payments are not offered");
  else if (!eip3009.offered) log.warn({ ...eip3009 }, "x402 payments over EIP-3009 are not offered");
  else if (!overPermit2.offered) log.info({ ...overPermit2 }, "x402 payments over Permit2 are not offered");
}

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

/**
 * The same for `exact` over Permit2. That there is code says little: Permit2 must sign for this chain, and the proxy must
 * hand the witness of stock clients to this Permit2. What they do beyond is trusted, and a payment counts by the token's
 * own Transfer all the same. @throws {ChainUnavailable}
 */
export async function checkPermit2(rpc: Rpc, { chainId, verifyingContract: token }: TokenDomain): Promise<Offer> {
  const missing = (detail: string): Offer => ({ offered: false, reason: REASONS.permit2Missing, detail });
  const codeAt = (at: string): Promise<string> => rpc.request<string>("eth_getCode", [at, "latest"]);
  if ((await codeAt(token)) === "0x")
    return { offered: false, reason: REASONS.noCode, detail: `no contract at ${token}` };
  for (const at of [PERMIT2, EXACT_PROXY]) if ((await codeAt(at)) === "0x") return missing(`no contract at ${at}`);
  const separator = await view(rpc, PERMIT2, permit2.encodeFunctionData("DOMAIN_SEPARATOR"));
  if (separator !== TypedDataEncoder.hashDomain(permit2Domain(chainId)))
    return missing(`what is at ${PERMIT2} does not sign as Permit2 of chain ${chainId}`);
  const witness = WITNESS_TYPE_STRING.slice(WITNESS_TYPE_STRING.lastIndexOf("Witness("));
  for (const [name, expected] of [
    ["PERMIT2", PERMIT2],
    ["WITNESS_TYPEHASH", id(witness)],
    ["WITNESS_TYPE_STRING", WITNESS_TYPE_STRING],
  ] as const) {
    const wanted = exactProxy.encodeFunctionResult(name, [expected]);
    if ((await view(rpc, EXACT_PROXY, exactProxy.encodeFunctionData(name))) !== wanted)
      return missing(`what is at ${EXACT_PROXY} has another ${name} than x402's proxy`);
  }
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
