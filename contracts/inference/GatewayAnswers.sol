// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IEnclaveRegistry} from "../interfaces/IEnclaveRegistry.sol";
import {
    AnswerVerification,
    GatewayAnswer,
    IGatewayAnswers,
    NotCovered,
    SignedAnswer
} from "../interfaces/IGatewayAnswers.sol";
import {IInferenceRegistry} from "../interfaces/IInferenceRegistry.sol";
import {KeyKinds, Reason} from "../interfaces/InferenceTypes.sol";
import {StandingLayout as At} from "../registry/StandingLayout.sol";
import {ReceiptLib} from "../verification/ReceiptLib.sol";
import {RsaPss} from "../verification/RsaPss.sol";

/// @title GatewayAnswers
/// @notice See {IGatewayAnswers}, where every function, event and error is documented.
contract GatewayAnswers is IGatewayAnswers {
    /// @notice How far an answer's time may run ahead of the chain's clock: as for receipts.
    uint256 public constant MAX_SKEW = 5 minutes;
    /// @notice How long after its time an answer may settle: as for receipts.
    uint256 public constant MAX_DELAY = 3 days;

    /// @inheritdoc IGatewayAnswers
    bytes32 public constant APPROVAL = keccak256("OpenGradient gateway answers");

    /// @dev keccak256 of the empty text.
    bytes32 private constant EMPTY = keccak256("");

    /// @inheritdoc IGatewayAnswers
    IInferenceRegistry public immutable inferenceRegistry;
    /// @inheritdoc IGatewayAnswers
    IEnclaveRegistry public immutable enclaveRegistry;

    /// @dev A key, and what the registry says of it and of its image, as it keeps it (`StandingLayout`).
    struct Signer {
        bytes32 keyId;
        uint256 key;
        uint256 approval;
        uint256 measurement;
    }

    mapping(bytes32 requestId => uint256) private _settledAt;

    constructor(IInferenceRegistry registry, IEnclaveRegistry enclaves) {
        if (address(registry) == address(0) || address(enclaves) == address(0)) revert GatewayAnswers_ZeroAddress();
        inferenceRegistry = registry;
        enclaveRegistry = enclaves;
    }

    // ---------------------------------------------------------------------------------------------- settlement

    /// @inheritdoc IGatewayAnswers
    function settleAnswers(
        bytes[] calldata publicKeys,
        SignedAnswer[] calldata items
    ) external returns (uint256 settled) {
        _requireOpen();
        Signer[] memory signers = new Signer[](publicKeys.length);
        for (uint256 i = 0; i < publicKeys.length; ++i) {
            signers[i] = _signer(ReceiptLib.keyId(KeyKinds.ENCLAVE_RSA, publicKeys[i]));
        }
        for (uint256 i = 0; i < items.length; ++i) {
            SignedAnswer calldata item = items[i];
            Reason reason = Reason.UnknownKey;
            if (item.key < signers.length)
                (, reason) = _settle(signers[item.key], publicKeys[item.key], item.answer, item.signature);
            if (reason == Reason.None) ++settled;
            else emit AnswerSkipped(i, reason);
        }
    }

    /// @inheritdoc IGatewayAnswers
    function settleIndividual(
        bytes32 teeId,
        bytes32 inputHash,
        bytes32 outputHash,
        uint256 timestamp,
        bytes calldata publicKey,
        bytes calldata signature
    ) external returns (bytes32 requestId) {
        _requireOpen();
        if (keccak256(publicKey) != teeId) revert GatewayAnswers_WrongKey(teeId, keccak256(publicKey));
        GatewayAnswer memory answer = GatewayAnswer(inputHash, outputHash, timestamp);
        Signer memory signer = _signer(ReceiptLib.keyId(KeyKinds.ENCLAVE_RSA, publicKey));
        Reason reason;
        (requestId, reason) = _settle(signer, publicKey, answer, signature);
        if (reason != Reason.None) revert GatewayAnswers_NotSettled(reason);
    }

    function _settle(
        Signer memory signer,
        bytes calldata publicKey,
        GatewayAnswer memory answer,
        bytes calldata signature
    ) private returns (bytes32 requestId, Reason reason) {
        bytes32 message = _message(answer);
        requestId = _requestId(signer.keyId, message);
        if (_settledAt[requestId] != 0) return (requestId, Reason.AlreadySettled);
        reason = _check(signer, answer.timestamp, block.timestamp);
        if (reason == Reason.None) reason = _checkDistrust(signer, block.timestamp);
        // Last, because it is dear. It reverts where it runs out of gas, so that a skip cannot be forced (R2).
        if (reason == Reason.None && !RsaPss.verify(publicKey, message, signature)) reason = Reason.BadSignature;
        if (reason != Reason.None) return (requestId, reason);
        _settledAt[requestId] = block.timestamp;
        // Not more than the block's time and a few minutes, so it fits.
        emit AnswerSettled(requestId, signer.keyId, answer.requestHash, answer.outputHash, uint64(answer.timestamp));
    }

    /// @dev Pauses and the end of settlement are the inference registry's (R8, R10).
    function _requireOpen() private view {
        (uint64 pausedUntil, uint64 closesAt) = inferenceRegistry.settlementStatus();
        if (block.timestamp < pausedUntil) revert GatewayAnswers_Paused(pausedUntil);
        if (closesAt != 0 && block.timestamp >= closesAt) revert GatewayAnswers_Closed(closesAt);
    }

    // -------------------------------------------------------------------------------------------------- reading

    /// @inheritdoc IGatewayAnswers
    function answerVerification(
        bytes32 keyId,
        GatewayAnswer calldata answer
    ) external view returns (AnswerVerification memory result) {
        result.requestId = requestIdOf(keyId, answer);
        result.notCovered = NotCovered.ALL;
        result.emptyOutput = answer.outputHash == EMPTY;
        Signer memory signer = _signer(keyId);
        result.nodeId = bytes32(uint256(uint40(signer.key >> At.KEY_NODE)));
        result.measurement = enclaveRegistry.measurementOf(keyId);
        uint256 at = _settledAt[result.requestId];
        result.settledAt = uint64(at);
        result.reason = at == 0 ? Reason.NotSettled : _check(signer, answer.timestamp, at);
        if (result.reason != Reason.None) return result;
        Reason distrust = _checkDistrust(signer, at);
        Reason freeze = _checkFreeze(signer);
        result.distrusted = distrust != Reason.None;
        result.frozen = freeze != Reason.None;
        result.reason = result.distrusted ? distrust : freeze;
        result.verified = result.reason == Reason.None;
    }

    /// @inheritdoc IGatewayAnswers
    function settledAt(bytes32 requestId) external view returns (uint64) {
        return uint64(_settledAt[requestId]);
    }

    /// @inheritdoc IGatewayAnswers
    function requestIdOf(bytes32 keyId, GatewayAnswer calldata answer) public pure returns (bytes32) {
        return _requestId(keyId, _message(answer));
    }

    // ---------------------------------------------------------------------------------------------------- rules

    /// @dev What R4 asks of an answer but distrust and freeze, which are no fault of its own. What is no key, or one that
    /// signs receipts, is unknown here.
    function _check(Signer memory signer, uint256 timestamp, uint256 settled) private pure returns (Reason) {
        uint256 key = signer.key;
        uint256 validFrom = uint40(key >> At.KEY_VALID_FROM);
        if (validFrom == 0 || uint8(key >> At.KEY_KIND) != KeyKinds.ENCLAVE_RSA) return Reason.UnknownKey;
        if (timestamp > settled + MAX_SKEW) return Reason.CompletedInFuture;
        if (settled > timestamp + MAX_DELAY) return Reason.CompletedTooLongAgo;
        if (timestamp < validFrom || timestamp > uint40(key >> At.KEY_VALID_UNTIL)) return Reason.OutsideKeyValidity;
        uint256 from = uint40(signer.approval >> At.APPROVED_FROM);
        if (from == 0 || timestamp < from || timestamp > uint40(signer.approval >> At.APPROVED_UNTIL))
            return Reason.MeasurementNotApproved;
        return Reason.None;
    }

    /// @dev Compared with the time of settlement, which an attacker does not hold (R4).
    function _checkDistrust(Signer memory signer, uint256 settled) private pure returns (Reason) {
        if (settled >= uint40(signer.key >> At.DISTRUSTED_FROM)) return Reason.KeyDistrusted;
        if (settled >= uint40(signer.measurement >> At.DISTRUSTED_FROM)) return Reason.MeasurementDistrusted;
        return Reason.None;
    }

    /// @dev A freeze counts now, whatever settled when, and lifts itself (R8).
    function _checkFreeze(Signer memory signer) private view returns (Reason) {
        if (block.timestamp < uint40(signer.key >> At.FROZEN_UNTIL)) return Reason.KeyFrozen;
        if (block.timestamp < uint40(signer.measurement >> At.FROZEN_UNTIL)) return Reason.MeasurementFrozen;
        return Reason.None;
    }

    function _signer(bytes32 keyId) private view returns (Signer memory signer) {
        signer.keyId = keyId;
        (signer.key, signer.approval, signer.measurement) = enclaveRegistry.packedEnclaveState(keyId, APPROVAL);
    }

    function _message(GatewayAnswer memory answer) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(answer.requestHash, answer.outputHash, answer.timestamp));
    }

    function _requestId(bytes32 keyId, bytes32 message) private pure returns (bytes32) {
        return keccak256(abi.encode(keyId, message));
    }
}
