/** The months around now, of the calendar that `hardhat opg:unlocks` prints whole. */
import { calendarOf } from "../tasks/unlocks/calendar.ts";
import { print } from "../tasks/unlocks/print.ts";
import { releasesOfVesting } from "../tasks/unlocks/releases.ts";
import type { Chain } from "./chain.ts";
import { line } from "./text.ts";

export async function printUnlocks(chain: Chain): Promise<void> {
  const found = await releasesOfVesting(chain.provider, chain.addresses.vesting, { fromBlock: 0, chunk: 10_000 });
  const calendar = await calendarOf(found);
  const month = Number((await chain.vesting.monthAt(Math.floor(Date.now() / 1_000))).month);
  const around = calendar.tranches.filter((each) => each.month === 0 || Math.abs(each.month - month - 0.5) < 1);
  for (const each of print({ ...calendar, tranches: around }, "table").split("\n")) line(`  ${each}`);
}
