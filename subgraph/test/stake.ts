import { account, event, join, nodeId, word, type Scenario } from "../testing/scenario.ts";
import type { Check, Story } from "../testing/story.ts";

const NO_WORD = `0x${"00".repeat(32)}`;
const OPERATOR = account("operator");

/** Pools, delegations, what unbonds, slashes and their evidence. */
export const stake: Story = {
  title: "stake",
  write(story: Scenario): Check[] {
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
          stakeCredits { credited claimed credit } stakeChanges { kind amount } protocol(id: "0x01") { faults orphans } }`,
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
    ];
  },
};
