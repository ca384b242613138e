import { BigInt, Bytes, ethereum } from "@graphprotocol/graph-ts";
import {
  ConsentsCancelled,
  FeeChanged,
  FeeIncreaseAnnounced,
  FeeIncreaseWithdrawn,
  OwedFeesClaimed,
  OwnershipClaimed,
  ProtocolFeesClaimed,
  SubjectFeesClaimed,
  Trade,
  TwinCreated,
} from "../generated/TwinMarket/TwinMarket";
import {
  Twin,
  TwinFee,
  TwinFeeChange,
  TwinHolder,
  TwinOwed,
  TwinOwnership,
  TwinPayout,
  TwinPoint,
  TwinTrade,
} from "../generated/schema";
import { byte, eventId, orphan, protocol, ratio, somebody, ZERO } from "./utils/common";
import { TWIN_FEES } from "./utils/names";

const NEXT = BigInt.fromI32(1);

export function handleTwinCreated(event: TwinCreated): void {
  const twin = new Twin(event.params.digitalTwinId);
  twin.creator = event.params.creator;
  twin.claimant = somebody(event.params.claimant);
  if (twin.claimant === null) twin.owner = event.params.creator;
  twin.nonce = ZERO;
  twin.url = event.params.url;
  twin.openingEndsAt = event.params.openingEndsAt;
  twin.openingLimit = event.params.openingLimit;
  twin.createdAt = event.block.timestamp;
  twin.supply = ZERO;
  twin.holderCount = ZERO;
  twin.tradeCount = ZERO;
  twin.volume = ZERO;
  twin.reserve = ZERO;
  twin.protocolFees = ZERO;
  twin.subjectFees = ZERO;
  twin.feesHeld = ZERO;
  twin.save();
  const totals = protocol();
  totals.twins = totals.twins.plus(NEXT);
  totals.save();
}

/** What changes for a holder. Returns by how much the number of holders does. */
function holding(twin: Twin, account: Bytes, amount: BigInt, isBuy: boolean, now: BigInt): i32 {
  const id = twin.id.concat(account);
  let holder = TwinHolder.load(id);
  if (holder == null) {
    holder = new TwinHolder(id);
    holder.twin = twin.id;
    holder.account = account;
    holder.keys = ZERO;
  }
  const before = holder.keys;
  holder.keys = isBuy ? before.plus(amount) : before.minus(amount);
  holder.updatedAt = now;
  holder.save();
  return (holder.keys.isZero() ? 0 : 1) - (before.isZero() ? 0 : 1);
}

export function handleTrade(event: Trade): void {
  const trade = event.params;
  const twin = Twin.load(trade.digitalTwinId);
  if (twin == null) return orphan(event, "twin that is traded");
  const row = new TwinTrade(eventId(event));
  row.twin = twin.id;
  row.trader = trade.trader;
  row.isBuy = trade.isBuy;
  row.amount = trade.shareAmount;
  row.price = trade.ethAmount;
  row.protocolFee = trade.protocolEthAmount;
  row.subjectFee = trade.subjectEthAmount;
  row.supply = trade.supply;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();

  const change = holding(twin, trade.trader, trade.shareAmount, trade.isBuy, event.block.timestamp);
  twin.holderCount = twin.holderCount.plus(BigInt.fromI32(change));
  twin.supply = trade.supply;
  twin.tradeCount = twin.tradeCount.plus(NEXT);
  twin.volume = twin.volume.plus(trade.ethAmount);
  twin.reserve = trade.isBuy ? twin.reserve.plus(trade.ethAmount) : twin.reserve.minus(trade.ethAmount);
  twin.protocolFees = twin.protocolFees.plus(trade.protocolEthAmount);
  twin.subjectFees = twin.subjectFees.plus(trade.subjectEthAmount);
  twin.feesHeld = twin.feesHeld.plus(trade.subjectEthAmount);
  const price = ratio(trade.ethAmount, trade.shareAmount, 6);
  if (price !== null) {
    twin.lastPrice = price;
    const point = new TwinPoint(0);
    point.twin = twin.id;
    point.price = price;
    point.amount = trade.shareAmount;
    point.volume = trade.ethAmount;
    point.save();
  }
  twin.save();
}

function ownership(
  event: ethereum.Event,
  twin: Twin,
  previous: Bytes | null,
  credited: BigInt,
  consentsOnly: boolean,
): void {
  twin.save();
  const row = new TwinOwnership(eventId(event));
  row.twin = twin.id;
  row.previousOwner = previous;
  row.owner = twin.owner as Bytes;
  row.nonce = twin.nonce;
  row.credited = credited;
  row.consentsOnly = consentsOnly;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}

function owedOf(account: Bytes): TwinOwed {
  let found = TwinOwed.load(account);
  if (found != null) return found;
  found = new TwinOwed(account);
  found.owed = ZERO;
  found.claimed = ZERO;
  return found;
}

export function handleOwnershipClaimed(event: OwnershipClaimed): void {
  const twin = Twin.load(event.params.digitalTwinId);
  if (twin == null) return orphan(event, "twin that is claimed");
  const previous = somebody(event.params.previousOwner);
  twin.owner = event.params.newOwner;
  twin.claimant = null;
  twin.nonce = event.params.nonce;
  // What was earned before the first owner stays with the twin.
  if (previous !== null) {
    twin.feesHeld = twin.feesHeld.minus(event.params.credited);
    const owed = owedOf(previous);
    owed.owed = owed.owed.plus(event.params.credited);
    owed.save();
  }
  ownership(event, twin, previous, event.params.credited, false);
}

export function handleConsentsCancelled(event: ConsentsCancelled): void {
  const twin = Twin.load(event.params.digitalTwinId);
  if (twin == null) return orphan(event, "twin whose consents end");
  twin.owner = event.params.owner;
  twin.nonce = event.params.nonce;
  ownership(event, twin, event.params.owner, ZERO, true);
}

function feeOf(kind: i32): TwinFee {
  let found = TwinFee.load(byte(kind));
  if (found != null) return found;
  found = new TwinFee(byte(kind));
  found.kind = TWIN_FEES[kind];
  found.present = ZERO;
  return found;
}

function feeChange(
  event: ethereum.Event,
  fee: TwinFee,
  kind: string,
  before: BigInt,
  after: BigInt,
  effectiveAt: BigInt | null,
): void {
  fee.save();
  const row = new TwinFeeChange(eventId(event));
  row.fee = fee.id;
  row.kind = kind;
  row.before = before;
  row.after = after;
  row.effectiveAt = effectiveAt;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}

export function handleFeeIncreaseAnnounced(event: FeeIncreaseAnnounced): void {
  const said = event.params;
  const fee = feeOf(said.fee);
  fee.present = said.present;
  fee.announced = said.announced;
  fee.effectiveAt = said.effectiveAt;
  feeChange(event, fee, "ANNOUNCED", said.present, said.announced, said.effectiveAt);
}

export function handleFeeIncreaseWithdrawn(event: FeeIncreaseWithdrawn): void {
  const fee = feeOf(event.params.fee);
  fee.announced = null;
  fee.effectiveAt = null;
  feeChange(event, fee, "WITHDRAWN", event.params.withdrawn, event.params.present, null);
}

/** An increase is in effect from its announced time on; this event comes with the first trade after it. */
export function handleFeeChanged(event: FeeChanged): void {
  const fee = feeOf(event.params.fee);
  const announced = fee.effectiveAt;
  const effectiveAt = announced === null ? event.block.timestamp : announced;
  fee.present = event.params.present;
  fee.announced = null;
  fee.effectiveAt = null;
  feeChange(event, fee, "CHANGED", event.params.previous, event.params.present, effectiveAt);
}

function payout(
  event: ethereum.Event,
  kind: string,
  twin: Bytes | null,
  account: Bytes | null,
  to: Bytes,
  amount: BigInt,
): void {
  const row = new TwinPayout(eventId(event));
  row.kind = kind;
  row.twin = twin;
  row.account = account;
  row.to = to;
  row.amount = amount;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}

export function handleSubjectFeesClaimed(event: SubjectFeesClaimed): void {
  const paid = event.params;
  const twin = Twin.load(paid.digitalTwinId);
  if (twin == null) return orphan(event, "twin whose fees are claimed");
  twin.feesHeld = twin.feesHeld.minus(paid.amount);
  twin.save();
  payout(event, "SUBJECT", twin.id, paid.owner, paid.to, paid.amount);
}

export function handleProtocolFeesClaimed(event: ProtocolFeesClaimed): void {
  payout(event, "PROTOCOL", null, null, event.params.to, event.params.amount);
}

export function handleOwedFeesClaimed(event: OwedFeesClaimed): void {
  const owed = owedOf(event.params.account);
  owed.owed = owed.owed.minus(event.params.amount);
  owed.claimed = owed.claimed.plus(event.params.amount);
  owed.save();
  payout(event, "OWED", null, event.params.account, event.params.to, event.params.amount);
}
