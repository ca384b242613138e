// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @dev The words of the protocol. Formats and rules: docs/protocol.md.

/// @notice How an answer is evidenced. Names, not ranks: never compare them with `<`; a policy is a bit mask of
/// `1 << mode`. The numbers are the OpenGradient network's own.
library Modes {
    /// @notice Signature of a staked node's operator key: a signed record, not a proof.
    uint8 internal constant VANILLA = 0;
    /// @notice The operator's signature and a zero-knowledge proof. A proof says f(x) = y, never that x is true.
    uint8 internal constant ZKML = 1;
    /// @notice Signature of an enclave key whose attestation the chain verified.
    uint8 internal constant TEE = 2;
    /// @notice All modes there are, as a mask.
    uint8 internal constant ALL = 7;
}

/// @notice Kinds of signing key; part of every key id.
library KeyKinds {
    /// @notice A node operator's secp256k1 key; public key 64 bytes x ‖ y.
    uint8 internal constant OPERATOR = 0;
    /// @notice An enclave's secp256k1 key; public key 64 bytes x ‖ y.
    uint8 internal constant ENCLAVE_SECP256K1 = 1;
    /// @notice An enclave's RSA-2048 key; public key as DER SubjectPublicKeyInfo. Signs no receipt and no batch.
    uint8 internal constant ENCLAVE_RSA = 2;
}

/// @notice How `outputHash` commits to the answer (R6).
library OutputSchemes {
    /// @notice Hash over a tagged, ordered list of {Artifact}.
    uint8 internal constant ARTIFACTS = 0;
    /// @notice keccak256 of the text alone, as OpenGradient hashes it. Images are not covered.
    uint8 internal constant TEXT = 1;
    /// @notice Circuit outputs, computed by the proof verifier from its signals.
    uint8 internal constant CIRCUIT = 2;
}

/// @notice One piece of an answer under output scheme 0.
/// @param kind 0 text, 1 tool calls, 2 image, 3 file.
/// @param mediaType For example `text/plain`.
/// @param hash keccak256 of the bytes.
struct Artifact {
    uint8 kind;
    string mediaType;
    bytes32 hash;
}

/// @notice A signed statement of which model ran, on what input, with what output, by whom, for which payer.
/// @dev Its EIP-712 digest, domain included, is the receipt id: the only leaf, binding and replay key (R9).
/// @param requestId One id shared by payment, answer and proof (R5).
/// @param modelId One immutable model version in the `ModelRegistry`.
/// @param inputHash What was asked.
/// @param outputHash Everything that was answered.
/// @param outputScheme One of {OutputSchemes}.
/// @param contextHash The memory snapshot the answer was computed with; zero where none.
/// @param keyId The signing key; its node never changes.
/// @param payer Who pays.
/// @param sequence Place in the payment channel; 0 where no channel is used.
/// @param cumulativeFee Channel total after this receipt; with sequence 0 the fee of this request alone. OPG base units.
/// @param completedAt Unix seconds.
/// @param mode One of {Modes}.
struct Receipt {
    bytes32 requestId;
    bytes32 modelId;
    bytes32 inputHash;
    bytes32 outputHash;
    uint8 outputScheme;
    bytes32 contextHash;
    bytes32 keyId;
    address payer;
    uint64 sequence;
    uint128 cumulativeFee;
    uint64 completedAt;
    uint8 mode;
}

/// @notice Many receipts of one key under one signature. Identified by its EIP-712 digest; settles once (R9).
/// @param keyId The signing key of the batch and of every receipt in it.
/// @param mode Mode of every receipt in it.
/// @param root Merkle root over the receipt ids (see `MerkleTree`).
/// @param count Number of leaves.
/// @param dataHash Names the published leaves: a claim, not evidence of availability.
/// @param settler Who receives the settler's share of fees, so that copying a submission earns nothing.
struct Batch {
    bytes32 keyId;
    uint8 mode;
    bytes32 root;
    uint32 count;
    bytes32 dataHash;
    address settler;
}

/// @notice A batch whose signature is the whole evidence (VANILLA, TEE).
/// @param signature 65 bytes r ‖ s ‖ v over the batch digest, low s.
struct SignedBatch {
    Batch batch;
    bytes signature;
}

/// @notice A batch whose every receipt is proved (ZKML): one key, one model version.
/// @param batch `mode` is ZKML.
/// @param modelId Model version of every receipt in it.
/// @param signature 65 bytes over the batch digest: who, for whom, when, at what fee.
/// @param receipts 116 bytes each: requestId 32 ‖ contextHash 32 ‖ payer 20 ‖ sequence 8 ‖ cumulativeFee 16 ‖
/// completedAt 8. Input and output hashes follow from the proofs' signals.
/// @param evidence Proofs in the format of the model's verifier: what was computed.
struct ProvedBatch {
    Batch batch;
    bytes32 modelId;
    bytes signature;
    bytes receipts;
    bytes evidence;
}

/// @notice A receipt that settles alone.
/// @param signature 65 bytes over the receipt id.
/// @param evidence A proof for ZKML, empty otherwise.
struct SignedReceipt {
    Receipt receipt;
    bytes signature;
    bytes evidence;
}

/// @notice What a reader hands in to learn whether a receipt is settled: the chain keeps one slot a batch.
/// @param receipt The receipt.
/// @param batch The batch it settled in. A batch of count 0 says that it settled alone.
/// @param index Place of its leaf.
/// @param proof Siblings from the leaf up; a level where the node is promoted has none.
struct Opening {
    Receipt receipt;
    Batch batch;
    uint32 index;
    bytes32[] proof;
}

/// @notice Why an item was skipped at settlement, or why a receipt does not read as verified.
enum Reason {
    None,
    // The batch or receipt itself
    EmptyBatch,
    UnknownMode,
    ModeNeedsProof,
    CountMismatch,
    RootMismatch,
    UnknownOutputScheme,
    // The signing key
    UnknownKey,
    KeyForbidsMode,
    BadSignature,
    KeyDistrusted,
    KeyFrozen,
    // Time (R4)
    CompletedInFuture,
    CompletedTooLongAgo,
    OutsideKeyValidity,
    // The model version
    UnknownModel,
    ModelForbidsMode,
    ModelDistrusted,
    ModelFrozen,
    // Proofs
    VerifierDistrusted,
    VerifierFrozen,
    MalformedEvidence,
    InvalidProof,
    SignalMismatch,
    // Enclaves
    MeasurementNotApproved,
    MeasurementDistrusted,
    MeasurementFrozen,
    // The ledger
    AlreadySettled,
    NotSettled,
    IndexOutOfRange,
    ProofLengthMismatch,
    NotInBatch,
    KeyMismatch,
    ModeMismatch,
    // Data of the model version: consent of a source it requires was withdrawn
    ConsentWithdrawn
}

/// @notice The answer to "is this receipt verified?" (R3).
/// @param verified True if everything in R4 holds now and nothing involved is frozen or distrusted.
/// @param distrusted True if something involved was compromised when the receipt settled; withdrawn consent is no
/// compromise.
/// @param frozen True if something involved is frozen now; a freeze lifts by itself.
/// @param mode Mode of the receipt.
/// @param reason The first thing that stands in the way; `None` if verified.
/// @param settledAt Unix seconds of settlement; 0 if not settled.
/// @param receiptId EIP-712 digest of the receipt.
struct Verification {
    bool verified;
    bool distrusted;
    bool frozen;
    uint8 mode;
    Reason reason;
    uint64 settledAt;
    bytes32 receiptId;
}
