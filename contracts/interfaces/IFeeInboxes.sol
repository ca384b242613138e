// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IFeeInboxes
/// @notice The inboxes, one for each node and model version, at addresses that are known before they have code. So an
/// offer can name one as `payTo` at once, and whoever sweeps first pays for creating it.
interface IFeeInboxes {
    /// @notice An inbox got its code.
    event InboxCreated(bytes32 indexed nodeId, bytes32 indexed modelId, address inbox);

    /// @notice Where fees for a node and a model version can be sent, whether or not anything is there yet.
    function inboxOf(bytes32 nodeId, bytes32 modelId) external view returns (address inbox);

    /// @notice Puts the code of an inbox in its place; does nothing where it is. Open to anyone.
    function create(bytes32 nodeId, bytes32 modelId) external returns (address inbox);

    /// @notice Sends what arrived at an inbox through the splitter, creating the inbox where need be. Open to anyone; the
    /// caller is the settler.
    /// @return amount What was paid, in wei; never 0.
    function sweep(bytes32 nodeId, bytes32 modelId) external returns (uint256 amount);
}
