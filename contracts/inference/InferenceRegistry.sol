// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Governed} from "../governance/Governed.sol";
import {IEnclaveRegistry} from "../interfaces/IEnclaveRegistry.sol";
import {IInferenceRegistry} from "../interfaces/IInferenceRegistry.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
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
import {StandingLayout} from "../registry/StandingLayout.sol";
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
            Reason reason = Reason.ModeNeedsProof;
            if (item.batch.mode != Modes.ZKML) (, reason) = _checkBatch(item.batch, digest, item.signature);
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
    ) private view returns (uint256 key, Reason reason) {
        if (batch.count == 0) return (key, Reason.EmptyBatch);
        if (_settledAt[digest] != 0) return (key, Reason.AlreadySettled);
        return _checkSignature(batch.keyId, batch.mode, digest, signature);
    }

    function _checkProvedBatch(ProvedBatch calldata item, bytes32 digest, uint256 place) private view returns (Reason) {
        Batch calldata batch = item.batch;
        if (batch.mode != Modes.ZKML) return batch.mode > Modes.TEE ? Reason.UnknownMode : Reason.ModeMismatch;
        (uint256 key, Reason reason) = _checkBatch(batch, digest, item.signature);
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
        uint256 key,
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
        uint256 key;
        (key, reason) = _checkSignature(receipt.keyId, mode, id, item.signature);
        if (reason != Reason.None) return reason;
        reason = _checkTimes(receipt.completedAt, block.timestamp, key);
        if (reason != Reason.None) return reason;
        reason = _checkOutputScheme(receipt.outputScheme, mode);
        if (reason != Reason.None) return reason;

        if (mode == Modes.ZKML) return _checkSingleProof(item, id, place);
        (uint256 model, uint256 verifier) = modelRegistry.packedModelState(receipt.modelId, mode);
        reason = _checkModel(model, mode);
        if (reason == Reason.None) reason = _checkModelAt(model, verifier, block.timestamp);
        if (reason == Reason.None && mode == Modes.TEE) {
            (, uint256 approval, ) = enclaveRegistry.packedEnclaveState(receipt.keyId, receipt.modelId);
            reason = _checkApproval(approval, receipt.completedAt);
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
        (uint256 model, uint256 verifier) = modelRegistry.packedModelState(modelId, Modes.ZKML);
        reason = _checkModel(model, Modes.ZKML);
        if (reason == Reason.None) reason = _checkModelAt(model, verifier, block.timestamp);
        if (reason == Reason.None && block.timestamp >= uint40(verifier >> StandingLayout.DISTRUSTED_FROM))
            reason = Reason.VerifierDistrusted;
        return (IProofVerifier(address(uint160(model >> StandingLayout.MODEL_VERIFIER))), reason);
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
    ) private view returns (uint256 key, Reason reason) {
        if (mode > Modes.TEE) return (key, Reason.UnknownMode);
        address signer;
        (signer, key) = _keysFor(mode).packedSigningKey(keyId);
        reason = _checkKey(key, mode);
        if (reason != Reason.None) return (key, reason);
        (address recovered, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (problem != ECDSA.RecoverError.NoError || recovered != signer) return (key, Reason.BadSignature);
        if (block.timestamp >= uint40(key >> StandingLayout.DISTRUSTED_FROM)) reason = Reason.KeyDistrusted;
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
        Evidence memory found;
        _readEvidence(receipt.keyId, receipt.modelId, _modeOf(receipt), found);
        return (_nodeOf(found), settledAt_, _verdict(receipt, settledAt_, found));
    }

    /// @inheritdoc IInferenceRegistry
    function settledReceipts(
        Batch calldata batch,
        Receipt[] calldata receipts,
        uint32[] calldata indices,
        bytes32[] calldata proof
    ) external view returns (bytes32, uint64[] memory, Reason[] memory) {
        if (receipts.length == 0) revert InferenceRegistry_NoReceipts();
        (uint256[] memory settledAts, uint256[] memory reasons) = _newAnswer(receipts.length);
        if (batch.count == 0) _locateAlone(receipts, settledAts, reasons);
        else _locateMany(batch, receipts, indices, proof, settledAts, reasons);
        bytes32 nodeId = _verdicts(batch, receipts, settledAts, reasons);
        assembly ("memory-safe") {
            // The answer is in memory as it is to be encoded.
            let answer := sub(settledAts, 0x60)
            mstore(answer, nodeId)
            return(answer, add(0xa0, shl(6, mload(reasons))))
        }
    }

    /// @dev Room for the answer of {settledReceipts}, encoded: a node, two offsets, two arrays of zeros.
    function _newAnswer(uint256 length) private pure returns (uint256[] memory settledAts, uint256[] memory reasons) {
        assembly ("memory-safe") {
            let answer := mload(0x40)
            let size := add(0xa0, shl(6, length))
            mstore(0x40, add(answer, size))
            // Beyond the calldata's end is nothing but zeros.
            calldatacopy(answer, calldatasize(), size)
            settledAts := add(answer, 0x60)
            reasons := add(settledAts, add(0x20, shl(5, length)))
            mstore(add(answer, 0x20), 0x60)
            mstore(add(answer, 0x40), sub(reasons, answer))
            mstore(settledAts, length)
            mstore(reasons, length)
        }
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
        bool sameMode;
        assembly ("memory-safe") {
            // Whoever asks has not read them yet, and a digest refuses them where they are none.
            count := calldataload(add(batch, 0x60))
            sameMode := eq(calldataload(add(batch, 0x20)), calldataload(add(receipt, 0x160)))
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
        return (settledAt_, sameMode ? Reason.None : Reason.ModeMismatch);
    }

    /// @dev The same for receipts that settled one by one.
    function _locateAlone(
        Receipt[] calldata receipts,
        uint256[] memory settledAts,
        uint256[] memory reasons
    ) private view {
        bytes32[] memory ids = ReceiptLib.digests(_domainSeparatorV4(), receipts);
        for (uint256 i = 0; i < ids.length; ++i) {
            settledAts[i] = _settledAt[ids[i]];
            if (settledAts[i] == 0) reasons[i] = uint256(Reason.NotSettled);
        }
    }

    /// @dev The same for receipts of one batch together: what is said of one is said of all.
    function _locateMany(
        Batch calldata batch,
        Receipt[] calldata receipts,
        uint32[] calldata indices,
        bytes32[] calldata proof,
        uint256[] memory settledAts,
        uint256[] memory reasons
    ) private view {
        bytes32[] memory ids = ReceiptLib.digests(_domainSeparatorV4(), receipts);
        uint256 at = _settledAt[ReceiptLib.digest(_domainSeparatorV4(), ReceiptLib.structHash(batch))];
        Reason reason = at == 0 ? Reason.NotSettled : _compareRoot(batch, ids, indices, proof);
        assembly ("memory-safe") {
            for {
                let place := shl(5, mload(reasons))
            } place {
                place := sub(place, 0x20)
            } {
                mstore(add(settledAts, place), at)
                mstore(add(reasons, place), reason)
            }
        }
    }

    function _compareRoot(
        Batch calldata batch,
        bytes32[] memory ids,
        uint32[] calldata indices,
        bytes32[] calldata proof
    ) private pure returns (Reason) {
        (bytes32 root, bool wellFormed) = MerkleTree.rootFromMultiproof(ids, indices, batch.count, proof);
        if (!wellFormed) return Reason.ProofLengthMismatch;
        return root == batch.root ? Reason.None : Reason.NotInBatch;
    }

    /// @dev What of a receipt that passed tells whether another passes: of the same key, mode, model version, scheme and
    /// settlement, and completed between two that passed.
    struct Passed {
        uint256 settledAt;
        bytes32 modelId;
        uint256 scheme;
        uint256 first;
        uint256 last;
    }

    /// @dev What the keys and model versions say of receipts that were found.
    function _verdicts(
        Batch calldata batch,
        Receipt[] calldata receipts,
        uint256[] memory settledAts,
        uint256[] memory reasons
    ) private view returns (bytes32 nodeId) {
        bytes32 modelId = receipts[0].modelId;
        Evidence memory found;
        _readEvidence(batch.keyId, modelId, batch.mode, found);
        nodeId = _nodeOf(found);
        Passed memory passed;
        for (uint256 i = 0; i < receipts.length; ++i) {
            Receipt calldata receipt = receipts[i];
            uint256 at = settledAts[i];
            if (reasons[i] != 0 || _passes(receipt, batch, at, passed)) continue;
            // A key may have signed a root over leaves that are not its own.
            if (receipt.keyId != batch.keyId) {
                reasons[i] = uint256(Reason.KeyMismatch);
            } else if (receipt.mode != batch.mode) {
                reasons[i] = uint256(Reason.ModeMismatch);
            } else {
                if (receipt.modelId != modelId) {
                    modelId = receipt.modelId;
                    _readEvidence(batch.keyId, modelId, batch.mode, found);
                }
                Reason reason = _verdict(receipt, at, found);
                if (reason == Reason.None) _remember(receipt, at, passed);
                else reasons[i] = uint256(reason);
            }
        }
    }

    /// @dev True if the receipts that passed tell that this one does. Every rule holds for a span of completion times,
    /// without gaps, and of a receipt asks for nothing beyond what is compared here.
    function _passes(
        Receipt calldata receipt,
        Batch calldata batch,
        uint256 settledAt_,
        Passed memory passed
    ) private pure returns (bool yes) {
        assembly ("memory-safe") {
            let differs := or(
                or(
                    xor(calldataload(add(receipt, 0xc0)), calldataload(batch)),
                    xor(calldataload(add(receipt, 0x160)), calldataload(add(batch, 0x20)))
                ),
                or(
                    or(xor(settledAt_, mload(passed)), xor(calldataload(add(receipt, 0x20)), mload(add(passed, 0x20)))),
                    xor(calldataload(add(receipt, 0x80)), mload(add(passed, 0x40)))
                )
            )
            let completedAt := calldataload(add(receipt, 0x140))
            yes := iszero(
                or(differs, or(lt(completedAt, mload(add(passed, 0x60))), gt(completedAt, mload(add(passed, 0x80)))))
            )
        }
    }

    function _remember(Receipt calldata receipt, uint256 settledAt_, Passed memory passed) private pure {
        (bytes32 modelId, uint256 scheme, uint256 completedAt) = (
            receipt.modelId,
            receipt.outputScheme,
            receipt.completedAt
        );
        bool another = passed.settledAt != settledAt_ || passed.modelId != modelId || passed.scheme != scheme;
        if (another) (passed.settledAt, passed.modelId, passed.scheme) = (settledAt_, modelId, scheme);
        if (another || completedAt < passed.first) passed.first = completedAt;
        if (another || completedAt > passed.last) passed.last = completedAt;
    }

    /// @dev R4 over everything a receipt rests on.
    function _judge(Receipt calldata receipt, Verification memory result) private view {
        uint256 mode = _modeOf(receipt);
        Evidence memory found;
        _readEvidence(receipt.keyId, receipt.modelId, mode, found);
        result.reason = _checkEvidence(receipt, result.settledAt, found);
        if (result.reason != Reason.None) return;
        Reason distrust = _checkDistrust(found, mode, result.settledAt);
        Reason freeze = _checkFreeze(found, mode);
        result.distrusted = distrust != Reason.None && distrust != Reason.ConsentWithdrawn;
        result.frozen = freeze != Reason.None;
        result.reason = distrust == Reason.None ? freeze : distrust;
    }

    /// @dev The reason of {_judge} alone, for whoever asks for no more.
    function _verdict(
        Receipt calldata receipt,
        uint256 settledAt_,
        Evidence memory found
    ) private view returns (Reason reason) {
        reason = _checkEvidence(receipt, settledAt_, found);
        if (reason != Reason.None) return reason;
        uint256 mode = _modeOf(receipt);
        reason = _checkDistrust(found, mode, settledAt_);
        if (reason == Reason.None) reason = _checkFreeze(found, mode);
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
