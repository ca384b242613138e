import { BigInt } from "@graphprotocol/graph-ts";
import { Allocation, Unlock } from "../../generated/schema";
import { byte, ZERO } from "./common";
import { ALLOCATIONS } from "./names";

// The schedule is constant in the contract and no event tells it. A test holds these numbers against the contract's own
// `schedule` and `calendar`.

const WEI = BigInt.fromI32(10).pow(18);
/** Whole OPG: of all, and of it at the token event; months of cliff; monthly tranches of the rest. */
const TOTALS: i32[] = [400000000, 150000000, 150000000, 100000000, 100000000, 60000000, 40000000];
const AT_EVENT: i32[] = [40000000, 50000000, 0, 0, 0, 60000000, 40000000];
const CLIFFS: i32[] = [0, 0, 12, 12, 0, 0, 0];
const TRANCHES: i32[] = [60, 48, 36, 36, 96, 0, 0];

/** 00:00 UTC on the 21st, so many calendar months after 2026-04-21, in seconds. */
export function dueAt(month: i32): BigInt {
  // Days by years that begin in March, so that a leap day comes last.
  const fromMarch = 2026 * 12 + 3 + month - 2;
  const year = fromMarch / 12;
  const march = fromMarch % 12;
  const yearOfEra = year % 400;
  const dayOfYear = (153 * march + 2) / 5 + 20;
  const dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  return BigInt.fromI32((year / 400) * 146097 + dayOfEra - 719468).times(BigInt.fromI32(86400));
}

/** An allocation; all of it not released yet where it is new. */
export function allocationOf(index: i32): Allocation {
  let found = Allocation.load(byte(index));
  if (found != null) return found;
  found = new Allocation(byte(index));
  found.name = ALLOCATIONS[index];
  found.total = BigInt.fromI32(TOTALS[index]).times(WEI);
  found.released = ZERO;
  found.remaining = found.total;
  return found;
}

/** Writes every tranche of every allocation. */
export function writeSchedule(): void {
  for (let index = 0; index < ALLOCATIONS.length; index++) {
    const allocation = allocationOf(index);
    allocation.save();
    const start = BigInt.fromI32(AT_EVENT[index]).times(WEI);
    const rest = allocation.total.minus(start);
    let before = ZERO;
    for (let month = 0; month <= CLIFFS[index] + TRANCHES[index]; month++) {
      const number = month > CLIFFS[index] ? month - CLIFFS[index] : 0;
      const cumulative =
        number == 0 ? start : start.plus(rest.times(BigInt.fromI32(number)).div(BigInt.fromI32(TRANCHES[index])));
      if (cumulative.equals(before)) continue;
      const unlock = new Unlock(byte(index).concat(byte(month)));
      unlock.allocation = allocation.id;
      unlock.month = month;
      unlock.dueAt = dueAt(month);
      unlock.amount = cumulative.minus(before);
      unlock.cumulative = cumulative;
      unlock.save();
      before = cumulative;
    }
  }
}
