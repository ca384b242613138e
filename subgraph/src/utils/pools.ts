import { BigInt, Bytes, ethereum } from "@graphprotocol/graph-ts";
import {
  Delegation,
  StakeChange,
  StakeParameters,
  StakePool,
  Staking,
  Unbonding,
  UnbondingQueue,
} from "../../generated/schema";
import { byte, eventId, ONE, word4, ZERO } from "./common";
import { setStake } from "./concentration";
import { NODE_KINDS } from "./names";
import { operatorOf } from "./people";

/** A pool after an event, as the event says. */
export class Totals {
  own: BigInt;
  ownUnbonding: BigInt;
  ownUnbondingShares: BigInt;
  delegated: BigInt;
  delegatedShares: BigInt;
  delegatedUnbonding: BigInt;
  delegatedUnbondingShares: BigInt;
  totalBonded: BigInt;
  streamRemaining: BigInt;
  streamEnd: BigInt;

  constructor(tuple: ethereum.Tuple) {
    this.own = tuple[0].toBigInt();
    this.ownUnbonding = tuple[1].toBigInt();
    this.ownUnbondingShares = tuple[2].toBigInt();
    this.delegated = tuple[3].toBigInt();
    this.delegatedShares = tuple[4].toBigInt();
    this.delegatedUnbonding = tuple[5].toBigInt();
    this.delegatedUnbondingShares = tuple[6].toBigInt();
    this.totalBonded = tuple[7].toBigInt();
    this.streamRemaining = tuple[8].toBigInt();
    this.streamEnd = tuple[9].toBigInt();
  }
}

/** The one row of staking. */
export function stakingRow(): Staking {
  let found = Staking.load(ONE);
  if (found != null) return found;
  found = new Staking(ONE);
  found.totalBonded = ZERO;
  found.streamRemaining = ZERO;
  found.streamEnd = ZERO;
  found.pools = ZERO;
  found.operators = ZERO;
  found.slashed = ZERO;
  found.reporterRewards = ZERO;
  return found;
}

/** Id of a pool: operator ‖ kind. */
export function poolId(operator: Bytes, kind: i32): Bytes {
  return operator.concat(byte(kind));
}

/** A new pool, empty. */
export function newPool(operator: Bytes, kind: i32, commissionBps: BigInt, block: ethereum.Block): void {
  const pool = new StakePool(poolId(operator, kind));
  pool.operator = operatorOf(operator).id;
  pool.kind = NODE_KINDS[kind];
  pool.own = ZERO;
  pool.ownUnbonding = ZERO;
  pool.ownUnbondingShares = ZERO;
  pool.delegated = ZERO;
  pool.delegatedShares = ZERO;
  pool.delegatedUnbonding = ZERO;
  pool.delegatedUnbondingShares = ZERO;
  pool.commissionBps = commissionBps;
  pool.nextCommissionBps = commissionBps;
  pool.nextCommissionFrom = ZERO;
  pool.rewardsOwn = ZERO;
  pool.rewardsDelegated = ZERO;
  pool.commission = ZERO;
  pool.slashed = ZERO;
  pool.delegatedGeneration = 0;
  pool.delegatedUnbondingGeneration = 0;
  pool.ownUnbondingGeneration = 0;
  pool.createdAt = block.timestamp;
  pool.save();
  const staking = stakingRow();
  staking.pools = staking.pools.plus(BigInt.fromI32(1));
  staking.save();
}

/** Sets a pool to what an event says of it, and what follows: the operator's stake, the sums of all, who is largest. */
export function setTotals(pool: StakePool, totals: Totals, staking: Staking, block: ethereum.Block): void {
  const before = pool.own.plus(pool.delegated);
  const after = totals.own.plus(totals.delegated);
  pool.own = totals.own;
  pool.ownUnbonding = totals.ownUnbonding;
  pool.ownUnbondingShares = totals.ownUnbondingShares;
  pool.delegated = totals.delegated;
  pool.delegatedShares = totals.delegatedShares;
  pool.delegatedUnbonding = totals.delegatedUnbonding;
  pool.delegatedUnbondingShares = totals.delegatedUnbondingShares;
  pool.save();
  staking.totalBonded = totals.totalBonded;
  staking.streamRemaining = totals.streamRemaining;
  staking.streamEnd = totals.streamEnd;
  const operator = operatorOf(pool.operator);
  operator.stake = operator.stake.plus(after).minus(before);
  operator.save();
  setStake(pool.operator, operator.stake, staking, block);
  staking.save();
}

/** Keeps what happened to a pool, which has its new totals. */
export function recordStake(
  event: ethereum.Event,
  pool: StakePool,
  kind: string,
  account: Bytes | null,
  amount: BigInt,
  shares: BigInt | null,
): void {
  const row = new StakeChange(eventId(event));
  row.pool = pool.id;
  row.kind = kind;
  row.account = account;
  row.amount = amount;
  row.shares = shares;
  row.own = pool.own;
  row.delegated = pool.delegated;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}

/** What a delegator holds, as an event says. */
export function setDelegation(pool: StakePool, delegator: Bytes, shares: BigInt): void {
  const row = new Delegation(pool.id.concat(delegator));
  row.pool = pool.id;
  row.delegator = delegator;
  row.shares = shares;
  row.generation = pool.delegatedGeneration;
  row.save();
}

function queueOf(pool: StakePool, holder: Bytes, own: boolean): UnbondingQueue {
  const id = pool.id.concat(holder).concat(byte(own ? 1 : 0));
  let found = UnbondingQueue.load(id);
  if (found != null) return found;
  found = new UnbondingQueue(id);
  found.first = 0;
  found.next = 0;
  return found;
}

/** One more request of a holder. */
export function openRequest(
  event: ethereum.Event,
  pool: StakePool,
  holder: Bytes,
  own: boolean,
  amount: BigInt,
  shares: BigInt,
  maturesAt: BigInt,
): void {
  const queue = queueOf(pool, holder, own);
  const row = new Unbonding(queue.id.concat(word4(queue.next)));
  row.pool = pool.id;
  row.holder = holder;
  row.own = own;
  row.number = queue.next;
  row.shares = shares;
  row.amount = amount;
  row.generation = own ? pool.ownUnbondingGeneration : pool.delegatedUnbondingGeneration;
  row.requestedAt = event.block.timestamp;
  row.maturesAt = maturesAt;
  row.save();
  queue.next = queue.next + 1;
  queue.save();
}

/** The oldest requests of a holder were paid. At most 16 are open. */
export function closeRequests(event: ethereum.Event, pool: StakePool, holder: Bytes, own: boolean, count: i32): void {
  const queue = queueOf(pool, holder, own);
  for (let i = 0; i < count; i++) {
    const row = Unbonding.load(queue.id.concat(word4(queue.first + i)));
    if (row == null) continue;
    row.withdrawnAt = event.block.timestamp;
    row.save();
  }
  queue.first = queue.first + count;
  queue.save();
}

/** Parameters of a kind of node. */
export function parametersOf(kind: i32): StakeParameters {
  let found = StakeParameters.load(byte(kind));
  if (found != null) return found;
  found = new StakeParameters(byte(kind));
  found.kind = NODE_KINDS[kind];
  return found;
}
