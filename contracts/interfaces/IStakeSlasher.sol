// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IStakeSlasher
/// @notice What disputes ask of staking.
interface IStakeSlasher {
    /// @notice Takes a part of everything that stands behind an operator's nodes of one kind, what unbonds included.
    /// Disputes only; never fails for a pool that is empty.
    /// @param kind `INodeRegistry.NodeKind` as a number.
    /// @param bps Basis points of the pool.
    /// @param reporter Who is credited the reporter's share.
    /// @return slashed What was taken, in wei of OPG.
    function slash(address operator, uint8 kind, uint256 bps, address reporter) external returns (uint256 slashed);
}
