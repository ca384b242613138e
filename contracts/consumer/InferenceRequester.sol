// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {InferenceAnswer} from "../interfaces/IInferenceCallback.sol";
import {IInferenceRequester} from "../interfaces/IInferenceRequester.sol";
import {IInferenceRequests, RequestTerms} from "../interfaces/IInferenceRequests.sol";
import {Artifact, Opening, OutputSchemes} from "../interfaces/InferenceTypes.sol";

/// @title InferenceRequester
/// @notice Inherit this to ask for inferences on chain and be called back with the answer. What is asked is fixed when it
/// is asked: model version, input, modes, maximum fee (R11). An answer arrives verified, once, and only if this contract
/// asked for it. Errors and views: {IInferenceRequester}; a guide: docs/requests.md.
/// @dev The fee is taken from this contract's credit there and from its tokens here; refunds come back to it.
abstract contract InferenceRequester is IInferenceRequester {
    using SafeERC20 for IERC20;

    /// @inheritdoc IInferenceRequester
    IInferenceRequests public immutable inferenceRequests;

    /// @inheritdoc IInferenceRequester
    mapping(bytes32 requestId => bool) public isAwaited;

    /// @param requests The `InferenceRequests` of this chain.
    constructor(IInferenceRequests requests) {
        if (address(requests).code.length == 0) revert InferenceRequester_NotRequests(address(requests));
        inferenceRequests = requests;
    }

    /// @notice Called by `InferenceRequests` with an answer, once for each request of this contract.
    function onInference(bytes32 requestId, InferenceAnswer calldata answer) external {
        if (msg.sender != address(inferenceRequests)) revert InferenceRequester_NotCalledBack(msg.sender);
        if (!isAwaited[requestId]) revert InferenceRequester_NotAwaited(requestId);
        isAwaited[requestId] = false;
        _onAnswer(requestId, answer);
    }

    /// @notice What this contract does with an answer. A revert in here keeps nobody from being paid; the answer can then
    /// be taken by {_retry}.
    function _onAnswer(bytes32 requestId, InferenceAnswer calldata answer) internal virtual;

    /// @notice Asks over an input that is named by its hash.
    /// @dev Whoever may call the function that calls this chooses the input, and spends this contract's money.
    /// @param pointer Where nodes find the input.
    function _ask(RequestTerms memory terms, bytes memory pointer) internal returns (bytes32 requestId) {
        _approve(terms.maxFee);
        requestId = inferenceRequests.request(terms, pointer);
        isAwaited[requestId] = true;
    }

    /// @notice Asks over an input that is given here, for VANILLA and TEE.
    function _askWithInput(
        RequestTerms memory terms,
        bytes32 salt,
        bytes memory input
    ) internal returns (bytes32 requestId) {
        _approve(terms.maxFee);
        requestId = inferenceRequests.requestWithInput(terms, salt, input);
        isAwaited[requestId] = true;
    }

    /// @notice Takes an answer that {_onAnswer} reverted on. Whoever may call the function that calls this chooses the
    /// moment: an old answer may no longer be one that should count.
    function _retry(bytes32 requestId, Opening calldata opening, bytes calldata output) internal {
        inferenceRequests.retryCallback(requestId, opening, output);
    }

    /// @notice What a circuit put out. Proved for ZKML; in the other modes it is the signer's word for it.
    function _circuitOutputs(InferenceAnswer calldata answer) internal pure returns (uint256[] memory) {
        _requireScheme(answer, OutputSchemes.CIRCUIT);
        return abi.decode(answer.output, (uint256[]));
    }

    /// @notice Everything that was answered, and the bytes of its texts and tool calls; of images and files their hashes
    /// are in the artifacts.
    function _artifacts(
        InferenceAnswer calldata answer
    ) internal pure returns (Artifact[] memory artifacts, bytes[] memory contents) {
        _requireScheme(answer, OutputSchemes.ARTIFACTS);
        return abi.decode(answer.output, (Artifact[], bytes[]));
    }

    function _requireScheme(InferenceAnswer calldata answer, uint8 scheme) private pure {
        uint8 found = answer.receipt.outputScheme;
        if (found != scheme) revert InferenceRequester_WrongOutputScheme(scheme, found);
    }

    function _approve(uint256 amount) private {
        inferenceRequests.token().forceApprove(address(inferenceRequests), amount);
    }
}
