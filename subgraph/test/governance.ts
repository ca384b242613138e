import { account, word, type Scenario } from "../testing/scenario.ts";
import type { Check, Story } from "../testing/story.ts";
import { unlocks } from "../model/unlocks.ts";

const NOBODY = `0x${"00".repeat(20)}`;
const NO_WORD = `0x${"00".repeat(32)}`;

/** Token, unlocks, proposals, timelock. */
export const governance: Story = {
  title: "token and governance",
  write(story: Scenario): Check[] {
    const now = (contract: string, name: string, given: Record<string, unknown>): void => {
      story.emit(contract, name, given, 0);
    };
    const at = story.send({ events: [] });
    now("OPGToken", "Transfer", { from: NOBODY, to: account("a"), value: 100 });
    now("OPGToken", "Transfer", { from: account("a"), to: account("b"), value: 100 });
    now("OPGToken", "Transfer", { from: account("b"), to: account("b"), value: 30 });
    now("OPGToken", "Transfer", { from: account("b"), to: account("c"), value: 0 });
    now("OPGToken", "Transfer", { from: account("b"), to: NOBODY, value: 10 });
    now("OPGToken", "DelegateChanged", { delegator: account("b"), toDelegate: account("voter") });
    now("OPGToken", "DelegateVotesChanged", { delegate: account("voter"), previousVotes: 0, newVotes: 90 });
    now("OPGToken", "AuthorizationUsed", { authorizer: account("b"), nonce: word("n1") });
    now("OPGToken", "AuthorizationCanceled", { authorizer: account("b"), nonce: word("n2") });
    now("OPGGenesis", "Launched", {});
    const million = 10n ** 24n;
    const released = { amount: 40n * million, released: 40n * million, remaining: 360n * million };
    now("OPGVesting", "Released", { allocation: 0, beneficiary: account("ecosystem"), ...released });

    const proposal = (proposalId: number): void =>
      now("OPGGovernor", "ProposalCreated", {
        ...{ proposalId, proposer: account("a"), targets: [account("t")], values: [1], signatures: [""] },
        ...{ calldatas: ["0x12"], voteStart: 5, voteEnd: 6, description: "why" },
      });
    proposal(300);
    proposal(301);
    const vote = { proposalId: 300, voter: account("voter"), reason: "so" };
    now("OPGGovernor", "VoteCast", { ...vote, support: 1, weight: 90 });
    now("OPGGovernor", "VoteCast", { ...vote, voter: account("x"), support: 0, weight: 5 });
    now("OPGGovernor", "VoteCastWithParams", { ...vote, voter: account("y"), support: 2, weight: 3, params: "0xaa" });
    now("OPGGovernor", "ProposalQueued", { proposalId: 300, etaSeconds: 77 });
    now("OPGGovernor", "ProposalExecuted", { proposalId: 300 });
    now("OPGGovernor", "ProposalCanceled", { proposalId: 301 });
    now("OPGGovernor", "VotingDelaySet", { oldVotingDelay: 1, newVotingDelay: 2 });
    now("OPGGovernor", "VotingPeriodSet", { oldVotingPeriod: 3, newVotingPeriod: 4 });
    now("OPGGovernor", "ProposalThresholdSet", { oldProposalThreshold: 5, newProposalThreshold: 6 });
    now("OPGGovernor", "QuorumNumeratorUpdated", { oldQuorumNumerator: 7, newQuorumNumerator: 8 });
    now("OPGGovernor", "TimelockChange", { oldTimelock: NOBODY, newTimelock: account("timelock") });
    for (const index of [0, 1])
      now("OPGTimelock", "CallScheduled", { id: word("op"), index, target: account("t"), data: "0x34", delay: 100 });
    now("OPGTimelock", "CallSalt", { id: word("op"), salt: word("salt") });
    for (const index of [0, 1]) now("OPGTimelock", "CallExecuted", { id: word("op"), index });
    const cancelled = account("never called");
    now("OPGTimelock", "CallScheduled", { id: word("gone"), index: 0, target: cancelled, data: "0x56", delay: 100 });
    now("OPGTimelock", "Cancelled", { id: word("gone") });
    now("OPGTimelock", "MinDelayChange", { oldDuration: 9, newDuration: 10 });
    const role = { role: word("role"), account: account("r"), sender: account("s") };
    now("OPGTimelock", "RoleGranted", role);
    now("OPGTimelock", "RoleRevoked", role);
    now("OPGTimelock", "RoleAdminChanged", {
      role: word("role"),
      previousAdminRole: NO_WORD,
      newAdminRole: word("boss"),
    });

    const setting = (name: string, before: string, after: string): object => ({ name, before, after });
    return [
      {
        what: "keeps balances, votes and authorizations",
        query: `{ token(id: "0x01") { address supply holders } b: tokenHolder(id: "${account("b")}") { balance delegate }
          voter: tokenHolder(id: "${account("voter")}") { votes } tokenAuthorizations { nonce cancelled } }`,
        expected: {
          token: { address: story.addressOf("OPGToken"), supply: "90", holders: "1" },
          b: { balance: "90", delegate: account("voter") },
          voter: { votes: "90" },
          tokenAuthorizations: [
            { nonce: word("n1"), cancelled: false },
            { nonce: word("n2"), cancelled: true },
          ],
        },
      },
      {
        what: "schedules all unlocks once the supply is in the schedule, and keeps what was released",
        query: `{ allocation(id: "0x00") { name total released remaining beneficiary releases { amount }
          unlocks(first: 2, orderBy: month) { month dueAt amount cumulative } }
          cliff: unlocks(where: { allocation: "0x02" }, orderBy: month, first: 1) { month dueAt amount }
          end: unlocks(where: { allocation: "0x04" }, orderBy: month, orderDirection: desc, first: 1) { month cumulative }
          once: unlocks(where: { allocation: "0x06" }) { month amount } }`,
        expected: {
          allocation: {
            ...{ name: "ECOSYSTEM", total: String(400n * million), released: String(40n * million) },
            ...{ remaining: String(360n * million), beneficiary: account("ecosystem") },
            releases: [{ amount: String(40n * million) }],
            unlocks: [
              { month: 0, dueAt: "1776729600", amount: String(40n * million), cumulative: String(40n * million) },
              { month: 1, dueAt: "1779321600", amount: String(6n * million), cumulative: String(46n * million) },
            ],
          },
          cliff: [{ month: 13, dueAt: "1810857600", amount: String((150n * million) / 36n) }],
          end: [{ month: 96, cumulative: String(100n * million) }],
          once: [{ month: 0, amount: String(40n * million) }],
        },
      },
      {
        what: "has every tranche of the model, to the wei",
        query: "{ unlocks(first: 1000, orderBy: id) { id dueAt amount cumulative } }",
        expected: {
          unlocks: unlocks().map(({ allocation, month, dueAt, amount, cumulative }) => ({
            id: `0x0${allocation}${month.toString(16).padStart(2, "0")}`,
            ...{ dueAt: String(dueAt), amount: String(amount), cumulative: String(cumulative) },
          })),
        },
      },
      {
        what: "follows proposals through votes to their ends",
        query: `{ proposals(orderBy: proposalId) { proposalId status proposer targets values calldatas description executableFrom votesFor
          votesAgainst votesAbstain votes(orderBy: weight) { voter support weight reason params } } }`,
        expected: {
          proposals: [
            {
              ...{
                proposalId: "300",
                status: "EXECUTED",
                executableFrom: "77",
                votesFor: "90",
                votesAgainst: "5",
                votesAbstain: "3",
              },
              votes: [
                { voter: account("y"), support: "ABSTAIN", weight: "3", reason: "so", params: "0xaa" },
                { voter: account("x"), support: "AGAINST", weight: "5", reason: "so", params: null },
                { voter: account("voter"), support: "FOR", weight: "90", reason: "so", params: null },
              ],
            },
            {
              ...{
                proposalId: "301",
                status: "CANCELLED",
                executableFrom: null,
                votesFor: "0",
                votesAgainst: "0",
                votesAbstain: "0",
              },
              votes: [],
            },
          ].map((each) => ({
            ...{
              ...each,
              proposer: account("a"),
              targets: [account("t")],
              values: ["1"],
              calldatas: ["0x12"],
              description: "why",
            },
          })),
        },
      },
      {
        what: "keeps the timelock's operations with their calls, settings and roles",
        query: `{ timelockOperations { id status salt delay executableFrom calls(orderBy: index) { index target data executed } }
          governanceSettings(orderBy: before) { name before after } governanceRoles { name account } }`,
        expected: {
          timelockOperations: [
            {
              ...{
                id: word("op"),
                status: "EXECUTED",
                salt: word("salt"),
                delay: "100",
                executableFrom: String(at + 100),
              },
              calls: [0, 1].map((index) => ({ index, target: account("t"), data: "0x34", executed: true })),
            },
            { id: word("gone"), status: "CANCELLED", salt: null, delay: "100", executableFrom: String(at + 100) },
          ].map((each) =>
            "calls" in each
              ? each
              : { ...each, calls: [{ index: 0, target: cancelled, data: "0x56", executed: false }] },
          ),
          governanceSettings: [
            setting("votingDelay", "1", "2"),
            setting("votingPeriod", "3", "4"),
            setting("proposalThreshold", "5", "6"),
            setting("quorumPercent", "7", "8"),
            setting("timelockDelay", "9", "10"),
          ],
          governanceRoles: [
            { name: "ADMIN_CHANGED", account: word("boss") },
            { name: "GRANTED", account: account("r") },
            { name: "REVOKED", account: account("r") },
            { name: "TIMELOCK", account: account("timelock") },
          ],
        },
      },
    ];
  },
};
