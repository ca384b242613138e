import { BigInt, Bytes, ethereum } from "@graphprotocol/graph-ts";
import {
  Claimed,
  ClaimFailed,
  Credited,
  FeesPaid,
  ModelCredited,
  ModelDistributed,
  RatesAnnounced,
  RatesWithdrawn,
} from "../generated/FeeSplitter/FeeSplitter";
import {
  FeeClaim,
  FeeContext,
  FeePayment,
  FeeRates,
  FeeReceiver,
  Model,
  ModelDistribution,
  Node,
  RateAnnouncement,
} from "../generated/schema";
import { eventId, ONE, orphan, protocol, somebody, word4, ZERO } from "./utils/common";
import { operatorOf } from "./utils/people";

// The splitter credits the shares of one fee in a fixed order: node, treasury, settler, each unless it is nothing. What it
// credits otherwise is the division of what a model version held. So which share a credit is follows from what came before
// it in the transaction.

function expect(event: ethereum.Event, node: BigInt, treasury: BigInt, settler: BigInt): void {
  const context = new FeeContext(ONE);
  context.transaction = event.transaction.hash;
  context.node = node;
  context.treasury = treasury;
  context.settler = settler;
  context.save();
}

export function handleFeesPaid(event: FeesPaid): void {
  const shares = event.params.shares;
  expect(event, shares.node, shares.treasury, shares.settler);
  const node = Node.load(event.params.nodeId);
  if (node == null) return orphan(event, "node of a fee");
  const operator = operatorOf(node.operator);
  operator.fees = operator.fees.plus(shares.node);
  operator.save();
  node.fees = node.fees.plus(event.params.amount);
  node.save();

  const row = new FeePayment(eventId(event));
  row.node = node.id;
  row.operator = operator.id;
  row.model = event.params.modelId;
  row.settler = somebody(event.params.settler);
  row.payer = event.params.payer;
  row.epoch = event.params.epoch;
  row.amount = event.params.amount;
  row.nodeShare = shares.node;
  row.modelShare = shares.model;
  row.stakersShare = shares.stakers;
  row.treasuryShare = shares.treasury;
  row.settlerShare = shares.settler;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
  const totals = protocol();
  totals.fees = totals.fees.plus(event.params.amount);
  totals.save();
}

function receiverOf(account: Bytes): FeeReceiver {
  let found = FeeReceiver.load(account);
  if (found != null) return found;
  found = new FeeReceiver(account);
  found.credited = ZERO;
  found.claimed = ZERO;
  found.credit = ZERO;
  found.asNode = ZERO;
  found.asTreasury = ZERO;
  found.asSettler = ZERO;
  found.asModel = ZERO;
  return found;
}

export function handleCredited(event: Credited): void {
  const amount = event.params.amount;
  const receiver = receiverOf(event.params.account);
  receiver.credited = receiver.credited.plus(amount);
  receiver.credit = event.params.credit;
  const context = FeeContext.load(ONE);
  if (context == null || !context.transaction.equals(event.transaction.hash)) {
    receiver.asModel = receiver.asModel.plus(amount);
  } else if (!context.node.isZero()) {
    context.node = ZERO;
    receiver.asNode = receiver.asNode.plus(amount);
  } else if (!context.treasury.isZero()) {
    context.treasury = ZERO;
    receiver.asTreasury = receiver.asTreasury.plus(amount);
  } else if (!context.settler.isZero()) {
    context.settler = ZERO;
    receiver.asSettler = receiver.asSettler.plus(amount);
  } else {
    receiver.asModel = receiver.asModel.plus(amount);
  }
  if (context != null) context.save();
  receiver.save();
}

export function handleModelCredited(event: ModelCredited): void {
  const model = Model.load(event.params.modelId);
  if (model == null) return orphan(event, "model version that is credited");
  model.credited = model.credited.plus(event.params.amount);
  model.held = event.params.balance;
  model.save();
}

export function handleModelDistributed(event: ModelDistributed): void {
  expect(event, ZERO, ZERO, ZERO);
  const model = Model.load(event.params.modelId);
  if (model == null) return orphan(event, "model version that is divided");
  model.held = ZERO;
  model.distributed = model.distributed.plus(event.params.amount);
  model.save();
  const row = new ModelDistribution(eventId(event));
  row.model = model.id;
  row.amount = event.params.amount;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}

function claim(event: ethereum.Event, receiver: FeeReceiver, amount: BigInt, failed: boolean): void {
  receiver.save();
  const row = new FeeClaim(eventId(event));
  row.receiver = receiver.id;
  row.amount = amount;
  row.failed = failed;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}

export function handleClaimed(event: Claimed): void {
  const receiver = receiverOf(event.params.account);
  receiver.claimed = receiver.claimed.plus(event.params.amount);
  receiver.credit = ZERO;
  claim(event, receiver, event.params.amount, false);
}

export function handleClaimFailed(event: ClaimFailed): void {
  claim(event, receiverOf(event.params.account), event.params.credit, true);
}

export function handleRatesAnnounced(event: RatesAnnounced): void {
  const rates = event.params.rates;
  const row = new FeeRates(word4(event.params.epoch.toI32()));
  row.epoch = event.params.epoch;
  row.startsAt = event.params.startsAt;
  row.nodeBps = rates.node;
  row.modelBps = rates.model;
  row.stakersBps = rates.stakers;
  row.treasuryBps = rates.treasury;
  row.settlerBps = rates.settler;
  row.announcedAt = event.block.timestamp;
  row.withdrawn = false;
  row.save();
  const said = new RateAnnouncement(eventId(event));
  said.epoch = event.params.epoch;
  said.startsAt = event.params.startsAt;
  said.withdrawal = false;
  said.nodeBps = rates.node;
  said.modelBps = rates.model;
  said.stakersBps = rates.stakers;
  said.treasuryBps = rates.treasury;
  said.settlerBps = rates.settler;
  said.at = event.block.timestamp;
  said.block = event.block.number;
  said.transaction = event.transaction.hash;
  said.save();
}

export function handleRatesWithdrawn(event: RatesWithdrawn): void {
  const row = FeeRates.load(word4(event.params.epoch.toI32()));
  if (row == null) return orphan(event, "rates that are withdrawn");
  row.withdrawn = true;
  row.save();
  const rates = event.params.rates;
  const said = new RateAnnouncement(eventId(event));
  said.epoch = event.params.epoch;
  said.withdrawal = true;
  said.nodeBps = rates.node;
  said.modelBps = rates.model;
  said.stakersBps = rates.stakers;
  said.treasuryBps = rates.treasury;
  said.settlerBps = rates.settler;
  said.at = event.block.timestamp;
  said.block = event.block.number;
  said.transaction = event.transaction.hash;
  said.save();
}
