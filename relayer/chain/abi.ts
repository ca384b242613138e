// SPDX-License-Identifier: MIT
import { Interface } from "ethers";

// Written out rather than read from build artifacts, so that a relayer starts without a compiler. A test holds every
// fragment against the compiled contracts.
const BATCH = "(bytes32 keyId,uint8 mode,bytes32 root,uint32 count,bytes32 dataHash,address settler)";
const RECEIPT =
  "(bytes32 requestId,bytes32 modelId,bytes32 inputHash,bytes32 outputHash,uint8 outputScheme,bytes32 contextHash," +
  "bytes32 keyId,address payer,uint64 sequence,uint128 cumulativeFee,uint64 completedAt,uint8 mode)";
const KEY_STATE =
  "(uint256 kind,uint256 validFrom,uint256 validUntil,uint256 distrustedFrom,uint256 frozenUntil,bytes32 nodeId)";
const MEASUREMENT_STATE = "(uint256 approvedFrom,uint256 approvedUntil,uint256 distrustedFrom,uint256 frozenUntil)";

export const inferenceRegistry = new Interface([
  `function settleBatches((${BATCH} batch,bytes signature)[] items) returns (uint256 settled)`,
  `function settleProvedBatches((${BATCH} batch,bytes32 modelId,bytes signature,bytes receipts,bytes evidence)[] items) returns (uint256 settled)`,
  `function settleReceipts((${RECEIPT} receipt,bytes signature,bytes evidence)[] items) returns (uint256 settled)`,
  `function verification((${RECEIPT} receipt,${BATCH} batch,uint32 index,bytes32[] proof) opening) view returns ((bool verified,bool distrusted,bool frozen,uint8 mode,uint8 reason,uint64 settledAt,bytes32 receiptId) result)`,
  `function settledReceipts(${BATCH} batch,${RECEIPT}[] receipts,uint32[] indices,bytes32[] proof) view returns (bytes32,uint64[],uint8[])`,
  "function settledAt(bytes32 digestOrReceiptId) view returns (uint64)",
  "function settlementStatus() view returns (uint64 pausedUntil,uint64 closesAt)",
  "function domainSeparator() view returns (bytes32)",
  "function nodeRegistry() view returns (address)",
  "function enclaveRegistry() view returns (address)",
  "function modelRegistry() view returns (address)",
  "event BatchSettled(bytes32 indexed digest,bytes32 indexed keyId,uint8 indexed mode,bytes32 root,uint32 count,bytes32 dataHash,address settler)",
  "event ReceiptSettled(bytes32 indexed receiptId,bytes32 indexed requestId,bytes32 indexed keyId,bytes32 modelId,uint8 mode)",
  "event ItemSkipped(uint8 indexed kind,uint256 indexed index,uint8 indexed reason)",
  "error InferenceRegistry_Paused(uint64 until)",
  "error InferenceRegistry_Closed(uint64 at)",
  "error InferenceRegistry_OutOfGas(uint256 index)",
]);

export const keyRegistry = new Interface([
  `function signingKey(bytes32 keyId) view returns (address signer,${KEY_STATE} state)`,
  "function nodeOf(bytes32 keyId) view returns (bytes32)",
]);

export const enclaveRegistry = new Interface([
  `function enclaveState(bytes32 keyId,bytes32 modelId) view returns (${KEY_STATE} key,${MEASUREMENT_STATE} measurement)`,
]);

export const modelRegistry = new Interface([
  "function modelState(bytes32 modelId,uint8 mode) view returns ((uint256 modes,address verifier,uint256 distrustedFrom,uint256 frozenUntil,uint256 verifierDistrustedFrom,uint256 verifierFrozenUntil) state)",
  "function blockedFrom(bytes32 modelId) view returns (uint256)",
  "function verifyingKey(bytes32 modelId) view returns (address pointer)",
]);

/** `Reason` of InferenceTypes.sol, by number. */
export const REASONS = [
  "None",
  "EmptyBatch",
  "UnknownMode",
  "ModeNeedsProof",
  "CountMismatch",
  "RootMismatch",
  "UnknownOutputScheme",
  "UnknownKey",
  "KeyForbidsMode",
  "BadSignature",
  "KeyDistrusted",
  "KeyFrozen",
  "CompletedInFuture",
  "CompletedTooLongAgo",
  "OutsideKeyValidity",
  "UnknownModel",
  "ModelForbidsMode",
  "ModelDistrusted",
  "ModelFrozen",
  "VerifierDistrusted",
  "VerifierFrozen",
  "MalformedEvidence",
  "InvalidProof",
  "SignalMismatch",
  "MeasurementNotApproved",
  "MeasurementDistrusted",
  "MeasurementFrozen",
  "AlreadySettled",
  "NotSettled",
  "IndexOutOfRange",
  "ProofLengthMismatch",
  "NotInBatch",
  "KeyMismatch",
  "ModeMismatch",
  "ConsentWithdrawn",
] as const;
export type Reason = (typeof REASONS)[number];

/** Name of a reason; a number that this release does not know stays readable. */
export function reasonName(reason: bigint | number): Reason | `Reason${number}` {
  return REASONS[Number(reason)] ?? `Reason${Number(reason)}`;
}
