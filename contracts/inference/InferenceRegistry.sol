// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Governed} from "../governance/Governed.sol";
import {IEnclaveRegistry, MeasurementState} from "../interfaces/IEnclaveRegistry.sol";
import {IInferenceRegistry} from "../interfaces/IInferenceRegistry.sol";
import {KeyState} from "../interfaces/IKeyRegistry.sol";
import {IModelRegistry, ModelState} from "../interfaces/IModelRegistry.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {
    Batch,
    Modes,
    Opening,
    ProvedBatch,
    Reason,
    Receipt,
    SignedBatch,
    SignedReceipt,
    Verification
} from "../interfaces/InferenceTypes.sol";
import {MerkleTree} from "../verification/MerkleTree.sol";
import {ReceiptLib} from "../verification/ReceiptLib.sol";
import {CompactReceipts} from "../verification/CompactReceipts.sol";
import {EvidenceRules} from "./EvidenceRules.sol";

/// @title InferenceRegistry
/// @notice See {IInferenceRegistry}, where every function, event and error is documented.
contract InferenceRegistry is EvidenceRules, Governed, EIP712, IInferenceRegistry {
    /// @notice How long a pause lasts unless it is ended early.
    uint64 public constant MAX_PAUSE = 1 days;
    /// @notice How long after a pause the guardian cannot pause again.
    uint64 public constant PAUSE_COOL_DOWN = 7 days;
    /// @notice MAX_DELAY + MAX_PAUSE: whatever was completed when closing was announced can still settle (R10).
    uint64 public constant CLOSING_NOTICE = 4 days;

    /// @dev digest of a batch, or id of a receipt settled alone → block time of settlement. The one slot a batch.
    mapping(bytes32 => uint256) private _settledAt;

    // One slot, read once a call.
    uint64 private _pausedUntil;
    uint64 private _pauseAgainFrom;
    uint64 private _closesAt;

    constructor(
        address admin_,
        address guardian_,
        INodeRegistry nodes,
        IEnclaveRegistry enclaves,
        IModelRegistry models
    ) Governed(admin_, guardian_) EvidenceRules(nodes, enclaves, models) EIP712("OpenGradient Inference", "1") {}

    // ---------------------------------------------------------------------------------------------- settlement

    /// @inheritdoc IInferenceRegistry
    function settleBatches(SignedBatch[] calldata items) external returns (uint256 settled) {
        _requireOpen();
        bytes32 domain = _domainSeparatorV4();
        for (uint256 i = 0; i < items.length; ++i) {
            SignedBatch calldata item = items[i];
            bytes32 digest = ReceiptLib.digest(domain, ReceiptLib.structHash(item.batch));
            Reason reason =
                item.batch.mode == Modes.ZKML ? Reason.ModeNeedsProof : _checkBatch(item.batch, digest, item.signature);
            if (reason == Reason.None) {
                _recordBatch(item.batch, digest);
                ++settled;
            } else {
                emit ItemSkipped(ItemKind.SignedBatch, i, reason);
            }
        }
    }

    /// @inheritdoc IInferenceRegistry
    function settleProvedBatches(ProvedBatch[] calldata items) external returns (uint256 settled) {
        _requireOpen();
        bytes32 domain = _domainSeparatorV4();
        for (uint256 i = 0; i < items.length; ++i) {
            ProvedBatch calldata item = items[i];
            bytes32 digest = ReceiptLib.digest(domain, ReceiptLib.structHash(item.batch));
            Reason reason = _checkProvedBatch(item, digest, i);
            if (reason == Reason.None) {
                _recordBatch(item.batch, digest);
                ++settled;
            } else {
                emit ItemSkipped(ItemKind.ProvedBatch, i, reason);
            }
        }
    }

    /// @inheritdoc IInferenceRegistry
    function settleReceipts(SignedReceipt[] calldata items) external returns (uint256 settled) {
        _requireOpen();
        bytes32 domain = _domainSeparatorV4();
        for (uint256 i = 0; i < items.length; ++i) {
            SignedReceipt calldata item = items[i];
            bytes32 id = ReceiptLib.digest(domain, ReceiptLib.structHash(item.receipt));
            Reason reason = _checkReceipt(item, id, i);
            if (reason == Reason.None) {
                Receipt calldata receipt = item.receipt;
                _settledAt[id] = block.timestamp;
                emit ReceiptSettled(id, receipt.requestId, receipt.keyId, receipt.modelId, receipt.mode);
                ++settled;
            } else {
                emit ItemSkipped(ItemKind.SignedReceipt, i, reason);
            }
        }
    }

    function _recordBatch(Batch calldata batch, bytes32 digest) private {
        _settledAt[digest] = block.timestamp;
        emit BatchSettled(digest, batch.keyId, batch.mode, batch.root, batch.count, batch.dataHash, batch.settler);
    }

    /// @dev What every batch must show. The times of its receipts are unknown here; opening checks them.
    function _checkBatch(
        Batch calldata batch,
        bytes32 digest,
        bytes calldata signature
    ) private view returns (Reason reason) {
        (, reason) = _checkBatchOfKey(batch, digest, signature);
    }

    function _checkBatchOfKey(
        Batch calldata batch,
        bytes32 digest,
        bytes calldata signature
    ) private view returns (KeyState memory key, Reason reason) {
        if (batch.count == 0) return (key, Reason.EmptyBatch);
        if (_settledAt[digest] != 0) return (key, Reason.AlreadySettled);
        return _checkSignature(batch.keyId, batch.mode, digest, signature);
    }

    function _checkProvedBatch(ProvedBatch calldata item, bytes32 digest, uint256 place) private view returns (Reason) {
        Batch calldata batch = item.batch;
        if (batch.mode != Modes.ZKML) return batch.mode > Modes.TEE ? Reason.UnknownMode : Reason.ModeMismatch;
        (KeyState memory key, Reason reason) = _checkBatchOfKey(batch, digest, item.signature);
        if (reason != Reason.None) return reason;
        if (item.receipts.length != uint256(batch.count) * CompactReceipts.SIZE) return Reason.CountMismatch;

        IProofVerifier verifier;
        (verifier, reason) = _verifierFor(item.modelId);
        if (reason != Reason.None) return reason;

        bytes32[] memory receiptIds;
        (receiptIds, reason) = _provedReceiptIds(item, key, verifier, place);
        if (reason != Reason.None) return reason;
        reason = _verifyProofs(verifier, item.modelId, receiptIds, item.evidence, place);
        if (reason != Reason.None) return reason;
        return MerkleTree.rootInPlace(receiptIds) == batch.root ? Reason.None : Reason.RootMismatch;
    }

    /// @dev The receipt ids that proofs and compact receipts amount to together.
    function _provedReceiptIds(
        ProvedBatch calldata item,
        KeyState memory key,
        IProofVerifier verifier,
        uint256 place
    ) private view returns (bytes32[] memory ids, Reason reason) {
        bytes32[] memory inputs;
        bytes32[] memory outputs;
        (inputs, outputs, reason) = _hashes(verifier, item.modelId, item.evidence, place);
        if (reason != Reason.None) return (ids, reason);
        if (inputs.length != item.batch.count || outputs.length != item.batch.count) return (ids, Reason.CountMismatch);

        uint64 oldest;
        uint64 newest;
        (ids, oldest, newest) = CompactReceipts.receiptIds(
            item.receipts,
            item.batch.keyId,
            item.modelId,
            inputs,
            outputs,
            _domainSeparatorV4()
        );
        // If the two ends of the span hold, all between do.
        reason = _checkTimes(oldest, block.timestamp, key);
        if (reason == Reason.None) reason = _checkTimes(newest, block.timestamp, key);
    }

    function _checkReceipt(
        SignedReceipt calldata item,
        bytes32 id,
        uint256 place
    ) private view returns (Reason reason) {
        Receipt calldata receipt = item.receipt;
        if (_settledAt[id] != 0) return Reason.AlreadySettled;
        uint8 mode = receipt.mode;
        KeyState memory key;
        (key, reason) = _checkSignature(receipt.keyId, mode, id, item.signature);
        if (reason != Reason.None) return reason;
        reason = _checkTimes(receipt.completedAt, block.timestamp, key);
        if (reason != Reason.None) return reason;
        reason = _checkOutputScheme(receipt.outputScheme, mode);
        if (reason != Reason.None) return reason;

        if (mode == Modes.ZKML) return _checkSingleProof(item, id, place);
        reason = _checkModel(modelRegistry.modelState(receipt.modelId, mode), mode);
        if (reason == Reason.None && mode == Modes.TEE) {
            (, MeasurementState memory measurement) = enclaveRegistry.enclaveState(receipt.keyId, receipt.modelId);
            reason = _checkApproval(measurement, receipt.completedAt);
        }
    }

    function _checkSingleProof(
        SignedReceipt calldata item,
        bytes32 id,
        uint256 place
    ) private view returns (Reason reason) {
        Receipt calldata receipt = item.receipt;
        IProofVerifier verifier;
        (verifier, reason) = _verifierFor(receipt.modelId);
        if (reason != Reason.None) return reason;
        bytes32[] memory inputs;
        bytes32[] memory outputs;
        (inputs, outputs, reason) = _hashes(verifier, receipt.modelId, item.evidence, place);
        if (reason != Reason.None) return reason;
        if (inputs.length != 1 || outputs.length != 1) return Reason.CountMismatch;
        if (inputs[0] != receipt.inputHash || outputs[0] != receipt.outputHash) return Reason.SignalMismatch;
        // The array is ours to reuse.
        inputs[0] = id;
        return _verifyProofs(verifier, receipt.modelId, inputs, item.evidence, place);
    }

    /// @dev The verifier a model version is pinned to, if proofs for it are taken now.
    function _verifierFor(bytes32 modelId) private view returns (IProofVerifier, Reason reason) {
        ModelState memory model = modelRegistry.modelState(modelId, Modes.ZKML);
        reason = _checkModel(model, Modes.ZKML);
        if (reason == Reason.None && block.timestamp >= model.verifierDistrustedFrom)
            reason = Reason.VerifierDistrusted;
        return (IProofVerifier(model.verifier), reason);
    }

    function _hashes(
        IProofVerifier verifier,
        bytes32 modelId,
        bytes calldata evidence,
        uint256 place
    ) private view returns (bytes32[] memory, bytes32[] memory, Reason) {
        try verifier.hashes(modelId, evidence) returns (bytes32[] memory inputs, bytes32[] memory outputs) {
            return (inputs, outputs, Reason.None);
        } catch (bytes memory problem) {
            _requireEnoughGas(problem, place);
            return (new bytes32[](0), new bytes32[](0), Reason.MalformedEvidence);
        }
    }

    function _verifyProofs(
        IProofVerifier verifier,
        bytes32 modelId,
        bytes32[] memory receiptIds,
        bytes calldata evidence,
        uint256 place
    ) private view returns (Reason) {
        try verifier.verify(modelId, receiptIds, evidence) returns (bool valid) {
            return valid ? Reason.None : Reason.InvalidProof;
        } catch (bytes memory problem) {
            _requireEnoughGas(problem, place);
            return Reason.MalformedEvidence;
        }
    }

    /// @dev An approved verifier always says why it reverts. Silence, or its own word for it, means that the call ran
    /// out of gas, and then nothing is known about the item: whoever sent too little must not get it skipped (R2).
    function _requireEnoughGas(bytes memory problem, uint256 place) private pure {
        if (problem.length < 4 || bytes4(problem) == IProofVerifier.ProofVerifier_OutOfGas.selector)
            revert InferenceRegistry_OutOfGas(place);
    }

    /// @dev Low s only, and never the zero address.
    function _checkSignature(
        bytes32 keyId,
        uint8 mode,
        bytes32 digest,
        bytes calldata signature
    ) private view returns (KeyState memory key, Reason reason) {
        if (mode > Modes.TEE) return (key, Reason.UnknownMode);
        address signer;
        (signer, key) = _keysFor(mode).signingKey(keyId);
        reason = _checkKey(key, mode);
        if (reason != Reason.None) return (key, reason);
        (address recovered, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (problem != ECDSA.RecoverError.NoError || recovered != signer) return (key, Reason.BadSignature);
        if (block.timestamp >= key.distrustedFrom) reason = Reason.KeyDistrusted;
    }

    // ------------------------------------------------------------------------------------------------- opening

    /// @inheritdoc IInferenceRegistry
    function verification(Opening calldata opening) external view returns (Verification memory result) {
        Receipt calldata receipt = opening.receipt;
        bytes32 domain = _domainSeparatorV4();
        result.receiptId = ReceiptLib.digest(domain, ReceiptLib.structHash(receipt));
        result.mode = receipt.mode;
        uint256 at;
        (at, result.reason) = _locate(opening.batch, receipt, opening.index, opening.proof, result.receiptId, domain);
        result.settledAt = uint64(at);
        if (result.reason == Reason.None) _judge(receipt, result);
        result.verified = result.reason == Reason.None;
    }

    /// @inheritdoc IInferenceRegistry
    function settledReceipt(
        Batch calldata batch,
        Receipt calldata receipt,
        uint256 index,
        bytes32[] calldata proof
    ) external view returns (bytes32 nodeId, uint256 settledAt_, Reason reason) {
        bytes32 domain = _domainSeparatorV4();
        bytes32 id = ReceiptLib.digest(domain, ReceiptLib.structHash(receipt));
        (settledAt_, reason) = _locate(batch, receipt, index, proof, id, domain);
        if (reason != Reason.None) return (nodeId, settledAt_, reason);
        KeyState memory key;
        ModelState memory model;
        MeasurementState memory measurement;
        _readEvidence(receipt.keyId, receipt.modelId, receipt.mode, key, model, measurement);
        return (key.nodeId, settledAt_, _verdict(receipt, settledAt_, key, model, measurement));
    }

    /// @inheritdoc IInferenceRegistry
    function settledReceipts(
        Batch calldata batch,
        Receipt[] calldata receipts,
        uint32[] calldata indices,
        bytes32[] calldata proof
    ) external view returns (bytes32 nodeId, uint64[] memory settledAts, Reason[] memory reasons) {
        uint256 length = receipts.length;
        if (length == 0) revert InferenceRegistry_NoReceipts();
        settledAts = new uint64[](length);
        reasons = new Reason[](length);
        bytes32[] memory ids = _receiptIds(receipts);
        if (batch.count == 0) {
            for (uint256 i = 0; i < length; ++i) {
                settledAts[i] = uint64(_settledAt[ids[i]]);
                if (settledAts[i] == 0) reasons[i] = Reason.NotSettled;
            }
        } else {
            (uint64 at, Reason reason) = _locateMany(batch, ids, indices, proof);
            for (uint256 i = 0; i < length; ++i) (settledAts[i], reasons[i]) = (at, reason);
        }
        nodeId = _verdicts(batch, receipts, settledAts, reasons);
    }

    /// @dev Finds the slot a receipt rests on. A batch of count 0 names the receipt's own: no such batch settles.
    function _locate(
        Batch calldata batch,
        Receipt calldata receipt,
        uint256 index,
        bytes32[] calldata proof,
        bytes32 id,
        bytes32 domain
    ) private view returns (uint256 settledAt_, Reason) {
        uint256 count;
        assembly ("memory-safe") {
            // Whoever asks has not read it yet, and a digest refuses it where it is no count.
            count := calldataload(add(batch, 0x60))
        }
        if (count == 0) {
            settledAt_ = _settledAt[id];
            return (settledAt_, settledAt_ == 0 ? Reason.NotSettled : Reason.None);
        }
        settledAt_ = _settledAt[ReceiptLib.digest(domain, ReceiptLib.structHash(batch))];
        if (settledAt_ == 0) return (0, Reason.NotSettled);
        if (index >= count) return (0, Reason.IndexOutOfRange);
        (bytes32 root, bool wellFormed) = MerkleTree.rootFromProof(id, index, count, proof);
        if (!wellFormed) return (0, Reason.ProofLengthMismatch);
        if (root != batch.root) return (0, Reason.NotInBatch);
        // A key may have signed a root over leaves that are not its own.
        if (receipt.keyId != batch.keyId) return (settledAt_, Reason.KeyMismatch);
        if (receipt.mode != batch.mode) return (settledAt_, Reason.ModeMismatch);
        return (settledAt_, Reason.None);
    }

    /// @dev The same for receipts of one batch together; consumes their ids.
    function _locateMany(
        Batch calldata batch,
        bytes32[] memory ids,
        uint32[] calldata indices,
        bytes32[] calldata proof
    ) private view returns (uint64 settledAt_, Reason) {
        settledAt_ = uint64(_settledAt[ReceiptLib.digest(_domainSeparatorV4(), ReceiptLib.structHash(batch))]);
        if (settledAt_ == 0) return (0, Reason.NotSettled);
        (bytes32 root, bool wellFormed) = MerkleTree.rootFromMultiproof(ids, indices, batch.count, proof);
        if (!wellFormed) return (0, Reason.ProofLengthMismatch);
        return root == batch.root ? (settledAt_, Reason.None) : (uint64(0), Reason.NotInBatch);
    }

    function _receiptIds(Receipt[] calldata receipts) private view returns (bytes32[] memory ids) {
        bytes32 domain = _domainSeparatorV4();
        ids = new bytes32[](receipts.length);
        for (uint256 i = 0; i < receipts.length; ++i)
            ids[i] = ReceiptLib.digest(domain, ReceiptLib.structHash(receipts[i]));
    }

    /// @dev What the keys and model versions say of receipts that were found.
    function _verdicts(
        Batch calldata batch,
        Receipt[] calldata receipts,
        uint64[] memory settledAts,
        Reason[] memory reasons
    ) private view returns (bytes32 nodeId) {
        bytes32 keyId = batch.keyId;
        bytes32 modelId = receipts[0].modelId;
        uint8 mode = batch.mode;
        KeyState memory key;
        ModelState memory model;
        MeasurementState memory measurement;
        _readEvidence(keyId, modelId, mode, key, model, measurement);
        nodeId = key.nodeId;
        for (uint256 i = 0; i < receipts.length; ++i) {
            if (reasons[i] != Reason.None) continue;
            Receipt calldata receipt = receipts[i];
            // A key may have signed a root over leaves that are not its own.
            if (receipt.keyId != keyId) {
                reasons[i] = Reason.KeyMismatch;
            } else if (receipt.mode != mode) {
                reasons[i] = Reason.ModeMismatch;
            } else {
                if (receipt.modelId != modelId) {
                    modelId = receipt.modelId;
                    _readEvidence(keyId, modelId, mode, key, model, measurement);
                }
                reasons[i] = _verdict(receipt, settledAts[i], key, model, measurement);
            }
        }
    }

    /// @dev R4 over everything a receipt rests on.
    function _judge(Receipt calldata receipt, Verification memory result) private view {
        uint8 mode = receipt.mode;
        KeyState memory key;
        ModelState memory model;
        MeasurementState memory measurement;
        _readEvidence(receipt.keyId, receipt.modelId, mode, key, model, measurement);
        result.reason = _checkEvidence(receipt, result.settledAt, key, model, measurement);
        if (result.reason != Reason.None) return;
        Reason distrust = _checkDistrust(key, model, measurement, mode, result.settledAt);
        Reason freeze = _checkFreeze(key, model, measurement, mode);
        result.distrusted = distrust != Reason.None;
        result.frozen = freeze != Reason.None;
        result.reason = result.distrusted ? distrust : freeze;
    }

    /// @dev The reason of {_judge} alone, for whoever asks for no more.
    function _verdict(
        Receipt calldata receipt,
        uint256 settledAt_,
        KeyState memory key,
        ModelState memory model,
        MeasurementState memory measurement
    ) private view returns (Reason reason) {
        reason = _checkEvidence(receipt, settledAt_, key, model, measurement);
        if (reason != Reason.None) return reason;
        uint8 mode = receipt.mode;
        reason = _checkDistrust(key, model, measurement, mode, settledAt_);
        if (reason == Reason.None) reason = _checkFreeze(key, model, measurement, mode);
    }

    /// @inheritdoc IInferenceRegistry
    function settledAt(bytes32 digestOrReceiptId) external view returns (uint64) {
        return uint64(_settledAt[digestOrReceiptId]);
    }

    /// @inheritdoc IInferenceRegistry
    function receiptId(Receipt calldata receipt) external view returns (bytes32) {
        return ReceiptLib.digest(_domainSeparatorV4(), ReceiptLib.structHash(receipt));
    }

    /// @inheritdoc IInferenceRegistry
    function batchDigest(Batch calldata batch) external view returns (bytes32) {
        return ReceiptLib.digest(_domainSeparatorV4(), ReceiptLib.structHash(batch));
    }

    /// @inheritdoc IInferenceRegistry
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    // -------------------------------------------------------------------------------------- bounded powers (R8)

    /// @inheritdoc IInferenceRegistry
    function settlementStatus() external view returns (uint64 pausedUntil, uint64 closesAt) {
        return (_pausedUntil, _closesAt);
    }

    /// @inheritdoc IInferenceRegistry
    function pause() external {
        if (msg.sender != guardian) revert InferenceRegistry_NotAllowed(msg.sender);
        if (block.timestamp < _pauseAgainFrom) revert InferenceRegistry_CoolingDown(_pauseAgainFrom);
        uint64 until = uint64(block.timestamp) + MAX_PAUSE;
        _pausedUntil = until;
        _pauseAgainFrom = until + PAUSE_COOL_DOWN;
        emit SettlementPaused(until);
    }

    /// @inheritdoc IInferenceRegistry
    function resume() external {
        if (msg.sender != guardian && msg.sender != admin) revert InferenceRegistry_NotAllowed(msg.sender);
        if (block.timestamp >= _pausedUntil) revert InferenceRegistry_NotPaused();
        _pausedUntil = uint64(block.timestamp);
        // Ending early buys no earlier next pause: the cool-down stays as it was set.
        emit SettlementResumed();
    }

    /// @inheritdoc IInferenceRegistry
    function announceClosing() external {
        if (msg.sender != admin) revert InferenceRegistry_NotAllowed(msg.sender);
        if (_closesAt != 0) revert InferenceRegistry_ClosingAlreadyAnnounced(_closesAt);
        _closesAt = uint64(block.timestamp) + CLOSING_NOTICE;
        emit ClosingAnnounced(_closesAt);
    }

    function _requireOpen() private view {
        if (block.timestamp < _pausedUntil) revert InferenceRegistry_Paused(_pausedUntil);
        if (_closesAt != 0 && block.timestamp >= _closesAt) revert InferenceRegistry_Closed(_closesAt);
    }
}
