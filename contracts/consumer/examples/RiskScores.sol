// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {
    Accept,
    IInferenceRegistry,
    LookupAnswer,
    LookupConsumer,
    Policies,
    Policy,
    PolicyEntry,
    StatedConsumer,
    UncheckedFunction,
    Verification
} from "../LookupConsumer.sol";

/// @title RiskScores
/// @notice Tells and keeps what a proved model says of sixteen returns, packed as `ReturnFeatures` has them. The model ran
/// before anybody calls: a caller with ERC-3668 gets the score in the call itself ({scoreOf}), or has it written down in
/// one transaction, whether the receipt has settled or not ({record}).
///
/// What is trusted: the model version, its circuit and setup. What is not: gateways, nodes, and who brings the answer. Whoever
/// asks chooses the returns, so a score here says something about these returns, and nothing about any market.
/// @dev The effect of {recordAnswer} is the same whoever calls it, so it does not matter who is first.
contract RiskScores is LookupConsumer {
    /// @notice A score that was written down.
    /// @param recordedAt Unix seconds; 0 while there is none.
    /// @param value The model's output.
    struct Recorded {
        uint64 recordedAt;
        uint192 value;
    }

    /// @notice One input, one output.
    bytes32 public immutable model;
    /// @notice Seconds that a receipt counts.
    uint256 public immutable maxAge;

    mapping(bytes32 features => Recorded) public recorded;

    event ScoreRecorded(bytes32 indexed features, uint256 score, bytes32 indexed receiptId);

    error RiskScores_OutOfRange(uint256 score);

    constructor(
        IInferenceRegistry registry,
        string[] memory urls,
        bytes32 model_,
        uint256 maxAge_
    ) LookupConsumer(registry, urls) {
        model = model_;
        maxAge = maxAge_;
    }

    /// @notice The score of these returns. Call it with ERC-3668, for example ethers' `enableCcipRead: true`.
    function scoreOf(bytes32 features) external view returns (uint256) {
        _lookUp(this.scoreAnswer.selector, "", features, abi.encode(features));
    }

    /// @notice Callback of {scoreOf}: a view, so its receipt must be settled.
    function scoreAnswer(bytes calldata response, bytes calldata extraData) external view returns (uint256) {
        bytes32 features = abi.decode(extraData, (bytes32));
        (LookupAnswer calldata answer, ) = _requireAnswer(response, features);
        return _circuitOutputsOf(answer)[0];
    }

    /// @notice Has the score of these returns written down. Send it with `sendWithLookup`.
    function record(bytes32 features) external view returns (uint256) {
        _lookUp(this.recordAnswer.selector, "", features, abi.encode(features));
    }

    /// @notice Callback of {record}: settles the receipt if that is still to be done.
    function recordAnswer(bytes calldata response, bytes calldata extraData) external returns (uint256 score) {
        bytes32 features = abi.decode(extraData, (bytes32));
        (LookupAnswer calldata answer, Verification memory verified) = _consumeAnswer(response, features);
        score = _circuitOutputsOf(answer)[0];
        if (score > type(uint192).max) revert RiskScores_OutOfRange(score);
        recorded[features] = Recorded({recordedAt: uint64(block.timestamp), value: uint192(score)});
        emit ScoreRecorded(features, score, verified.receiptId);
    }

    /// @inheritdoc StatedConsumer
    function _policies() internal view override returns (PolicyEntry[] memory entries) {
        entries = new PolicyEntry[](2);
        Policy memory policy = Policies.accept(Accept.ZKML, model, maxAge).statesInput();
        entries[0] = PolicyEntry(this.recordAnswer.selector, policy);
        entries[1] = PolicyEntry(this.scoreAnswer.selector, policy);
    }

    /// @inheritdoc StatedConsumer
    function _unchecked() internal pure override returns (UncheckedFunction[] memory) {}
}
