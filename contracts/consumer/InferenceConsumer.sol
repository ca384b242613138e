// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceConsumer} from "../interfaces/IInferenceConsumer.sol";
import {IInferenceRegistry} from "../interfaces/IInferenceRegistry.sol";
import {Artifact, Modes, Opening, OutputSchemes, Receipt, Verification} from "../interfaces/InferenceTypes.sol";
import {ReceiptLib} from "../verification/ReceiptLib.sol";
import {Accept, ModeMask, Origins, Policies, Policy} from "./Policy.sol";

/// @title InferenceConsumer
/// @notice Inherit this to act on verified inferences. State which evidence you accept (R11), open the receipt you
/// need, and get a yes or a revert. Errors and views: {IInferenceConsumer}; a guide: docs/consuming.md.
/// @dev A receipt says what a model answered. Whether the *input* was true is the policy's origin to decide, and what
/// the answer was is for {_requireCircuitOutputs} and {_requireArtifacts} to establish: the receipt holds its hash only.
abstract contract InferenceConsumer is IInferenceConsumer {
    /// @inheritdoc IInferenceConsumer
    IInferenceRegistry public immutable inferenceRegistry;

    /// @inheritdoc IInferenceConsumer
    uint256 public inferenceRequestCount;

    /// @dev requestId → complement of the input hash. Of the complement, because an input hash may be zero (sixteen
    /// features packed into a word, all zero) and an empty slot must mean "not requested".
    mapping(bytes32 requestId => bytes32) private _requested;

    mapping(bytes32 requestId => bool) private _used;

    /// @param registry The `InferenceRegistry` of this chain.
    constructor(IInferenceRegistry registry) {
        if (address(registry).code.length == 0) revert InferenceConsumer_NotARegistry(address(registry));
        inferenceRegistry = registry;
    }

    /// @inheritdoc IInferenceConsumer
    function inferenceRequest(bytes32 requestId) external view returns (bool opened, bytes32 inputHash) {
        bytes32 stored = _requested[requestId];
        return stored == 0 ? (false, bytes32(0)) : (true, ~stored);
    }

    /// @inheritdoc IInferenceConsumer
    function isInferenceUsed(bytes32 requestId) public view returns (bool) {
        return _used[requestId];
    }

    /// @notice Asks for an inference over an input, and remembers the input: an answer over another one is refused.
    /// @dev Whoever may call the function that calls this chooses the input. The id is unique over contracts and chains.
    /// @param inputHash As the receipt will carry it, so fixed before the question is known to anybody else.
    /// @return requestId keccak256(abi.encode(chainId, this contract, counter)) (R5).
    function _openRequest(bytes32 inputHash) internal returns (bytes32 requestId) {
        if (~inputHash == 0) revert InferenceConsumer_InvalidInput(inputHash);
        requestId = ReceiptLib.onChainRequestId(address(this), inferenceRequestCount++);
        _requested[requestId] = ~inputHash;
        emit InferenceRequested(requestId, inputHash);
    }

    /// @notice Like {_requireVerified}, and marks the receipt's request as used by this contract: one effect a request,
    /// however many receipts answer it (R9). Call it wherever something changes.
    function _consumeVerified(
        Opening calldata opening,
        Policy memory policy
    ) internal returns (Verification memory result) {
        bytes32 requestId = opening.receipt.requestId;
        // Marked before anything else is called; a refusal undoes it.
        _markUsed(requestId);
        result = _requireVerified(opening, policy);
        emit InferenceUsed(requestId, result.receiptId);
    }

    /// @dev One effect a request (R9). The caller emits InferenceUsed once it knows the receipt.
    function _markUsed(bytes32 requestId) internal {
        if (_used[requestId]) revert InferenceConsumer_AlreadyUsed(requestId);
        _used[requestId] = true;
    }

    /// @notice Reverts unless the receipt is verified now and meets the policy.
    /// @dev For views, and for asking again later whether what was acted on is still believed: it does not look at or
    /// leave a mark of use, so the same receipt passes any number of times.
    function _requireVerified(
        Opening calldata opening,
        Policy memory policy
    ) internal view virtual returns (Verification memory result) {
        Receipt calldata receipt = opening.receipt;
        _requireAcceptable(receipt, policy);

        result = inferenceRegistry.verification(opening);
        if (!result.verified) revert InferenceConsumer_NotVerified(result.receiptId, result.reason);

        uint256 from = _ageFrom(receipt, result);
        if (block.timestamp - from > policy.maxAge) revert InferenceConsumer_TooOld(from, policy.maxAge);
        if (block.timestamp - result.settledAt < policy.minSettled)
            revert InferenceConsumer_TooFresh(result.settledAt, policy.minSettled);
    }

    /// @notice The moment a receipt's age is counted from: the earlier of completion and settlement, never in the future.
    function _ageFrom(Receipt calldata receipt, Verification memory result) internal pure returns (uint256) {
        return receipt.completedAt < result.settledAt ? receipt.completedAt : result.settledAt;
    }

    /// @notice Reverts unless the receipt's answer is exactly these circuit outputs, in their order.
    /// @dev Proved for ZKML; in the other modes it is the signer's word for them.
    function _requireCircuitOutputs(Receipt calldata receipt, uint256[] memory outputs) internal pure {
        _requireOutput(receipt, OutputSchemes.CIRCUIT, ReceiptLib.circuitOutputHash(outputs));
    }

    /// @notice Reverts unless the receipt's answer is exactly this list of artifacts, in their order (R6).
    function _requireArtifacts(Receipt calldata receipt, Artifact[] memory artifacts) internal pure {
        _requireOutput(receipt, OutputSchemes.ARTIFACTS, ReceiptLib.artifactsHash(artifacts));
    }

    function _requireOutput(Receipt calldata receipt, uint8 scheme, bytes32 hash) private pure {
        if (receipt.outputScheme != scheme) revert InferenceConsumer_WrongOutputScheme(scheme, receipt.outputScheme);
        if (receipt.outputHash != hash) revert InferenceConsumer_WrongOutput(receipt.outputHash, hash);
    }

    /// @dev What policy and receipt decide alone. It says nothing about whether the receipt is true.
    function _requireAcceptable(Receipt calldata receipt, Policy memory policy) internal view {
        _requireSound(policy);
        _requireAccepted(receipt, policy);
    }

    /// @dev Refuses policies that accept too much or nothing (R11).
    function _requireSound(Policy memory policy) private pure {
        uint8 modes = ModeMask.unwrap(policy.modes);
        if (modes == 0) revert InferenceConsumer_EmptyPolicyModes();
        if (modes > Modes.ALL) revert InferenceConsumer_UnknownPolicyModes(modes);
        if (policy.modelIds.length == 0) revert InferenceConsumer_EmptyPolicyModels();
        uint256 origins = policy.origins;
        if (origins == 0) revert InferenceConsumer_EmptyPolicyOrigin();
        if (origins > (Origins.INPUT | Origins.REQUEST | Origins.KEYS))
            revert InferenceConsumer_UnknownPolicyOrigins(origins);
        if (origins & Origins.KEYS != 0 && policy.keyIds.length == 0) revert InferenceConsumer_EmptyPolicyKeys();
        if (policy.maxAge == 0) revert InferenceConsumer_EmptyPolicyMaxAge();
        if (policy.minSettled > policy.maxAge)
            revert InferenceConsumer_ImpossiblePolicyAges(policy.minSettled, policy.maxAge);
    }

    /// @dev What the receipt's own fields decide, before the registry is asked.
    function _requireAccepted(Receipt calldata receipt, Policy memory policy) private view {
        uint8 modes = ModeMask.unwrap(policy.modes);
        if ((uint256(modes) >> receipt.mode) & 1 == 0) revert InferenceConsumer_ModeNotAccepted(receipt.mode, modes);
        if (!_contains(policy.modelIds, receipt.modelId)) revert InferenceConsumer_ModelNotAccepted(receipt.modelId);

        uint256 origins = policy.origins;
        if (origins & Origins.KEYS != 0 && !_contains(policy.keyIds, receipt.keyId))
            revert InferenceConsumer_KeyNotAccepted(receipt.keyId);
        if (origins & Origins.INPUT != 0 && receipt.inputHash != policy.inputHash)
            revert InferenceConsumer_WrongInput(policy.inputHash, receipt.inputHash);
        if (origins & Origins.REQUEST != 0) _requireAnswers(receipt, policy.requestId);
        if (origins & (Origins.INPUT | Origins.REQUEST) != 0 && receipt.contextHash != policy.contextHash)
            revert InferenceConsumer_WrongContext(policy.contextHash, receipt.contextHash);
    }

    function _requireAnswers(Receipt calldata receipt, bytes32 requestId) private view {
        if (receipt.requestId != requestId) revert InferenceConsumer_WrongRequest(requestId, receipt.requestId);
        bytes32 stored = _requested[requestId];
        if (stored == 0) revert InferenceConsumer_UnknownRequest(requestId);
        if (receipt.inputHash != ~stored) revert InferenceConsumer_WrongInput(~stored, receipt.inputHash);
    }

    function _contains(bytes32[] memory list, bytes32 id) private pure returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] == id) return true;
        }
        return false;
    }
}
