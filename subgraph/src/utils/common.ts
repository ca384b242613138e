import { Address, BigDecimal, BigInt, ByteArray, Bytes, ethereum, log } from "@graphprotocol/graph-ts";
import { Protocol } from "../../generated/schema";

/** Id of everything that there is one of. */
export const ONE = Bytes.fromHexString("0x01");
export const ZERO = BigInt.zero();
const SECONDS_A_DAY = BigInt.fromI32(86400);

/** Id of a row that is named after an event: transaction hash ‖ log index. */
export function eventId(event: ethereum.Event): Bytes {
  return event.transaction.hash.concatI32(event.logIndex.toI32());
}

/** The lowest `size` bytes of a number that is not negative, highest first. */
export function bigEndian(value: BigInt, size: i32): Bytes {
  const bytes = new Bytes(size);
  for (let i = 0; i < size; i++) bytes[i] = i < value.length ? value[i] : 0;
  // The number's own bytes come lowest first.
  return changetype<Bytes>(bytes.reverse());
}

/** Four bytes of a number, highest first; of −1 all ones. */
export function word4(value: i32): Bytes {
  const bytes = new Bytes(4);
  for (let i = 0; i < 4; i++) bytes[i] = <u8>((value >> (24 - 8 * i)) & 0xff);
  return bytes;
}

/** One byte. */
export function byte(value: i32): Bytes {
  const bytes = new Bytes(1);
  bytes[0] = <u8>value;
  return bytes;
}

/** The account, or null for the zero address. */
export function somebody(account: Address): Bytes | null {
  return account.equals(Address.zero()) ? null : changetype<Bytes>(account);
}

/** Whether a word is all zeros. */
export function isZero(word: Bytes): boolean {
  for (let i = 0; i < word.length; i++) if (word[i] != 0) return false;
  return true;
}

/** Days since 1970 of a block. */
export function dayOf(block: ethereum.Block): i32 {
  return block.timestamp.div(SECONDS_A_DAY).toI32();
}

/** First second of a day. */
export function startOf(day: i32): BigInt {
  return BigInt.fromI32(day).times(SECONDS_A_DAY);
}

/** a / b cut off behind so many decimals; null where b is 0. Exact, so that anybody can compute the same. */
export function ratio(a: BigInt, b: BigInt, decimals: u8): BigDecimal | null {
  if (b.isZero()) return null;
  const unit = BigInt.fromI32(10).pow(decimals);
  return a.times(unit).div(b).toBigDecimal().div(unit.toBigDecimal());
}

/** The mode that a mask allows, where it allows just one; −1 otherwise. */
export function onlyMode(mask: i32): i32 {
  return mask == 1 ? 0 : mask == 2 ? 1 : mask == 4 ? 2 : -1;
}

/** keccak256 of an event's signature. */
export function isTopic(topic: Bytes, hash: ByteArray): boolean {
  return topic.equals(changetype<Bytes>(hash));
}

/** The one row of totals. */
export function protocol(): Protocol {
  let found = Protocol.load(ONE);
  if (found != null) return found;
  found = new Protocol(ONE);
  found.pausedUntil = ZERO;
  found.batches = ZERO;
  found.receipts = ZERO;
  found.receiptsAlone = ZERO;
  found.skippedItems = ZERO;
  found.opened = ZERO;
  found.gatewayAnswers = ZERO;
  found.skippedAnswers = ZERO;
  found.skippedClaims = ZERO;
  found.nodes = ZERO;
  found.operators = ZERO;
  found.keys = ZERO;
  found.models = ZERO;
  found.sources = ZERO;
  found.memories = ZERO;
  found.requests = ZERO;
  found.twins = ZERO;
  found.faults = ZERO;
  found.fees = ZERO;
  found.orphans = ZERO;
  return found;
}

/** Counts an event that names what was never announced. Nothing else of it is kept: what it would add to is not known. */
export function orphan(event: ethereum.Event, what: string): void {
  log.error("{} in transaction {}: never announced", [what, event.transaction.hash.toHexString()]);
  const totals = protocol();
  totals.orphans = totals.orphans.plus(BigInt.fromI32(1));
  totals.save();
}
