import { calendarOf } from "../unlocks/calendar.ts";
import { knownReceipts } from "./checks/receipts.ts";
import { type History, inRange } from "./history.ts";

const MODES = ["VANILLA", "ZKML", "TEE"] as const;
const DAY = 86_400;

/** What the charts of a report show. Amounts in wei, times in unix seconds. */
export interface Figures {
  /** Receipts of settled batches and alone, by UTC day and mode. */
  receipts: { day: number; counts: Record<(typeof MODES)[number], number> }[];
  /** Fees that were divided, by who got them. */
  fees: { receiver: string; amount: bigint }[];
  /** OPG scheduled and released by now, by allocation. */
  unlocks: { allocation: string; scheduled: bigint; released: bigint }[];
  /** From completion to settlement, seconds, of the receipts whose leaves are known; null where none are. */
  delay: { p50: number; p95: number; receipts: number } | null;
}

export function figuresOf(history: History): Figures {
  return {
    receipts: receiptsByDay(history),
    fees: feesByReceiver(history),
    unlocks: unlocksByAllocation(history),
    delay: delayOf(history),
  };
}

function receiptsByDay(history: History): Figures["receipts"] {
  const days = new Map<number, Figures["receipts"][number]["counts"]>();
  const add = (time: number, mode: number, count: number): void => {
    const day = Math.floor(time / DAY) * DAY;
    const counts = days.get(day) ?? { VANILLA: 0, ZKML: 0, TEE: 0 };
    const name = MODES[mode];
    if (name !== undefined) counts[name] += count;
    days.set(day, counts);
  };
  for (const each of history.batches) if (inRange(history, each)) add(each.time, each.batch.mode, each.batch.count);
  for (const each of history.receipts) if (inRange(history, each)) add(each.time, each.mode, 1);
  return [...days].sort(([a], [b]) => a - b).map(([day, counts]) => ({ day, counts }));
}

function feesByReceiver(history: History): Figures["fees"] {
  const receivers = ["node", "model", "stakers", "treasury", "settler"] as const;
  const paid = history.feesPaid.filter((each) => inRange(history, each));
  return receivers.map((receiver) => ({
    receiver,
    amount: paid.reduce((sum, { shares }) => sum + shares[receiver], 0n),
  }));
}

function unlocksByAllocation({ unlocks }: History): Figures["unlocks"] {
  if ("problem" in unlocks) return [];
  const byAllocation = new Map<string, { scheduled: bigint; released: bigint }>();
  for (const { allocation, amount, due, released } of calendarOf(unlocks).tranches) {
    const sum = byAllocation.get(allocation) ?? { scheduled: 0n, released: 0n };
    if (due <= unlocks.now) sum.scheduled += amount;
    sum.released += released;
    byAllocation.set(allocation, sum);
  }
  return [...byAllocation].map(([allocation, sums]) => ({ allocation, ...sums }));
}

function delayOf(history: History): Figures["delay"] {
  const delays = knownReceipts(history)
    .filter(({ block }) => block >= history.from && block <= history.to)
    .map(({ receipt, settledAt }) => settledAt - Number(receipt.completedAt))
    .sort((a, b) => a - b);
  if (delays.length === 0) return null;
  // The nearest rank: the least delay that so many of a hundred receipts did not exceed.
  const rank = (percent: number) => delays[Math.ceil((percent / 100) * delays.length) - 1]!;
  return { p50: rank(50), p95: rank(95), receipts: delays.length };
}
