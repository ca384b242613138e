// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IOperatorStake
/// @notice What registries ask of staking.
interface IOperatorStake {
    /// @notice Whether the operator's own stake reaches the minimum for a node kind, and the least own share of what
    /// stands behind its nodes of that kind (R12).
    /// @param kind `INodeRegistry.NodeKind` as a number.
    function isSufficient(address operator, uint8 kind) external view returns (bool);

    /// @notice Ends every key of a node that no stake stands behind, in both registries of keys. The node registry calls
    /// it for a node that retires.
    function endKeys(bytes32 nodeId) external;
}
