import { account, event, join, nodeId, word, type Scenario } from "../testing/scenario.ts";
import { unlocks } from "../model/unlocks.ts";
import type { Check, Story } from "../testing/story.ts";

const NOBODY = `0x${"00".repeat(20)}`;
const NO_WORD = `0x${"00".repeat(32)}`;
const OPERATOR = account("operator");

/** Stake, slashes and their evidence, token, unlocks, governance, twins. */
export const power: Story = {
  title: "stake, token, governance and twins",
  write(story: Scenario): Check[] {
    const start = story.send({ events: [] });
    const now = (contract: string, name: string, given: Record<string, unknown>): void => {
      story.emit(contract, name, given, 0);
    };
    const { key } = join(story, 1, OPERATOR, "key");
    const at = story.now;

    // own, ownUnbonding, its shares, delegated, its shares, delegatedUnbonding, its shares, all bonded, stream, its end
    const totals = (...numbers: number[]): number[] => [
      ...numbers,
      ...Array.from({ length: 10 - numbers.length }, () => 0),
    ];
    const pool = { operator: OPERATOR, kind: 1 };
    const vesting = account("vesting");
    now("OPGStaking", "Wired", { vesting, disputes: account("disputes") });
    now("OPGStaking", "PoolCreated", { ...pool, commissionBps: 500 });
    now("OPGStaking", "Staked", {
      ...pool,
      payer: OPERATOR,
      amount: 1_000,
      totals: totals(1_000, 0, 0, 0, 0, 0, 0, 1_000),
    });
    const delegator = account("delegator");
    now("OPGStaking", "Delegated", {
      ...{ ...pool, delegator, amount: 500, shares: 500, position: 500 },
      totals: totals(1_000, 0, 0, 500, 500, 0, 0, 1_500),
    });
    now("OPGStaking", "Unbonded", {
      ...{ ...pool, amount: 100, shares: 100, maturesAt: 7_000 },
      totals: totals(900, 100, 100, 500, 500, 0, 0, 1_400),
    });
    now("OPGStaking", "Unbonded", {
      ...{ ...pool, amount: 50, shares: 50, maturesAt: 7_100 },
      totals: totals(850, 150, 150, 500, 500, 0, 0, 1_350),
    });
    now("OPGStaking", "Undelegated", {
      ...{ ...pool, delegator, shares: 200, position: 300, amount: 200, unbondingShares: 200, maturesAt: 7_200 },
      totals: totals(850, 150, 150, 300, 300, 200, 200, 1_150),
    });
    now("OPGStaking", "RewardsAdded", {
      ...{ ...pool, fromStream: false, ownAmount: 20, delegatedAmount: 10, commission: 2 },
      totals: totals(870, 150, 150, 310, 300, 200, 200, 1_180),
    });
    now("OPGStaking", "Withdrawn", {
      ...{ ...pool, holder: OPERATOR, own: true, requests: 1, amount: 100 },
      totals: totals(870, 50, 50, 310, 300, 200, 200, 1_180, 60, 61),
    });
    // A slash that takes all of what own stake unbonds, with its evidence in the same transaction.
    story.send(
      {
        events: [
          event("OPGStaking", "Slashed", {
            ...{ ...pool, reporter: account("reporter"), amount: 71, reward: 7 },
            totals: totals(849, 0, 0, 310, 300, 200, 200, 1_159),
          }),
          event("OPGStaking", "Credited", { account: account("reporter"), amount: 7, credit: 7 }),
          event("Disputes", "FaultProven", {
            ...{ kind: 2, keyId: key, operator: OPERATOR, reporter: account("reporter"), slashed: 71 },
            fault: [
              ...[2, 1, OPERATOR, nodeId(1), key, word("rq"), word("rc"), word("ok"), word("orq"), word("orc")],
              ...[word("batch"), 500],
            ],
          }),
        ],
      },
      0,
    );
    now("OPGStaking", "Claimed", { account: account("reporter"), amount: 7 });
    now("OPGStaking", "StreamToppedUp", { amount: 5, remaining: 65, end: 66 });
    now("OPGStaking", "MinimumChanged", { kind: 1, value: [10, 20, 30] });
    now("OPGStaking", "OwnShareChanged", { kind: 1, value: [1_000, 2_000, 40] });
    now("OPGStaking", "CommissionChanged", { ...pool, value: [500, 900, 50] });
    // A fault when nothing was left to slash any more: its own transaction slashes nothing.
    now("Disputes", "FaultProven", {
      ...{ kind: 0, keyId: key, operator: OPERATOR, reporter: account("late"), slashed: 0 },
      fault: [0, 1, OPERATOR, nodeId(1), key, word("a"), word("b"), key, word("a"), word("c"), NO_WORD, 500],
    });

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

    const twin = word("twin").slice(0, 34);
    const twinId = { digitalTwinId: twin };
    now("TwinMarket", "TwinCreated", { ...twinId, creator: account("maker"), claimant: account("star"), url: "u" });
    const mine = word("mine").slice(0, 34);
    now("TwinMarket", "TwinCreated", { digitalTwinId: mine, creator: account("maker"), claimant: NOBODY, url: "v" });
    const trade = { ...twinId, trader: account("fan"), isBuy: true, shareAmount: 3, ethAmount: 1_000 };
    now("TwinMarket", "Trade", { ...trade, protocolEthAmount: 25, subjectEthAmount: 30, supply: 3 });
    const sale = {
      isBuy: false,
      shareAmount: 3,
      ethAmount: 400,
      protocolEthAmount: 10,
      subjectEthAmount: 12,
      supply: 0,
    };
    now("TwinMarket", "OwnershipClaimed", {
      ...{ ...twinId, previousOwner: NOBODY, newOwner: account("star"), nonce: 1, credited: 0 },
    });
    now("TwinMarket", "Trade", { ...trade, ...sale });
    now("TwinMarket", "SubjectFeesClaimed", { ...twinId, owner: account("star"), to: account("bank"), amount: 2 });
    now("TwinMarket", "OwnershipClaimed", {
      ...{ ...twinId, previousOwner: account("star"), newOwner: account("heir"), nonce: 2, credited: 40 },
    });
    now("TwinMarket", "ConsentsCancelled", { ...twinId, owner: account("heir"), nonce: 3 });
    now("TwinMarket", "OwedFeesClaimed", { account: account("star"), to: account("bank"), amount: 15 });
    now("TwinMarket", "ProtocolFeesClaimed", { to: account("bank"), amount: 35 });
    now("TwinMarket", "FeeChanged", { fee: 1, previous: 0, present: 30 });
    now("TwinMarket", "FeeIncreaseAnnounced", { fee: 1, present: 30, announced: 40, effectiveAt: 500 });
    now("TwinMarket", "FeeIncreaseWithdrawn", { fee: 1, present: 30, withdrawn: 40 });
    now("TwinMarket", "FeeIncreaseAnnounced", { fee: 1, present: 30, announced: 50, effectiveAt: 600 });
    now("TwinMarket", "FeeChanged", { fee: 1, previous: 30, present: 50 });
    now("TwinMarket", "FeeIncreaseAnnounced", { fee: 0, present: 20, announced: 22, effectiveAt: 700 });
    const link = { ...twinId, modelId: word("m"), keyId: key, by: account("heir") };
    now("TwinAgents", "AgentLinkChanged", { ...link, status: 1 });
    now("TwinAgents", "AgentLinkChanged", { ...link, status: 2 });

    const setting = (name: string, before: string, after: string): object => ({ name, before, after });
    return [
      {
        what: "keeps a pool, its delegations, and what unbonds of it, with what a slash voided",
        query: `{ stakePools { own ownUnbonding delegated delegatedUnbonding commissionBps nextCommissionBps nextCommissionFrom rewardsOwn
          rewardsDelegated commission slashed ownUnbondingGeneration delegatedGeneration delegations { delegator shares generation }
          unbonding(orderBy: maturesAt) { own number shares amount generation withdrawnAt } } }`,
        expected: {
          stakePools: [
            {
              ...{ own: "849", ownUnbonding: "0", delegated: "310", delegatedUnbonding: "200", commissionBps: "500" },
              ...{ nextCommissionBps: "900", nextCommissionFrom: "50", rewardsOwn: "20", rewardsDelegated: "10" },
              ...{ commission: "2", slashed: "71", ownUnbondingGeneration: 1, delegatedGeneration: 0 },
              delegations: [{ delegator, shares: "300", generation: 0 }],
              unbonding: [
                { own: true, number: 0, shares: "100", amount: "100", generation: 0, withdrawnAt: String(at) },
                { own: true, number: 1, shares: "50", amount: "50", generation: 0, withdrawnAt: null },
                { own: false, number: 0, shares: "200", amount: "200", generation: 0, withdrawnAt: null },
              ],
            },
          ],
        },
      },
      {
        what: "links a slash with the fault that proved it, and no other fault",
        query: `{ slashes { amount reward reporter faults { kind key { id } requestId receiptId otherKeyId subject bps } }
          faults(orderBy: slashed) { kind slashed slash { amount } } operator(id: "${OPERATOR}") { slashed stake } }`,
        expected: {
          slashes: [
            {
              ...{ amount: "71", reward: "7", reporter: account("reporter") },
              faults: [
                {
                  ...{ kind: "FOREIGN_LEAF", key: { id: key }, requestId: word("rq"), receiptId: word("rc") },
                  ...{ otherKeyId: word("ok"), subject: word("batch"), bps: "500" },
                },
              ],
            },
          ],
          faults: [
            { kind: "EQUIVOCATION", slashed: "0", slash: null },
            { kind: "FOREIGN_LEAF", slashed: "71", slash: { amount: "71" } },
          ],
          operator: { slashed: "71", stake: "1159" },
        },
      },
      {
        what: "keeps staking's sums, parameters, credits and changes",
        query: `{ staking(id: "0x01") { totalBonded streamRemaining streamEnd pools slashed reporterRewards disputes vesting }
          stakeParameters_collection { kind minimum nextMinimum nextMinimumFrom ownShareBps nextOwnShareBps nextOwnShareFrom }
          stakeCredits { credited claimed credit } stakeChanges(orderBy: kind) { kind amount } protocol(id: "0x01") { faults orphans } }`,
        expected: {
          staking: {
            ...{ totalBonded: "1159", streamRemaining: "65", streamEnd: "66", pools: "1", slashed: "71" },
            ...{ reporterRewards: "7", disputes: account("disputes"), vesting },
          },
          stakeParameters_collection: [
            {
              ...{ kind: "LLM_PROXY", minimum: "10", nextMinimum: "20", nextMinimumFrom: "30" },
              ...{ ownShareBps: "1000", nextOwnShareBps: "2000", nextOwnShareFrom: "40" },
            },
          ],
          stakeCredits: [{ credited: "7", claimed: "7", credit: "0" }],
          stakeChanges: [
            ["STAKED", "1000"],
            ...[
              ["UNBONDED", "100"],
              ["UNBONDED", "50"],
            ],
            ["DELEGATED", "500"],
            ["UNDELEGATED", "200"],
            ["WITHDRAWN", "100"],
            ["REWARDED", "30"],
            ["SLASHED", "71"],
          ].map(([kind, amount]) => ({ kind, amount })),
          protocol: { faults: "2", orphans: "0" },
        },
      },
      {
        what: "keeps balances, votes and authorizations",
        query: `{ token(id: "0x01") { address supply holders } b: tokenHolder(id: "${account("b")}") { balance delegate }
          voter: tokenHolder(id: "${account("voter")}") { votes } tokenAuthorizations(orderBy: cancelled) { nonce cancelled } }`,
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
        query: `{ timelockOperations(orderBy: status) { id status salt delay executableFrom calls(orderBy: index) { index target data executed } }
          governanceSettings(orderBy: before) { name before after } governanceRoles(orderBy: name) { name account } }`,
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
      {
        what: "keeps a twin's market, owners and fees",
        query: `{ twin(id: "${twin}") { creator claimant owner nonce url supply holderCount tradeCount volume reserve protocolFees subjectFees feesHeld
          lastPrice trades(orderBy: price) { isBuy amount price supply } claims(orderBy: nonce) { previousOwner owner credited consentsOnly }
          links { status by key { id } modelId } } mine: twin(id: "${mine}") { owner claimant } }`,
        expected: {
          twin: {
            ...{ creator: account("maker"), claimant: null, owner: account("heir"), nonce: "3", url: "u", supply: "0" },
            ...{
              holderCount: "0",
              tradeCount: "2",
              volume: "1400",
              reserve: "600",
              protocolFees: "35",
              subjectFees: "42",
            },
            ...{ feesHeld: "0", lastPrice: "133.333333" },
            trades: [
              { isBuy: false, amount: "3", price: "400", supply: "0" },
              { isBuy: true, amount: "3", price: "1000", supply: "3" },
            ],
            claims: [
              { previousOwner: null, owner: account("star"), credited: "0", consentsOnly: false },
              { previousOwner: account("star"), owner: account("heir"), credited: "40", consentsOnly: false },
              { previousOwner: account("heir"), owner: account("heir"), credited: "0", consentsOnly: true },
            ],
            links: [{ status: "CONFIRMED", by: account("heir"), key: { id: key }, modelId: word("m") }],
          },
          mine: { owner: account("maker"), claimant: null },
        },
      },
      {
        what: "keeps the market's fees with the time at which an announced one takes effect, and payouts",
        query: `{ twinFees(orderBy: kind) { kind present announced effectiveAt } twinFeeChanges(where: { fee: "0x01", kind_not: CHANGED }, orderBy: after) {
          kind before after effectiveAt } twinPayouts(orderBy: amount) { kind amount account to } twinOweds { id owed claimed } }`,
        expected: {
          twinFees: [
            { kind: "PROTOCOL", present: "20", announced: "22", effectiveAt: "700" },
            { kind: "SUBJECT", present: "50", announced: null, effectiveAt: null },
          ],
          twinFeeChanges: [
            { kind: "WITHDRAWN", before: "40", after: "30", effectiveAt: null },
            { kind: "ANNOUNCED", before: "30", after: "40", effectiveAt: "500" },
            { kind: "ANNOUNCED", before: "30", after: "50", effectiveAt: "600" },
          ],
          twinPayouts: [
            { kind: "SUBJECT", amount: "2", account: account("star"), to: account("bank") },
            { kind: "OWED", amount: "15", account: account("star"), to: account("bank") },
            { kind: "PROTOCOL", amount: "35", account: null, to: account("bank") },
          ],
          twinOweds: [{ id: account("star"), owed: "25", claimed: "15" }],
        },
      },
      {
        what: "dates an increase by its announcement and not by the trade that applied it",
        query: `{ twinFeeChanges(where: { fee: "0x01", kind: CHANGED }, orderBy: after) { before after effectiveAt } }`,
        expected: {
          twinFeeChanges: [
            { before: "0", after: "30", effectiveAt: String(start + 24) },
            { before: "30", after: "50", effectiveAt: "600" },
          ],
        },
      },
    ];
  },
};
