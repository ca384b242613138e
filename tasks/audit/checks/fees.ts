import type { Hex } from "../../../relayer/protocol/index.ts";
import { type At, type FeesPaid, type History, inRange, type Rates } from "../history.ts";
import { Check, type Line } from "./check.ts";

const WHOLE = 10_000n;
const SHARES = ["node", "model", "stakers", "treasury", "settler"] as const;
const NOBODY = `0x${"0".repeat(40)}`;

/** Fees against the rates that were announced, and against what accounts were credited. */
export function checkFees(history: History): Line[] {
  return [checkSplits(history), checkCredits(history), checkTotals(history), checkForwarded(history)];
}

const earlier = (a: At, b: At): boolean => a.block < b.block || (a.block === b.block && a.logIndex < b.logIndex);

/** The rates of an epoch as announced by a moment; undefined before any were. */
export function ratesOf(history: History, epoch: bigint, by: At): Rates | undefined {
  const announced: { epoch: bigint; rates: Rates }[] = [];
  for (const change of history.rates) {
    if (!earlier(change, by)) break;
    if (change.kind === "withdrawn") announced.pop();
    else announced.push(change);
  }
  // The last one for an epoch counts: rates that are not final may be replaced.
  return announced.filter((each) => each.epoch <= epoch).at(-1)?.rates;
}

/** What a fee divides into: everything is rounded down but the node's, which gets what is left. */
export function sharesOf(amount: bigint, rates: Rates, settled: boolean): Rates {
  const part = (bps: bigint) => (amount * bps) / WHOLE;
  const [model, stakers, treasury] = [part(rates.model), part(rates.stakers), part(rates.treasury)];
  const settler = settled ? part(rates.settler) : 0n;
  return { node: amount - model - stakers - treasury - settler, model, stakers, treasury, settler };
}

function checkSplits(history: History): Line {
  const line = new Check(
    "fees",
    "Every fee was divided by the rates of the epoch that its receipt settled in, to the wei.",
    "shares of FeesPaid against RatesAnnounced and RatesWithdrawn of the blocks before, divided here",
  );
  for (const paid of history.feesPaid.filter((each) => inRange(history, each))) {
    const subject = `fee of ${paid.amount} wei for node ${paid.nodeId}`;
    const rates = ratesOf(history, paid.epoch, paid);
    if (rates === undefined) {
      line.cannotTell(subject, `no rates for epoch ${paid.epoch} in the blocks that were read`);
      continue;
    }
    const expected = sharesOf(paid.amount, rates, paid.settler !== NOBODY);
    for (const share of SHARES)
      line.expect(`${share}'s share, ${subject}`, paid.shares[share], expected[share], paid.transaction);
  }
  return line;
}

function checkCredits(history: History): Line {
  const line = new Check(
    "fees",
    "What was divided was credited, and nothing else.",
    "by transaction: FeesPaid without the stakers' share, and what was distributed, against Credited and ModelCredited",
  );
  const sums = new Map<Hex, { at: At; divided: bigint; credited: bigint }>();
  const of = (at: At) => {
    const sum = sums.get(at.transaction) ?? { at, divided: 0n, credited: 0n };
    sums.set(at.transaction, sum);
    return sum;
  };
  for (const paid of history.feesPaid) of(paid).divided += paid.amount - paid.shares.stakers;
  for (const balance of history.balances) {
    if (balance.kind === "distributed") of(balance).divided += balance.amount;
    else if (balance.kind !== "claimed") of(balance).credited += balance.amount;
  }
  for (const { at, divided, credited } of sums.values())
    if (inRange(history, at)) line.expect(`credits of ${at.transaction}`, credited, divided, at.transaction);
  return line;
}

function checkTotals(history: History): Line {
  const line = new Check(
    "fees",
    "Balances of fees run on without a gap, and whoever claimed got all of it.",
    "totals of consecutive Credited, Claimed, ModelCredited and ModelDistributed events of an account or model version",
  );
  const totals = new Map<Hex, bigint>();
  for (const each of history.balances) {
    const key = each.kind === "credited" || each.kind === "claimed" ? each.account : each.modelId;
    const before = totals.get(key) ?? 0n;
    if (each.kind === "credited" || each.kind === "model") {
      totals.set(key, each.total);
      if (inRange(history, each)) line.expect(`total of ${key}`, each.total, before + each.amount, each.transaction);
    } else {
      totals.set(key, 0n);
      if (inRange(history, each)) line.expect(`paid out of ${key}`, each.amount, before, each.transaction);
    }
  }
  return line;
}

function checkForwarded(history: History): Line {
  const line = new Check(
    "fees",
    "Every fee that left the escrow or the requests came to the splitter, for the same node, model version, settler and epoch.",
    "Forwarded against FeesPaid of the same transaction",
  );
  const key = (each: Pick<FeesPaid, "nodeId" | "modelId" | "settler" | "epoch" | "amount">, from: Hex, at: At) =>
    [at.transaction, from, each.nodeId, each.modelId, each.settler, each.epoch, each.amount].join(" ");
  const paid = new Map<string, number>();
  for (const each of history.feesPaid) {
    const name = key(each, each.payer, each);
    paid.set(name, (paid.get(name) ?? 0) + 1);
  }
  for (const each of history.forwarded.filter((one) => inRange(history, one))) {
    const name = key(each, each.from, each);
    const left = paid.get(name) ?? 0;
    paid.set(name, left - 1);
    line.require(left > 0, {
      subject: `${each.amount} wei from ${each.from} for node ${each.nodeId}`,
      ...{ expected: "a fee paid to the splitter", found: "none", transaction: each.transaction },
    });
  }
  return line;
}
