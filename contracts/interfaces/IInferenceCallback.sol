// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Receipt} from "./InferenceTypes.sol";

/// @notice An answer to a request that was asked on chain, verified when it was fulfilled.
/// @param receiptId EIP-712 digest of the receipt; what to ask the registry about later.
/// @param settledAt Unix seconds since which the registry holds it.
/// @param receipt What was signed; its mode says what that is worth.
/// @param output The answer, which `receipt.outputHash` commits to: as `AnswerOutput` has it, by `receipt.outputScheme`.
struct InferenceAnswer {
    bytes32 receiptId;
    uint64 settledAt;
    Receipt receipt;
    bytes output;
}

/// @title IInferenceCallback
/// @notice What a contract that asks on chain is called back on, by `InferenceRequests` and nobody else: `InferenceRequester`
/// has the check.
interface IInferenceCallback {
    /// @notice Receives an answer. Has the gas that the request named; a revert changes nothing of who is paid.
    function onInference(bytes32 requestId, InferenceAnswer calldata answer) external;
}
