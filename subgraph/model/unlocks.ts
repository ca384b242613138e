/** The published unlocks, by the calendar: a model for the index, itself held against the contract. */

/** One tranche. */
export interface UnlockFact {
  allocation: number;
  month: number;
  dueAt: number;
  amount: bigint;
  cumulative: bigint;
}

const OPG = 10n ** 18n;
/** Whole OPG in all and at the event, months of cliff, monthly tranches of the rest. */
const PLANS: readonly (readonly [bigint, bigint, number, number])[] = [
  [400_000_000n, 40_000_000n, 0, 60],
  [150_000_000n, 50_000_000n, 0, 48],
  [150_000_000n, 0n, 12, 36],
  [100_000_000n, 0n, 12, 36],
  [100_000_000n, 0n, 0, 96],
  [60_000_000n, 60_000_000n, 0, 0],
  [40_000_000n, 40_000_000n, 0, 0],
];

/** When month k after the token event of 2026-04-21 falls due. */
export function dueAt(month: number): number {
  return Date.UTC(2026, 3 + month, 21) / 1_000;
}

/** What of an allocation is due by a month, in all. */
export function scheduledBy(allocation: number, month: number): bigint {
  const [total, atEvent, cliff, tranches] = PLANS[allocation] ?? [0n, 0n, 0, 0];
  const number = BigInt(Math.min(Math.max(0, month - cliff), tranches));
  return number === 0n ? atEvent * OPG : atEvent * OPG + ((total - atEvent) * OPG * number) / BigInt(tranches);
}

/** Every tranche that is not nothing, by allocation and month. */
export function unlocks(): UnlockFact[] {
  return PLANS.flatMap(([, , cliff, tranches], allocation) =>
    Array.from({ length: cliff + tranches + 1 }, (_, month) => {
      const cumulative = scheduledBy(allocation, month);
      const before = month === 0 ? 0n : scheduledBy(allocation, month - 1);
      return { allocation, month, dueAt: dueAt(month), amount: cumulative - before, cumulative };
    }).filter(({ amount }) => amount !== 0n),
  );
}
