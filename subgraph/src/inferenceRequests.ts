import { BigInt, Bytes, ethereum } from "@graphprotocol/graph-ts";
import {
  Accepted,
  AgentSet,
  CallbackFailed,
  CallbackSucceeded,
  Cancelled,
  Claimed,
  CreditChanged,
  Excused,
  FeesAccrued,
  Forwarded,
  Fulfilled,
  InputAt,
  InputGiven,
  Requested,
  TimedOut,
} from "../generated/InferenceRequests/InferenceRequests";
import { InferenceRequest, Model, RequestAccount, RequestAgent, RequestStep } from "../generated/schema";
import { eventId, isZero, orphan, protocol, ZERO } from "./utils/common";
import { countOpened } from "./utils/figures";
import { REASONS } from "./utils/names";
import { accrueFees, forwardFees, operatorOf, setLoad } from "./utils/people";

function step(event: ethereum.Event, request: InferenceRequest, kind: string): void {
  request.save();
  const row = new RequestStep(eventId(event));
  row.request = request.id;
  row.kind = kind;
  row.sender = event.transaction.from;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}

function end(event: ethereum.Event, request: InferenceRequest, status: string): void {
  request.status = status;
  request.endedAt = event.block.timestamp;
  step(event, request, status);
}

export function handleRequested(event: Requested): void {
  const terms = event.params.terms;
  const request = new InferenceRequest(event.params.requestId);
  request.requester = event.params.requester;
  request.model = terms.modelId;
  request.modelId = terms.modelId;
  request.inputHash = terms.inputHash;
  request.contextHash = terms.contextHash;
  if (!isZero(terms.nodeId)) request.askedNode = terms.nodeId;
  request.maxFee = terms.maxFee;
  request.deadline = terms.deadline;
  request.modeMask = terms.modeMask;
  request.callbackGas = terms.callbackGas;
  request.status = "OPEN";
  request.bond = ZERO;
  request.fee = ZERO;
  request.refund = ZERO;
  request.penalty = ZERO;
  request.callback = "NONE";
  request.askedAt = event.block.timestamp;
  step(event, request, "ASKED");
  const totals = protocol();
  totals.requests = totals.requests.plus(BigInt.fromI32(1));
  totals.save();
}

export function handleInputGiven(event: InputGiven): void {
  const request = InferenceRequest.load(event.params.requestId);
  if (request == null) return orphan(event, "request of an input");
  request.input = event.params.input;
  request.salt = event.params.salt;
  request.save();
}

export function handleInputAt(event: InputAt): void {
  const request = InferenceRequest.load(event.params.requestId);
  if (request == null) return orphan(event, "request of a pointer");
  request.pointer = event.params.pointer;
  request.save();
}

export function handleAccepted(event: Accepted): void {
  const request = InferenceRequest.load(event.params.requestId);
  if (request == null) return orphan(event, "request that was accepted");
  request.status = "ACCEPTED";
  request.node = event.params.nodeId;
  request.operator = operatorOf(event.params.operator).id;
  request.key = event.params.keyId;
  request.bond = event.params.bond;
  request.acceptedAt = event.block.timestamp;
  setLoad(event.params.nodeId, request.modelId, event.params.load);
  step(event, request, "ACCEPTED");
}

export function handleFulfilled(event: Fulfilled): void {
  const request = InferenceRequest.load(event.params.requestId);
  if (request == null) return orphan(event, "request that was fulfilled");
  request.receiptId = event.params.receiptId;
  request.fee = event.params.fee;
  request.refund = event.params.rest;
  setLoad(event.params.nodeId, request.modelId, event.params.load);
  end(event, request, "FULFILLED");
  countOpened(request.modelId, request.modeMask, event.params.fee, event.block);
  const model = Model.load(request.modelId);
  if (model == null) return;
  model.opened = model.opened.plus(BigInt.fromI32(1));
  model.save();
}

export function handleCallbackSucceeded(event: CallbackSucceeded): void {
  const request = InferenceRequest.load(event.params.requestId);
  if (request == null) return orphan(event, "request that was called back");
  request.callback = "SUCCEEDED";
  step(event, request, "CALLBACK_SUCCEEDED");
}

export function handleCallbackFailed(event: CallbackFailed): void {
  const request = InferenceRequest.load(event.params.requestId);
  if (request == null) return orphan(event, "request whose callback failed");
  request.callback = "FAILED";
  step(event, request, "CALLBACK_FAILED");
}

export function handleCancelled(event: Cancelled): void {
  const request = InferenceRequest.load(event.params.requestId);
  if (request == null) return orphan(event, "request that was cancelled");
  request.refund = event.params.refund;
  end(event, request, "CANCELLED");
}

export function handleTimedOut(event: TimedOut): void {
  const request = InferenceRequest.load(event.params.requestId);
  if (request == null) return orphan(event, "request that timed out");
  request.refund = event.params.refund;
  request.penalty = event.params.penalty;
  if (!isZero(event.params.nodeId)) setLoad(event.params.nodeId, request.modelId, event.params.load);
  end(event, request, "TIMED_OUT");
}

export function handleExcused(event: Excused): void {
  const request = InferenceRequest.load(event.params.requestId);
  if (request == null) return orphan(event, "request that was excused");
  request.refund = event.params.refund;
  request.excuse = REASONS[event.params.reason];
  setLoad(event.params.nodeId, request.modelId, event.params.load);
  end(event, request, "EXCUSED");
}

function accountOf(address: Bytes): RequestAccount {
  let found = RequestAccount.load(address);
  if (found != null) return found;
  found = new RequestAccount(address);
  found.credit = ZERO;
  found.claimed = ZERO;
  return found;
}

export function handleCreditChanged(event: CreditChanged): void {
  const account = accountOf(event.params.account);
  account.credit = event.params.credit;
  account.save();
}

export function handleClaimed(event: Claimed): void {
  const account = accountOf(event.params.account);
  account.claimed = account.claimed.plus(event.params.amount);
  account.save();
}

export function handleAgentSet(event: AgentSet): void {
  const agent = new RequestAgent(event.params.operator.concat(event.params.agent));
  agent.operator = event.params.operator;
  agent.agent = event.params.agent;
  agent.allowed = event.params.allowed;
  agent.save();
}

export function handleFeesAccrued(event: FeesAccrued): void {
  const fee = event.params;
  accrueFees(event.address, fee.nodeId, fee.modelId, fee.settler, fee.epoch, fee.amount, fee.fees);
}

export function handleForwarded(event: Forwarded): void {
  const fee = event.params;
  forwardFees(event.address, fee.nodeId, fee.modelId, fee.settler, fee.epoch, fee.amount);
}
