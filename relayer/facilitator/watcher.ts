// SPDX-License-Identifier: MIT
import type { Log, SendListener } from "../chain/manager-options.ts";
import type { TransactionRow } from "../chain/transaction-store.ts";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import { changePayment, findPaymentOfTransaction, type PaymentRow } from "../store/payments.ts";
import { movedTokens } from "./eip3009.ts";
import { EXACT_PROXY, tokenOfSettle } from "./permit2.ts";
import { REASONS, reasonOfRevert } from "./reasons.ts";

/** Records what calls did to the payments they carry. Saying the same twice changes nothing. */
export function paymentListener({ db, token, log }: { db: Database; token: Hex; log: Log }): SendListener {
  /** With the token that is to move. */
  async function paymentOf({ id, to, data }: TransactionRow): Promise<PaymentRow | undefined> {
    const overPermit2 = to.toLowerCase() === EXACT_PROXY;
    if (to.toLowerCase() !== token && !overPermit2) return undefined;
    const payment = await findPaymentOfTransaction(db, Number(id));
    return payment && overPermit2 ? { ...payment, token: tokenOfSettle(data) } : payment;
  }

  async function failed(payment: PaymentRow, minedHash: Hex | null, reason: string): Promise<void> {
    log.warn({ requestId: payment.requestId, reason }, "a payment failed");
    await changePayment(db, payment.id, { state: "failed", minedHash, reason });
  }

  return {
    async mined(row, receipt) {
      const payment = await paymentOf(row);
      // Anything else may vanish with its block: only a final one counts.
      if (payment && movedTokens(receipt, payment))
        await changePayment(db, payment.id, { state: "mined", minedHash: hashOf(receipt), reason: null });
    },
    async unmined(row) {
      const payment = await paymentOf(row);
      if (payment) await changePayment(db, payment.id, { state: "submitted", minedHash: null, reason: null });
    },
    async final(row, receipt) {
      const payment = await paymentOf(row);
      if (!payment) return;
      if (movedTokens(receipt, payment))
        await changePayment(db, payment.id, { state: "final", minedHash: hashOf(receipt), reason: null });
      else await failed(payment, hashOf(receipt), BigInt(receipt.status) === 1n ? REASONS.noTransfer : REASONS.failed);
    },
    async failed(row, reason) {
      const payment = await paymentOf(row);
      if (payment) await failed(payment, null, reasonOfRevert(reason));
    },
  };
}

const hashOf = ({ transactionHash }: { transactionHash: string }): Hex => transactionHash.toLowerCase() as Hex;
