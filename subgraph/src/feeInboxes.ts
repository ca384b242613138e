import { InboxCreated } from "../generated/FeeInboxes/FeeInboxes";
import { FeeInbox } from "../generated/schema";
import { FeeInbox as FeeInboxTemplate } from "../generated/templates";
import { ZERO } from "./utils/common";

export function handleInboxCreated(event: InboxCreated): void {
  const inbox = new FeeInbox(event.params.inbox);
  inbox.node = event.params.nodeId;
  inbox.nodeId = event.params.nodeId;
  inbox.model = event.params.modelId;
  inbox.modelId = event.params.modelId;
  inbox.createdAt = event.block.timestamp;
  inbox.swept = ZERO;
  inbox.save();
  FeeInboxTemplate.create(event.params.inbox);
}
