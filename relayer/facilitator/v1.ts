// SPDX-License-Identifier: MIT
// Version 1 of x402, for clients and gateways that still speak it: translated to version 2 at the door, and back.
import { EVM_NETWORK_CHAIN_ID_MAP } from "@x402/evm/v1";
import { z } from "@hono/zod-openapi";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import type { PaymentRequest, SettleAnswer } from "./messages.ts";
import { networkOf } from "./door.ts";
import { transferMethod } from "./signed.ts";

/** Version 1 knows networks by a closed list of names. @returns nothing for a chain that has none. */
export function nameV1(chainId: number): string | undefined {
  return Object.entries(EVM_NETWORK_CHAIN_ID_MAP).find(([, id]) => id === chainId)?.[0];
}

/** CAIP-2 form of a version 1 name, or the name itself where it has none: no chain of ours then. */
export function networkOfName(name: string): string {
  const id = (EVM_NETWORK_CHAIN_ID_MAP as Record<string, number>)[name];
  return id === undefined ? name : networkOf(id);
}

/** A payment as version 1 clients send it. */
export const paymentV1 = z.object({
  x402Version: z.literal(1),
  scheme: z.string().min(1).max(200),
  network: z.string().min(1).max(200),
  payload: z.record(z.string(), z.unknown()),
});

const requirementsV1 = z.object({
  scheme: z.string().min(1).max(200),
  network: z.string().min(1).max(200),
  maxAmountRequired: z.string(),
  payTo: z.string(),
  asset: z.string(),
  maxTimeoutSeconds: z.number().positive(),
  extra: z.record(z.string(), z.unknown()).nullish(),
});

/** A version 1 request to verify or to settle. */
export const paymentRequestV1 = z
  .object({ x402Version: z.literal(1), paymentPayload: paymentV1, paymentRequirements: requirementsV1 })
  .openapi("X402PaymentRequestV1");

/** A version 1 payment in version 2's words; `accepted` is what the server asked for, as the payment does not repeat it. */
export function paymentFromV1(
  { scheme, network, payload }: z.output<typeof paymentV1>,
  asked: PaymentRequirements,
): PaymentPayload {
  const accepted = { ...asked, scheme, network: networkOfName(network) as PaymentRequirements["network"] };
  return { x402Version: 2, accepted, payload };
}

/** @returns what `paymentRequest` is to parse. */
export function requestFromV1({ paymentPayload, paymentRequirements }: z.output<typeof paymentRequestV1>): unknown {
  const { maxAmountRequired: amount, network, ...rest } = paymentRequirements;
  const wanted = { ...rest, amount, network: networkOfName(network) } as PaymentRequirements;
  return {
    x402Version: 2,
    paymentPayload: paymentFromV1(paymentPayload, wanted),
    paymentRequirements: wanted,
  } satisfies Record<keyof PaymentRequest, unknown>;
}

/** Requirements as version 1 clients read them. @returns nothing where they cannot be met there: version 1 has no Permit2. */
export function requirementsToV1(
  wanted: PaymentRequirements,
  resource: { url: string; description: string; mimeType: string },
) {
  const network = nameV1(Number(wanted.network.slice("eip155:".length)));
  if (network === undefined || transferMethod(wanted) !== "eip3009") return undefined;
  const { scheme, amount, asset, payTo, maxTimeoutSeconds, extra } = wanted;
  const { url, description, mimeType } = resource;
  return {
    ...{ scheme, network, maxAmountRequired: amount, resource: url, description, mimeType },
    ...{ payTo, maxTimeoutSeconds, asset, extra },
  };
}

/** A settlement as version 1 clients read it. */
export function settleToV1({ success, errorReason, transaction, network, payer }: SettleAnswer) {
  const name = nameV1(Number(network.slice("eip155:".length))) ?? network;
  return {
    ...{ success, transaction, network: name },
    ...(errorReason === undefined ? {} : { errorReason }),
    ...(payer === undefined ? {} : { payer }),
  };
}
