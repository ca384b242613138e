import { BigInt, Bytes } from "@graphprotocol/graph-ts";
import { FaultProven } from "../generated/Disputes/Disputes";
import { Fault, SigningKey, Slash, StakePool } from "../generated/schema";
import { eventId, orphan, protocol } from "./utils/common";
import { FAULT_KINDS } from "./utils/names";
import { operatorOf } from "./utils/people";
import { poolId } from "./utils/pools";

function linkSlash(fault: Fault, last: Bytes | null): void {
  if (last === null) return;
  const slash = Slash.load(last);
  if (slash != null && slash.transaction.equals(fault.transaction)) fault.slash = slash.id;
}

export function handleFaultProven(event: FaultProven): void {
  const proven = event.params.fault;
  if (SigningKey.load(event.params.keyId) == null) return orphan(event, "key at fault");
  const row = new Fault(eventId(event));
  row.kind = FAULT_KINDS[event.params.kind];
  row.key = event.params.keyId;
  row.node = proven.nodeId;
  row.operator = operatorOf(event.params.operator).id;
  row.reporter = event.params.reporter;
  row.slashed = event.params.slashed;
  row.bps = proven.bps;
  row.requestId = proven.requestId;
  row.receiptId = proven.receiptId;
  row.otherKeyId = proven.otherKeyId;
  row.otherRequestId = proven.otherRequestId;
  row.otherReceiptId = proven.otherReceiptId;
  row.subject = proven.subject;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  // Staking tells of the slash first, in the same transaction.
  const pool = StakePool.load(poolId(event.params.operator, proven.nodeKind));
  if (pool != null) linkSlash(row, pool.lastSlash);
  row.save();
  const totals = protocol();
  totals.faults = totals.faults.plus(BigInt.fromI32(1));
  totals.save();
}
