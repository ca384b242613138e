// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceCallback} from "./IInferenceCallback.sol";
import {IInferenceRequests} from "./IInferenceRequests.sol";

/// @title IInferenceRequester
/// @notice What every contract that asks on chain shows to the outside: where it asks, and what it waits for.
interface IInferenceRequester is IInferenceCallback {
    /// @notice There is no contract at the address of the requests.
    error InferenceRequester_NotRequests(address requests);
    /// @notice Answers come from `InferenceRequests` alone.
    error InferenceRequester_NotCalledBack(address caller);
    /// @notice This contract did not ask this, or has its answer (R9).
    error InferenceRequester_NotAwaited(bytes32 requestId);

    /// @notice The receipt commits to its answer in another way.
    error InferenceRequester_WrongOutputScheme(uint8 expected, uint8 found);

    /// @notice Where this contract asks; it never changes.
    function inferenceRequests() external view returns (IInferenceRequests);

    /// @notice Whether an answer to a request of this contract is still taken. It stays true of a request that was
    /// cancelled or timed out, to which no answer can come.
    function isAwaited(bytes32 requestId) external view returns (bool);
}
