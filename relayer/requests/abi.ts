// SPDX-License-Identifier: MIT
import { Interface } from "ethers";

// Written out, so that nodes start without a compiler. A test holds it against the compiled contract.
const RECEIPT =
  "(bytes32 requestId,bytes32 modelId,bytes32 inputHash,bytes32 outputHash,uint8 outputScheme,bytes32 contextHash," +
  "bytes32 keyId,address payer,uint64 sequence,uint128 cumulativeFee,uint64 completedAt,uint8 mode)";
const BATCH = "(bytes32 keyId,uint8 mode,bytes32 root,uint32 count,bytes32 dataHash,address settler)";
const OPENING = `(${RECEIPT} receipt,${BATCH} batch,uint32 index,bytes32[] proof)`;
const TERMS =
  "(bytes32 modelId,bytes32 inputHash,bytes32 contextHash,bytes32 nodeId,uint96 maxFee,uint40 deadline,uint8 modeMask," +
  "uint32 callbackGas)";
const REQUEST =
  "(address requester,uint96 maxFee,bytes32 modelId,bytes32 inputHash,bytes32 contextHash,uint40 node,uint40 deadline," +
  "uint40 since,uint32 callbackGas,uint8 modeMask,uint8 status)";

export const inferenceRequests = new Interface([
  "function accept(bytes32 requestId,bytes32 keyId,uint256 latest)",
  `function fulfil(bytes32 requestId,${OPENING} opening,bytes output) returns (bool delivered)`,
  `function excuse(bytes32 requestId,${OPENING} opening)`,
  `function inferenceRequest(bytes32 requestId) view returns (${REQUEST})`,
  "function deadlineOf(bytes32 requestId) view returns (uint256)",
  "function openRequests(bytes32 nodeId,bytes32 modelId) view returns (uint256)",
  "function inferenceRegistry() view returns (address)",
  `event Requested(bytes32 indexed requestId,address indexed requester,bytes32 indexed modelId,${TERMS} terms)`,
  "event InputGiven(bytes32 indexed requestId,bytes32 salt,bytes input)",
  "event InputAt(bytes32 indexed requestId,bytes pointer)",
]);

/** `RequestStatus` of IInferenceRequests.sol, by number. */
export const STATUSES = ["None", "Open", "Accepted", "Fulfilled", "Cancelled", "TimedOut", "Excused"] as const;
export type RequestStatus = (typeof STATUSES)[number];
