import { AgentLinkChanged } from "../generated/TwinAgents/TwinAgents";
import { Twin, TwinAgentLink } from "../generated/schema";
import { orphan } from "./utils/common";
import { LINK_STATUSES } from "./utils/names";

export function handleAgentLinkChanged(event: AgentLinkChanged): void {
  if (Twin.load(event.params.digitalTwinId) == null) return orphan(event, "twin of a link");
  const link = new TwinAgentLink(event.params.digitalTwinId.concat(event.params.modelId).concat(event.params.keyId));
  link.twin = event.params.digitalTwinId;
  link.model = event.params.modelId;
  link.modelId = event.params.modelId;
  link.key = event.params.keyId;
  link.keyId = event.params.keyId;
  link.status = LINK_STATUSES[event.params.status];
  link.by = event.params.by;
  link.updatedAt = event.block.timestamp;
  link.save();
}
