// SPDX-License-Identifier: MIT
// Finds sales whose work and money do not agree, and resolves them by rule. Safe to run at any time, in any process.
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../chain/manager-options.ts";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import {
  changeSale,
  forgetAnswers,
  openSales,
  saleState,
  staleSales,
  touchSale,
  type SaleRow,
  type SaleState,
} from "../store/sales.ts";
import { chargeOnce, paidFor, type Charged, type PaymentService } from "./charge.ts";
import { receiptOf } from "./headers.ts";
import { chargeOf } from "./service.ts";
import { type Product } from "./terms.ts";

export interface ReconcileOptions {
  db: Database;
  payments: PaymentService;
  /** Where nodes are asked what they signed before a crash. */
  products: readonly Product[];
  /** A sale that nobody touched for so long was left behind; longer than the slowest request. Milliseconds. */
  staleMs?: number;
  /** Answers are kept so long for who paid. Milliseconds. */
  keepMs?: number;
  log: Log;
  now?: () => number;
}

/** What a pass did, by request id. */
export interface Reconciled {
  changed: { requestId: Hex; from: SaleState; to: SaleState }[];
  forgotten: number;
}

/** What an operator is to know: a line a sale. */
export interface OpenSale {
  requestId: Hex;
  state: SaleState;
  payer: Hex;
  amount: bigint;
  transaction: Hex | null;
  /** Why work or charge failed, where they did. */
  reason: string | null;
  /** What follows from it. */
  rule: string;
}

const DAY_MS = 86_400_000;
const STALE_MS = 300_000;
const KEEP_MS = 7 * DAY_MS;
const BATCH = 200;

/**
 * One pass over the sales that were left behind:
 * - work that stopped and was not charged: given up, and never charged;
 * - answered, money unknown: settled again while the authorization holds; paid, the answer waits for its payer;
 * - charged, the work stopped: the node's stored answer, or a refund that is owed;
 * - served, and the payment vanished: settled again while the authorization holds, else lost.
 */
export async function reconcile(options: ReconcileOptions): Promise<Reconciled> {
  const { db, payments, products, log, now = Date.now, staleMs = STALE_MS, keepMs = KEEP_MS } = options;
  const changed: Reconciled["changed"] = [];
  const isOver = ({ validBefore }: SaleRow): boolean => validBefore * 1_000 < now();

  /** Work that nobody does any more: what the node signed and kept, or a failure. */
  async function endWork(sale: SaleRow): Promise<SaleRow | undefined> {
    const { pathname } = new URL(sale.resource, "http://gateway.invalid");
    const issued = products.find(({ path }) => path === pathname)?.node.issued(sale.requestId);
    const from = { id: sale.id, work: ["none", "running"] as const };
    // Without its answer nobody was told a price for nothing: only what was charged is worth keeping.
    if (!issued || sale.charge === "none")
      return changeSale(db, from, { work: "failed", reason: "interrupted" }, now());
    const product = products.find(({ path }) => path === pathname)!;
    const kept = { answer: issued.body, mediaType: product.mediaType, receiptId: issued.receiptId };
    const receipt = JSON.stringify(receiptOf(issued, sale));
    return changeSale(db, from, { work: "answered", ...kept, receipt }, now());
  }

  /** Money that nobody knows of: asked for again while the payer's signature holds. */
  async function endCharge(sale: SaleRow): Promise<SaleRow | undefined> {
    const charge = chargeOf(sale);
    const known = payments.status && (await payments.status(sale.requestId).catch(() => null));
    if (known === null) return undefined;
    const charged: Charged = paidFor(known, charge) ?? (await chargeOnce(payments, charge));
    const from = { id: sale.id, charge: [sale.charge] };
    if (charged.is === "paid")
      return changeSale(
        db,
        from,
        { charge: charged.final ? "final" : "paid", transaction: charged.transaction, reason: null },
        now(),
      );
    if (sale.servedAt === null)
      return charged.is === "refused"
        ? changeSale(db, from, { charge: "refused", reason: charged.reason }, now())
        : undefined;
    // Served: it is tried until the authorization ends, and what is on its way then may still arrive.
    const lost = isOver(sale) && charged.is === "refused";
    if (lost) return changeSale(db, from, { charge: "lost", reason: charged.reason }, now());
    return sale.charge === "paid" ? changeSale(db, from, { charge: "asked" }, now()) : undefined;
  }

  /** A payment that was in a block: it is final, or it is not there any more. */
  async function followPaid(sale: SaleRow): Promise<SaleRow | undefined> {
    if (!payments.status) return changeSale(db, { id: sale.id, charge: ["paid"] }, { charge: "final" }, now());
    const known = await payments.status(sale.requestId).catch(() => null);
    if (known === null) return undefined;
    const paid = paidFor(known, chargeOf(sale));
    if (paid)
      return paid.final
        ? changeSale(db, { id: sale.id, charge: ["paid"] }, { charge: "final", transaction: paid.transaction }, now())
        : undefined;
    // Back on its way, by itself.
    return known?.state === "submitted" ? undefined : endCharge(sale);
  }

  async function resolve(sale: SaleRow): Promise<SaleRow | undefined> {
    if (sale.work === "none" || sale.work === "running") {
      const charging = sale.charge === "asked" ? ((await endCharge(sale)) ?? sale) : sale;
      // Unknown money first: whether work is owed depends on it.
      return charging.charge === "asked" ? undefined : endWork(charging);
    }
    if (sale.charge === "paid") return followPaid(sale);
    return endCharge(sale);
  }

  const stale = await staleSales(db, now() - staleMs, BATCH);
  for (const sale of stale) {
    try {
      const after = await resolve(sale);
      if (!after) await touchSale(db, sale.id, now());
      const [from, to] = [saleState(sale), saleState(after ?? sale)];
      if (from === to) continue;
      changed.push({ requestId: sale.requestId, from, to });
      log.info({ requestId: sale.requestId, from, to }, "a sale was reconciled");
    } catch (error) {
      // One sale's trouble is no other's.
      log.error({ requestId: sale.requestId, error: (error as Error).message }, "a sale could not be reconciled");
    }
  }
  return { changed, forgotten: await forgetAnswers(db, now() - keepMs) };
}

const RULES: Partial<Record<SaleState, string>> = {
  charged: "the answer is kept for its payer at /answers; to refund it, withdraw it first",
  owed: "paid, and the work failed: refund it, and record the transaction",
  uncharged: "served, and its payment vanished: settled again while the authorization holds",
  lost: "served and never paid; the payer is limited",
};

/** Paid and not served, served and not paid: for an operator to read. */
export async function listOpenSales(db: Database, limit = 1_000): Promise<OpenSale[]> {
  return (await openSales(db, limit)).map((sale) => {
    const state = saleState(sale);
    const { requestId, payer, amount, transaction, reason } = sale;
    return { ...{ requestId, state, payer, amount, transaction, reason }, rule: RULES[state] ?? "" };
  });
}

/** Reconciles again and again until told to stop. */
export async function keepReconciling(options: ReconcileOptions, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await reconcile(options).catch((error: Error) =>
      options.log.error({ error: error.message }, "sales could not be reconciled"),
    );
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}
