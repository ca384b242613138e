// SPDX-License-Identifier: MIT
import { formatEther, formatUnits } from "ethers";
import {
  FEES,
  type FeeChange,
  type FeeName,
  type FeesKnowledge,
  type FeesReading,
  type FeeState,
  type Seen,
} from "./fees.ts";

const ETHER = 10n ** 18n;

/** Exact, without zeros at the end: "2.5" for 2.5 %. */
export const percentOf = (share: bigint): string => formatUnits(share, 16).replace(/\.0$/, "");
const ether = (wei: bigint): string => formatEther(wei).replace(/\.0$/, "");

/**
 * The time that the next block will have at least, in unix seconds: the newest block's and what passed since it was
 * seen, or this computer's where that is later, as on a chain that makes blocks only when asked. A countdown that errs,
 * errs to the early side.
 */
export function chainTime({ reading, seenAt }: Pick<Seen, "reading" | "seenAt">, now: number): number {
  return Math.floor(Math.max(reading.block.timestamp + (now - seenAt) / 1_000, now / 1_000));
}

/** What trades pay from a time on, as far as it is known. */
export interface Step {
  /** Unix seconds; null for now. */
  from: number | null;
  percents: Record<FeeName, bigint>;
}

/** The fees now and after each announced increase. */
export function stepsOf({ fees }: FeesReading): Step[] {
  const times = FEES.flatMap((fee) => fees[fee].increase?.effectiveAt ?? []);
  const at = (from: number | null, { present, increase }: FeeState): bigint =>
    from !== null && increase !== null && from >= increase.effectiveAt ? increase.percent : present;
  return [null, ...new Set(times.sort((a, b) => a - b))].map((from) => ({
    from,
    percents: { protocol: at(from, fees.protocol), subject: at(from, fees.subject) },
  }));
}

/** What a trade of keys priced at 1 ETH costs a buyer and pays a seller, in ETH. */
export function tradeOfOneEther({ percents }: Step): { buyerPays: string; sellerGets: string } {
  const together = percents.protocol + percents.subject;
  return { buyerPays: ether(ETHER + together), sellerGets: ether(ETHER - together) };
}

/** The JSON form of a reading: percents as exact decimal strings, times in unix seconds. */
export function feesToWire(seen: Seen, now: number) {
  const { block, fees, notice } = seen.reading;
  const time = chainTime(seen, now);
  const each = ({ present, increase, cap }: FeeState) => ({
    presentPercent: percentOf(present),
    capPercent: percentOf(cap),
    increase: increase && {
      percent: percentOf(increase.percent),
      effectiveAt: increase.effectiveAt,
      secondsLeft: Math.max(0, increase.effectiveAt - time),
    },
  });
  return {
    block: { ...block },
    noticeSeconds: notice,
    increasePending: FEES.some((fee) => fees[fee].increase !== null),
    protocol: each(fees.protocol),
    subject: each(fees.subject),
    tradeOfOneEth: stepsOf(seen.reading).map((step) => ({
      from: step.from,
      feesPercent: percentOf(step.percents.protocol + step.percents.subject),
      ...tradeOfOneEther(step),
    })),
  };
}
export type WireFees = ReturnType<typeof feesToWire>;

/** The JSON form of a change, in the same units. */
export function changeToWire(change: FeeChange) {
  const { kind, fee, at, transaction } = change;
  const common = { kind, fee, at, transaction };
  if (change.kind === "increase_announced") {
    const { present, announced, effectiveAt } = change;
    return { ...common, fromPercent: percentOf(present), toPercent: percentOf(announced), effectiveAt };
  }
  if (change.kind === "increase_withdrawn")
    return {
      ...common,
      fromPercent: percentOf(change.withdrawn),
      toPercent: percentOf(change.present),
      effectiveAt: null,
    };
  return {
    ...common,
    fromPercent: percentOf(change.previous),
    toPercent: percentOf(change.present),
    effectiveAt: null,
  };
}
export type WireChange = ReturnType<typeof changeToWire>;

/** What is told of a market, by the relayer's feed and by `twin:fees --format json`. */
export interface FeesEvent {
  status: "known" | "unknown";
  market: string;
  chainId: number;
  /** Null while unknown, so that nobody takes old fees for present ones by mistake. */
  fees: WireFees | null;
  /** The same while known; else what was read last, if anything ever was. */
  lastKnown: WireFees | null;
  /** Unix seconds of the last reading. */
  readAt: number | null;
  unknownSince: number | null;
  /** What happened since the event before; empty in a first one. */
  changes: WireChange[];
}

export function eventToWire(
  { last, unknownSince }: FeesKnowledge,
  changes: WireChange[],
  { market, chainId }: { market: string; chainId: number },
  now: number,
): FeesEvent {
  const seconds = (ms: number): number => Math.floor(ms / 1_000);
  const lastKnown = last && feesToWire(last, now);
  return {
    status: unknownSince === null ? "known" : "unknown",
    ...{ market, chainId },
    fees: unknownSince === null ? lastKnown : null,
    lastKnown,
    readAt: last && seconds(last.readAt),
    unknownSince: unknownSince === null ? null : seconds(unknownSince),
    changes,
  };
}
