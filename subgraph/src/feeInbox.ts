import { Swept } from "../generated/templates/FeeInbox/FeeInbox";
import { FeeInbox, InboxSweep } from "../generated/schema";
import { eventId, orphan, somebody } from "./utils/common";

export function handleSwept(event: Swept): void {
  const inbox = FeeInbox.load(event.address);
  if (inbox == null) return orphan(event, "inbox");
  inbox.swept = inbox.swept.plus(event.params.amount);
  inbox.save();
  const row = new InboxSweep(eventId(event));
  row.inbox = inbox.id;
  row.settler = somebody(event.params.settler);
  row.amount = event.params.amount;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}
