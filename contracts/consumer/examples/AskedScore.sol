// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {InferenceAnswer} from "../../interfaces/IInferenceCallback.sol";
import {IInferenceRequests, RequestTerms} from "../../interfaces/IInferenceRequests.sol";
import {Modes, Opening} from "../../interfaces/InferenceTypes.sol";
import {InferenceRequester} from "../InferenceRequester.sol";

/// @title AskedScore
/// @notice Example: asks a model for a proved score over sixteen features, which whoever pays packs into a word, and keeps
/// it by input. As f(x) = y is proved, it does not matter who asks or who answers.
/// @dev What an answer did not cost, and what comes back of a question that nobody answered, pays for later questions.
contract AskedScore is InferenceRequester {
    using SafeERC20 for IERC20;

    struct Score {
        uint192 value;
        uint64 completedAt;
    }

    /// @notice An input was scored.
    event Scored(bytes32 indexed features, uint256 score);
    /// @notice A score of several numbers, or of one too large to be one.
    error AskedScore_NotAScore();

    uint40 private constant PATIENCE = 1 hours;
    uint32 private constant CALLBACK_GAS = 100_000;

    /// @notice The model version that scores.
    bytes32 public immutable modelId;

    /// @notice By the features that were asked about.
    mapping(bytes32 features => Score) public scoreOf;

    constructor(IInferenceRequests requests, bytes32 modelId_) InferenceRequester(requests) {
        modelId = modelId_;
    }

    /// @notice Asks for the score of some features. The caller pays up to `maxFee`, which it has approved.
    /// @param features As the circuit packs them: for this model, they are the input hash of a proved receipt.
    function ask(bytes32 features, uint96 maxFee) external returns (bytes32 requestId) {
        inferenceRequests.token().safeTransferFrom(msg.sender, address(this), maxFee);
        RequestTerms memory terms = RequestTerms({
            modelId: modelId,
            inputHash: features,
            contextHash: 0,
            nodeId: 0,
            maxFee: maxFee,
            deadline: uint40(block.timestamp) + PATIENCE,
            modeMask: uint8(1 << Modes.ZKML),
            callbackGas: CALLBACK_GAS
        });
        // The features are the input; there is nothing to point to.
        return _ask(terms, "");
    }

    /// @notice Takes an answer that there was too little gas for. Anyone may: a score over given features is never old.
    function retry(bytes32 requestId, Opening calldata opening, bytes calldata output) external {
        _retry(requestId, opening, output);
    }

    function _onAnswer(bytes32, InferenceAnswer calldata answer) internal override {
        uint256[] memory outputs = _circuitOutputs(answer);
        if (outputs.length != 1 || outputs[0] > type(uint192).max) revert AskedScore_NotAScore();
        scoreOf[answer.receipt.inputHash] = Score(uint192(outputs[0]), answer.receipt.completedAt);
        emit Scored(answer.receipt.inputHash, outputs[0]);
    }
}
