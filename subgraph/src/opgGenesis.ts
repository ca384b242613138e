import { Launched } from "../generated/OPGGenesis/OPGGenesis";
import { writeSchedule } from "./utils/schedule";

/** The whole supply went into the schedule: from here on every tranche is certain. */
export function handleLaunched(event: Launched): void {
  writeSchedule();
}
