// SPDX-License-Identifier: MIT
import { Contract, type Provider, ZeroAddress } from "ethers";
import { enclaveRegistry, modelRegistry } from "../chain/abi.ts";
import type { Hex } from "../protocol/index.ts";
import { nodeLoad, nodeMatch, nodeRegistry } from "./abi.ts";

/** Of whatever can be distrusted or frozen. Unix seconds. */
export interface StandingSnapshot {
  /** 2^256 − 1 for never. */
  distrustedFrom: bigint;
  frozenUntil: bigint;
}
/** One live key of a node. */
export interface KeySnapshot extends StandingSnapshot {
  keyId: Hex;
  /** 0 operator, others of enclaves. */
  kind: number;
  /** 0 for what is no key. */
  validFrom: bigint;
  /** Inclusive. */
  validUntil: bigint;
  /** What its image may do for the version; null for an operator's key. */
  measurement: (StandingSnapshot & { approvedFrom: bigint; approvedUntil: bigint }) | null;
}
/** A node that offers the version in some mode. */
export interface NodeSnapshot {
  nodeId: Hex;
  /** 0 none, 1 active, 2 paused, 3 retired. */
  status: number;
  endpoint: string;
  hasStake: boolean;
  /** Mask of `1 << mode`. */
  modes: number;
  capacity: number;
  /** On-chain requests that take part of it. */
  open: bigint;
  operatorKeys: KeySnapshot[];
  enclaveKeys: KeySnapshot[];
}
/** Everything of one block that decides who can serve one model version. */
export interface Snapshot {
  block: { number: number; timestamp: bigint };
  modelId: Hex;
  /** `blockedFrom`: from when what settles does not count, as a required source's consent is withdrawn; 2^256 − 1 for never. */
  model: StandingSnapshot & { modes: number; verifier: StandingSnapshot; blockedFrom: bigint };
  /** In the chain's order. */
  nodes: NodeSnapshot[];
  /** Registered nodes that do not offer the version. */
  without: bigint;
}
/** Where a chain's nodes are asked for. */
export interface RoutingContracts {
  nodeRegistry: string;
  enclaveRegistry: string;
  modelRegistry: string;
  /** Who knows of open on-chain requests; null where there are none. */
  load: string | null;
}

/** As many as the registry gives at a time. */
const PAGE = 256;
const ZKML = 1;

/** The contracts that a `NodeMatch` asks. */
export async function contractsOf(provider: Provider, matcher: string): Promise<RoutingContracts> {
  const contract = new Contract(matcher, nodeMatch, provider);
  const ask = async (name: string) => (await contract.getFunction(name)()) as string;
  const load = await ask("load");
  return {
    nodeRegistry: await ask("nodeRegistry"),
    enclaveRegistry: await ask("enclaveRegistry"),
    modelRegistry: await ask("modelRegistry"),
    load: load === ZeroAddress ? null : load,
  };
}

/** Reads a snapshot, all of the newest block. */
export async function readSnapshot(provider: Provider, at: RoutingContracts, modelId: Hex): Promise<Snapshot> {
  const block = await provider.getBlock("latest");
  if (block === null) throw new Error("The node has no latest block.");
  const asked = (address: string, abi: typeof nodeRegistry) => {
    const contract = new Contract(address, abi, provider);
    return (name: string, ...args: unknown[]) => contract.getFunction(name)(...args, { blockTag: block.number });
  };
  const nodes = asked(at.nodeRegistry, nodeRegistry);
  // Enclave keys have the same questions, and one of their own.
  const enclaves = asked(at.enclaveRegistry, nodeRegistry);
  const images = asked(at.enclaveRegistry, enclaveRegistry);
  const load = at.load === null ? null : asked(at.load, nodeLoad);

  async function nodeOf(nodeId: Hex): Promise<NodeSnapshot> {
    const [node, offer, hasStake, operatorKeyIds, enclaveKeyIds, open] = await Promise.all([
      nodes("node", nodeId),
      nodes("offer", nodeId, modelId),
      nodes("hasStake", nodeId),
      nodes("liveKeys", nodeId) as Promise<Hex[]>,
      enclaves("liveKeys", nodeId) as Promise<Hex[]>,
      load === null ? 0n : load("openRequests", nodeId, modelId),
    ]);
    return {
      nodeId,
      status: Number(node.status),
      endpoint: node.endpoint,
      hasStake,
      modes: Number(offer.modes),
      capacity: Number(offer.capacity),
      open,
      operatorKeys: await Promise.all(
        operatorKeyIds.map(async (keyId) => keyOf(keyId, await nodes("keyState", keyId), null)),
      ),
      enclaveKeys: await Promise.all(
        enclaveKeyIds.map(async (keyId) => {
          const { key, measurement } = await images("enclaveState", keyId, modelId);
          const { approvedFrom, approvedUntil } = measurement;
          return keyOf(keyId, key, { approvedFrom, approvedUntil, ...standingOf(measurement) });
        }),
      ),
    };
  }

  const found: NodeSnapshot[] = [];
  for (let total = 1; found.length < total;) {
    const page = await nodes("offering", modelId, found.length, PAGE);
    total = Number(page.total);
    found.push(...(await Promise.all((page.found as Hex[]).map(nodeOf))));
  }
  const models = asked(at.modelRegistry, modelRegistry);
  const [state, blockedFrom] = await Promise.all([models("modelState", modelId, ZKML), models("blockedFrom", modelId)]);
  const verifier = { distrustedFrom: state.verifierDistrustedFrom, frozenUntil: state.verifierFrozenUntil };
  return {
    block: { number: block.number, timestamp: BigInt(block.timestamp) },
    modelId,
    model: { modes: Number(state.modes), ...standingOf(state), verifier, blockedFrom },
    nodes: found,
    without: (await nodes("nodeCount")) - BigInt(found.length),
  };
}

/** The fields alone of what the chain answered. */
const standingOf = ({ distrustedFrom, frozenUntil }: StandingSnapshot): StandingSnapshot => ({
  distrustedFrom,
  frozenUntil,
});

function keyOf(
  keyId: Hex,
  state: StandingSnapshot & { kind: bigint; validFrom: bigint; validUntil: bigint },
  measurement: KeySnapshot["measurement"],
): KeySnapshot {
  const { kind, validFrom, validUntil } = state;
  return { keyId, kind: Number(kind), validFrom, validUntil, ...standingOf(state), measurement };
}
