// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IFeeInbox
/// @notice An address that takes plain transfers of OPG for one node and one model version, as x402's `exact` makes
/// them, and can do one thing with them: send them through the {IFeeSplitter}.
/// @dev It has no owner, gives nothing back, and knows no other token: what else is sent here stays here. OPG for a node
/// or version that does not exist waits until it does, which may be never, so whoever publishes an inbox looks first.
interface IFeeInbox {
    /// @notice Everything that was here went into the splitter.
    /// @param settler Who got the settler's share; zero for nobody.
    /// @param amount In wei.
    event Swept(address indexed settler, uint256 amount);

    /// @notice There is no OPG here.
    error FeeInbox_NothingToSweep();

    /// @notice Pays everything that is here to the splitter, at the rates of the running epoch. Open to anyone.
    /// @param settler Who gets the settler's share: whoever sweeps names itself, or zero to leave it to the node.
    /// @return amount What was paid, in wei; never 0.
    function sweep(address settler) external returns (uint256 amount);

    /// @notice The node and the model version that this inbox stands for; never change.
    function pays() external view returns (bytes32 nodeId, bytes32 modelId);
}
