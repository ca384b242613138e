// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {InferenceRequester} from "../consumer/InferenceRequester.sol";
import {InferenceAnswer} from "../interfaces/IInferenceCallback.sol";
import {IInferenceRequests, RequestTerms} from "../interfaces/IInferenceRequests.sol";
import {DevelopmentOnly} from "./DevelopmentOnly.sol";

/// @title RefusingRequester
/// @notice Asks, and reverts on every answer: shows that this keeps no node from being paid. Chain id 31337 only.
contract RefusingRequester is DevelopmentOnly, InferenceRequester {
    /// @notice As every time.
    error RefusingRequester_NotToday();

    constructor(IInferenceRequests requests) InferenceRequester(requests) {}

    /// @notice Asks with what this contract holds.
    function ask(RequestTerms calldata terms) external returns (bytes32 requestId) {
        return _ask(terms, "");
    }

    function _onAnswer(bytes32, InferenceAnswer calldata) internal pure override {
        revert RefusingRequester_NotToday();
    }
}
