// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IVerifyingKeys
/// @notice Where a proof verifier finds the key that a model version is pinned to.
interface IVerifyingKeys {
    /// @notice Address of the contract whose code, after one leading zero byte, is the verifying key of `modelId`;
    /// zero where the version has none.
    function verifyingKey(bytes32 modelId) external view returns (address pointer);
}
