// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title INodeLoad
/// @notice How busy a node is with requests that contracts asked on chain: what a router weighs beside an offer's
/// capacity.
interface INodeLoad {
    /// @notice Requests for a model version that a node has accepted and that have not ended.
    function openRequests(bytes32 nodeId, bytes32 modelId) external view returns (uint256);
}
