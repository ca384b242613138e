// SPDX-License-Identifier: MIT
// What is sold, and how a request, its payment and its receipt are tied together. Pure.
import type { PaymentRequirements } from "@x402/core/types";
import { keccak256, toUtf8Bytes } from "ethers";
import type { Payee } from "../channels/index.ts";
import type { Answer, InferenceNode } from "../node/index.ts";
import { saltedInputHash, type Hex } from "../protocol/index.ts";
import { networkOf } from "../facilitator/door.ts";
import type { TransferMethod } from "../facilitator/signed.ts";

/** What somebody paid for. */
export interface SoldRequest {
  body: Uint8Array;
  /** Path and query. */
  resource: string;
  /** Sends a part of the answer ahead, where the answer is streamed; otherwise nothing. */
  emit: (part: string) => void;
  /** Aborted when its time is up (`maxWorkMs`); what is answered later is not taken. */
  signal: AbortSignal;
}

/** One thing that a gateway sells, at one path. */
export interface Product {
  /** As in the URL, for instance `/v1/score`. */
  path: string;
  description: string;
  /** Of the answer. */
  mediaType: string;
  /** Smallest units of the token. */
  price: bigint;
  /** Who answers: it reserves the request id, runs the work once, and signs. */
  node: Pick<InferenceNode, "serve" | "issued">;
  /** Runs the model. The node's receipt covers `outputHash` (R6). */
  infer(request: SoldRequest): Promise<Answer>;
  /** Why this cannot be answered at all: said before anybody pays. */
  refuse?(body: Uint8Array): string | undefined;
  /** ZKML: the circuit's input signal. Otherwise the salted hash of method, resource and body. */
  inputHash?(body: Uint8Array): Hex;
  /** Whether a client may have the answer as server-sent events. */
  streams?: boolean;
  /**
   * `after` (default): the work is done, then charged, then served; who drains the balance meanwhile costs a run of the
   * model. `before`: charged first; where the work fails then, a refund is owed. Streams are always charged before.
   */
  charge?: "after" | "before";
  /** Who is paid, if not the gateway's `payTo`: the inbox of node and model, for instance. */
  payTo?: Hex;
  /** What the receipt says that it cost, in OPG; the price where left out, as for payments in OPG. */
  receiptFee?: bigint;
  /** Payment channels are taken too. */
  channel?: { payee: Payee; nodeId: Hex; modelId: Hex; mode: number };
}

/** What payments are made in. */
export interface Money {
  chainId: number;
  token: Hex;
  /** How it is moved: `permit2` for a token without EIP-3009. */
  transfer?: TransferMethod;
  /** EIP-712 domain of the token, for EIP-3009. */
  name: string;
  version: string;
  payTo: Hex;
  /** Payers are asked to sign for so long: longer than the slowest answer, and the longest outage to be outlived. */
  maxTimeoutSeconds: number;
}

/** What stock clients are asked for. */
export function exactTerms(money: Money, product: Product): PaymentRequirements {
  return {
    scheme: "exact",
    network: networkOf(money.chainId),
    amount: String(product.price),
    asset: money.token,
    payTo: product.payTo ?? money.payTo,
    maxTimeoutSeconds: money.maxTimeoutSeconds,
    extra:
      money.transfer === "permit2"
        ? { assetTransferMethod: money.transfer }
        : { name: money.name, version: money.version },
  };
}

/** Whether a payment was made for these terms. What else it says of them is not its to say. */
export function isFor(accepted: PaymentRequirements, terms: PaymentRequirements): boolean {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  return (
    accepted.scheme === terms.scheme &&
    accepted.network === terms.network &&
    accepted.amount === terms.amount &&
    same(accepted.asset, terms.asset) &&
    same(accepted.payTo, terms.payTo)
  );
}

/** Method, path and query, and body: what is asked, to the byte. */
export function requestBytes(method: string, resource: string, body: Uint8Array): Uint8Array {
  return Buffer.concat([toUtf8Bytes(`${method} ${resource}\n`), body]);
}

/** Names a request. The receipt's input hash is that of this and a salt, so a receipt speaks for one resource. */
export const requestHash = (request: Uint8Array): Hex => keccak256(request) as Hex;

/** The receipt's input hash: anyone who has request and salt computes it. */
export function inputHashOf(product: Product, salt: Hex, request: Uint8Array, body: Uint8Array): Hex {
  return product.inputHash?.(body) ?? saltedInputHash(salt, request);
}

/** Whether a URL that somebody wrote has this path and query. */
export function isSameResource(url: string, resource: string): boolean {
  return URL.canParse(url, "http://gateway.invalid") && resourceOf(url) === resource;
}

/** Path and query of a URL or of a path. */
export function resourceOf(url: string): string {
  const { pathname, search } = new URL(url, "http://gateway.invalid");
  return pathname + search;
}
