// The same of requests, fees, stake, the token, governance, twins and memory.
import { ask, by, cut, distinct, one, orNull, sum, type ViewSpec } from "./asking.ts";

export const ECONOMY: Record<string, ViewSpec> = {
  RequestAccount: {
    expected: async ({ id }, chain) => ({
      credit: await one(chain, "InferenceRequests", "credit", id),
      claimed: sum(chain.of("InferenceRequests.Claimed").filter(by("account", id)), "amount"),
    }),
  },
  RequestAgent: {
    expected: async ({ id }, chain) => {
      const [operator, agent] = cut(id, 20, 20);
      return { operator, agent, allowed: await one(chain, "InferenceRequests", "isAgent", operator, agent) };
    },
  },
  NodeLoad: {
    expected: async ({ id }, chain) => {
      const [node, modelId] = cut(id, 32, 32);
      return { node, modelId, load: await one(chain, "InferenceRequests", "openRequests", node, modelId) };
    },
  },
  FeeReceiver: {
    expected: async ({ id }, chain) => ({
      credit: await one(chain, "FeeSplitter", "credit", id),
      credited: sum(chain.of("FeeSplitter.Credited").filter(by("account", id)), "amount"),
      claimed: sum(chain.of("FeeSplitter.Claimed").filter(by("account", id)), "amount"),
    }),
  },
  StakePool: {
    count: (chain) => chain.of("OPGStaking.PoolCreated").length,
    expected: async ({ id }, chain) => {
      const [operator, kind] = cut(id, 20, 1) as [string, string];
      const pool = await ask(chain, "OPGStaking", "pool", operator, Number(kind));
      const commission = await ask(chain, "OPGStaking", "commission", operator, Number(kind));
      const {
        own,
        ownUnbonding,
        ownUnbondingShares,
        delegated,
        delegatedShares,
        delegatedUnbonding,
        delegatedUnbondingShares,
      } = pool;
      return {
        ...{
          operator,
          own,
          ownUnbonding,
          ownUnbondingShares,
          delegated,
          delegatedShares,
          delegatedUnbonding,
          delegatedUnbondingShares,
        },
        // Where an announced one applies by now, both say the same, each in its own way.
        ...(commission["current"] === commission["next"] ? { nextCommissionBps: commission["next"] } : {}),
      };
    },
  },
  Delegation: {
    expected: async ({ id }, chain) => {
      const [operator, kind, delegator] = cut(id, 20, 1, 20) as [string, string, string];
      const { shares } = await ask(chain, "OPGStaking", "position", operator, Number(kind), delegator);
      return { delegator, shares };
    },
  },
  StakeCredit: { expected: async ({ id }, chain) => ({ credit: await one(chain, "OPGStaking", "creditOf", id) }) },
  Staking: {
    expected: async (_, chain) => {
      const pools = chain.of("OPGStaking.PoolCreated");
      const first = pools[0];
      const { totalBonded } = first
        ? await ask(chain, "OPGStaking", "pool", first.args["operator"], first.args["kind"])
        : { totalBonded: "0" };
      return {
        totalBonded,
        pools: String(pools.length),
        operators: String(distinct(pools, ({ args }) => args["operator"])),
        slashed: sum(chain.of("OPGStaking.Slashed"), "amount"),
      };
    },
  },
  TokenHolder: {
    expected: async ({ id }, chain) => ({
      balance: await one(chain, "OPGToken", "balanceOf", id),
      votes: await one(chain, "OPGToken", "getVotes", id),
      delegate: orNull(await one(chain, "OPGToken", "delegates", id)),
    }),
  },
  Token: { count: () => 1, expected: async (_, chain) => ({ supply: await one(chain, "OPGToken", "totalSupply") }) },
  Allocation: {
    count: () => 7,
    expected: async ({ id }, chain) => ({ released: await one(chain, "OPGVesting", "released", Number(id)) }),
  },
  Proposal: {
    count: (chain) => chain.of("OPGGovernor.ProposalCreated").length,
    expected: async ({ proposalId }, chain) => {
      const { againstVotes, forVotes, abstainVotes } = await ask(chain, "OPGGovernor", "proposalVotes", proposalId);
      const state = Number(await one(chain, "OPGGovernor", "state", proposalId));
      const status = ({ 2: "CANCELLED", 5: "QUEUED", 7: "EXECUTED" } as Record<number, string>)[state];
      return {
        ...{ votesAgainst: againstVotes, votesFor: forVotes, votesAbstain: abstainVotes },
        proposer: await one(chain, "OPGGovernor", "proposalProposer", proposalId),
        voteStart: await one(chain, "OPGGovernor", "proposalSnapshot", proposalId),
        voteEnd: await one(chain, "OPGGovernor", "proposalDeadline", proposalId),
        ...(status ? { status } : {}),
      };
    },
  },
  TimelockOperation: {
    expected: async ({ id }, chain) => ({
      status: (await one(chain, "OPGTimelock", "isOperationDone", id)) === true ? "EXECUTED" : undefined,
    }),
  },
  Twin: {
    count: (chain) => chain.of("TwinMarket.TwinCreated").length,
    expected: async ({ id }, chain) => {
      const { owner, nonce, supply, unclaimedFees, openingEndsAt, openingLimit, url } = await ask(
        chain,
        "TwinMarket",
        "twin",
        id,
      );
      const trades = chain.of("TwinMarket.Trade").filter(by("digitalTwinId", id));
      return {
        ...{ owner: orNull(owner), nonce, supply, feesHeld: unclaimedFees, openingEndsAt, openingLimit, url },
        ...{
          tradeCount: String(trades.length),
          volume: sum(trades, "ethAmount"),
          protocolFees: sum(trades, "protocolEthAmount"),
        },
      };
    },
  },
  TwinHolder: {
    expected: async ({ id }, chain) => {
      const [twin, account] = cut(id, 16, 20);
      return { twin, account, keys: await one(chain, "TwinMarket", "sharesBalance", twin, account) };
    },
  },
  TwinOwed: { expected: async ({ id }, chain) => ({ owed: await one(chain, "TwinMarket", "feesOwed", id) }) },
  TwinAgentLink: {
    expected: async ({ id }, chain) => {
      const [twin, modelId, keyId] = cut(id, 16, 32, 32);
      return {
        twin,
        modelId,
        keyId,
        status: Number(await one(chain, "TwinAgents", "linkStatus", twin, modelId, keyId)),
      };
    },
  },
  Memory: {
    expected: async ({ id }, chain) => {
      const headCount = String(await one(chain, "MemoryRegistry", "headCount", id));
      const { root, count } = await ask(chain, "MemoryRegistry", "head", id, BigInt(headCount) - 1n);
      return { headCount, root, count };
    },
  },
  MemoryGrant: {
    expected: async ({ grantId }, chain) => {
      const { memoryId, reader, from, until } = await ask(chain, "MemoryRegistry", "grantOf", grantId);
      return { memory: memoryId, reader, from, until };
    },
  },
  FeeInbox: {
    count: (chain) => chain.of("FeeInboxes.InboxCreated").length,
    expected: ({ id }, chain) => {
      const { args, time } = chain.of("FeeInboxes.InboxCreated").find(by("inbox", id))!;
      const sweeps = chain.of("FeeInbox.Swept").filter(({ address }) => address === id);
      return {
        nodeId: args["nodeId"],
        modelId: args["modelId"],
        createdAt: String(time),
        swept: sum(sweeps, "amount"),
      };
    },
  },
  Reservation: {
    expected: ({ id }, chain) => {
      const { args } = chain.of("InferenceEscrow.Reserved").find(by("requestId", id))!;
      const collected = chain.of("InferenceEscrow.ReservationCollected").find(by("requestId", id));
      const of = (name: string): unknown => args[`reservation.${name}`];
      return {
        ...{
          payer: of("payer"),
          amount: of("amount"),
          node: of("nodeId"),
          modelId: of("modelId"),
          expiry: of("expiry"),
        },
        ...(collected ? { status: "COLLECTED", returned: collected.args["returned"] } : {}),
      };
    },
  },
  ModelParent: {
    expected: ({ id }, chain) => {
      const [model, parent] = cut(id, 32, 32);
      const { args } = chain.of("ModelRegistry.LineageDeclared").find(by("modelId", model))!;
      const bps = (args["parents"] as unknown[][]).find(([of]) => of === parent)?.[1];
      return { model, parent, bps };
    },
  },
  StakeParameters: {
    expected: async ({ id }, chain) => {
      const { next } = await ask(chain, "OPGStaking", "minimum", Number(id));
      return { kind: Number(id), nextMinimum: next };
    },
  },
};
