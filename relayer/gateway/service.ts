// SPDX-License-Identifier: MIT
// One sale from its payment to its answer. Every step is in the ledger before the next one begins.
import type { PaymentRequirements } from "@x402/core/types";
import { hexlify, randomBytes } from "ethers";
import { createBuckets, type RateLimit } from "../api/limits.ts";
import { Problem } from "../api/problems.ts";
import type { Log } from "../chain/manager-options.ts";
import type { SettleAnswer } from "../facilitator/messages.ts";
import { REASONS } from "../facilitator/reasons.ts";
import { paymentRequestId } from "../facilitator/request-id.ts";
import { readSigned, transferMethod } from "../facilitator/signed.ts";
import type { Issued } from "../node/index.ts";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import {
  changeSale,
  costUs,
  countUnpaid,
  reserveSale,
  saleState,
  touchSale,
  type NewSale,
  type SaleRow,
} from "../store/sales.ts";
import { chargeFor, type Charge, type Charged, type PaymentService } from "./charge.ts";
import { receiptOf, type Presented } from "./headers.ts";
import type { Places } from "./places.ts";
import { inputHashOf, isFor, isSameResource, type Money, type Product } from "./terms.ts";
import { boundedWork, type WorkBounds } from "./work.ts";

export interface SellingOptions extends WorkBounds {
  db: Database;
  payments: PaymentService;
  money: Money;
  log: Log;
  /** Payments a payer may make. */
  payerRate: RateLimit;
  /** Payments of a payer who got work or answers for nothing within `remember`. */
  distrustedRate: RateLimit;
  /** Milliseconds for which that is remembered. */
  rememberMs: number;
  /** A request waits so long for its money; longer, and the answer is kept for the payer. */
  chargeMs: number;
  /** Sales worked on at once, streams among them. */
  maxInFlight: number;
  /** Of a payer, worked on at once before they are paid; further ones are charged before. */
  maxUnpaid: number;
  /** Work that goes on says so this often, so that nobody takes it for left behind. Milliseconds. */
  touchMs: number;
  /** Those to work in, shared with the channels. */
  places: Places;
  now?: () => number;
  /** Told how each payment that was presented ended. */
  observe: (outcome: string) => void;
}

/** What was asked, to the byte. */
export interface AskedFor {
  product: Product;
  terms: PaymentRequirements;
  resource: string;
  body: Uint8Array;
  request: Uint8Array;
  requestHash: Hex;
}

/** Not paid, or not with this: the client is told the terms again, with the reason. */
export class NotPaid extends Error {
  override readonly name = "NotPaid";
  readonly reason: string;
  /** Where a settlement was tried. */
  readonly settled: SettleAnswer | undefined;
  constructor(reason: string, settled?: SettleAnswer) {
    super(reason);
    this.reason = reason;
    this.settled = settled;
  }
}

const DAY_MS = 86_400_000;
/** Older ones wait for reconciliation, which ends them by and by. */
const UNPAID_SINCE_MS = 3_600_000;
export const defaults = {
  payerRate: { perSecond: 5, burst: 50 },
  distrustedRate: { perSecond: 1 / 60, burst: 1 },
  rememberMs: 30 * DAY_MS,
  chargeMs: 60_000,
  maxAnswerBytes: 1_000_000,
  maxWorkMs: 3_600_000,
  maxInFlight: 64,
  maxUnpaid: 4,
  touchMs: 30_000,
};

/** Sells answers for x402 payments. */
export function createSelling(options: SellingOptions) {
  const { db, payments, money, log, places, now = Date.now, observe, rememberMs, chargeMs } = options;
  const rates = [options.payerRate, options.distrustedRate].map((rate) => createBuckets(rate, now));
  const domain = {
    ...{ name: money.name, version: money.version },
    ...{ chainId: money.chainId, verifyingContract: money.token },
  };

  /** Everything that the payment says by itself: it is for this, and its payer signed it. */
  function inspect(asked: AskedFor, { payload }: Presented): NewSale {
    const { terms, resource } = asked;
    if (!isFor(payload.accepted, terms)) throw new NotPaid("payment_for_other_terms");
    // Stock clients repeat the resource they were asked to pay for. It is not signed: what binds is the reservation.
    const named = payload.resource?.url;
    if (named !== undefined && !isSameResource(named, resource)) throw new NotPaid("payment_for_other_resource");
    const read = readSigned(domain, transferMethod(terms), payload.payload);
    if (!read.ok) throw new NotPaid(read.reason);
    const { payer, keeper, nonce, pays, validBefore } = read.signed;
    // The facilitator looks at these too. It is somebody else's program, and this is our money.
    if (pays.asset !== money.token.toLowerCase()) throw new NotPaid(REASONS.asset);
    if (pays.to !== terms.payTo.toLowerCase()) throw new NotPaid(REASONS.recipient);
    if (pays.amount !== BigInt(terms.amount)) throw new NotPaid(REASONS.value);
    // Signed for less than was asked, it would end while the work goes on, and nobody could be charged. Half of it is
    // left to clients whose clocks are late.
    const enough = BigInt(Math.floor(now() / 1_000) + Math.floor(terms.maxTimeoutSeconds / 2));
    if (validBefore < enough) throw new NotPaid(REASONS.validBefore);
    const key = { chainId: money.chainId, token: keeper, payer, nonce };
    const latest = BigInt(Number.MAX_SAFE_INTEGER);
    return {
      requestId: paymentRequestId(key),
      payer,
      payTo: terms.payTo.toLowerCase() as Hex,
      amount: BigInt(terms.amount),
      ...{ resource, requestHash: asked.requestHash },
      salt: hexlify(randomBytes(32)) as Hex,
      payment: JSON.stringify({ payload: { ...payload, resource: undefined, extensions: undefined }, terms }),
      validBefore: Number(validBefore < latest ? validBefore : latest),
      prepaid: asked.product.charge === "before",
    };
  }

  /**
   * By the payer who signed, before any work; whoever cost us a run for nothing waits longer, and pays first.
   * @returns whether that is so.
   */
  async function limit(payer: Hex): Promise<boolean> {
    const distrusted = await costUs(db, payer, now() - rememberMs);
    const wait = rates[distrusted ? 1 : 0]!.take(payer);
    if (wait > 0) throw new Problem("rate_limited", "This payer asks too often", { retryAfter: Math.ceil(wait) });
    return distrusted;
  }

  /**
   * Each payment is found good by itself, also where one balance cannot pay them all. So few of a payer are worked on
   * before they are paid. Each is in the ledger before it is counted: of many at once, in many processes, no more pass.
   */
  async function chargedBefore(sale: SaleRow): Promise<SaleRow> {
    if (sale.prepaid || (await countUnpaid(db, sale.payer, now() - UNPAID_SINCE_MS)) <= options.maxUnpaid) return sale;
    const row = await changeSale(db, { id: sale.id, work: ["none"], charge: ["none"] }, { prepaid: true }, now());
    if (!row) throw interrupted();
    return row;
  }

  /** Has the facilitator reserve the payment, and takes it for this request. */
  async function reserve(asked: AskedFor, presented: Presented, sale: NewSale): Promise<SaleRow> {
    const verified = await payments.verify(presented.payload, asked.terms).catch((error: Error) => {
      // Nothing was worked on and nothing is owed: the client comes back, or signs anew.
      if (error instanceof Problem) throw error;
      if (/\(429\)/.test(error.message)) throw new Problem("rate_limited", "The facilitator is asked too often");
      log.warn({ error: error.message }, "a payment could not be verified");
      throw new Problem("busy", "The payment could not be verified; nothing was charged");
    });
    if (!verified.isValid) {
      if (verified.invalidReason === REASONS.duplicate) throw duplicate(sale.requestId);
      throw new NotPaid(verified.invalidReason ?? REASONS.failed);
    }
    const row = await reserveSale(db, sale, now());
    if (!row) throw duplicate(sale.requestId);
    return row;
  }

  /** Runs the model, and keeps answer and receipt before anybody hears of them. */
  async function work(asked: AskedFor, sale: SaleRow, emit: (part: string) => void): Promise<SaleRow> {
    const { product, resource, body, request } = asked;
    if (!(await changeSale(db, { id: sale.id, work: ["none"] }, { work: "running" }, now()))) throw interrupted();
    let served: Issued;
    let streamed = 0;
    const touching = setInterval(
      () => void touchSale(db, sale.id, now()).catch(() => undefined),
      options.touchMs,
    ).unref();
    try {
      served = await product.node.serve(
        {
          ...{ requestId: sale.requestId, payer: sale.payer, cumulativeFee: product.receiptFee ?? product.price },
          inputHash: inputHashOf(product, sale.salt, request, body),
        },
        () => boundedWork(product, { body, resource }, options, (part, size) => (emit(part), (streamed = size))),
      );
    } catch (error) {
      log.error({ requestId: sale.requestId, error: (error as Error).message }, "a sold request failed");
      // Whoever refunds it should know what its payer has read.
      const reason = streamed > 0 ? `work_failed, ${streamed} bytes were streamed` : "work_failed";
      await changeSale(db, { id: sale.id, work: ["running"] }, { work: "failed", reason }, now());
      throw new Problem("work_failed", sale.prepaid ? "It failed after it was paid: a refund is owed" : undefined);
    } finally {
      clearInterval(touching);
    }
    const row = await changeSale(
      db,
      { id: sale.id, work: ["running"] },
      {
        ...{ work: "answered", answer: served.body, mediaType: product.mediaType, receiptId: served.receiptId },
        receipt: JSON.stringify(receiptOf(served, sale)),
      },
      now(),
    );
    // Somebody found it stale meanwhile, and it was given up.
    if (!row) throw interrupted();
    return row;
  }

  /** Asks for the money until it is known. What is unknown is left to reconciliation. */
  async function charge(sale: SaleRow): Promise<SaleRow> {
    const asked = await changeSale(db, { id: sale.id, charge: ["none", "asked"] }, { charge: "asked" }, now());
    if (!asked) throw interrupted();
    return recordCharge(asked, await chargeFor(payments, chargeOf(sale), chargeMs));
  }

  async function recordCharge(sale: SaleRow, charged: Charged): Promise<SaleRow> {
    if (charged.is === "unknown")
      throw new Problem(
        "settlement_pending",
        `It is not known yet whether it was paid; ask /answers/${sale.requestId}`,
      );
    const change =
      charged.is === "paid"
        ? { charge: charged.final ? ("final" as const) : ("paid" as const), transaction: charged.transaction }
        : { charge: "refused" as const, reason: charged.reason };
    const row = await changeSale(db, { id: sale.id, charge: ["asked"] }, change, now());
    if (!row) throw interrupted();
    if (charged.is === "refused") throw new NotPaid(charged.reason, settledAs(row));
    return row;
  }

  /** What its client reads of the settlement. */
  function settledAs(sale: SaleRow): SettleAnswer {
    const about = { payer: sale.payer, extensions: { opengradient: { requestId: sale.requestId } } };
    const network = `eip155:${money.chainId}`;
    if (sale.charge === "paid" || sale.charge === "final")
      return { success: true, transaction: sale.transaction!, network, amount: String(sale.amount), ...about };
    return { success: false, errorReason: sale.reason ?? REASONS.failed, transaction: "", network, ...about };
  }

  async function observed<T>(run: () => Promise<T>): Promise<T> {
    try {
      const result = await run();
      observe("sold");
      return result;
    } catch (error) {
      observe(error instanceof NotPaid ? error.reason : error instanceof Problem ? error.code : "internal");
      throw error;
    }
  }

  return {
    settledAs,
    /**
     * Verify, limit, reserve, work, charge; the answer may be served when this resolves.
     * @throws {NotPaid} {@link Problem}
     */
    sell: (asked: AskedFor, presented: Presented): Promise<SaleRow> =>
      observed(() =>
        places.within(async () => {
          const wanted = inspect(asked, presented);
          const distrusted = await limit(wanted.payer);
          wanted.prepaid ||= distrusted;
          const sale = await chargedBefore(await reserve(asked, presented, wanted));
          if (!sale.prepaid) return charge(await work(asked, sale, () => undefined));
          await charge(sale);
          return work(asked, sale, () => undefined);
        }),
      ),
    /**
     * The same for a stream: paid when this resolves, and `run`, to be called once, then works and hands out the parts.
     * It runs to its end whether anybody listens or not, and keeps its place until then.
     */
    sellStream: (
      asked: AskedFor,
      presented: Presented,
    ): Promise<{ sale: SaleRow; run: (emit: (part: string) => void) => Promise<SaleRow> }> =>
      observed(async () => {
        const leave = places.take();
        try {
          const wanted = { ...inspect(asked, presented), prepaid: true };
          await limit(wanted.payer);
          const sale = await charge(await reserve(asked, presented, wanted));
          return { sale, run: (emit) => work(asked, sale, emit).finally(leave) };
        } catch (error) {
          leave();
          throw error;
        }
      }),
  };
}
export type Selling = ReturnType<typeof createSelling>;

/** What a sale is to be charged for. */
export function chargeOf({ requestId, payTo, amount, payment }: SaleRow): Charge {
  const { payload, terms } = JSON.parse(payment) as { payload: Charge["payload"]; terms: PaymentRequirements };
  return { requestId, payTo, amount, payload, requirements: terms };
}

const duplicate = (requestId: Hex): Problem =>
  new Problem("duplicate_payment", `This payment was used. Its answer is under /answers/${requestId}, for its payer`);
const interrupted = (): Problem => new Problem("busy", "The sale was given up meanwhile; ask /answers for it");

/** Whether an answer may be handed to its payer. */
export const isServable = (sale: SaleRow): boolean => {
  const state = saleState(sale);
  return (state === "charged" || state === "served") && sale.work === "answered";
};
