import { BigInt } from "@graphprotocol/graph-ts";
import { MemoryCommitted, MemoryGranted, MemoryRevoked } from "../generated/MemoryRegistry/MemoryRegistry";
import { Memory, MemoryGrant, MemoryHead } from "../generated/schema";
import { word32 } from "./utils/calls";
import { eventId, orphan, protocol, ZERO } from "./utils/common";

export function handleMemoryCommitted(event: MemoryCommitted): void {
  let memory = Memory.load(event.params.memoryId);
  if (memory == null) {
    memory = new Memory(event.params.memoryId);
    memory.owner = event.params.owner;
    memory.label = event.params.label;
    memory.headCount = ZERO;
    memory.createdAt = event.block.timestamp;
    const totals = protocol();
    totals.memories = totals.memories.plus(BigInt.fromI32(1));
    totals.save();
  }
  memory.root = event.params.root;
  memory.count = event.params.count;
  memory.headCount = memory.headCount.plus(BigInt.fromI32(1));
  memory.updatedAt = event.block.timestamp;
  memory.save();

  const head = new MemoryHead(eventId(event));
  head.memory = memory.id;
  head.index = event.params.index;
  head.root = event.params.root;
  head.previous = event.params.previous;
  head.count = event.params.count;
  head.blobId = event.params.blobId;
  head.at = event.block.timestamp;
  head.block = event.block.number;
  head.transaction = event.transaction.hash;
  head.save();
}

export function handleMemoryGranted(event: MemoryGranted): void {
  if (Memory.load(event.params.memoryId) == null) return orphan(event, "memory of a grant");
  const scope = event.params.scope;
  const grant = new MemoryGrant(word32(event.params.grantId));
  grant.grantId = event.params.grantId;
  grant.memory = event.params.memoryId;
  grant.reader = event.params.reader;
  grant.from = event.block.timestamp;
  grant.until = event.params.until;
  grant.revoked = false;
  grant.modelId = scope.modelId;
  grant.nodeId = scope.nodeId;
  grant.firstEntry = scope.firstEntry;
  grant.endEntry = scope.endEntry;
  grant.save();
}

export function handleMemoryRevoked(event: MemoryRevoked): void {
  const grant = MemoryGrant.load(word32(event.params.grantId));
  if (grant == null) return orphan(event, "grant");
  grant.until = event.params.until;
  grant.revoked = true;
  grant.save();
}
