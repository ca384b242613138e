// SPDX-License-Identifier: MIT
import { Interface } from "ethers";

// Written out, so that a relayer starts without a compiler. A test holds every fragment against the compiled contracts.
const ANSWER = "(bytes32 requestHash,bytes32 outputHash,uint256 timestamp)";
const KEY_STATE =
  "(uint256 kind,uint256 validFrom,uint256 validUntil,uint256 distrustedFrom,uint256 frozenUntil,bytes32 nodeId)";
const MEASUREMENT_STATE = "(uint256 approvedFrom,uint256 approvedUntil,uint256 distrustedFrom,uint256 frozenUntil)";

export const gatewayAnswers = new Interface([
  `function settleAnswers(bytes[] publicKeys,(${ANSWER} answer,uint256 key,bytes signature)[] items) returns (uint256 settled)`,
  "function settledAt(bytes32 requestId) view returns (uint64)",
  "function APPROVAL() view returns (bytes32)",
  "function enclaveRegistry() view returns (address)",
  "function inferenceRegistry() view returns (address)",
  "event AnswerSettled(bytes32 indexed requestId,bytes32 indexed keyId,bytes32 requestHash,bytes32 outputHash,uint64 timestamp)",
  "event AnswerSkipped(uint256 indexed index,uint8 indexed reason)",
]);

export const enclaveHeartbeats = new Interface([
  "function heartbeat(bytes32 keyId,uint64 timestamp,bytes publicKey,bytes signature)",
  "function lastHeartbeat(bytes32 keyId) view returns (uint64)",
  "function enclaveRegistry() view returns (address)",
  "event Heartbeat(bytes32 indexed keyId,uint64 timestamp)",
]);

export const enclaveKeys = new Interface([
  `function enclaveState(bytes32 keyId,bytes32 modelId) view returns (${KEY_STATE} key,${MEASUREMENT_STATE} measurement)`,
  "event KeyAdded(bytes32 indexed keyId,bytes32 indexed nodeId,uint8 kind,address signer,uint64 validFrom,uint64 validUntil,bytes publicKey)",
]);
