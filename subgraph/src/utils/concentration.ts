import { BigInt, Bytes, ethereum } from "@graphprotocol/graph-ts";
import { Concentration, ConcentrationPart, StakePlace, StakeRank, Staking } from "../../generated/schema";
import { byte, dayOf, ratio, startOf, word4, ZERO } from "./common";
import { ALL_TIME } from "./figures";

export const INFERENCE: i32 = 0;
export const ENCLAVE: i32 = 1;
export const ENCLAVE_KEYS: i32 = 2;
export const SETTLER: i32 = 3;
export const STAKE: i32 = 4;
const ROLES = ["INFERENCE", "ENCLAVE", "ENCLAVE_KEYS", "SETTLER", "STAKE"];

/** How many of the largest are kept. */
const LARGEST: i32 = 3;

function load(role: i32, day: i32): Concentration {
  const id = word4(day).concat(byte(role));
  let found = Concentration.load(id);
  if (found != null) return found;
  found = new Concentration(id);
  found.role = ROLES[role];
  if (day != ALL_TIME) {
    found.day = day;
    found.startsAt = startOf(day);
  }
  found.total = ZERO;
  found.members = ZERO;
  found.largest = [];
  found.amounts = [];
  return found;
}

function store(row: Concentration): void {
  const amounts = row.amounts;
  let three = ZERO;
  for (let i = 0; i < amounts.length; i++) three = three.plus(amounts[i]);
  row.shareOfLargest = ratio(amounts.length == 0 ? ZERO : amounts[0], row.total, 18);
  row.shareOfThreeLargest = ratio(three, row.total, 18);
  row.save();
}

/** What an account has; not saved. */
function partOf(row: Concentration, account: Bytes): ConcentrationPart {
  const id = row.id.concat(account);
  let part = ConcentrationPart.load(id);
  if (part != null) return part;
  part = new ConcentrationPart(id);
  part.concentration = row.id;
  part.account = account;
  part.amount = ZERO;
  return part;
}

/**
 * Takes an account with a new, larger amount into the list of the largest. As amounts only grow here, whoever is not in
 * the list is not larger than its last, so the list is always right. Nobody is passed by an equal.
 */
function raise(row: Concentration, account: Bytes, amount: BigInt): void {
  const accounts: Bytes[] = [];
  const amounts: BigInt[] = [];
  for (let i = 0; i < row.largest.length; i++) {
    if (row.largest[i].equals(account)) continue;
    accounts.push(row.largest[i]);
    amounts.push(row.amounts[i]);
  }
  insert(accounts, amounts, account, amount);
  row.largest = accounts;
  row.amounts = amounts;
}

/** Behind all that are at least as large. */
function insert(accounts: Bytes[], amounts: BigInt[], account: Bytes, amount: BigInt): void {
  accounts.push(account);
  amounts.push(amount);
  for (let i = amounts.length - 1; i > 0 && amounts[i].gt(amounts[i - 1]); i--) {
    accounts[i] = accounts[i - 1];
    amounts[i] = amounts[i - 1];
    accounts[i - 1] = account;
    amounts[i - 1] = amount;
  }
  if (amounts.length > LARGEST) {
    accounts.pop();
    amounts.pop();
  }
}

/** Adds to what an account has of something that never shrinks, for the day and for all time. */
export function grow(role: i32, account: Bytes, amount: BigInt, block: ethereum.Block): void {
  const days = [ALL_TIME, dayOf(block)];
  for (let i = 0; i < days.length; i++) {
    const row = load(role, days[i]);
    const part = partOf(row, account);
    if (part.amount.isZero()) row.members = row.members.plus(BigInt.fromI32(1));
    part.amount = part.amount.plus(amount);
    part.save();
    row.total = row.total.plus(amount);
    raise(row, account, part.amount);
    store(row);
  }
}

// ------------------------------------------------------------------------------------------------------------- stake
//
// Stake shrinks, so that somebody who is not among the three largest may become one of them without doing anything. A
// binary tree over all operators keeps the three largest of every part of it: a change walks up one path, exact for any
// number of operators, and nobody makes it costly for the index by opening many small pools.

function rankId(level: i32, place: i32): Bytes {
  return byte(level).concat(word4(place));
}

function mergeInto(accounts: Bytes[], amounts: BigInt[], level: i32, place: i32): void {
  const child = StakeRank.load(rankId(level, place));
  if (child == null) return;
  for (let i = 0; i < child.amounts.length; i++) insert(accounts, amounts, child.accounts[i], child.amounts[i]);
}

function saveRank(level: i32, place: i32, accounts: Bytes[], amounts: BigInt[]): void {
  const rank = new StakeRank(rankId(level, place));
  rank.accounts = accounts;
  rank.amounts = amounts;
  rank.save();
}

/** Number of an operator among all that ever had a pool, from 0. */
function placeOf(operator: Bytes, staking: Staking): i32 {
  let found = StakePlace.load(operator);
  if (found != null) return found.place;
  found = new StakePlace(operator);
  found.place = staking.operators.toI32();
  found.save();
  staking.operators = staking.operators.plus(BigInt.fromI32(1));
  return found.place;
}

/** Sets what an operator has bonded in all of its pools. `staking` is saved by whoever calls. */
export function setStake(operator: Bytes, amount: BigInt, staking: Staking, block: ethereum.Block): void {
  let place = placeOf(operator, staking);
  let accounts: Bytes[] = [];
  let amounts: BigInt[] = [];
  if (!amount.isZero()) insert(accounts, amounts, operator, amount);
  saveRank(0, place, accounts, amounts);
  const count = staking.operators.toI32();
  for (let level = 1; 1 << (level - 1) < count; level++) {
    place = place >> 1;
    accounts = [];
    amounts = [];
    mergeInto(accounts, amounts, level - 1, 2 * place);
    mergeInto(accounts, amounts, level - 1, 2 * place + 1);
    saveRank(level, place, accounts, amounts);
  }

  const row = load(STAKE, ALL_TIME);
  const part = partOf(row, operator);
  const one = BigInt.fromI32(1);
  if (part.amount.isZero() && !amount.isZero()) row.members = row.members.plus(one);
  if (!part.amount.isZero() && amount.isZero()) row.members = row.members.minus(one);
  row.total = row.total.plus(amount).minus(part.amount);
  part.amount = amount;
  part.save();
  row.largest = accounts;
  row.amounts = amounts;
  store(row);
  const today = load(STAKE, dayOf(block));
  today.total = row.total;
  today.members = row.members;
  today.largest = accounts;
  today.amounts = amounts;
  store(today);
}
