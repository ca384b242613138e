// SPDX-License-Identifier: MIT
// What can be said of a payment without asking a chain.
import type { X402Config } from "../config/index.ts";
import type { Hex } from "../protocol/index.ts";
import type { NewPayment } from "../store/payments.ts";
import type { TokenDomain } from "./eip3009.ts";
import type { PaymentRequest } from "./messages.ts";
import { REASONS } from "./reasons.ts";
import { paymentRequestId } from "./request-id.ts";
import { readSigned, transferMethod, type Signed } from "./signed.ts";

/** A payment that its payer signed, for a price that the operator takes. */
export type SignedPayment = NewPayment & Pick<Signed, "method" | "validBefore" | "call" | "payload">;
export type DoorAnswer =
  { ok: true; payment: SignedPayment } | { ok: false; reason: string; detail?: string; payer?: Hex };

export const networkOf = (chainId: number): `eip155:${number}` => `eip155:${chainId}`;

/** Checks a request against the configuration, and the payer's signature over what it pays. Pure. */
export function inspectPayment(config: X402Config, domain: TokenDomain, request: PaymentRequest): DoorAnswer {
  const { paymentPayload: paid, paymentRequirements: wanted } = request;
  const no = (reason: string, detail: string): DoorAnswer => ({ ok: false, reason, detail });
  if (request.x402Version !== 2 || paid.x402Version !== 2)
    return no(REASONS.version, "this facilitator speaks x402 version 2");
  if (wanted.scheme !== "exact" || paid.accepted.scheme !== "exact") return no(REASONS.scheme, "only exact is offered");
  const network = networkOf(domain.chainId);
  if (wanted.network !== network || paid.accepted.network !== network)
    return no(REASONS.network, `this facilitator settles on ${network}`);
  if (wanted.asset !== domain.verifyingContract) return no(REASONS.asset, `pay with ${domain.verifyingContract}`);
  const method = transferMethod(wanted);
  if (method === "eip3009") {
    if (wanted.extra?.["name"] !== domain.name) return no(REASONS.tokenName, `extra.name is ${domain.name}`);
    if (wanted.extra["version"] !== domain.version)
      return no(REASONS.tokenVersion, `extra.version is ${domain.version}`);
  }
  if (config.payTo !== "any" && !config.payTo.includes(wanted.payTo))
    return no(REASONS.payTo, "this payee is not served here");
  const amount = BigInt(wanted.amount);
  if (amount < config.minAmount || amount > config.maxAmount)
    return no(REASONS.amount, `from ${config.minAmount} to ${config.maxAmount} of the token's smallest unit`);

  const read = readSigned(domain, method, paid.payload);
  if (!read.ok) return read;
  const { signed } = read;
  const key = { chainId: domain.chainId, token: signed.keeper, payer: signed.payer, nonce: signed.nonce };
  const { digest, validBefore, call, payload } = signed;
  return {
    ok: true,
    payment: {
      ...key,
      requestId: paymentRequestId(key),
      payTo: wanted.payTo,
      amount,
      ...{ method: signed.method, digest, validBefore, call, payload },
    },
  };
}
