// Names of the contracts' enumerations, in their order.

export const MODES = ["VANILLA", "ZKML", "TEE"];
export const ITEM_KINDS = ["SIGNED_BATCH", "PROVED_BATCH", "SIGNED_RECEIPT"];
export const NODE_KINDS = ["LOCAL_INFERENCE", "LLM_PROXY", "FULL", "DATA"];
// The contract's 0 is no node, which no event tells of.
export const NODE_STATUSES = ["RETIRED", "ACTIVE", "PAUSED", "RETIRED"];
export const KEY_KINDS = ["OPERATOR", "ENCLAVE_SECP256K1", "ENCLAVE_RSA"];
export const CERTIFICATE_ROLES = ["None", "Root", "Authority", "Enclave"];
export const FAULT_KINDS = ["EQUIVOCATION", "CHANNEL_FAULT", "FOREIGN_LEAF"];
export const ALLOCATIONS = [
  "ECOSYSTEM",
  "FOUNDATION",
  "CONTRIBUTORS",
  "INVESTORS",
  "STAKING_REWARDS",
  "LIQUIDITY",
  "AIRDROP",
];
export const VOTE_SUPPORTS = ["AGAINST", "FOR", "ABSTAIN"];
export const TWIN_FEES = ["PROTOCOL", "SUBJECT"];
export const LINK_STATUSES = ["NONE", "PROPOSED", "CONFIRMED"];

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
];

export const REFUSALS = [
  "None",
  "NotVerified",
  "OtherNode",
  "WrongSequence",
  "ModeNotAllowed",
  "BadVoucher",
  "NotOpened",
  "SessionExpired",
  "NothingDue",
  "LimitReached",
  "EscrowEmpty",
  "OtherRequest",
];
