// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IStakeRewards
/// @notice What the path of fees asks of staking.
interface IStakeRewards {
    /// @notice Takes `amount` of OPG from the caller for everybody whose stake stands behind an operator's nodes of one
    /// kind. Open to anyone; pulls exactly `amount`, in wei, which the caller has approved, and never fails where the
    /// pool is empty.
    /// @param kind `INodeRegistry.NodeKind` as a number.
    function addRewards(address operator, uint8 kind, uint256 amount) external;
}
