import { calendarOf } from "../../unlocks/calendar.ts";
import type { History } from "../history.ts";
import { Check, type Line } from "./check.ts";

/** Unlocks against the published schedule. */
export function checkUnlocks({ unlocks }: History): Line[] {
  const line = new Check(
    "unlocks",
    "OPG was released as published: no sooner, no more, to whom it belongs.",
    "Released events and Transfers of the token against the schedule as `opg:unlocks` writes it down, since the token event",
  );
  if ("problem" in unlocks) {
    line.cannotTell("unlocks", unlocks.problem);
    return [line];
  }
  const { deviations } = calendarOf(unlocks);
  line.checked = unlocks.releases.length + deviations.length;
  for (const { code, allocation, message } of deviations)
    if (code === "unchecked") line.cannotTell(allocation, message);
    else
      line.mismatches.push({
        subject: `${allocation}, ${code}`,
        expected: "as scheduled",
        found: message,
        transaction: null,
      });
  return [line];
}
