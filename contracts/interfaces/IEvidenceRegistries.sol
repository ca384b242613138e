// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnclaveRegistry} from "./IEnclaveRegistry.sol";
import {INodeRegistry} from "./INodeRegistry.sol";

/// @title IEvidenceRegistries
/// @notice Where an `InferenceRegistry` looks keys up: for contracts that judge a signature before it settles. Asked of
/// the registry itself, so that nobody configures a pair that does not belong together.
interface IEvidenceRegistries {
    /// @notice Operator keys (VANILLA, ZKML).
    function nodeRegistry() external view returns (INodeRegistry);

    /// @notice Enclave keys (TEE).
    function enclaveRegistry() external view returns (IEnclaveRegistry);
}
