import { channelRequestId, type Hex, x402RequestId } from "../../../relayer/protocol/index.ts";
import { type At, type History, inRange } from "../history.ts";
import { Check, type Line } from "./check.ts";
import { type KnownReceipt, knownReceipts, leavesOf } from "./receipts.ts";

const RECEIPTS =
  "receipts from published leaves that make their batch's root, and from calldata of those that settled alone";

/** A payment for one request, whatever way it was made. */
interface Payment extends At {
  way: string;
  requestId: Hex;
  /** What it may not exceed, by the receipt: the total of a channel, or the fee of one request. */
  most: bigint;
}

/** Payments against receipts, by the one id they share (R5). */
export function checkPayments(history: History): Line[] {
  const known = new Map<Hex, KnownReceipt[]>();
  for (const each of knownReceipts(history)) {
    const same = known.get(each.receipt.requestId);
    if (same) same.push(each);
    else known.set(each.receipt.requestId, [each]);
  }
  const payments = paymentsOf(history);
  return [
    checkEachPaid(history, payments, known),
    checkOnce(history, payments),
    checkChannels(history),
    checkFulfilled(history, known),
    checkPrepaid(history, known),
    checkHoldings(history),
  ];
}

function paymentsOf({ collected, fulfilled, reservations }: History): Payment[] {
  return [
    ...collected.map((each) => ({
      ...{ ...each, way: "channel", requestId: channelRequestId(each.channelId, each.sequence), most: each.paid },
    })),
    ...fulfilled.map((each) => ({ ...each, way: "request", most: each.fee })),
    ...reservations.map((each) => ({ ...each, way: "reservation", most: each.amount })),
  ];
}

function checkEachPaid(history: History, payments: Payment[], known: Map<Hex, KnownReceipt[]>): Line {
  const line = new Check(
    "payments",
    "Every payment has a receipt under its request id that had settled by then, and is no more than the receipt says (R5, R7).",
    `Collected (id = keccak256(channelId, sequence)), Fulfilled and ReservationCollected against ${RECEIPTS}`,
  );
  const whole = history.batches.every((each) => !("problem" in leavesOf(history, each)));
  for (const { way, requestId, most, block, transaction } of payments.filter((each) => inRange(history, each))) {
    const subject = `${way} payment ${requestId}`;
    const receipts = (known.get(requestId) ?? []).filter((each) => each.block <= block);
    if (receipts.length === 0 && !whole) {
      line.cannotTell(subject, "its receipt may be in a batch whose leaves were not found");
      continue;
    }
    const signed = receipts.reduce(
      (max, { receipt }) => (receipt.cumulativeFee > max ? receipt.cumulativeFee : max),
      0n,
    );
    line.require(receipts.length > 0 && most <= signed, {
      subject,
      expected: receipts.length > 0 ? `at most ${signed} wei` : "a receipt with this request id",
      found: receipts.length > 0 ? `${most} wei` : "none that had settled",
      transaction,
    });
  }
  return line;
}

function checkOnce(history: History, payments: Payment[]): Line {
  const line = new Check(
    "payments",
    "No request was paid twice (R9).",
    "request ids of all payments since the deployment, held against each other",
  );
  const first = new Map<Hex, Payment>();
  for (const payment of [...payments].sort((a, b) => a.block - b.block || a.logIndex - b.logIndex)) {
    const before = first.get(payment.requestId);
    if (before === undefined) first.set(payment.requestId, payment);
    // What an empty escrow could not pay at once is paid later, by the same receipt: the channel's line adds it up.
    const again = before !== undefined && !(before.way === "channel" && payment.way === "channel");
    if (inRange(history, payment))
      line.expect(`payments of ${payment.requestId} before this one`, again, false, payment.transaction);
  }
  return line;
}

function checkChannels(history: History): Line {
  const line = new Check(
    "payments",
    "What each channel paid adds up to its total.",
    "amount and total of consecutive Collected events of a channel",
  );
  const totals = new Map<Hex, bigint>();
  for (const each of history.collected) {
    const before = totals.get(each.channelId) ?? 0n;
    totals.set(each.channelId, each.paid);
    if (inRange(history, each))
      line.expect(`channel ${each.channelId}`, each.paid, before + each.amount, each.transaction);
  }
  return line;
}

function checkFulfilled(history: History, known: Map<Hex, KnownReceipt[]>): Line {
  const line = new Check(
    "payments",
    "Every request on chain was paid for exactly the receipt that it names, and its fee.",
    `receipt id and fee of Fulfilled against ${RECEIPTS}`,
  );
  for (const { requestId, receiptId, fee, transaction } of history.fulfilled.filter((each) => inRange(history, each))) {
    const receipt = known.get(requestId)?.find((each) => each.receiptId === receiptId)?.receipt;
    if (receipt === undefined) line.cannotTell(`request ${requestId}`, `receipt ${receiptId} is not known here`);
    else line.expect(`fee of ${requestId}`, fee, receipt.cumulativeFee, transaction);
  }
  return line;
}

function checkPrepaid(history: History, known: Map<Hex, KnownReceipt[]>): Line {
  const line = new Check(
    "payments",
    "A signed transfer of OPG under whose id a receipt settled was made by that receipt's payer, for at least its fee.",
    "AuthorizationUsed and the Transfer of its transaction (id = keccak256(chainId, token, payer, nonce)) against receipts; other signed transfers are no payments for answers and are not counted",
  );
  for (const { payer, nonce, amount, transaction } of history.authorized.filter((each) => inRange(history, each))) {
    const receipts = known.get(x402RequestId(history.chainId, history.token, payer, nonce)) ?? [];
    for (const { receipt, receiptId } of receipts) {
      line.expect(`payer of receipt ${receiptId}`, receipt.payer, payer, transaction);
      line.require(amount >= receipt.cumulativeFee, {
        ...{ subject: `payment of receipt ${receiptId}`, expected: `at least ${receipt.cumulativeFee} wei` },
        ...{ found: `${amount} wei`, transaction },
      });
    }
  }
  return line;
}

function checkHoldings(history: History): Line {
  const line = new Check(
    "payments",
    "Escrow and splitter hold at least what came in and has not left.",
    "sums of their events since the deployment against balanceOf at the last block; more is what somebody sent without a call",
  );
  for (const { name, came, left, held } of history.holdings)
    line.require(held >= came - left, {
      ...{ subject: name, expected: `at least ${came - left} wei`, found: `${held} wei`, transaction: null },
    });
  return line;
}
