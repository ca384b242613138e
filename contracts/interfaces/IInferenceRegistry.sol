// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {
    Batch,
    Opening,
    ProvedBatch,
    Reason,
    Receipt,
    SignedBatch,
    SignedReceipt,
    Verification
} from "./InferenceTypes.sol";

/// @title IInferenceRegistry
/// @notice The settled ledger: what was proven about which inference, and since when. Anyone may settle; the
/// contract checks the evidence itself (R1), so a relayer is a courier and never a judge.
interface IInferenceRegistry {
    /// @notice Which of the three settle functions an item came through.
    enum ItemKind {
        SignedBatch,
        ProvedBatch,
        SignedReceipt
    }

    /// @notice A batch settled. The fields are the whole batch, so that anyone can rebuild it from logs.
    /// @param digest EIP-712 digest of the batch: its identity.
    event BatchSettled(
        bytes32 indexed digest,
        bytes32 indexed keyId,
        uint8 indexed mode,
        bytes32 root,
        uint32 count,
        bytes32 dataHash,
        address settler
    );

    /// @notice A receipt settled alone.
    event ReceiptSettled(
        bytes32 indexed receiptId,
        bytes32 indexed requestId,
        bytes32 indexed keyId,
        bytes32 modelId,
        uint8 mode
    );

    /// @notice An item of a call was left out and harmed nothing else (R2). Names its place only: nothing that a
    /// caller chose freely is repeated as if it were verified (R1).
    event ItemSkipped(ItemKind indexed kind, uint256 indexed index, Reason indexed reason);

    /// @notice The guardian paused new settlement until `until`; reading is never paused.
    event SettlementPaused(uint64 until);

    /// @notice The pause ended early.
    event SettlementResumed();

    /// @notice Settlement ends for ever at `at`; reading does not (R10).
    event ClosingAnnounced(uint64 at);

    /// @notice This power belongs to the guardian or the admin.
    error InferenceRegistry_NotAllowed(address caller);
    /// @notice New settlement is paused until `until`.
    error InferenceRegistry_Paused(uint64 until);
    /// @notice The guardian may pause again from `from` on (R8).
    error InferenceRegistry_CoolingDown(uint64 from);
    /// @notice There is no pause to end.
    error InferenceRegistry_NotPaused();
    /// @notice This registry closed at `at`; a newer one takes settlements.
    error InferenceRegistry_Closed(uint64 at);
    /// @notice Closing was announced before, for `at`.
    error InferenceRegistry_ClosingAlreadyAnnounced(uint64 at);
    /// @notice Gas ran short inside item `index`: the whole call reverts, so that a skip cannot be forced (R2).
    error InferenceRegistry_OutOfGas(uint256 index);

    /// @notice Asked about no receipt at all.
    error InferenceRegistry_NoReceipts();

    /// @notice Settles batches whose evidence is the key's signature (VANILLA, TEE). Open to anyone (R1); a bad item
    /// is skipped with an event (R2); the same batch settles once, in any order (R9).
    /// @return settled How many items settled.
    function settleBatches(SignedBatch[] calldata items) external returns (uint256 settled);

    /// @notice Settles batches in which every receipt carries a proof (ZKML). A batch settles whole or is skipped;
    /// {IProofVerifier-invalidProofs} tells which proof is bad.
    /// @return settled How many items settled.
    function settleProvedBatches(ProvedBatch[] calldata items) external returns (uint256 settled);

    /// @notice Settles receipts one by one, each under its own signature, and for ZKML with its own proof. Whoever
    /// holds an answer can settle it, without node or relayer.
    /// @return settled How many items settled.
    function settleReceipts(SignedReceipt[] calldata items) external returns (uint256 settled);

    /// @notice Opens a receipt: verified? in which mode? since when? distrusted or frozen? and if not, why not (R3,
    /// R4). Reverts only for calldata that is no Opening at all.
    function verification(Opening calldata opening) external view returns (Verification memory);

    /// @notice What {verification} answers, for whoever needs only whose receipt it is, since when and why not: leaner.
    /// @param batch The batch it settled in; of count 0 where it settled alone.
    /// @param index Place of its leaf.
    /// @param proof Siblings from the leaf up.
    /// @return nodeId The node of the key; meaningless unless `reason` is None.
    /// @return settledAt Unix seconds of settlement; meaningless unless `reason` is None.
    /// @return reason The `reason` of {verification}: None if the receipt is verified.
    function settledReceipt(
        Batch calldata batch,
        Receipt calldata receipt,
        uint256 index,
        bytes32[] calldata proof
    ) external view returns (bytes32 nodeId, uint256 settledAt, Reason reason);

    /// @notice The same for several receipts of one key and mode, which share what can be shared: proof, key, and a
    /// model version with the receipt before. A receipt that fails its rules harms no other; one that is not in the
    /// batch fails them all, as their proof is one. Reverts for calldata that is no such call, and for no receipts.
    /// @param batch The batch they settled in. Of count 0 where each settled alone: only key and mode count then.
    /// @param indices Places of their leaves, strictly ascending; nothing where they settled alone.
    /// @param proof The siblings that do not follow from the leaves: level by level from the leaves up, from left to
    /// right in each (`MerkleTree.rootFromMultiproof`).
    /// @return nodeId The node of the key.
    /// @return settledAts Unix seconds of settlement, by receipt; meaningless unless its reason is None.
    /// @return reasons By receipt; None if it is verified. ProofLengthMismatch for indices that are no such places.
    function settledReceipts(
        Batch calldata batch,
        Receipt[] calldata receipts,
        uint32[] calldata indices,
        bytes32[] calldata proof
    ) external view returns (bytes32 nodeId, uint64[] memory settledAts, Reason[] memory reasons);

    /// @notice When a batch (by its digest) or a receipt settled alone (by its id) was settled; 0 if it was not.
    function settledAt(bytes32 digestOrReceiptId) external view returns (uint64);

    /// @notice EIP-712 digest of a receipt under this registry's domain.
    function receiptId(Receipt calldata receipt) external view returns (bytes32);

    /// @notice EIP-712 digest of a batch under this registry's domain.
    function batchDigest(Batch calldata batch) external view returns (bytes32);

    /// @notice EIP-712 domain separator of receipts and batches.
    function domainSeparator() external view returns (bytes32);

    /// @notice Until when settlement is paused (0 or past: it is not) and when it closes (0: no closing announced).
    function settlementStatus() external view returns (uint64 pausedUntil, uint64 closesAt);

    /// @notice Stops new settlement for MAX_PAUSE; it lifts itself. Guardian only; again only PAUSE_COOL_DOWN after
    /// the last pause ended (R8). A receipt younger than 2 days cannot expire by it, as MAX_DELAY is 3 days.
    function pause() external;

    /// @notice Ends a pause early. Guardian or admin.
    function resume() external;

    /// @notice Announces the end of settlement here, CLOSING_NOTICE from now, one-way. Admin only (R10).
    function announceClosing() external;
}
