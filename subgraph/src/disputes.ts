import { BigInt } from "@graphprotocol/graph-ts";
import { FaultProven } from "../generated/Disputes/Disputes";
import { Fault, SigningKey, Slash, StakePool } from "../generated/schema";
import { eventId, orphan, protocol } from "./utils/common";
import { FAULT_KINDS } from "./utils/names";
import { operatorOf } from "./utils/people";
import { poolId } from "./utils/pools";

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
  if (pool != null) {
    const last = pool.lastSlash;
    const slash = last === null ? null : Slash.load(last);
    if (slash != null && slash.transaction.equals(event.transaction.hash)) row.slash = slash.id;
  }
  row.save();
  const totals = protocol();
  totals.faults = totals.faults.plus(BigInt.fromI32(1));
  totals.save();
}
