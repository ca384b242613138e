import { Bytes } from "@graphprotocol/graph-ts";
import {
  Claimed,
  CommissionChanged,
  Credited,
  Delegated,
  MinimumChanged,
  OwnShareChanged,
  PoolCreated,
  RewardsAdded,
  Slashed,
  Staked,
  StreamToppedUp,
  Unbonded,
  Undelegated,
  Wired,
  Withdrawn,
} from "../generated/OPGStaking/OPGStaking";
import { Slash, StakeCredit, StakePool } from "../generated/schema";
import { eventId, orphan, somebody, ZERO } from "./utils/common";
import { operatorOf } from "./utils/people";
import {
  closeRequests,
  newPool,
  openRequest,
  parametersOf,
  poolId,
  recordStake,
  setDelegation,
  setTotals,
  stakingRow,
  Totals,
} from "./utils/pools";

export function handleWired(event: Wired): void {
  const staking = stakingRow();
  staking.nodeRegistry = event.params.nodes;
  staking.enclaveRegistry = event.params.enclaves;
  staking.disputes = event.params.disputes;
  staking.vesting = somebody(event.params.vesting);
  staking.save();
}

export function handlePoolCreated(event: PoolCreated): void {
  newPool(event.params.operator, event.params.kind, event.params.commissionBps, event.block);
}

export function handleStaked(event: Staked): void {
  const pool = StakePool.load(poolId(event.params.operator, event.params.kind));
  if (pool == null) return orphan(event, "pool");
  setTotals(pool, new Totals(event.params.totals), stakingRow(), event.block);
  recordStake(event, pool, "STAKED", event.params.payer, event.params.amount, null);
}

export function handleUnbonded(event: Unbonded): void {
  const pool = StakePool.load(poolId(event.params.operator, event.params.kind));
  if (pool == null) return orphan(event, "pool");
  setTotals(pool, new Totals(event.params.totals), stakingRow(), event.block);
  const unbonded = event.params;
  openRequest(event, pool, unbonded.operator, true, unbonded.amount, unbonded.shares, unbonded.maturesAt);
  recordStake(event, pool, "UNBONDED", unbonded.operator, unbonded.amount, unbonded.shares);
}

export function handleDelegated(event: Delegated): void {
  const pool = StakePool.load(poolId(event.params.operator, event.params.kind));
  if (pool == null) return orphan(event, "pool");
  setTotals(pool, new Totals(event.params.totals), stakingRow(), event.block);
  setDelegation(pool, event.params.delegator, event.params.position);
  recordStake(event, pool, "DELEGATED", event.params.delegator, event.params.amount, event.params.shares);
}

export function handleUndelegated(event: Undelegated): void {
  const left = event.params;
  const pool = StakePool.load(poolId(left.operator, left.kind));
  if (pool == null) return orphan(event, "pool");
  setTotals(pool, new Totals(left.totals), stakingRow(), event.block);
  setDelegation(pool, left.delegator, left.position);
  openRequest(event, pool, left.delegator, false, left.amount, left.unbondingShares, left.maturesAt);
  recordStake(event, pool, "UNDELEGATED", left.delegator, left.amount, left.shares);
}

export function handleWithdrawn(event: Withdrawn): void {
  const pool = StakePool.load(poolId(event.params.operator, event.params.kind));
  if (pool == null) return orphan(event, "pool");
  setTotals(pool, new Totals(event.params.totals), stakingRow(), event.block);
  closeRequests(event, pool, event.params.holder, event.params.own, event.params.requests.toI32());
  recordStake(event, pool, "WITHDRAWN", event.params.holder, event.params.amount, null);
}

export function handleRewardsAdded(event: RewardsAdded): void {
  const earned = event.params;
  const pool = StakePool.load(poolId(earned.operator, earned.kind));
  if (pool == null) return orphan(event, "pool");
  pool.rewardsOwn = pool.rewardsOwn.plus(earned.ownAmount);
  pool.rewardsDelegated = pool.rewardsDelegated.plus(earned.delegatedAmount);
  pool.commission = pool.commission.plus(earned.commission);
  setTotals(pool, new Totals(earned.totals), stakingRow(), event.block);
  recordStake(event, pool, "REWARDED", null, earned.ownAmount.plus(earned.delegatedAmount), null);
}

/** Shares that are none after a slash are void, and so is everything held in them. */
function voidShares(pool: StakePool, after: Totals): void {
  if (!pool.delegatedShares.isZero() && after.delegatedShares.isZero())
    pool.delegatedGeneration = pool.delegatedGeneration + 1;
  if (!pool.delegatedUnbondingShares.isZero() && after.delegatedUnbondingShares.isZero())
    pool.delegatedUnbondingGeneration = pool.delegatedUnbondingGeneration + 1;
  if (!pool.ownUnbondingShares.isZero() && after.ownUnbondingShares.isZero())
    pool.ownUnbondingGeneration = pool.ownUnbondingGeneration + 1;
}

export function handleSlashed(event: Slashed): void {
  const pool = StakePool.load(poolId(event.params.operator, event.params.kind));
  if (pool == null) return orphan(event, "pool");
  const amount = event.params.amount;
  const totals = new Totals(event.params.totals);
  const slash = new Slash(eventId(event));
  slash.pool = pool.id;
  slash.reporter = event.params.reporter;
  slash.amount = amount;
  slash.reward = event.params.reward;
  slash.at = event.block.timestamp;
  slash.block = event.block.number;
  slash.transaction = event.transaction.hash;
  slash.save();

  voidShares(pool, totals);
  pool.slashed = pool.slashed.plus(amount);
  pool.lastSlash = slash.id;
  const staking = stakingRow();
  staking.slashed = staking.slashed.plus(amount);
  staking.reporterRewards = staking.reporterRewards.plus(event.params.reward);
  setTotals(pool, totals, staking, event.block);
  const operator = operatorOf(event.params.operator);
  operator.slashed = operator.slashed.plus(amount);
  operator.save();
  recordStake(event, pool, "SLASHED", event.params.reporter, amount, null);
}

export function handleStreamToppedUp(event: StreamToppedUp): void {
  const staking = stakingRow();
  staking.streamRemaining = event.params.remaining;
  staking.streamEnd = event.params.end;
  staking.save();
}

function creditOf(account: Bytes): StakeCredit {
  let found = StakeCredit.load(account);
  if (found != null) return found;
  found = new StakeCredit(account);
  found.credited = ZERO;
  found.claimed = ZERO;
  found.credit = ZERO;
  return found;
}

export function handleCredited(event: Credited): void {
  const row = creditOf(event.params.account);
  row.credited = row.credited.plus(event.params.amount);
  row.credit = event.params.credit;
  row.save();
}

export function handleClaimed(event: Claimed): void {
  const row = creditOf(event.params.account);
  row.claimed = row.claimed.plus(event.params.amount);
  row.credit = ZERO;
  row.save();
}

export function handleMinimumChanged(event: MinimumChanged): void {
  const row = parametersOf(event.params.kind);
  row.minimum = event.params.value.current;
  row.nextMinimum = event.params.value.next;
  row.nextMinimumFrom = event.params.value.from;
  row.save();
}

export function handleOwnShareChanged(event: OwnShareChanged): void {
  const row = parametersOf(event.params.kind);
  row.ownShareBps = event.params.value.current;
  row.nextOwnShareBps = event.params.value.next;
  row.nextOwnShareFrom = event.params.value.from;
  row.save();
}

export function handleCommissionChanged(event: CommissionChanged): void {
  const pool = StakePool.load(poolId(event.params.operator, event.params.kind));
  if (pool == null) return orphan(event, "pool");
  pool.commissionBps = event.params.value.current;
  pool.nextCommissionBps = event.params.value.next;
  pool.nextCommissionFrom = event.params.value.from;
  pool.save();
}
