// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title INodeLoad
/// @notice What is asked of whoever keeps on-chain requests: how much of a node's capacity they take.
interface INodeLoad {
    /// @notice Requests that a node accepted for a model version and that are neither answered nor over.
    function openRequests(bytes32 nodeId, bytes32 modelId) external view returns (uint256);
}
