// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IVerifyingKeys
/// @notice Where a proof verifier finds the key of a model version.
interface IVerifyingKeys {
    /// @notice The contract whose code is one STOP byte and then the key in its verifier's own format.
    /// @dev Only keys that passed {IProofVerifier-requireValidKey} of the model's verifier may be served, and a
    /// model version's key never changes.
    /// @return pointer Zero where the model version is unknown or has no key.
    function verifyingKey(bytes32 modelId) external view returns (address pointer);
}
