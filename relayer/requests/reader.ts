// SPDX-License-Identifier: MIT
import { Contract, type Log, type Provider } from "ethers";
import { inferenceRegistry, modelRegistry } from "../chain/abi.ts";
import type { Hex, Opening } from "../protocol/index.ts";
import { inferenceRequests, STATUSES, type RequestStatus } from "./abi.ts";
import type { AskedRequest } from "./decide.ts";

const NEVER = 2n ** 256n - 1n;
const lower = (hex: string): Hex => hex.toLowerCase() as Hex;

/** A request as the chain has it now. */
export interface RequestState {
  status: RequestStatus;
  /** The node that is asked or has accepted; zero while any may. */
  nodeId: Hex;
  /** Last second in which it can be fulfilled, pauses included. */
  deadline: bigint;
}

/** What the logs of one transaction say of the requests in it; the input follows its request at once. */
export function requestsIn(logs: readonly Log[]): AskedRequest[] {
  const found = new Map<Hex, AskedRequest>();
  for (const log of logs) {
    const event = inferenceRequests.parseLog(log);
    if (event === null) continue;
    const requestId = lower(event.args["requestId"]);
    if (event.name === "Requested") {
      const { terms } = event.args;
      found.set(requestId, {
        requestId,
        requester: lower(event.args["requester"]),
        modelId: lower(terms.modelId),
        inputHash: lower(terms.inputHash),
        contextHash: lower(terms.contextHash),
        nodeId: lower(terms.nodeId),
        maxFee: terms.maxFee,
        deadline: terms.deadline,
        modeMask: Number(terms.modeMask),
        callbackGas: Number(terms.callbackGas),
        given: null,
        pointer: "0x",
      });
      continue;
    }
    const request = found.get(requestId);
    if (request === undefined) continue;
    if (event.name === "InputGiven")
      request.given = { salt: lower(event.args["salt"]), input: lower(event.args["input"]) };
    else if (event.name === "InputAt") request.pointer = lower(event.args["pointer"]);
  }
  return [...found.values()];
}

/** Reads requests through ethers. Its methods throw what the provider throws: nothing is known then. */
export function createRequestsReader(provider: Provider, requests: Hex) {
  const contract = new Contract(requests, inferenceRequests, provider);
  const ask = (name: string) => contract.getFunction(name);
  let registry: Promise<Contract> | null = null;
  const ledger = (): Promise<Contract> =>
    (registry ??= ask("inferenceRegistry")().then(
      (address: string) => new Contract(address, inferenceRegistry, provider),
      (error: unknown) => {
        registry = null;
        throw error;
      },
    ));

  return {
    head: () => provider.getBlockNumber(),
    /** Time of the newest block, unix seconds: deadlines are compared with nothing else. */
    async now(): Promise<bigint> {
      const block = await provider.getBlock("latest");
      if (block === null) throw new Error("the provider has no latest block");
      return BigInt(block.timestamp);
    },
    /** Requests for a model version, as a range of blocks has them. */
    async asked(modelId: Hex, fromBlock: number, toBlock: number): Promise<AskedRequest[]> {
      const topics = ["Requested", "InputGiven", "InputAt"].map((name) => inferenceRequests.getEvent(name)!.topicHash);
      const logs = await provider.getLogs({ address: requests, topics: [topics], fromBlock, toBlock });
      return requestsIn(logs).filter((request) => request.modelId === modelId);
    },
    async state(requestId: Hex): Promise<RequestState> {
      const [found, deadline] = await Promise.all([ask("inferenceRequest")(requestId), ask("deadlineOf")(requestId)]);
      return {
        status: STATUSES[Number(found.status)]!,
        nodeId: `0x${BigInt(found.node).toString(16).padStart(64, "0")}`,
        deadline,
      };
    },
    /** Requests for a model version that a node has under way. */
    load: async (nodeId: Hex, modelId: Hex): Promise<number> => Number(await ask("openRequests")(nodeId, modelId)),
    /**
     * From when nothing that settles counts for a model version, as far as is known now: it is distrusted, a source that
     * it requires withdraws, or the registry closes. Null for never.
     */
    async evidenceEnds(modelId: Hex): Promise<bigint | null> {
      const registry = await ledger();
      const models = new Contract(await registry.getFunction("modelRegistry")(), modelRegistry, provider);
      const [{ closesAt }, { distrustedFrom }, blockedFrom] = await Promise.all([
        registry.getFunction("settlementStatus")(),
        models.getFunction("modelState")(modelId, 0),
        models.getFunction("blockedFrom")(modelId),
      ]);
      const ends = [distrustedFrom, blockedFrom, closesAt === 0n ? NEVER : closesAt] as bigint[];
      const first = ends.reduce((least, each) => (each < least ? each : least));
      return first === NEVER ? null : first;
    },
    registry: async (): Promise<Hex> => lower(await (await ledger()).getAddress()),
    /** When a receipt settled alone; 0 if it did not. */
    settledAlone: async (receiptId: Hex): Promise<bigint> => (await ledger()).getFunction("settledAt")(receiptId),
    /** Whether a receipt reads as verified, or only a freeze keeps it from that. */
    async standing(opening: Opening): Promise<"verified" | "frozen" | "neither"> {
      const { verified, frozen, distrusted } = await (await ledger()).getFunction("verification")(opening);
      if (verified) return "verified";
      return frozen && !distrusted ? "frozen" : "neither";
    },
  };
}
