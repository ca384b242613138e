import { BigInt, Bytes, ethereum } from "@graphprotocol/graph-ts";
import {
  ChannelOpened,
  ClaimSkipped,
  Collected,
  Deposited,
  FeesAccrued,
  Forwarded,
  Released,
  ReservationCollected,
  ReservationReturned,
  Reserved,
  ReserverApproved,
  SignerWithdrawn,
  Thawing,
  Withdrawn,
} from "../generated/InferenceEscrow/InferenceEscrow";
import {
  Channel,
  ChannelRelease,
  Collection,
  EscrowBalance,
  EscrowMove,
  Model,
  Reservation,
  ReserverAllowance,
  SignerWithdrawal,
  SkippedClaim,
} from "../generated/schema";
import { eventId, orphan, protocol, ZERO } from "./utils/common";
import { countOpened } from "./utils/figures";
import { REASONS, REFUSALS } from "./utils/names";
import { accrueFees, forwardFees } from "./utils/people";

const BITS_96 = BigInt.fromI32(2).pow(96);
const BITS_192 = BITS_96.times(BITS_96);

function accountOf(payer: Bytes, nodeId: Bytes): EscrowBalance {
  const id = payer.concat(nodeId);
  let found = EscrowBalance.load(id);
  if (found != null) return found;
  found = new EscrowBalance(id);
  found.payer = payer;
  found.node = nodeId;
  found.balance = ZERO;
  found.deposited = ZERO;
  found.withdrawn = ZERO;
  found.collected = ZERO;
  found.reserved = ZERO;
  found.thawing = ZERO;
  found.thawReadyAt = ZERO;
  return found;
}

function move(event: ethereum.Event, account: EscrowBalance, kind: string, amount: BigInt): EscrowMove {
  account.save();
  const row = new EscrowMove(eventId(event));
  row.account = account.id;
  row.kind = kind;
  row.amount = amount;
  row.balance = account.balance;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  return row;
}

export function handleDeposited(event: Deposited): void {
  const account = accountOf(event.params.payer, event.params.nodeId);
  account.balance = event.params.balance;
  account.deposited = account.deposited.plus(event.params.amount);
  const row = move(event, account, "DEPOSITED", event.params.amount);
  row.from = event.params.from;
  row.save();
}

export function handleThawing(event: Thawing): void {
  const account = accountOf(event.params.payer, event.params.nodeId);
  account.thawing = event.params.amount;
  account.thawReadyAt = event.params.readyAt;
  const row = move(event, account, "THAWING", event.params.amount);
  row.readyAt = event.params.readyAt;
  row.save();
}

export function handleWithdrawn(event: Withdrawn): void {
  const account = accountOf(event.params.payer, event.params.nodeId);
  account.balance = event.params.balance;
  account.withdrawn = account.withdrawn.plus(event.params.amount);
  account.thawing = ZERO;
  account.thawReadyAt = ZERO;
  move(event, account, "WITHDRAWN", event.params.amount).save();
}

export function handleChannelOpened(event: ChannelOpened): void {
  const account = accountOf(event.params.payer, event.params.nodeId);
  account.save();
  const channel = new Channel(event.params.channelId);
  channel.account = account.id;
  channel.payer = event.params.payer;
  channel.node = event.params.nodeId;
  channel.signer = event.params.signer;
  channel.model = event.params.modelId;
  channel.modelId = event.params.modelId;
  channel.modeMask = event.params.modeMask;
  channel.lane = event.params.lane;
  channel.session = !event.params.signer.equals(event.params.payer);
  channel.limit = event.params.limit;
  channel.expiry = event.params.expiry;
  channel.openedAt = event.block.timestamp;
  channel.withdrawn = false;
  channel.paid = ZERO;
  channel.owed = ZERO;
  channel.sequence = ZERO;
  channel.collectionCount = ZERO;
  channel.save();
}

export function handleSignerWithdrawn(event: SignerWithdrawn): void {
  const row = new SignerWithdrawal(eventId(event));
  row.channel = event.params.channelId;
  row.channelId = event.params.channelId;
  row.expiry = event.params.expiry;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
  // A session may be withdrawn before it was ever opened, and then never is.
  const channel = Channel.load(event.params.channelId);
  if (channel == null) return;
  channel.expiry = event.params.expiry;
  channel.withdrawn = true;
  channel.save();
}

function countModel(modelId: Bytes): void {
  const model = Model.load(modelId);
  if (model == null) return;
  model.opened = model.opened.plus(BigInt.fromI32(1));
  model.save();
}

export function handleCollected(event: Collected): void {
  const channel = Channel.load(event.params.channelId);
  if (channel == null) return orphan(event, "channel that paid");
  const payment = event.params.payment;
  const totals = event.params.totals;
  const row = new Collection(eventId(event));
  row.channel = channel.id;
  row.sequence = payment.div(BITS_192);
  row.amount = payment.div(BITS_96).mod(BITS_96);
  row.paid = payment.mod(BITS_96);
  row.owed = totals.div(BITS_96).mod(BITS_96);
  row.balance = totals.mod(BITS_96);
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();

  channel.paid = row.paid;
  channel.owed = row.owed;
  if (row.sequence.gt(channel.sequence)) channel.sequence = row.sequence;
  channel.collectionCount = channel.collectionCount.plus(BigInt.fromI32(1));
  channel.save();
  const account = accountOf(channel.payer, channel.node);
  account.balance = row.balance;
  account.collected = account.collected.plus(row.amount);
  account.save();
  countOpened(channel.modelId, channel.modeMask, row.amount, event.block);
  countModel(channel.modelId);
}

export function handleReleased(event: Released): void {
  const channel = Channel.load(event.params.channelId);
  if (channel == null) return orphan(event, "channel that was released");
  channel.owed = ZERO;
  channel.save();
  const row = new ChannelRelease(eventId(event));
  row.channel = channel.id;
  row.amount = event.params.amount;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}

export function handleClaimSkipped(event: ClaimSkipped): void {
  const row = new SkippedClaim(eventId(event));
  row.group = event.params.group;
  row.index = event.params.index;
  row.refusal = REFUSALS[event.params.refusal];
  row.reason = REASONS[event.params.reason];
  row.sender = event.transaction.from;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
  const totals = protocol();
  totals.skippedClaims = totals.skippedClaims.plus(BigInt.fromI32(1));
  totals.save();
}

export function handleReserverApproved(event: ReserverApproved): void {
  const row = new ReserverAllowance(event.params.payer.concat(event.params.reserver));
  row.payer = event.params.payer;
  row.reserver = event.params.reserver;
  row.allowance = event.params.allowance;
  row.save();
}

export function handleReserved(event: Reserved): void {
  const terms = event.params.reservation;
  const account = accountOf(terms.payer, terms.nodeId);
  account.balance = event.params.balance;
  account.reserved = account.reserved.plus(terms.amount);
  account.save();
  const row = new Reservation(event.params.requestId);
  row.account = account.id;
  row.reserver = event.params.reserver;
  row.payer = terms.payer;
  row.node = terms.nodeId;
  row.model = terms.modelId;
  row.modelId = terms.modelId;
  row.inputHash = terms.inputHash;
  row.modeMask = terms.modeMask;
  row.amount = terms.amount;
  row.expiry = terms.expiry;
  row.status = "RESERVED";
  row.paid = ZERO;
  row.returned = ZERO;
  row.reservedAt = event.block.timestamp;
  row.save();
}

function endReservation(event: ethereum.Event, row: Reservation, status: string, paid: BigInt, balance: BigInt): void {
  const account = accountOf(row.payer, row.node);
  account.balance = balance;
  account.reserved = account.reserved.minus(row.amount);
  account.collected = account.collected.plus(paid);
  account.save();
  row.status = status;
  row.paid = paid;
  row.returned = row.amount.minus(paid);
  row.endedAt = event.block.timestamp;
  row.save();
}

export function handleReservationCollected(event: ReservationCollected): void {
  const row = Reservation.load(event.params.requestId);
  if (row == null) return orphan(event, "reservation that paid");
  endReservation(event, row, "COLLECTED", event.params.amount, event.params.balance);
  countOpened(row.modelId, row.modeMask, event.params.amount, event.block);
  countModel(row.modelId);
}

export function handleReservationReturned(event: ReservationReturned): void {
  const row = Reservation.load(event.params.requestId);
  if (row == null) return orphan(event, "reservation that returned");
  endReservation(event, row, "RETURNED", ZERO, event.params.balance);
}

export function handleFeesAccrued(event: FeesAccrued): void {
  const fee = event.params;
  accrueFees(event.address, fee.nodeId, fee.modelId, fee.settler, fee.epoch, fee.amount, fee.fees);
}

export function handleForwarded(event: Forwarded): void {
  const fee = event.params;
  forwardFees(event.address, fee.nodeId, fee.modelId, fee.settler, fee.epoch, fee.amount);
}
