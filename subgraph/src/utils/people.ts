import { BigInt, Bytes, ethereum } from "@graphprotocol/graph-ts";
import {
  KeyChange,
  Node,
  NodeLoad,
  Operator,
  SigningKey,
  Standing,
  StandingChange,
  WaitingFees,
} from "../../generated/schema";
import { eventId, isZero, orphan, protocol, word4, ZERO } from "./common";
import { KEY_KINDS } from "./names";

const ONE_MORE = BigInt.fromI32(1);

/** An operator, from its first node, pool or fault on. */
export function operatorOf(address: Bytes): Operator {
  let found = Operator.load(address);
  if (found != null) return found;
  found = new Operator(address);
  found.receipts = ZERO;
  found.teeReceipts = ZERO;
  found.gatewayAnswers = ZERO;
  found.enclaveKeys = ZERO;
  found.stake = ZERO;
  found.slashed = ZERO;
  found.fees = ZERO;
  found.save();
  const totals = protocol();
  totals.operators = totals.operators.plus(ONE_MORE);
  totals.save();
  return found;
}

/** The standing of something, trusted until said otherwise. */
export function standingOf(registry: Bytes, target: Bytes): Standing {
  const id = registry.concat(target);
  let found = Standing.load(id);
  if (found != null) return found;
  found = new Standing(id);
  found.registry = registry;
  found.target = target;
  found.frozenUntil = ZERO;
  found.freezeSpent = false;
  found.save();
  return found;
}

function recordStanding(
  event: ethereum.Event,
  standing: Standing,
  kind: string,
  moment: BigInt | null,
  by: Bytes,
): void {
  standing.save();
  const change = new StandingChange(eventId(event));
  change.standing = standing.id;
  change.kind = kind;
  change.moment = moment;
  change.by = by;
  change.at = event.block.timestamp;
  change.block = event.block.number;
  change.transaction = event.transaction.hash;
  change.save();
}

/** Everything that settled with `target` from `from` on reads as distrusted. */
export function distrust(event: ethereum.Event, target: Bytes, from: BigInt, by: Bytes): void {
  const standing = standingOf(event.address, target);
  standing.distrustedFrom = from;
  recordStanding(event, standing, "DISTRUSTED", from, by);
}

/** Everything that rests on `target` reads as unverified until `until`. */
export function freeze(event: ethereum.Event, target: Bytes, until: BigInt): void {
  const standing = standingOf(event.address, target);
  standing.frozenUntil = until;
  standing.freezeSpent = true;
  recordStanding(event, standing, "FROZEN", until, event.transaction.from);
}

/** `target` may be frozen once more. */
export function rearm(event: ethereum.Event, target: Bytes): void {
  const standing = standingOf(event.address, target);
  standing.freezeSpent = false;
  recordStanding(event, standing, "REARMED", null, event.transaction.from);
}

/** Keeps a new key of a node. */
export function addKey(
  event: ethereum.Event,
  keyId: Bytes,
  nodeId: Bytes,
  kind: i32,
  signer: Bytes | null,
  validFrom: BigInt,
  validUntil: BigInt,
  publicKey: Bytes,
): void {
  const node = Node.load(nodeId);
  if (node == null) return orphan(event, "node of a key");
  const key = new SigningKey(keyId);
  key.node = nodeId;
  key.operator = node.operator;
  key.kind = KEY_KINDS[kind];
  key.registry = event.address;
  key.signer = signer;
  key.publicKey = publicKey;
  key.validFrom = validFrom;
  key.validUntil = validUntil;
  key.firstValidUntil = validUntil;
  key.retired = false;
  key.standing = standingOf(event.address, keyId).id;
  key.heartbeats = ZERO;
  key.receipts = ZERO;
  key.save();
  recordKey(event, key, "ADDED");
  const totals = protocol();
  totals.keys = totals.keys.plus(ONE_MORE);
  totals.save();
}

/** A key ends at `validUntil`. */
export function retireKey(event: ethereum.Event, keyId: Bytes, validUntil: BigInt): void {
  const key = SigningKey.load(keyId);
  if (key == null) return orphan(event, "key that ends");
  key.validUntil = validUntil;
  key.retired = true;
  key.save();
  recordKey(event, key, "RETIRED");
}

/** Keeps what happened to a key. */
export function recordKey(event: ethereum.Event, key: SigningKey, kind: string): void {
  const change = new KeyChange(eventId(event));
  change.key = key.id;
  change.kind = kind;
  change.validUntil = key.validUntil;
  change.at = event.block.timestamp;
  change.block = event.block.number;
  change.transaction = event.transaction.hash;
  change.save();
}

/** Requests on chain that a node is at, as an event says. */
export function setLoad(nodeId: Bytes, modelId: Bytes, load: BigInt): void {
  const row = new NodeLoad(nodeId.concat(modelId));
  row.node = nodeId;
  row.modelId = modelId;
  row.load = load;
  row.save();
}

function waitingOf(contract: Bytes, nodeId: Bytes, modelId: Bytes, settler: Bytes, epoch: BigInt): WaitingFees {
  const id = contract.concat(nodeId).concat(modelId).concat(settler).concat(word4(epoch.toI32()));
  let found = WaitingFees.load(id);
  if (found != null) return found;
  found = new WaitingFees(id);
  found.contract = contract;
  found.node = nodeId;
  found.modelId = modelId;
  if (!isZero(settler)) found.settler = settler;
  found.epoch = epoch;
  found.waiting = ZERO;
  found.accrued = ZERO;
  found.forwarded = ZERO;
  return found;
}

/** Fees wait; `total` is what the event says that waits then. */
export function accrueFees(
  contract: Bytes,
  nodeId: Bytes,
  modelId: Bytes,
  settler: Bytes,
  epoch: BigInt,
  amount: BigInt,
  total: BigInt,
): void {
  const row = waitingOf(contract, nodeId, modelId, settler, epoch);
  row.waiting = total;
  row.accrued = row.accrued.plus(amount);
  row.save();
}

/** All that waited went to the splitter. */
export function forwardFees(
  contract: Bytes,
  nodeId: Bytes,
  modelId: Bytes,
  settler: Bytes,
  epoch: BigInt,
  amount: BigInt,
): void {
  const row = waitingOf(contract, nodeId, modelId, settler, epoch);
  row.waiting = row.waiting.minus(amount);
  row.forwarded = row.forwarded.plus(amount);
  row.save();
}
