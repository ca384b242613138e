// SPDX-License-Identifier: MIT
import { Interface } from "ethers";

// Written out for the reason that relayer/chain/abi.ts gives. A test holds every fragment against the compiled contract.
const COMMIT = "(bytes32 root,bytes32 previous,uint64 count,bytes32 blobId,uint64 committedAt)";
const SCOPE = "(bytes32 modelId,bytes32 nodeId,uint64 firstEntry,uint64 endEntry)";
const RECEIPT =
  "(bytes32 requestId,bytes32 modelId,bytes32 inputHash,bytes32 outputHash,uint8 outputScheme,bytes32 contextHash," +
  "bytes32 keyId,address payer,uint64 sequence,uint128 cumulativeFee,uint64 completedAt,uint8 mode)";
const CONTEXT =
  "(bytes32 memoryId,uint64 index,bytes32 root,uint64 count,uint64 firstEntry,uint64 endEntry,uint256 grantId,bytes32 salt)";

export const memoryRegistry = new Interface([
  "function commit(bytes32 label,bytes32 root,uint64 count,bytes32 blobId,bytes32[] proof) returns (bytes32 memoryId,uint64 index)",
  `function grant(bytes32 label,address reader,uint64 until,${SCOPE} scope) returns (uint256 grantId)`,
  "function revoke(bytes32 label,uint256 grantId)",
  "function memoryIdOf(address owner,bytes32 label) view returns (bytes32)",
  "function headCount(bytes32 memoryId) view returns (uint64)",
  `function heads(bytes32 memoryId,uint64 from,uint64 limit) view returns (${COMMIT}[] found)`,
  `function checkContext(${RECEIPT} receipt,${CONTEXT} context) view returns ((bool valid,uint8 reason,uint64 headFrom,uint64 headUntil,uint64 grantFrom,uint64 grantUntil) result)`,
]);

/** `ContextReason` of IMemoryRegistry.sol, by number. */
export const CONTEXT_REASONS = [
  "None",
  "HashMismatch",
  "UnknownHead",
  "BadRange",
  "NotTheHead",
  "UnknownGrant",
  "WrongReader",
  "WrongNode",
  "WrongModel",
  "OutsideScope",
  "NotInForce",
] as const;
