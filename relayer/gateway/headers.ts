// SPDX-License-Identifier: MIT
// Payments in HTTP headers, in both versions of x402. Pure.
import {
  decodePaymentSignatureHeader,
  encodePaymentRequiredHeader,
  encodePaymentResponseHeader,
} from "@x402/core/http";
import { isPaymentPayloadV2 } from "@x402/core/schemas";
import type { PaymentPayload, PaymentRequired, PaymentRequirements } from "@x402/core/types";
import { paymentFromV1, paymentV1, requirementsToV1, settleToV1 } from "../facilitator/v1.ts";
import type { SettleAnswer } from "../facilitator/messages.ts";
import type { Served } from "../node/index.ts";
import { receiptToWire } from "../node/wire.ts";
import type { Hex } from "../protocol/index.ts";

/** Receipt and signature as JSON in base64; see {@link ReceiptHeader}. */
export const RECEIPT_HEADER = "OPENGRADIENT-RECEIPT";
/** Longest payment header that is looked at. */
const MAX_HEADER = 8_192;

/** A payment as it came, in version 2's words. */
export interface Presented {
  version: 1 | 2;
  payload: PaymentPayload;
}

type GetHeader = (name: string) => string | undefined;

/** The payment of a request. @returns `none`, or `malformed` where a header is there and is no payment. */
export function presentedPayment(header: GetHeader, exact: PaymentRequirements): Presented | "none" | "malformed" {
  const v2 = header("PAYMENT-SIGNATURE");
  const raw = v2 ?? header("X-PAYMENT");
  if (raw === undefined) return "none";
  if (raw.length > MAX_HEADER) return "malformed";
  try {
    const decoded: unknown = decodePaymentSignatureHeader(raw);
    if (v2 === undefined) {
      const payload = paymentFromV1(paymentV1.parse(decoded), exact);
      return { version: 1, payload };
    }
    if (!isPaymentPayloadV2(decoded)) return "malformed";
    return { version: 2, payload: decoded as PaymentPayload };
  } catch {
    return "malformed";
  }
}

/** A 402 that both versions' clients read: version 2 in the header, version 1 in the body where the chain has a name. */
export function paymentRequired(
  resource: { url: string; description: string; mimeType: string },
  accepts: PaymentRequirements[],
  error?: string,
): { headers: Record<string, string>; body: string } {
  const required: PaymentRequired = { x402Version: 2, resource, accepts, ...(error === undefined ? {} : { error }) };
  const old = accepts.flatMap((one) => (one.scheme === "exact" ? (requirementsToV1(one, resource) ?? []) : []));
  return {
    headers: {
      "PAYMENT-REQUIRED": encodePaymentRequiredHeader(required),
      "content-type": "application/json",
      "cache-control": "no-store",
    },
    body: JSON.stringify(
      old.length > 0 ? { x402Version: 1, error: error ?? "X-PAYMENT header is required", accepts: old } : required,
    ),
  };
}

/** How a payment went, in the header that its client reads. */
export function paymentResponse(version: 1 | 2, settled: SettleAnswer): Record<string, string> {
  if (version === 2) return { "PAYMENT-RESPONSE": encodePaymentResponseHeader(settled as never) };
  return { "X-PAYMENT-RESPONSE": Buffer.from(JSON.stringify(settleToV1(settled))).toString("base64") };
}

/** What the receipt header says: enough to check the receipt against what was asked, and to settle it. */
export interface ReceiptHeader {
  receiptId: Hex;
  receipt: ReturnType<typeof receiptToWire>;
  /** The node's, over the receipt id. */
  signature: Hex;
  /** Of the input hash: keccak256(0xfe ‖ salt ‖ requestHash). */
  salt: Hex;
  /** keccak256 of method, resource and body. */
  requestHash: Hex;
}

export function receiptOf(
  { receiptId, receipt, signature }: Pick<Served, "receiptId" | "receipt" | "signature">,
  { salt, requestHash }: { salt: Hex; requestHash: Hex },
): ReceiptHeader {
  return { receiptId, receipt: receiptToWire(receipt), signature, salt, requestHash };
}

export const toBase64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64");
