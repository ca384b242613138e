import { BigInt, Bytes, ethereum } from "@graphprotocol/graph-ts";
import {
  BatchSettled,
  ClosingAnnounced,
  ItemSkipped,
  ReceiptSettled,
  SettlementPaused,
  SettlementResumed,
} from "../generated/InferenceRegistry/InferenceRegistry";
import { Batch, Node, SettledReceipt, SettlementStop, SigningKey, SkippedItem } from "../generated/schema";
import { provedOf, shareOf, singleOf } from "./utils/calls";
import { eventId, orphan, protocol, somebody, ZERO } from "./utils/common";
import { ENCLAVE, grow, INFERENCE, SETTLER } from "./utils/concentration";
import { countSettled, Settled } from "./utils/figures";
import { ITEM_KINDS, MODES, REASONS } from "./utils/names";
import { operatorOf } from "./utils/people";

const ZKML: i32 = 1;
const TEE: i32 = 2;

/** Adds receipts of a key to all that counts them. */
function count(event: ethereum.Event, key: SigningKey, settled: Settled): void {
  key.receipts = key.receipts.plus(settled.receipts);
  key.save();
  const node = Node.load(key.node);
  if (node != null) {
    node.receipts = node.receipts.plus(settled.receipts);
    node.save();
  }
  const operator = operatorOf(key.operator);
  operator.receipts = operator.receipts.plus(settled.receipts);
  if (settled.mode == TEE) operator.teeReceipts = operator.teeReceipts.plus(settled.receipts);
  operator.save();
  grow(INFERENCE, key.operator, settled.receipts, event.block);
  if (settled.mode == TEE) grow(ENCLAVE, key.operator, settled.receipts, event.block);
  countSettled(settled, event.block);

  const totals = protocol();
  const one = BigInt.fromI32(1);
  if (settled.alone) totals.receiptsAlone = totals.receiptsAlone.plus(one);
  else totals.batches = totals.batches.plus(one);
  totals.receipts = totals.receipts.plus(settled.receipts);
  totals.save();
}

export function handleBatchSettled(event: BatchSettled): void {
  const key = SigningKey.load(event.params.keyId);
  if (key == null) return orphan(event, "key of a batch");
  const mode = event.params.mode;
  const share = shareOf(event);
  const settled = new Settled(mode, event.params.count, false, share.gasUsed, share.gasFee);

  const batch = new Batch(event.params.digest);
  batch.key = key.id;
  batch.node = key.node;
  batch.operator = key.operator;
  batch.mode = MODES[mode];
  batch.root = event.params.root;
  batch.count = event.params.count.toI32();
  batch.dataHash = event.params.dataHash;
  batch.settler = somebody(event.params.settler);
  batch.settledAt = event.block.timestamp;
  batch.block = event.block.number;
  batch.transaction = event.transaction.hash;
  batch.gasUsed = share.gasUsed;
  batch.gasFee = share.gasFee;
  batch.sender = event.transaction.from;
  const proved = mode == ZKML ? provedOf(event, share.place, event.params.root) : null;
  if (proved != null) {
    settled.model = proved.model;
    settled.completions = proved.completions;
    batch.model = proved.model;
    batch.oldestCompletion = extreme(proved.completions, false);
    batch.newestCompletion = extreme(proved.completions, true);
  }
  batch.save();

  count(event, key, settled);
  const settler = batch.settler;
  if (settler !== null) grow(SETTLER, settler, settled.receipts, event.block);
}

function extreme(times: BigInt[], newest: boolean): BigInt {
  let found = times[0];
  for (let i = 1; i < times.length; i++) if (newest ? times[i].gt(found) : times[i].lt(found)) found = times[i];
  return found;
}

export function handleReceiptSettled(event: ReceiptSettled): void {
  const key = SigningKey.load(event.params.keyId);
  if (key == null) return orphan(event, "key of a receipt");
  const mode = event.params.mode;
  const share = shareOf(event);
  const settled = new Settled(mode, BigInt.fromI32(1), true, share.gasUsed, share.gasFee);
  settled.model = event.params.modelId;

  const receipt = new SettledReceipt(event.params.receiptId);
  receipt.requestId = event.params.requestId;
  receipt.key = key.id;
  receipt.node = key.node;
  receipt.operator = key.operator;
  receipt.model = event.params.modelId;
  receipt.mode = MODES[mode];
  receipt.settledAt = event.block.timestamp;
  receipt.block = event.block.number;
  receipt.transaction = event.transaction.hash;
  receipt.gasUsed = share.gasUsed;
  receipt.gasFee = share.gasFee;
  receipt.sender = event.transaction.from;
  const single = singleOf(event, share.place, event.params.requestId, event.params.keyId);
  if (single != null) {
    settled.completions = [single.completedAt];
    receipt.completedAt = single.completedAt;
    receipt.payer = single.payer;
    receipt.cumulativeFee = single.cumulativeFee;
    receipt.sequence = single.sequence;
  }
  receipt.save();
  count(event, key, settled);
}

export function handleItemSkipped(event: ItemSkipped): void {
  const item = new SkippedItem(eventId(event));
  item.kind = ITEM_KINDS[event.params.kind];
  item.index = event.params.index;
  item.reason = REASONS[event.params.reason];
  item.sender = event.transaction.from;
  item.at = event.block.timestamp;
  item.block = event.block.number;
  item.transaction = event.transaction.hash;
  item.save();
  const totals = protocol();
  totals.skippedItems = totals.skippedItems.plus(BigInt.fromI32(1));
  totals.save();
}

function stop(event: ethereum.Event, kind: string, moment: BigInt | null): void {
  const row = new SettlementStop(eventId(event));
  row.kind = kind;
  row.moment = moment;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}

export function handleSettlementPaused(event: SettlementPaused): void {
  const totals = protocol();
  totals.pausedUntil = event.params.until;
  totals.save();
  stop(event, "PAUSED", event.params.until);
}

export function handleSettlementResumed(event: SettlementResumed): void {
  const totals = protocol();
  totals.pausedUntil = ZERO;
  totals.save();
  stop(event, "RESUMED", null);
}

export function handleClosingAnnounced(event: ClosingAnnounced): void {
  const totals = protocol();
  totals.closesAt = event.params.at;
  totals.save();
  stop(event, "CLOSING", event.params.at);
}
