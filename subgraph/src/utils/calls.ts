import { BigInt, Bytes, crypto, ByteArray, ethereum } from "@graphprotocol/graph-ts";
import { bigEndian, isTopic } from "./common";

// What the call data of a settle call adds to its events. The call data is the truth only where the transaction calls the
// registry itself: items that settled follow from the contract's own checks then. Through another contract it is not
// looked at, and what only stands in it is left open.

const BATCH = "(bytes32,uint8,bytes32,uint32,bytes32,address)";
const PROVED = "(" + BATCH + ",bytes32,bytes,bytes,bytes)[]";
const RECEIPT = "(bytes32,bytes32,bytes32,bytes32,uint8,bytes32,bytes32,address,uint64,uint128,uint64,uint8)";
const SINGLE = "(" + RECEIPT + ",bytes,bytes)[]";
/** Bytes of a compact receipt; the last 8 are its time of completion. */
const COMPACT: i32 = 116;

const PROVED_KIND: i32 = 1;
const SINGLE_KIND: i32 = 2;

function hashOf(signature: string): ByteArray {
  return crypto.keccak256(ByteArray.fromUTF8(signature));
}

/** A settled item's place among those that settled in its transaction, and its part of the gas. */
export class Share {
  place: i32;
  gasUsed: BigInt;
  gasFee: BigInt;

  constructor(place: i32, gasUsed: BigInt, gasFee: BigInt) {
    this.place = place;
    this.gasUsed = gasUsed;
    this.gasFee = gasFee;
  }
}

/** Of a transaction in which n items settled, each bears an n-th of the gas, and the first what is left over. */
export function shareOf(event: ethereum.Event): Share {
  const receipt = event.receipt;
  if (receipt == null) return new Share(0, BigInt.zero(), BigInt.zero());
  const batch = hashOf("BatchSettled(bytes32,bytes32,uint8,bytes32,uint32,bytes32,address)");
  const single = hashOf("ReceiptSettled(bytes32,bytes32,bytes32,bytes32,uint8)");
  let count = 0;
  let place = 0;
  for (let i = 0; i < receipt.logs.length; i++) {
    const log = receipt.logs[i];
    if (!log.address.equals(event.address) || log.topics.length == 0) continue;
    if (!isTopic(log.topics[0], batch) && !isTopic(log.topics[0], single)) continue;
    if (log.logIndex.lt(event.logIndex)) place++;
    count++;
  }
  // The event itself is one of them.
  const items = BigInt.fromI32(count == 0 ? 1 : count);
  let gasUsed = receipt.gasUsed.div(items);
  if (place == 0) gasUsed = receipt.gasUsed.minus(gasUsed.times(items.minus(BigInt.fromI32(1))));
  return new Share(place, gasUsed, gasUsed.times(event.transaction.gasPrice));
}

/** Which item of the call settled as the `place`-th: items that did not are named by events of the transaction. */
function itemAt(event: ethereum.Event, kind: i32, place: i32): i32 {
  const receipt = event.receipt;
  if (receipt == null) return -1;
  const skipped = hashOf("ItemSkipped(uint8,uint256,uint8)");
  const out = new Set<i32>();
  for (let i = 0; i < receipt.logs.length; i++) {
    const log = receipt.logs[i];
    if (!log.address.equals(event.address) || log.topics.length != 4 || !isTopic(log.topics[0], skipped)) continue;
    if (wordOf(log.topics[1]).toI32() == kind) out.add(wordOf(log.topics[2]).toI32());
  }
  let item = 0;
  for (let left = place; left > 0 || out.has(item); item++) if (!out.has(item)) left--;
  return item;
}

function wordOf(word: Bytes): BigInt {
  return BigInt.fromUnsignedBytes(changetype<ByteArray>(Bytes.fromUint8Array(word.slice(0).reverse())));
}

/** The items of a call of this function, or none where the transaction calls something else. */
function itemsOf(event: ethereum.Event, name: string, type: string): ethereum.Value[] {
  const to = event.transaction.to;
  const input = event.transaction.input;
  if (to === null || !to.equals(event.address) || input.length < 4) return [];
  const selector = hashOf(name + "(" + type + ")");
  for (let i = 0; i < 4; i++) if (input[i] != selector[i]) return [];
  const decoded = ethereum.decode(type, Bytes.fromUint8Array(input.subarray(4)));
  return decoded === null ? [] : decoded.toArray();
}

/** What only the call tells of a proved batch. */
export class Proved {
  model: Bytes;
  completions: BigInt[];

  constructor(model: Bytes, completions: BigInt[]) {
    this.model = model;
    this.completions = completions;
  }
}

/** The proved batch that an event tells of, or null where the transaction did not call the registry itself. */
export function provedOf(event: ethereum.Event, place: i32, root: Bytes): Proved | null {
  const items = itemsOf(event, "settleProvedBatches", PROVED);
  if (items.length == 0) return null;
  const at = itemAt(event, PROVED_KIND, place);
  if (at < 0 || at >= items.length) return null;
  const item = items[at].toTuple();
  if (!item[0].toTuple()[2].toBytes().equals(root)) return null;
  return new Proved(item[1].toBytes(), completionsOf(item[3].toBytes()));
}

/** Times of completion in compact receipts. */
export function completionsOf(compact: Bytes): BigInt[] {
  const found: BigInt[] = [];
  for (let end = COMPACT; end <= compact.length; end += COMPACT) {
    const time = Bytes.fromUint8Array(compact.slice(end - 8, end).reverse());
    found.push(BigInt.fromUnsignedBytes(changetype<ByteArray>(time)));
  }
  return found;
}

/** What only the call tells of a receipt that settled alone. */
export class Single {
  payer: Bytes;
  sequence: BigInt;
  cumulativeFee: BigInt;
  completedAt: BigInt;

  constructor(payer: Bytes, sequence: BigInt, cumulativeFee: BigInt, completedAt: BigInt) {
    this.payer = payer;
    this.sequence = sequence;
    this.cumulativeFee = cumulativeFee;
    this.completedAt = completedAt;
  }
}

/** The receipt that an event tells of, or null where the transaction did not call the registry itself. */
export function singleOf(event: ethereum.Event, place: i32, requestId: Bytes, keyId: Bytes): Single | null {
  const items = itemsOf(event, "settleReceipts", SINGLE);
  if (items.length == 0) return null;
  const at = itemAt(event, SINGLE_KIND, place);
  if (at < 0 || at >= items.length) return null;
  const receipt = items[at].toTuple()[0].toTuple();
  if (!receipt[0].toBytes().equals(requestId) || !receipt[6].toBytes().equals(keyId)) return null;
  return new Single(receipt[7].toAddress(), receipt[8].toBigInt(), receipt[9].toBigInt(), receipt[10].toBigInt());
}

/** For ids: the number's 32 bytes. */
export function word32(value: BigInt): Bytes {
  return bigEndian(value, 32);
}
