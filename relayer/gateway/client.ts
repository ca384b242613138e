// SPDX-License-Identifier: MIT
// What a payer needs beside its stock client: checking receipts, and paying over a channel.
import { decodePaymentRequiredHeader, encodePaymentSignatureHeader } from "@x402/core/http";
import { hexlify, randomBytes } from "ethers";
import type { Payer } from "../channels/index.ts";
import { receiptFromWire } from "../node/wire.ts";
import { receiptId, saltedInputHash, type Domain, type Hex, type Receipt } from "../protocol/index.ts";
import { CHANNEL_SCHEME, channelExtra } from "./channel.ts";
import { RECEIPT_HEADER, type ReceiptHeader } from "./headers.ts";
import { requestBytes, requestHash, resourceOf } from "./terms.ts";

/** Why an answer's receipt is not what was paid for, or a gateway takes no channel. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: "no_receipt" | "mismatch" | "no_channel" | "refused";
  constructor(code: GatewayError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** A request as it was sent. */
export interface SentRequest {
  method: string;
  url: string;
  body?: Uint8Array | undefined;
}

/**
 * Reads the receipt that came with an answer (a header, or the last event of a stream), and holds it against what was
 * asked and paid. Whether its key is the node's is the `InferenceRegistry`'s to say, or `payer.accept`'s.
 * @throws {GatewayError}
 */
export function checkReceipt(
  found: string | ReceiptHeader | null,
  { domain, requestId, sent }: { domain: Domain; requestId: Hex; sent: SentRequest },
): { receipt: Receipt; receiptId: Hex; signature: Hex; salt: Hex } {
  if (found === null) throw new GatewayError("no_receipt", `the answer has no ${RECEIPT_HEADER}`);
  const header = typeof found === "string" ? (JSON.parse(atob(found)) as ReceiptHeader) : found;
  const receipt = receiptFromWire(header.receipt);
  const request = requestBytes(sent.method, resourceOf(sent.url), sent.body ?? new Uint8Array());
  if (receipt.requestId !== requestId)
    throw new GatewayError("mismatch", `the receipt is for ${receipt.requestId}, the payment for ${requestId}`);
  if (receiptId(domain, receipt) !== header.receiptId)
    throw new GatewayError("mismatch", "the receipt has another id than it says; check chain id and registry");
  if (header.requestHash !== requestHash(request) || receipt.inputHash !== saltedInputHash(header.salt, request))
    throw new GatewayError("mismatch", "the receipt speaks of another request");
  return { receipt, receiptId: header.receiptId, signature: header.signature, salt: header.salt };
}

/** An answer that a channel paid for. */
export interface ChannelAnswer {
  body: Uint8Array;
  receipt: Receipt;
  receiptId: Hex;
  fee: bigint;
}

export interface ChannelBuyer {
  payer: Payer;
  /** Most that a request may cost, OPG base units. */
  maxFee: bigint;
  /** What the answer commits to, computed from the body (R6). */
  outputHashOf: (body: Uint8Array) => Hex;
  fetch?: typeof fetch;
}

/**
 * Buys one answer over a channel: asks for the terms, signs a voucher for this very request, and checks the receipt
 * before the fee counts. Where no answer came, the lane stays blocked: `payer.retry` or `payer.abandon`.
 * @throws {GatewayError} {@link NotSigned} {@link ReceiptRefused}
 */
export async function buyOverChannel(
  url: string,
  {
    method = "POST",
    body = new Uint8Array(),
    headers = {},
  }: { method?: string; body?: Uint8Array; headers?: Record<string, string> },
  { payer, maxFee, outputHashOf, fetch: send = fetch }: ChannelBuyer,
): Promise<ChannelAnswer> {
  const init = { method, headers, ...(method === "GET" ? {} : { body: Buffer.from(body) }) };
  const asked = await send(url, init);
  const required = asked.headers.get("PAYMENT-REQUIRED");
  // Not waited for: where somebody else reads a copy of the body, it ends with theirs.
  void asked.body?.cancel().catch(() => undefined);
  if (asked.status !== 402 || required === null)
    throw new GatewayError("no_channel", `${url} answered ${asked.status} and asked for no payment`);
  const { accepts } = decodePaymentRequiredHeader(required);
  const accepted = accepts.find(({ scheme }) => scheme === CHANNEL_SCHEME);
  const terms = channelExtra.safeParse(accepted?.extra);
  if (!accepted || !terms.success) throw new GatewayError("no_channel", `${url} takes no channel`);
  if (BigInt(accepted.amount) > maxFee)
    throw new GatewayError("refused", `it costs ${accepted.amount}, more than ${maxFee}`);

  const salt = hexlify(randomBytes(32)) as Hex;
  const inputHash = saltedInputHash(salt, requestBytes(method, resourceOf(url), body));
  const { nodeId, modelId, mode } = terms.data;
  const wish = { nodeId: nodeId as Hex, modelId: modelId as Hex, modeMask: 1 << mode, inputHash, maxFee };
  const { message } = await payer.request(wish);
  const payment = encodePaymentSignatureHeader({ x402Version: 2, accepted, payload: { request: message, salt } });
  const answered = await send(url, { ...init, headers: { ...headers, "PAYMENT-SIGNATURE": payment } });
  const answer = new Uint8Array(await answered.arrayBuffer());
  const found = answered.headers.get(RECEIPT_HEADER);
  if (!answered.ok || found === null) throw new GatewayError("refused", `${url} answered ${answered.status}`);
  const { receipt, signature } = JSON.parse(atob(found)) as ReceiptHeader;
  const accept = await payer.accept({ receipt, signature }, outputHashOf(answer));
  return { body: answer, ...accept };
}
