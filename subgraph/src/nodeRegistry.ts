import { BigInt } from "@graphprotocol/graph-ts";
import {
  Distrusted,
  FreezeRearmed,
  Frozen,
  KeyAdded,
  KeyRetired,
  NodeRegistered,
  NodeUpdated,
  OfferChanged,
} from "../generated/NodeRegistry/NodeRegistry";
import { Node, Offer } from "../generated/schema";
import { orphan, protocol, somebody, ZERO } from "./utils/common";
import { NODE_KINDS, NODE_STATUSES } from "./utils/names";
import { addKey, distrust, freeze, operatorOf, rearm, retireKey } from "./utils/people";

export function handleNodeRegistered(event: NodeRegistered): void {
  const node = new Node(event.params.nodeId);
  node.operator = operatorOf(event.params.operator).id;
  node.kind = NODE_KINDS[event.params.kind];
  node.status = "ACTIVE";
  node.endpoint = event.params.endpoint;
  node.registeredAt = event.block.timestamp;
  node.updatedAt = event.block.timestamp;
  node.receipts = ZERO;
  node.gatewayAnswers = ZERO;
  node.fees = ZERO;
  node.save();
  const totals = protocol();
  totals.nodes = totals.nodes.plus(BigInt.fromI32(1));
  totals.save();
}

export function handleNodeUpdated(event: NodeUpdated): void {
  const node = Node.load(event.params.nodeId);
  if (node == null) return orphan(event, "node");
  node.status = NODE_STATUSES[event.params.status];
  node.endpoint = event.params.endpoint;
  node.updatedAt = event.block.timestamp;
  node.save();
}

export function handleOfferChanged(event: OfferChanged): void {
  if (Node.load(event.params.nodeId) == null) return orphan(event, "node of an offer");
  const offer = new Offer(event.params.nodeId.concat(event.params.modelId));
  offer.node = event.params.nodeId;
  offer.model = event.params.modelId;
  offer.modelId = event.params.modelId;
  offer.modes = event.params.modes;
  offer.capacity = event.params.capacity;
  offer.updatedAt = event.block.timestamp;
  offer.save();
}

export function handleKeyAdded(event: KeyAdded): void {
  const key = event.params;
  addKey(event, key.keyId, key.nodeId, key.kind, somebody(key.signer), key.validFrom, key.validUntil, key.publicKey);
}

export function handleKeyRetired(event: KeyRetired): void {
  retireKey(event, event.params.keyId, event.params.validUntil);
}

export function handleDistrusted(event: Distrusted): void {
  distrust(event, event.params.target, event.params.from, event.params.by);
}

export function handleFrozen(event: Frozen): void {
  freeze(event, event.params.target, event.params.until);
}

export function handleFreezeRearmed(event: FreezeRearmed): void {
  rearm(event, event.params.target);
}
