import { BigInt } from "@graphprotocol/graph-ts";
import { AnswerSettled, AnswerSkipped } from "../generated/GatewayAnswers/GatewayAnswers";
import { GatewayAnswer, Node, SigningKey, SkippedAnswer } from "../generated/schema";
import { eventId, orphan, protocol } from "./utils/common";
import { REASONS } from "./utils/names";
import { operatorOf } from "./utils/people";

export function handleAnswerSettled(event: AnswerSettled): void {
  const key = SigningKey.load(event.params.keyId);
  if (key == null) return orphan(event, "key of a gateway's answer");
  const answer = new GatewayAnswer(event.params.requestId);
  answer.key = key.id;
  answer.node = key.node;
  answer.operator = key.operator;
  answer.requestHash = event.params.requestHash;
  answer.outputHash = event.params.outputHash;
  answer.timestamp = event.params.timestamp;
  answer.settledAt = event.block.timestamp;
  answer.block = event.block.number;
  answer.transaction = event.transaction.hash;
  answer.save();

  const one = BigInt.fromI32(1);
  const node = Node.load(key.node);
  if (node != null) {
    node.gatewayAnswers = node.gatewayAnswers.plus(one);
    node.save();
  }
  const operator = operatorOf(key.operator);
  operator.gatewayAnswers = operator.gatewayAnswers.plus(one);
  operator.save();
  const totals = protocol();
  totals.gatewayAnswers = totals.gatewayAnswers.plus(one);
  totals.save();
}

export function handleAnswerSkipped(event: AnswerSkipped): void {
  const skipped = new SkippedAnswer(eventId(event));
  skipped.index = event.params.index;
  skipped.reason = REASONS[event.params.reason];
  skipped.at = event.block.timestamp;
  skipped.block = event.block.number;
  skipped.transaction = event.transaction.hash;
  skipped.save();
  const totals = protocol();
  totals.skippedAnswers = totals.skippedAnswers.plus(BigInt.fromI32(1));
  totals.save();
}
