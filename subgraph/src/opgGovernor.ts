import { Address, BigInt, Bytes, ethereum } from "@graphprotocol/graph-ts";
import {
  ProposalCanceled,
  ProposalCreated,
  ProposalExecuted,
  ProposalQueued,
  ProposalThresholdSet,
  QuorumNumeratorUpdated,
  TimelockChange,
  VoteCast,
  VoteCastWithParams,
  VotingDelaySet,
  VotingPeriodSet,
} from "../generated/OPGGovernor/OPGGovernor";
import { GovernanceRole, Proposal, Vote } from "../generated/schema";
import { word32 } from "./utils/calls";
import { eventId, orphan, ZERO } from "./utils/common";
import { recordSetting } from "./utils/governance";
import { VOTE_SUPPORTS } from "./utils/names";

export function handleProposalCreated(event: ProposalCreated): void {
  const made = event.params;
  const row = new Proposal(word32(made.proposalId));
  row.proposalId = made.proposalId;
  row.proposer = made.proposer;
  row.targets = made.targets.map<Bytes>((target: Address) => changetype<Bytes>(target));
  row.values = made.values;
  row.signatures = made.signatures;
  row.calldatas = made.calldatas;
  row.description = made.description;
  row.voteStart = made.voteStart;
  row.voteEnd = made.voteEnd;
  row.status = "PROPOSED";
  row.votesFor = ZERO;
  row.votesAgainst = ZERO;
  row.votesAbstain = ZERO;
  row.proposedAt = event.block.timestamp;
  row.save();
}

export function handleProposalQueued(event: ProposalQueued): void {
  const row = Proposal.load(word32(event.params.proposalId));
  if (row == null) return orphan(event, "proposal that was queued");
  row.status = "QUEUED";
  row.executableFrom = event.params.etaSeconds;
  row.queuedAt = event.block.timestamp;
  row.save();
}

function end(event: ethereum.Event, proposalId: BigInt, status: string): void {
  const row = Proposal.load(word32(proposalId));
  if (row == null) return orphan(event, "proposal that ended");
  row.status = status;
  row.endedAt = event.block.timestamp;
  row.save();
}

export function handleProposalExecuted(event: ProposalExecuted): void {
  end(event, event.params.proposalId, "EXECUTED");
}

export function handleProposalCanceled(event: ProposalCanceled): void {
  end(event, event.params.proposalId, "CANCELLED");
}

function vote(
  event: ethereum.Event,
  proposalId: BigInt,
  voter: Address,
  support: i32,
  weight: BigInt,
  reason: string,
  params: Bytes | null,
): void {
  const proposal = Proposal.load(word32(proposalId));
  if (proposal == null) return orphan(event, "proposal that was voted on");
  if (support == 0) proposal.votesAgainst = proposal.votesAgainst.plus(weight);
  else if (support == 1) proposal.votesFor = proposal.votesFor.plus(weight);
  else proposal.votesAbstain = proposal.votesAbstain.plus(weight);
  proposal.save();
  const row = new Vote(eventId(event));
  row.proposal = proposal.id;
  row.voter = voter;
  row.support = VOTE_SUPPORTS[support];
  row.weight = weight;
  row.reason = reason;
  row.params = params;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}

export function handleVoteCast(event: VoteCast): void {
  const cast = event.params;
  vote(event, cast.proposalId, cast.voter, cast.support, cast.weight, cast.reason, null);
}

export function handleVoteCastWithParams(event: VoteCastWithParams): void {
  const cast = event.params;
  vote(event, cast.proposalId, cast.voter, cast.support, cast.weight, cast.reason, cast.params);
}

export function handleVotingDelaySet(event: VotingDelaySet): void {
  recordSetting(event, "votingDelay", event.params.oldVotingDelay, event.params.newVotingDelay);
}

export function handleVotingPeriodSet(event: VotingPeriodSet): void {
  recordSetting(event, "votingPeriod", event.params.oldVotingPeriod, event.params.newVotingPeriod);
}

export function handleProposalThresholdSet(event: ProposalThresholdSet): void {
  recordSetting(event, "proposalThreshold", event.params.oldProposalThreshold, event.params.newProposalThreshold);
}

export function handleQuorumNumeratorUpdated(event: QuorumNumeratorUpdated): void {
  recordSetting(event, "quorumPercent", event.params.oldQuorumNumerator, event.params.newQuorumNumerator);
}

export function handleTimelockChange(event: TimelockChange): void {
  const row = new GovernanceRole(eventId(event));
  row.name = "TIMELOCK";
  row.role = new Bytes(0);
  row.account = event.params.newTimelock;
  row.by = event.params.oldTimelock;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}
