// SPDX-License-Identifier: MIT
import { Interface } from "ethers";

// Written out for the reason that relayer/chain/abi.ts gives. A test holds every fragment against the compiled contracts.
const KEY_STATE =
  "(uint256 kind,uint256 validFrom,uint256 validUntil,uint256 distrustedFrom,uint256 frozenUntil,bytes32 nodeId)";
const CANDIDATE = "(bytes32 nodeId,bytes32 keyId,uint256 free)";

export const nodeRegistry = new Interface([
  "function nodeCount() view returns (uint256)",
  "function offering(bytes32 modelId,uint256 from,uint256 limit) view returns (bytes32[] found,uint256 total)",
  "function node(bytes32 nodeId) view returns ((address operator,uint8 kind,uint8 status,string endpoint))",
  "function offer(bytes32 nodeId,bytes32 modelId) view returns ((uint8 modes,uint32 capacity))",
  "function hasStake(bytes32 nodeId) view returns (bool)",
  "function liveKeys(bytes32 nodeId) view returns (bytes32[])",
  `function keyState(bytes32 keyId) view returns (${KEY_STATE} state)`,
]);

export const nodeLoad = new Interface(["function openRequests(bytes32 nodeId,bytes32 modelId) view returns (uint256)"]);

export const nodeMatch = new Interface([
  "function nodeRegistry() view returns (address)",
  "function enclaveRegistry() view returns (address)",
  "function modelRegistry() view returns (address)",
  "function load() view returns (address)",
  `function matchNodes(bytes32 modelId,uint8 mode,uint256 from,uint256 limit) view returns ((${CANDIDATE}[] candidates,uint256[] counts,uint256[] paths,uint256 next,uint256 total,uint256 without) result)`,
  `function fitOf(bytes32 nodeId,bytes32 modelId,uint8 mode) view returns (uint8 fit,uint8 path,${CANDIDATE} candidate)`,
]);

/** `Fit` of INodeMatch.sol, by number. */
export const FITS = ["Fits", "NoModel", "NotActive", "StakeTooLow", "NoVerificationPath", "NoCapacity"] as const;
export type Fit = (typeof FITS)[number];
