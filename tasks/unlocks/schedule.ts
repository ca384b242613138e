import { ALLOCATIONS } from "../../deploy/modules/opg.ts";
import type { Allocation } from "../../deploy/parameters.ts";

/**
 * The published unlock schedule, written down a second time on purpose: the command holds a chain against what was
 * published and not against what that chain's own contract says of itself.
 */
interface Schedule {
  /** Wei, all of it. */
  total: bigint;
  /** Wei, due at the token event. */
  atEvent: bigint;
  /** Months after the event before the first month with a tranche. */
  cliff: number;
  /** Monthly tranches of the rest. */
  tranches: number;
}

export const OPG = 10n ** 18n;
export const SUPPLY = 1_000_000_000n * OPG;
const millions = (n: bigint) => n * 1_000_000n * OPG;

export const PUBLISHED: Readonly<Record<Allocation, Schedule>> = {
  ecosystem: { total: millions(400n), atEvent: millions(40n), cliff: 0, tranches: 60 },
  foundation: { total: millions(150n), atEvent: millions(50n), cliff: 0, tranches: 48 },
  contributors: { total: millions(150n), atEvent: 0n, cliff: 12, tranches: 36 },
  investors: { total: millions(100n), atEvent: 0n, cliff: 12, tranches: 36 },
  stakingRewards: { total: millions(100n), atEvent: 0n, cliff: 0, tranches: 96 },
  liquidity: { total: millions(60n), atEvent: millions(60n), cliff: 0, tranches: 0 },
  airdrop: { total: millions(40n), atEvent: millions(40n), cliff: 0, tranches: 0 },
};

/** The month of the last tranche. */
export const LAST_MONTH = Math.max(...ALLOCATIONS.map((name) => PUBLISHED[name].cliff + PUBLISHED[name].tranches));

/** Seconds at which a month's tranches fall due: 00:00 UTC on the 21st, `month` months after 2026-04-21. */
export function dueAt(month: number): number {
  return Date.UTC(2026, 3 + month, 21) / 1_000;
}

/** The last month that fell due by a moment, -1 before the event. */
export function monthAt(seconds: number): number {
  const date = new Date(seconds * 1_000);
  const months = (date.getUTCFullYear() - 2026) * 12 + date.getUTCMonth() - 3;
  return Math.max(-1, date.getUTCDate() < 21 ? months - 1 : months);
}

/** Wei due in total by a month: `atEvent + floor(rest · tranches so far / tranches)`. */
export function scheduledByMonth(allocation: Allocation, month: number): bigint {
  const { total, atEvent, cliff, tranches } = PUBLISHED[allocation];
  if (month < 0) return 0n;
  if (month >= cliff + tranches) return total;
  const passed = BigInt(Math.max(0, month - cliff));
  return atEvent + ((total - atEvent) * passed) / BigInt(tranches);
}

/** Wei due in total at a moment. */
export function scheduledAt(allocation: Allocation, seconds: number): bigint {
  return scheduledByMonth(allocation, monthAt(seconds));
}
