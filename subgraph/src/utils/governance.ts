import { BigInt, ethereum } from "@graphprotocol/graph-ts";
import { GovernanceSetting } from "../../generated/schema";
import { eventId } from "./common";

/** Keeps a setting of governor or timelock that changed. */
export function recordSetting(event: ethereum.Event, name: string, before: BigInt, after: BigInt): void {
  const row = new GovernanceSetting(eventId(event));
  row.name = name;
  row.before = before;
  row.after = after;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}
