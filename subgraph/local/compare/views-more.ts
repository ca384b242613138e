// States that follow from several events or from several answers together.
import { ask, by, cut, distinct, one, orNull, sum, type ViewSpec } from "./asking.ts";
import type { Chain, ChainEvent } from "./chain.ts";

const KEYS_ADDED = ["NodeRegistry.KeyAdded", "EnclaveRegistry.KeyAdded"];
const SETTLED = ["InferenceRegistry.BatchSettled", "InferenceRegistry.ReceiptSettled"];
const TEE = "2";

/** Node and operator behind each signing key. */
function ownersOf(chain: Chain): Map<unknown, { node: unknown; operator: unknown }> {
  const operators = new Map(
    chain.of("NodeRegistry.NodeRegistered").map(({ args }) => [args["nodeId"], args["operator"]]),
  );
  return new Map(
    chain
      .of(...KEYS_ADDED)
      .map(({ args }) => [args["keyId"], { node: args["nodeId"], operator: operators.get(args["nodeId"]) }]),
  );
}

/** Who has how much of something, all time or of one day. */
async function sharesOf(chain: Chain, role: string, day: number | null): Promise<Map<string, bigint>> {
  const shares = new Map<string, bigint>();
  const add = (account: unknown, amount: unknown): void =>
    void shares.set(String(account), (shares.get(String(account)) ?? 0n) + BigInt(String(amount)));
  const within = ({ time }: ChainEvent): boolean => day === null || Math.floor(time / 86_400) === day;
  const owners = ownersOf(chain);
  if (role === "STAKE") {
    for (const { args } of chain.of("OPGStaking.PoolCreated")) {
      const { own, delegated } = await ask(chain, "OPGStaking", "pool", args["operator"], args["kind"]);
      add(args["operator"], BigInt(String(own)) + BigInt(String(delegated)));
    }
  } else if (role === "ENCLAVE_KEYS") {
    for (const { args } of chain.of("EnclaveRegistry.KeyAdded").filter(within))
      add(owners.get(args["keyId"])!.operator, 1);
  } else {
    for (const { args, name } of chain.of(...SETTLED).filter(within)) {
      if (role === "SETTLER" && (name !== "BatchSettled" || orNull(args["settler"]) === null)) continue;
      if (role === "ENCLAVE" && args["mode"] !== TEE) continue;
      add(role === "SETTLER" ? args["settler"] : owners.get(args["keyId"])!.operator, args["count"] ?? 1);
    }
  }
  for (const [account, amount] of shares) if (amount === 0n) shares.delete(account);
  return shares;
}

/** Gas of an item: its part of its transaction's, the first item the rest. */
function gasOf(chain: Chain, transaction: unknown, id: string): { gasUsed: string; gasFee: string } {
  const items = chain.of(...SETTLED).filter((event) => event.transaction === transaction);
  const n = BigInt(items.length);
  const { gasUsed, gasPrice } = items[0]!;
  const isFirst = (items[0]!.args["digest"] ?? items[0]!.args["receiptId"]) === id;
  const part = gasUsed / n + (isFirst ? gasUsed % n : 0n);
  return { gasUsed: part.toString(), gasFee: (part * gasPrice).toString() };
}

export const MORE: Record<string, ViewSpec> = {
  Batch: {
    expected: ({ id, key, transaction }, chain) => ({ ...ownersOf(chain).get(key), ...gasOf(chain, transaction, id) }),
  },
  SettledReceipt: {
    expected: ({ id, key, transaction }, chain) => ({ ...ownersOf(chain).get(key), ...gasOf(chain, transaction, id) }),
  },
  SettledPoint: { count: (chain) => chain.of(...SETTLED).length, expected: () => null },
  Concentration: {
    expected: async ({ role, day }, chain) => {
      // Of a day, stake is as it stood after its last change; only that of all time can be asked for now.
      if (role === "STAKE" && day !== null) return null;
      const shares = await sharesOf(chain, String(role), day as number | null);
      const amounts = [...shares.values()].sort((a, b) => (a < b ? 1 : -1));
      return {
        total: amounts.reduce((total, amount) => total + amount, 0n).toString(),
        members: String(amounts.length),
        amounts: amounts.slice(0, 3).map(String),
      };
    },
  },
  ConcentrationPart: {
    expected: async ({ id }, chain) => {
      const [day, role, account] = cut(id, 4, 1, 20) as [string, string, string];
      const name = ["INFERENCE", "ENCLAVE", "ENCLAVE_KEYS", "SETTLER", "STAKE"][Number(role)]!;
      const shares = await sharesOf(chain, name, day === "0xffffffff" ? null : Number(day));
      return {
        concentration: `${day}${role.slice(2)}`,
        account,
        amount: String(shares.get(account) ?? 0n),
      };
    },
  },
  Operator: {
    expected: async ({ id }, chain) => {
      const [all, tee, stake] = await Promise.all(
        ["INFERENCE", "ENCLAVE", "STAKE"].map((role) => sharesOf(chain, role, null)),
      );
      const nodes = new Set(
        chain
          .of("NodeRegistry.NodeRegistered")
          .filter(by("operator", id))
          .map(({ args }) => args["nodeId"]),
      );
      const paid = chain.of("FeeSplitter.FeesPaid").filter(({ args }) => nodes.has(args["nodeId"]));
      return {
        ...{
          receipts: String(all!.get(id) ?? 0n),
          teeReceipts: String(tee!.get(id) ?? 0n),
          stake: String(stake!.get(id) ?? 0n),
        },
        fees: sum(paid, "shares.node"),
        slashed: sum(chain.of("OPGStaking.Slashed").filter(by("operator", id)), "amount"),
      };
    },
  },
  StakePool: {
    expected: ({ id }, chain) => {
      const [operator, kind] = cut(id, 20, 1) as [string, string];
      const earned = chain
        .of("OPGStaking.RewardsAdded")
        .filter(({ args }) => args["operator"] === operator && Number(args["kind"]) === Number(kind));
      return {
        ...{ rewardsOwn: sum(earned, "ownAmount"), rewardsDelegated: sum(earned, "delegatedAmount") },
        commission: sum(earned, "commission"),
      };
    },
  },
  Unbonding: {
    count: (chain) => chain.of("OPGStaking.Unbonded", "OPGStaking.Undelegated").length,
    expected: async ({ id, number }, chain) => {
      const [operator, kind, holder, own] = cut(id, 20, 1, 20, 1) as [string, string, string, string];
      const isOwn = Number(own) === 1;
      const asked = chain
        .of(isOwn ? "OPGStaking.Unbonded" : "OPGStaking.Undelegated")
        .filter(({ args }) => args["operator"] === operator && (isOwn || args["delegator"] === holder));
      const contract = chain.contract("OPGStaking")!;
      const open = (await contract
        .getFunction(isOwn ? "stakeRequests" : "requests")
        .staticCall(...[operator, Number(kind), ...(isOwn ? [] : [holder])], { blockTag: chain.block })) as bigint[][];
      // Those that were withdrawn are no longer listed.
      const listed = open[Number(number) - (asked.length - open.length)];
      return {
        holder,
        own: isOwn,
        ...(listed ? { amount: String(listed[0]), maturesAt: String(listed[1]), withdrawnAt: null } : {}),
      };
    },
  },
  TwinFee: {
    expected: async ({ id }, chain) => {
      const contract = chain.contract("TwinMarket")!;
      const fees = (await contract.getFunction("fees").staticCall({ blockTag: chain.block })) as bigint[][];
      const [present, pending, effectiveAt] = fees[Number(id)]!;
      return effectiveAt === 0n
        ? { present: String(present) }
        : { announced: String(pending), effectiveAt: String(effectiveAt) };
    },
  },
  FeeRates: {
    expected: async ({ epoch, withdrawn }, chain) => {
      if (withdrawn === true) return null;
      const { node, model, stakers, treasury, settler } = await ask(chain, "FeeSplitter", "ratesAt", epoch);
      return { nodeBps: node, modelBps: model, stakersBps: stakers, treasuryBps: treasury, settlerBps: settler };
    },
  },
  TimelockCall: {
    count: (chain) => chain.of("OPGTimelock.CallScheduled").length,
    expected: ({ id }, chain) => {
      const [operation, index] = cut(id, 32, 4) as [string, string];
      const same = ({ args }: ChainEvent): boolean =>
        args["id"] === operation && args["index"] === String(Number(index));
      const { args } = chain.of("OPGTimelock.CallScheduled").find(same)!;
      const executed = chain.of("OPGTimelock.CallExecuted").some(same);
      return {
        operation,
        index: Number(index),
        target: args["target"],
        value: args["value"],
        data: args["data"],
        executed,
      };
    },
  },
  Verifier: {
    count: (chain) => distinct(chain.of("ModelRegistry.VerifierApproved"), ({ args }) => args["verifier"]),
    expected: async ({ id }, chain) => ({
      approvedAt: String(chain.of("ModelRegistry.VerifierApproved").find(by("verifier", id))!.time),
      ...((await one(chain, "ModelRegistry", "isApprovedVerifier", id)) === true ? {} : { approvedAt: "not approved" }),
    }),
  },
  MeasurementApproval: {
    expected: ({ id }, chain) => {
      const [measurement, modelId] = cut(id, 32, 32);
      const same = ({ args }: ChainEvent): boolean =>
        args["measurement"] === measurement && args["modelId"] === modelId;
      const from = chain.of("EnclaveRegistry.MeasurementApproved").findLast(same)!.args["from"];
      return { measurement, modelId, from };
    },
  },
  Proposal: {
    expected: ({ proposalId }, chain) => {
      const { args, time } = chain.of("OPGGovernor.ProposalCreated").find(by("proposalId", proposalId))!;
      const queued = chain.of("OPGGovernor.ProposalQueued").find(by("proposalId", proposalId));
      return {
        ...{
          targets: args["targets"],
          values: args["values"],
          calldatas: args["calldatas"],
          description: args["description"],
        },
        ...{ proposedAt: String(time), executableFrom: queued?.args["etaSeconds"] ?? null },
      };
    },
  },
};
