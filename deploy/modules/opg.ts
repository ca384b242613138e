import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { ContractFuture, IgnitionModuleBuilder } from "@nomicfoundation/ignition-core";

/** The parts of the supply, in the order of the contract's `Allocation`. */
export const ALLOCATIONS = [
  "ecosystem",
  "foundation",
  "contributors",
  "investors",
  "stakingRewards",
  "liquidity",
  "airdrop",
] as const;

/** A chain without OPG: the token, all of it with its genesis until the unlock schedule takes it over. */
export const OPG = buildModule("OPG", (m) => {
  const genesis = m.contract("OPGGenesis");
  const token = m.contractAt("OPGToken", m.staticCall(genesis, "token"));
  return { genesis, token };
});

/** A chain where OPG lives already (Base): votes over it, and nothing that asks more than ERC-20 of it. */
export const OPGExisting = buildModule("OPGExisting", (m) => {
  const votes = m.contract("OPGVotes", [m.getParameter<string>("token")]);
  return { votes };
});

/**
 * The governor over some votes, and the timelock that it makes: the timelock's only proposer is the governor, so it is
 * the timelock for everything else to answer to.
 */
function governance<Votes extends ContractFuture<string>>(m: IgnitionModuleBuilder, votes: Votes) {
  const governor = m.contract("OPGGovernor", [
    votes,
    {
      votingDelay: m.getParameter<number>("votingDelaySeconds"),
      votingPeriod: m.getParameter<number>("votingPeriodSeconds"),
      timelockDelay: m.getParameter<number>("timelockDelaySeconds"),
      proposalThreshold: m.getParameter<number>("proposalThresholdOPG"),
      quorumPercent: m.getParameter<number>("quorumPercent"),
      minimumQuorum: m.getParameter<number>("minimumQuorumOPG"),
    },
  ]);
  const timelock = m.contractAt("OPGTimelock", m.staticCall(governor, "timelock"));
  return { governor, timelock };
}

/** Governance by OPG itself. */
export const OPGGovernance = buildModule("OPGGovernance", (m) => {
  const opg = m.useModule(OPG);
  return { ...opg, ...governance(m, opg.token) };
});

/** Governance by votes over an existing OPG. */
export const OPGExistingGovernance = buildModule("OPGExistingGovernance", (m) => {
  const { votes } = m.useModule(OPGExisting);
  return { votes, ...governance(m, votes) };
});
