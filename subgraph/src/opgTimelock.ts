import { Bytes, ethereum } from "@graphprotocol/graph-ts";
import {
  CallExecuted,
  CallSalt,
  CallScheduled,
  Cancelled,
  MinDelayChange,
  RoleAdminChanged,
  RoleGranted,
  RoleRevoked,
} from "../generated/OPGTimelock/OPGTimelock";
import { GovernanceRole, TimelockCall, TimelockOperation } from "../generated/schema";
import { eventId, orphan, word4 } from "./utils/common";
import { recordSetting } from "./utils/governance";

/** One event for each call of an operation; an operation that was cancelled may be scheduled again. */
export function handleCallScheduled(event: CallScheduled): void {
  const operation = new TimelockOperation(event.params.id);
  operation.predecessor = event.params.predecessor;
  operation.delay = event.params.delay;
  operation.status = "SCHEDULED";
  operation.scheduledAt = event.block.timestamp;
  operation.executableFrom = event.block.timestamp.plus(event.params.delay);
  operation.endedAt = null;
  operation.save();
  const call = new TimelockCall(event.params.id.concat(word4(event.params.index.toI32())));
  call.operation = event.params.id;
  call.index = event.params.index.toI32();
  call.target = event.params.target;
  call.value = event.params.value;
  call.data = event.params.data;
  call.executed = false;
  call.save();
}

export function handleCallSalt(event: CallSalt): void {
  const operation = TimelockOperation.load(event.params.id);
  if (operation == null) return orphan(event, "operation of a salt");
  operation.salt = event.params.salt;
  operation.save();
}

function end(event: ethereum.Event, id: Bytes, status: string): boolean {
  const operation = TimelockOperation.load(id);
  if (operation == null) {
    orphan(event, "operation that ended");
    return false;
  }
  operation.status = status;
  operation.endedAt = event.block.timestamp;
  operation.save();
  return true;
}

export function handleCallExecuted(event: CallExecuted): void {
  if (!end(event, event.params.id, "EXECUTED")) return;
  const call = TimelockCall.load(event.params.id.concat(word4(event.params.index.toI32())));
  if (call == null) return orphan(event, "call that was executed");
  call.executed = true;
  call.save();
}

export function handleCancelled(event: Cancelled): void {
  end(event, event.params.id, "CANCELLED");
}

export function handleMinDelayChange(event: MinDelayChange): void {
  recordSetting(event, "timelockDelay", event.params.oldDuration, event.params.newDuration);
}

function role(event: ethereum.Event, name: string, id: Bytes, account: Bytes, by: Bytes): void {
  const row = new GovernanceRole(eventId(event));
  row.name = name;
  row.role = id;
  row.account = account;
  row.by = by;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}

export function handleRoleGranted(event: RoleGranted): void {
  role(event, "GRANTED", event.params.role, event.params.account, event.params.sender);
}

export function handleRoleRevoked(event: RoleRevoked): void {
  role(event, "REVOKED", event.params.role, event.params.account, event.params.sender);
}

export function handleRoleAdminChanged(event: RoleAdminChanged): void {
  role(event, "ADMIN_CHANGED", event.params.role, event.params.newAdminRole, event.params.previousAdminRole);
}
