// SPDX-License-Identifier: MIT
import { ExactEvmScheme } from "@x402/evm/exact/facilitator";
import { createBuckets } from "../api/limits.ts";
import { Problem } from "../api/problems.ts";
import type { Log } from "../chain/manager-options.ts";
import type { Rpc } from "../chain/rpc.ts";
import type { Finality } from "../chain/sending.ts";
import type { X402Config } from "../config/index.ts";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import {
  adoptPayment,
  claimAnswer,
  findPayment,
  findPaymentByRequest,
  newestHash,
  readPayments,
  reservePayment,
  resubmitPayment,
  submitPayment,
  type NewPayment,
  type PaymentRow,
} from "../store/payments.ts";
import { inspectPayment, networkOf, type DoorAnswer, type SignedPayment } from "./door.ts";
import type { TokenDomain } from "./eip3009.ts";
import { authorizationSearch, findElsewhere, permitSearch } from "./elsewhere.ts";
import { readOnlySigner } from "./evm-signer.ts";
import type { PaymentRequest, PaymentStatus, SettleAnswer, SupportedAnswer, VerifyAnswer } from "./messages.ts";
import type { Offers } from "./offer.ts";
import { isNonceSpent, PERMIT2 } from "./permit2.ts";
import { REASONS } from "./reasons.ts";
import { transferMethod } from "./signed.ts";
import { nameV1 } from "./v1.ts";
import { createPaymentWaiting } from "./waiting.ts";

export interface FacilitatorOptions {
  db: Database;
  rpc: Rpc;
  /** Account that pays for the calls. */
  sender: Hex;
  chainId: number;
  config: X402Config;
  /** What the check at the start found. */
  offers: Offers;
  /** When a block counts as final. */
  finality: Finality;
  /** Called when a call was queued. */
  submitted: () => void;
  log: Log;
  /** Told how each verification and settlement ended, by reason. */
  observe?: (call: "verify" | "settle", outcome: string) => void;
  now?: () => number;
}

/** Key of our part of the answers' `extensions`. */
export const EXTENSION = "opengradient";

const LOOK_EVERY_MS = 150;

/** Domain that payers sign for. */
export function tokenDomain(config: X402Config, chainId: number): TokenDomain {
  return { name: config.name, version: config.version, chainId, verifyingContract: config.token };
}

/** An x402 facilitator over the ledger; its three methods are those of the SDK's `FacilitatorClient`. */
export function createFacilitator(options: FacilitatorOptions) {
  const { db, rpc, sender, chainId, config, offers, finality, submitted, log, now = Date.now } = options;
  const observe = options.observe ?? (() => undefined);
  const domain = tokenDomain(config, chainId);
  const network = networkOf(chainId);
  const buckets = createBuckets({ perSecond: config.payerPerSecond, burst: config.payerBurst }, now);
  const isOver = ({ state }: PaymentRow): boolean =>
    state === "final" || state === "failed" || (state === "mined" && config.waitFor === "mined");
  const waiting = createPaymentWaiting({
    read: (ids) => readPayments(db, ids),
    isOver,
    everyMs: LOOK_EVERY_MS,
    onError: (error) => log.error({ error: error.message }, "payments could not be read; asked again"),
  });
  const extensionsOf = ({ requestId }: { requestId: Hex }) => ({ extensions: { [EXTENSION]: { requestId } } });

  /** What can be said without asking the chain: whether it is offered, and what it says itself. */
  function atDoor(request: PaymentRequest): DoorAnswer {
    const method = transferMethod(request.paymentRequirements);
    const offer = method && offers[method];
    return offer?.offered === false ? { ...offer, ok: false } : inspectPayment(config, domain, request);
  }

  /** By the payer who signed: nobody can use up another's share. */
  function limitPayer({ payer }: NewPayment): void {
    const wait = buckets.take(payer);
    if (wait > 0) throw new Problem("rate_limited", "This payer asks too often", { retryAfter: Math.ceil(wait) });
  }

  /** Why the chain would not take it now. @throws {ChainUnavailable} if nobody knows. */
  async function reasonAgainst(
    payment: SignedPayment,
    request: PaymentRequest,
  ): Promise<[string, string?] | undefined> {
    const secondsLeft = payment.validBefore - BigInt(Math.floor(now() / 1000));
    if (secondsLeft < BigInt(config.minSecondsLeft))
      return [
        payment.method === "permit2" ? REASONS.permit2Expired : REASONS.validBefore,
        `it must hold ${config.minSecondsLeft} seconds more`,
      ];
    const { signer, outage } = readOnlySigner(rpc, sender);
    const wanted = { ...request.paymentRequirements, network, extra: { name: domain.name, version: domain.version } };
    const answer = await new ExactEvmScheme(signer).verify(
      {
        x402Version: 2,
        accepted: { ...wanted, amount: request.paymentPayload.accepted.amount },
        payload: payment.payload,
      },
      wanted,
    );
    if (answer.isValid) return undefined;
    // The library says "invalid" where a node did not answer.
    const unknown = outage();
    if (unknown) throw unknown;
    // The library does not look at the nonce.
    if (answer.invalidReason === REASONS.permit2Simulation && (await isNonceSpent(rpc, payment)))
      return [REASONS.permit2Nonce];
    return [answer.invalidReason ?? REASONS.failed];
  }

  /**
   * Whether a payment that failed may be sent once more while its authorization holds: where nothing was mined, so that it
   * cost nothing, or where somebody was told that it was paid and a reorganisation took that back.
   */
  const mayFailAnew = ({ state, reason, minedHash, answeredAt }: PaymentRow): boolean =>
    state === "failed" && reason !== REASONS.noTransfer && (minedHash === null || answeredAt !== null);

  /** Takes the transaction of somebody who carried a reserved payment to its token as what paid it. */
  async function adopt(row: PaymentRow): Promise<"yes" | "not final" | "no"> {
    // Without a reservation from before, the payment may have been served through another facilitator.
    if (row.fromBlock === null) return "no";
    const overPermit2 = PERMIT2 === row.token;
    if (overPermit2 && !(await isNonceSpent(rpc, row))) return "no";
    const search = overPermit2 ? permitSearch({ ...row, token: config.token }) : authorizationSearch(row);
    const found = await findElsewhere({ rpc, finality }, search, row.fromBlock);
    if (!found) return "no";
    if (!found.final) return "not final";
    log.info(
      { requestId: row.requestId, transaction: found.hash },
      "a payment was carried to its token by somebody else",
    );
    await adoptPayment(db, row.id, found.hash);
    return "yes";
  }

  async function observed<T>(call: "verify" | "settle", work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      observe(call, error instanceof Problem ? error.code : "chain_unavailable");
      throw error;
    }
  }

  async function checkAndReserve(request: PaymentRequest): Promise<VerifyAnswer> {
    const no = (invalidReason: string, invalidMessage?: string, payer?: Hex): VerifyAnswer => ({
      ...{ isValid: false, invalidReason },
      ...(invalidMessage ? { invalidMessage } : {}),
      ...(payer ? { payer } : {}),
    });
    const inspected = atDoor(request);
    if (!inspected.ok) return no(inspected.reason, inspected.detail, inspected.payer);
    const { payment } = inspected;
    limitPayer(payment);
    const duplicate = no(REASONS.duplicate, "this authorization was presented before", payment.payer);
    if (await findPayment(db, payment)) return duplicate;
    const [against, fromBlock] = await Promise.all([
      reasonAgainst(payment, request),
      rpc.request<string>("eth_blockNumber", []).then(Number),
    ]);
    if (against) return no(...against, payment.payer);
    // From here on it is one resource's: before that one works, not after.
    if (!(await reservePayment(db, { ...newPayment(payment), fromBlock }, now()))) return duplicate;
    return { isValid: true, payer: payment.payer, ...extensionsOf(payment) };
  }

  async function sendAndWait(request: PaymentRequest): Promise<SettleAnswer> {
    const no = (errorReason: string, more: Partial<SettleAnswer> = {}): SettleAnswer => ({
      ...{ success: false, errorReason, transaction: "", network },
      ...more,
    });
    const inspected = atDoor(request);
    if (!inspected.ok) {
      const { reason, detail, payer } = inspected;
      return no(reason, { ...(detail ? { errorMessage: detail } : {}), ...(payer ? { payer } : {}) });
    }
    const { payment } = inspected;
    const about = { payer: payment.payer, ...extensionsOf(payment) };
    const notFinal = (): SettleAnswer =>
      no(REASONS.pending, { ...about, errorMessage: "somebody else sent it, and it is not final yet" });
    let row = await findPayment(db, payment);
    if (!row) limitPayer(payment);
    if (row && row.digest !== payment.digest) return no(REASONS.duplicate, about);
    if (!row || row.state === "reserved" || mayFailAnew(row)) {
      const against = await reasonAgainst(payment, request);
      if (against) {
        // Whatever it is that speaks against it, a used nonce may be what lies behind.
        const elsewhere = row ? await adopt(row) : "no";
        // Nothing was sent, so nothing is unknown; the reservation stays all the same.
        if (elsewhere === "no")
          return no(against[0], { ...about, ...(against[1] ? { errorMessage: against[1] } : {}) });
        if (elsewhere === "not final") return notFinal();
        row = (await findPayment(db, payment))!;
      } else {
        const call = { sender, ...payment.call };
        const submit = row?.state === "failed" ? resubmitPayment : submitPayment;
        row = await submit(db, newPayment(payment), call, now());
        submitted();
      }
    }
    if (row.digest !== payment.digest || row.answeredAt !== null) return no(REASONS.duplicate, about);
    if (!isOver(row)) await waiting.wait(row.id, config.waitMs);
    row = (await findPayment(db, payment))!;
    // Somebody else's call may have come before ours, which failed for it.
    const before = row.state === "failed" && row.reason !== REASONS.noTransfer ? await adopt(row) : "no";
    if (before === "not final") return notFinal();
    return answerFor(before === "yes" ? (await findPayment(db, payment))! : row, no, about);
  }

  async function answerFor(
    row: PaymentRow,
    no: (reason: string, more?: Partial<SettleAnswer>) => SettleAnswer,
    about: Pick<SettleAnswer, "payer" | "extensions">,
  ): Promise<SettleAnswer> {
    if (!isOver(row)) {
      const transaction = (row.transactionId === null ? undefined : await newestHash(db, row.transactionId)) ?? "";
      return no(REASONS.pending, {
        ...about,
        transaction,
        errorMessage: "unknown yet; ask again with the same payment",
      });
    }
    const transaction = row.minedHash ?? "";
    if (row.state === "failed") return no(row.reason ?? REASONS.failed, { ...about, transaction });
    // Of all who hold the same header one is told that it is paid: they cannot be told apart, and each would serve.
    if (!(await claimAnswer(db, row.id, now()))) return no(REASONS.duplicate, about);
    return { success: true, transaction, network, amount: String(row.amount), ...about };
  }

  return {
    /** @throws {Problem} `rate_limited` {@link ChainUnavailable}: it may be good, ask again. */
    async verify(request: PaymentRequest): Promise<VerifyAnswer> {
      const answer = await observed("verify", () => checkAndReserve(request));
      observe("verify", answer.isValid ? "valid" : (answer.invalidReason ?? REASONS.failed));
      return answer;
    },
    /** @throws {Problem} `rate_limited` {@link ChainUnavailable}: nothing was sent by this request. */
    async settle(request: PaymentRequest): Promise<SettleAnswer> {
      const answer = await observed("settle", () => sendAndWait(request));
      observe("settle", answer.success ? "paid" : (answer.errorReason ?? REASONS.failed));
      return answer;
    },
    /** What is offered: nothing, where the chain lacks what it needs. */
    async getSupported(): Promise<SupportedAnswer> {
      const asset = domain.verifyingContract;
      const kind = (x402Version: number, at: string, extra: object) => ({
        ...{ x402Version, scheme: "exact", network: at },
        extra: { ...extra, asset },
      });
      const signedFor = { name: domain.name, version: domain.version };
      const name = nameV1(chainId);
      // Stock servers take the first of a scheme and network.
      const kinds = [
        ...(offers.eip3009.offered ? [kind(2, network, signedFor)] : []),
        ...(offers.permit2.offered ? [kind(2, network, { assetTransferMethod: "permit2" })] : []),
        ...(offers.eip3009.offered && name !== undefined ? [kind(1, name, signedFor)] : []),
      ];
      return { kinds, extensions: [EXTENSION], signers: { "eip155:*": [sender] } };
    },
    /** Where a payment stands, for whoever lost an answer. */
    async status(requestId: Hex): Promise<PaymentStatus | undefined> {
      const row = await findPaymentByRequest(db, requestId);
      if (!row) return undefined;
      const { state, reason, payer, payTo, amount, minedHash, transactionId, answeredAt } = row;
      const transaction = minedHash ?? (transactionId === null ? undefined : await newestHash(db, transactionId));
      return {
        ...{ requestId, state, reason, payer, payTo },
        ...{ amount: String(amount), transaction: transaction ?? null, answered: answeredAt !== null },
      };
    },
    /** Lets who waits for an outcome go, at shutdown. */
    close: () => waiting.close(),
  };
}
export type Facilitator = ReturnType<typeof createFacilitator>;

function newPayment({ chainId, token, payer, nonce, requestId, payTo, amount, digest }: SignedPayment): NewPayment {
  return { chainId, token, payer, nonce, requestId, payTo, amount, digest };
}
