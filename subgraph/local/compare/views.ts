// Entities that hold a state: each field that a contract answers for is held against that answer, as of the same block.
import { ask, by, counted, cut, distinct, one, orNull, registryOf, sum, type ViewSpec } from "./asking.ts";
import type { ChainEvent } from "./chain.ts";
import { plain } from "./chain.ts";
import { ECONOMY } from "./views-economy.ts";

export const VIEWS: Record<string, ViewSpec> = {
  Protocol: {
    count: () => 1,
    expected: async (_, chain) => {
      const batches = chain.of("InferenceRegistry.BatchSettled");
      const alone = chain.of("InferenceRegistry.ReceiptSettled").length;
      const { closesAt } = await ask(chain, "InferenceRegistry", "settlementStatus");
      return {
        batches: String(batches.length),
        receipts: (BigInt(sum(batches, "count")) + BigInt(alone)).toString(),
        receiptsAlone: String(alone),
        skippedItems: counted(chain, "InferenceRegistry.ItemSkipped"),
        skippedClaims: counted(chain, "InferenceEscrow.ClaimSkipped"),
        skippedAnswers: counted(chain, "GatewayAnswers.AnswerSkipped"),
        gatewayAnswers: counted(chain, "GatewayAnswers.AnswerSettled"),
        closesAt: closesAt === "0" ? null : closesAt,
        nodes: await one(chain, "NodeRegistry", "nodeCount"),
        keys: counted(chain, "NodeRegistry.KeyAdded", "EnclaveRegistry.KeyAdded"),
        models: counted(chain, "ModelRegistry.ModelRegistered"),
        sources: await one(chain, "ModelRegistry", "sourceCount"),
        requests: await one(chain, "InferenceRequests", "requestCount"),
        memories: String(distinct(chain.of("MemoryRegistry.MemoryCommitted"), ({ args }) => args["memoryId"])),
        twins: counted(chain, "TwinMarket.TwinCreated"),
        faults: counted(chain, "Disputes.FaultProven"),
        fees: sum(chain.of("FeeSplitter.FeesPaid"), "amount"),
        opened: String(
          chain.of("InferenceEscrow.Collected", "InferenceEscrow.ReservationCollected", "InferenceRequests.Fulfilled")
            .length,
        ),
        orphans: "0",
      };
    },
  },
  Figure: {
    expected: ({ scope, day, mode }, chain) => {
      if (scope === "MODEL") return null;
      const number = ["VANILLA", "ZKML", "TEE"].indexOf(String(mode));
      const within = ({ time, args }: ChainEvent): boolean =>
        (day === null || Math.floor(time / 86_400) === day) && (scope === "NETWORK" || args["mode"] === String(number));
      const batches = chain.of("InferenceRegistry.BatchSettled").filter(within);
      const alone = chain.of("InferenceRegistry.ReceiptSettled").filter(within).length;
      return {
        batches: String(batches.length),
        receiptsAlone: String(alone),
        receipts: (BigInt(sum(batches, "count")) + BigInt(alone)).toString(),
      };
    },
  },
  Node: {
    count: async (chain) => Number(await one(chain, "NodeRegistry", "nodeCount")),
    expected: async ({ id }, chain) => {
      const { operator, kind, status, endpoint } = await ask(chain, "NodeRegistry", "node", id);
      const settled = chain.of("InferenceRegistry.BatchSettled", "InferenceRegistry.ReceiptSettled");
      const keys = new Set(
        chain
          .of("NodeRegistry.KeyAdded", "EnclaveRegistry.KeyAdded")
          .filter(by("nodeId", id))
          .map(({ args }) => args["keyId"]),
      );
      const receipts = settled.filter(({ args }) => keys.has(args["keyId"]));
      return {
        operator,
        kind: Number(kind),
        status: Number(status) - 1, // 0 is a node that does not exist
        endpoint,
        receipts: receipts.reduce((total, { args }) => total + BigInt(String(args["count"] ?? 1)), 0n).toString(),
        fees: sum(chain.of("FeeSplitter.FeesPaid").filter(by("nodeId", id)), "amount"),
      };
    },
  },
  Offer: {
    expected: async ({ id }, chain) => {
      const [node, model] = cut(id, 32, 32);
      const { modes, capacity } = await ask(chain, "NodeRegistry", "offer", node, model);
      return { node, modelId: model, modes, capacity };
    },
  },
  SigningKey: {
    count: (chain) => chain.of("NodeRegistry.KeyAdded", "EnclaveRegistry.KeyAdded").length,
    expected: async ({ id, registry }, chain) => {
      const name = registryOf(String(registry), chain);
      const state = await ask(chain, name, "keyState", id);
      const added = chain.of(`${name}.KeyAdded`).find(by("keyId", id))!;
      const settled = chain
        .of("InferenceRegistry.BatchSettled", "InferenceRegistry.ReceiptSettled")
        .filter(by("keyId", id));
      const beats = chain.of("EnclaveHeartbeats.Heartbeat").filter(by("keyId", id));
      return {
        node: state["nodeId"],
        kind: Number(state["kind"]),
        validFrom: state["validFrom"],
        validUntil: state["validUntil"],
        signer: orNull(added.args["signer"]),
        publicKey: added.args["publicKey"],
        firstValidUntil: added.args["validUntil"],
        heartbeats: String(beats.length),
        lastHeartbeat: beats.at(-1)?.args["timestamp"] ?? null,
        receipts: settled.reduce((total, { args }) => total + BigInt(String(args["count"] ?? 1)), 0n).toString(),
      };
    },
  },
  Standing: {
    expected: async ({ id }, chain) => {
      const [registry, target] = cut(id, 20, 32) as [string, string];
      const state = await ask(chain, registryOf(registry, chain), "standing", target);
      return {
        ...{ registry, target, frozenUntil: state["frozenUntil"], freezeSpent: state["freezeSpent"] },
        distrustedFrom: orNull(state["distrustedFrom"]),
      };
    },
  },
  Measurement: {
    count: (chain) => chain.of("EnclaveRegistry.MeasurementKnown").length,
    expected: async ({ id }, chain) => ({ target: await one(chain, "EnclaveRegistry", "measurementTarget", id) }),
  },
  Certificate: {
    expected: ({ id }, chain) => {
      const { args, time } = chain.of("NitroAttestation.CertificateCached").findLast(by("certificate", id))!;
      return {
        notBefore: args["notBefore"],
        notAfter: args["notAfter"],
        role: Number(args["role"]),
        cachedAt: String(time),
      };
    },
  },
  Model: {
    count: (chain) => chain.of("ModelRegistry.ModelRegistered").length,
    expected: async ({ id }, chain) => {
      const { owner, depth } = await ask(chain, "ModelRegistry", "lineage", id);
      const { args, time } = chain.of("ModelRegistry.ModelRegistered").find(by("modelId", id))!;
      const { contentHash, modes, uri, verifyingKeyHash, signals, verifier } = args;
      const held = BigInt(String(await one(chain, "FeeSplitter", "modelBalance", id)));
      const distributed = sum(chain.of("FeeSplitter.ModelDistributed").filter(by("modelId", id)), "amount");
      const credited = sum(chain.of("FeeSplitter.ModelCredited").filter(by("modelId", id)), "amount");
      return {
        ...{ owner, depth, contentHash, modes, uri, verifyingKeyHash, signals, verifier: orNull(verifier) },
        ...{ held: held.toString(), distributed, credited, registeredAt: String(time) },
      };
    },
  },
  Source: {
    expected: async ({ id }, chain) => {
      const contract = chain.contract("ModelRegistry")!;
      const [state] = (await contract.getFunction("source").staticCall(id, { blockTag: chain.block })) as unknown[][];
      const [owner, pending, withdrawnFrom, number] = plain(state) as unknown[];
      return { owner, pendingOwner: orNull(pending), withdrawnFrom: orNull(withdrawnFrom), number };
    },
  },
  EscrowBalance: {
    expected: async ({ id }, chain) => {
      const [payer, node] = cut(id, 20, 32);
      const { balance, thawing, readyAt } = await ask(chain, "InferenceEscrow", "account", payer, node);
      const mine = ({ args }: ChainEvent): boolean => args["payer"] === payer && args["nodeId"] === node;
      return {
        ...{ payer, node, balance, thawing, thawReadyAt: readyAt },
        deposited: sum(chain.of("InferenceEscrow.Deposited").filter(mine), "amount"),
        withdrawn: sum(chain.of("InferenceEscrow.Withdrawn").filter(mine), "amount"),
      };
    },
  },
  Channel: {
    count: (chain) => chain.of("InferenceEscrow.ChannelOpened").length,
    expected: async ({ id }, chain) => {
      const { paid, owed, expiry: sessionEnds } = await ask(chain, "InferenceEscrow", "session", id);
      const { args } = chain.of("InferenceEscrow.ChannelOpened").find(by("channelId", id))!;
      // A payer's own channel never ends: the contract keeps no expiry for it, and its event says the largest one.
      const expiry = args["signer"] === args["payer"] ? args["expiry"] : sessionEnds;
      const collections = chain.of("InferenceEscrow.Collected").filter(by("channelId", id));
      return {
        ...{ paid, owed, expiry, payer: args["payer"], node: args["nodeId"], signer: args["signer"] },
        ...{ modelId: args["modelId"], modeMask: args["modeMask"], lane: args["lane"], limit: args["limit"] },
        collectionCount: String(collections.length),
      };
    },
  },
  ReserverAllowance: {
    expected: async ({ id }, chain) => {
      const [payer, reserver] = cut(id, 20, 20);
      return { payer, reserver, allowance: await one(chain, "InferenceEscrow", "reserverAllowance", payer, reserver) };
    },
  },
  WaitingFees: {
    expected: async ({ id }, chain) => {
      const [contract, node, model, settler, epoch] = cut(id, 20, 32, 32, 20, 4) as [
        string,
        string,
        string,
        string,
        string,
      ];
      const name =
        String(chain.contract("InferenceEscrow")?.target).toLowerCase() === contract
          ? "InferenceEscrow"
          : "InferenceRequests";
      const waiting = await one(chain, name, "fees", node, model, settler, BigInt(epoch));
      return { contract, node, modelId: model, waiting, epoch: BigInt(epoch).toString() };
    },
  },
  InferenceRequest: {
    count: async (chain) => Number(await one(chain, "InferenceRequests", "requestCount")),
    expected: async ({ id }, chain) => {
      const { args } = chain.of("InferenceRequests.Requested").find(by("requestId", id))!;
      const { requester, modelId } = args;
      const terms = (name: string): unknown => args[`terms.${name}`];
      const ended = chain.of("InferenceRequests.Fulfilled").find(by("requestId", id));
      return {
        ...{ requester, modelId, inputHash: terms("inputHash"), maxFee: terms("maxFee"), modeMask: terms("modeMask") },
        ...(ended ? { status: "FULFILLED", fee: ended.args["fee"], receiptId: ended.args["receiptId"] } : {}),
      };
    },
  },
  ...ECONOMY,
};
