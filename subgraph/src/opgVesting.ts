import { Released } from "../generated/OPGVesting/OPGVesting";
import { UnlockRelease } from "../generated/schema";
import { eventId } from "./utils/common";
import { allocationOf } from "./utils/schedule";

export function handleReleased(event: Released): void {
  const allocation = allocationOf(event.params.allocation);
  allocation.total = event.params.released.plus(event.params.remaining);
  allocation.released = event.params.released;
  allocation.remaining = event.params.remaining;
  allocation.beneficiary = event.params.beneficiary;
  allocation.save();
  const row = new UnlockRelease(eventId(event));
  row.allocation = allocation.id;
  row.beneficiary = event.params.beneficiary;
  row.amount = event.params.amount;
  row.released = event.params.released;
  row.remaining = event.params.remaining;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}
