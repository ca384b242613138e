/**
 * The network's figures, computed the plain way: from the list of everything that happened, by filtering and sorting. It
 * shares nothing with the mappings, which keep running totals, so that one can be held against the other.
 */
import { ratio } from "./decimals.ts";

/** A batch or a receipt alone that settled. */
export interface SettledFact {
  at: number;
  mode: number;
  model: string | null;
  receipts: number;
  alone: boolean;
  gasUsed: bigint;
  gasFee: bigint;
  completions: readonly number[];
  operator: string;
  settler: string | null;
}

/** A receipt that was opened for money. */
export interface OpenedFact {
  at: number;
  model: string;
  modeMask: number;
  fee: bigint;
}

/** Upper bounds of delays in seconds. */
export const DELAY_BOUNDS = [
  5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200, 10800, 14400,
  21600, 28800, 43200, 64800, 86400, 129600, 172800, 216000, 259200,
];

/** A day (null for all time) and what of the network. */
export interface FigureKey {
  day: number | null;
  scope: "NETWORK" | "MODE" | "MODEL";
  /** Number of the mode, or id of the model version. */
  subject: number | string | null;
}

const MODES = ["VANILLA", "ZKML", "TEE"];

function within(at: number, day: number | null): boolean {
  return day === null || Math.floor(at / 86_400) === day;
}

function sum(numbers: readonly bigint[]): bigint {
  return numbers.reduce((a, b) => a + b, 0n);
}

/** The smallest bound that at least so many of a hundred delays do not exceed. */
function percentile(delays: readonly number[], percent: number): string | null {
  if (delays.length === 0) return null;
  const sorted = [...delays].sort((a, b) => a - b);
  const exact = sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0;
  return String(DELAY_BOUNDS.find((bound) => exact <= bound));
}

/** A row of `Figure`, its id apart. */
export function figure(
  settled: readonly SettledFact[],
  opened: readonly OpenedFact[],
  { day, scope, subject }: FigureKey,
): Record<string, unknown> {
  const allSettled = settled.filter(({ at }) => within(at, day));
  const own = allSettled.filter(({ mode, model }) =>
    scope === "NETWORK" ? true : scope === "MODE" ? mode === subject : model === subject,
  );
  const ownOpened = opened.filter(
    ({ at, model, modeMask }) =>
      within(at, day) &&
      (scope === "NETWORK" ? true : scope === "MODE" ? modeMask === 1 << Number(subject) : model === subject),
  );
  const count = (facts: readonly SettledFact[]): bigint => sum(facts.map(({ receipts }) => BigInt(receipts)));
  const receipts = count(own);
  const gasUsed = sum(own.map((each) => each.gasUsed));
  const gasFee = sum(own.map((each) => each.gasFee));
  const delays = own.flatMap(({ at, completions }) => completions.map((time) => Math.max(0, at - time)));
  return {
    day,
    startsAt: day === null ? null : String(day * 86_400),
    scope,
    mode: scope === "MODE" ? MODES[Number(subject)] : null,
    batches: String(own.filter(({ alone }) => !alone).length),
    receipts: String(receipts),
    receiptsAlone: String(own.filter(({ alone }) => alone).length),
    shareOfReceipts: scope === "MODE" ? ratio(receipts, count(allSettled), 18) : null,
    opened: String(ownOpened.length),
    openedFees: String(sum(ownOpened.map(({ fee }) => fee))),
    gasUsed: String(gasUsed),
    gasFee: String(gasFee),
    gasPerReceipt: ratio(gasUsed, receipts, 6),
    gasFeePerReceipt: ratio(gasFee, receipts, 6),
    timed: String(delays.length),
    delays:
      delays.length === 0
        ? null
        : {
            counts: DELAY_BOUNDS.map((bound, i) =>
              String(delays.filter((delay) => delay <= bound && delay > (DELAY_BOUNDS[i - 1] ?? -1)).length),
            ),
          },
    delayP50AtMost: percentile(delays, 50),
    delayP95AtMost: percentile(delays, 95),
  };
}

/** Rows of `Concentration` from what each account has in all; those with nothing count for nothing. */
export function concentration(holdings: ReadonlyMap<string, bigint>): Record<string, unknown> {
  const amounts = [...holdings.values()].filter((amount) => amount > 0n).sort((a, b) => (a > b ? -1 : a < b ? 1 : 0));
  const total = sum(amounts);
  return {
    total: String(total),
    members: String(amounts.length),
    amounts: amounts.slice(0, 3).map(String),
    shareOfLargest: ratio(amounts[0] ?? 0n, total, 18),
    shareOfThreeLargest: ratio(sum(amounts.slice(0, 3)), total, 18),
  };
}

/** What each account has, from a list of what it got. */
export function holdings(got: readonly (readonly [string | null, number])[]): Map<string, bigint> {
  const found = new Map<string, bigint>();
  for (const [account, amount] of got)
    if (account !== null) found.set(account, (found.get(account) ?? 0n) + BigInt(amount));
  return found;
}
