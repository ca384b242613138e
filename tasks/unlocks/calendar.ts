import { ALLOCATIONS } from "../../deploy/modules/opg.ts";
import type { Allocation } from "../../deploy/parameters.ts";
import type { Deviation, Found, Release } from "./releases.ts";
import { dueAt, LAST_MONTH, monthAt, PUBLISHED, scheduledAt, scheduledByMonth } from "./schedule.ts";

/** One tranche: what is scheduled, and what of it was really released. Amounts in wei, times in seconds. */
export interface Tranche {
  month: number;
  due: number;
  allocation: Allocation;
  amount: bigint;
  /** Scheduled of all allocations by then: the supply that may circulate. */
  circulating: bigint;
  status: "released" | "partly released" | "due" | "late" | "future" | "unknown";
  released: bigint;
  /** The transactions that carried it, each with the part of this tranche that it carried. */
  transactions: { hash: string; at: number; amount: bigint }[];
}

/** The whole calendar, against the chain. */
export interface Calendar {
  token: string;
  source: Found["source"];
  now: number;
  tranches: Tranche[];
  /** Of everything, by now. */
  scheduled: bigint;
  released: bigint;
  deviations: Deviation[];
}

/**
 * Lays releases over the schedule, first due first paid: a release that carries several months, or half of one, is
 * shown with each tranche that it paid.
 */
export function calendarOf(found: Found): Calendar {
  const deviations = [...found.deviations];
  const unknown = new Set(deviations.filter(({ code }) => code === "unchecked").map(({ allocation }) => allocation));
  const tranches: Tranche[] = [];
  for (const allocation of ALLOCATIONS) {
    const releases = found.releases.filter((each) => each.allocation === allocation);
    deviations.push(...aheadOfSchedule(allocation, releases));
    let before = 0n;
    for (let month = 0; month <= LAST_MONTH; month++) {
      const until = scheduledByMonth(allocation, month);
      if (until === before) continue;
      const tranche = trancheOf(found, allocation, month, { before, until }, releases);
      if (unknown.has(allocation)) tranche.status = "unknown";
      if (tranche.status === "late")
        deviations.push({
          code: "late",
          allocation,
          message: `month ${month}: ${tranche.released} of ${tranche.amount} wei released`,
        });
      tranches.push(tranche);
      before = until;
    }
  }
  tranches.sort((a, b) => a.month - b.month);
  const sum = (amounts: bigint[]) => amounts.reduce((total, each) => total + each, 0n);
  return {
    token: found.token,
    source: found.source,
    now: found.now,
    tranches,
    scheduled: sum(ALLOCATIONS.map((name) => scheduledByMonth(name, monthAt(found.now)))),
    released: sum(found.releases.map(({ amount }) => amount)),
    deviations,
  };
}

function trancheOf(
  found: Found,
  allocation: Allocation,
  month: number,
  { before, until }: { before: bigint; until: bigint },
  releases: Release[],
): Tranche {
  const due = dueAt(month);
  const transactions: Tranche["transactions"] = [];
  let position = 0n;
  for (const { amount, at, transaction } of releases) {
    const [from, to] = [position, position + amount];
    const part = (to < until ? to : until) - (from > before ? from : before);
    if (part > 0n) transactions.push({ hash: transaction, at, amount: part });
    position = to;
  }
  const released = transactions.reduce((sum, { amount }) => sum + amount, 0n);
  const amount = until - before;
  const status = (): Tranche["status"] => {
    if (released === amount) return "released";
    if (found.now < due) return "future";
    if (found.grace !== undefined && found.now >= due + found.grace) return "late";
    return released > 0n ? "partly released" : "due";
  };
  const circulating = ALLOCATIONS.reduce((sum, name) => sum + scheduledByMonth(name, month), 0n);
  return { month, due, allocation, amount, circulating, status: status(), released, transactions };
}

/** The first release of an allocation that went beyond what was due in its block. */
function aheadOfSchedule(allocation: Allocation, releases: Release[]): Deviation[] {
  let sum = 0n;
  for (const { amount, at, transaction } of releases) {
    sum += amount;
    const due = scheduledAt(allocation, at);
    if (sum > due) {
      const of = sum > PUBLISHED[allocation].total ? "more than the whole allocation" : `${due} due`;
      return [{ code: "ahead", allocation, message: `${transaction} brings releases to ${sum} wei, ${of}` }];
    }
  }
  return [];
}
