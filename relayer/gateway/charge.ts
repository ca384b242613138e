// SPDX-License-Identifier: MIT
// Asking for money: what a facilitator's answers mean, and what its silence does not.
import { boundedText } from "../bounded-text.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { HTTPFacilitatorClient } from "@x402/core/http";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { paymentRequest, paymentStatus } from "../facilitator/messages.ts";
import type { PaymentStatus, SettleAnswer, VerifyAnswer } from "../facilitator/messages.ts";
import { REASONS } from "../facilitator/reasons.ts";
import type { Facilitator } from "../facilitator/service.ts";
import type { Hex } from "../protocol/index.ts";

/** A facilitator as a gateway uses it; `status` is ours, and without it a lost reply stays unknown. */
export interface PaymentService {
  verify(payload: PaymentPayload, requirements: PaymentRequirements): Promise<VerifyAnswer>;
  settle(payload: PaymentPayload, requirements: PaymentRequirements): Promise<SettleAnswer>;
  /** Where a payment stands; `undefined` where it was never presented. */
  status?(requestId: Hex): Promise<PaymentStatus | undefined>;
}

/** Of an answer about one payment. */
const MAX_STATUS_BYTES = 16_384;

/** A relayer's facilitator over HTTP. @param url its base URL, for instance `https://relayer.example/x402` */
export function remoteFacilitator(url: string, timeoutMs = 80_000): PaymentService {
  const base = url.replace(/\/+$/, "");
  const stock = new HTTPFacilitatorClient({ url: base, timeoutMs });
  return {
    verify: (payload, requirements) => stock.verify(payload, requirements) as Promise<VerifyAnswer>,
    settle: (payload, requirements) => stock.settle(payload, requirements) as Promise<SettleAnswer>,
    async status(requestId) {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await fetch(`${base}/payments/${requestId}`, { signal, redirect: "error" });
      if (response.status === 404) return undefined;
      if (!response.ok) throw new Error(`the facilitator answered ${response.status}`);
      return paymentStatus.parse(JSON.parse(await boundedText(response, MAX_STATUS_BYTES)));
    },
  };
}

/** A facilitator in this process. */
export function localFacilitator(facilitator: Pick<Facilitator, "verify" | "settle" | "status">): PaymentService {
  const request = (paymentPayload: PaymentPayload, paymentRequirements: PaymentRequirements) =>
    paymentRequest.parse({ x402Version: 2, paymentPayload, paymentRequirements });
  return {
    verify: async (payload, requirements) => facilitator.verify(request(payload, requirements)),
    settle: async (payload, requirements) => facilitator.settle(request(payload, requirements)),
    status: (requestId) => facilitator.status(requestId),
  };
}

/** `refused`: certainly not paid, and nothing is on its way. `unknown`: ask again. */
export type Charged =
  | { is: "paid"; final: boolean; transaction: Hex }
  | { is: "refused"; reason: string }
  | { is: "unknown"; reason: string };

/** What is charged for. */
export interface Charge {
  requestId: Hex;
  payTo: Hex;
  amount: bigint;
  payload: PaymentPayload;
  requirements: PaymentRequirements;
}

const UNREACHABLE = "facilitator_unreachable";

/**
 * Settles, once. No answer, a refusal of the request itself (429, 503) and "pending" are unknown. So is "duplicate", until
 * the facilitator's books say how the payment stands: the success of a lost reply was told to us.
 */
export async function chargeOnce(service: PaymentService, charge: Charge): Promise<Charged> {
  const { requestId, payload, requirements } = charge;
  let reason = UNREACHABLE;
  let answered = false;
  try {
    const settled = await service.settle(payload, requirements);
    if (settled.success) return { is: "paid", final: false, transaction: settled.transaction.toLowerCase() as Hex };
    reason = settled.errorReason ?? REASONS.failed;
    answered = reason !== REASONS.pending;
  } catch {
    // Nothing was said: the books may know.
  }
  if (!service.status) {
    return answered && reason !== REASONS.duplicate ? { is: "refused", reason } : { is: "unknown", reason };
  }
  return standing(service.status, charge, { reason, answered }, requestId);
}

async function standing(
  status: NonNullable<PaymentService["status"]>,
  charge: Charge,
  { reason, answered }: { reason: string; answered: boolean },
  requestId: Hex,
): Promise<Charged> {
  const known = await status(requestId).catch(() => null);
  if (known === null) return { is: "unknown", reason };
  const paid = paidFor(known, charge);
  if (paid) return paid;
  // Not known there, found good and not sent, or failed: nothing is on its way, if that is what was said, too.
  return answered && known?.state !== "submitted" ? { is: "refused", reason } : { is: "unknown", reason };
}

/** Whether the facilitator's books say that this payment was made. */
export function paidFor(
  known: PaymentStatus | undefined,
  { payTo, amount }: Charge,
): (Charged & { is: "paid" }) | undefined {
  if (known?.state !== "mined" && known?.state !== "final") return undefined;
  if (known.payTo.toLowerCase() !== payTo || BigInt(known.amount) !== amount || known.transaction === null)
    return undefined;
  return { is: "paid", final: known.state === "final", transaction: known.transaction.toLowerCase() as Hex };
}

/** Settles until it is known, for so long. */
export async function chargeFor(service: PaymentService, charge: Charge, patienceMs: number): Promise<Charged> {
  const until = Date.now() + patienceMs;
  for (let pause = 200; ; pause = Math.min(pause * 2, 3_000)) {
    const charged = await chargeOnce(service, charge);
    if (charged.is !== "unknown" || Date.now() + pause > until) return charged;
    await sleep(pause);
  }
}
