// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IOperatorStake} from "../interfaces/IOperatorStake.sol";
import {DevelopmentOnly} from "./DevelopmentOnly.sol";

/// @title DevelopmentStake
/// @notice Says of an operator what its owner was told to say: no token is staked. Chain id 31337 only.
contract DevelopmentStake is DevelopmentOnly, IOperatorStake {
    /// @notice Who may set stakes.
    address public immutable owner = msg.sender;
    /// @notice Minimum own stake of every node kind, in OPG base units.
    uint256 public constant MINIMUM = 10_000e18;

    /// @notice Pretended own stake of an operator, in OPG base units.
    mapping(address operator => uint256) public stakeOf;

    /// @notice An operator's pretended stake changed.
    event StakeSet(address indexed operator, uint256 amount);

    /// @notice Only the deployer sets stakes.
    error DevelopmentStake_NotOwner(address caller);

    /// @notice Sets what an operator is said to have staked. Owner only.
    function setStake(address operator, uint256 amount) external {
        if (msg.sender != owner) revert DevelopmentStake_NotOwner(msg.sender);
        stakeOf[operator] = amount;
        emit StakeSet(operator, amount);
    }

    /// @inheritdoc IOperatorStake
    function isSufficient(address operator, uint8) external view returns (bool) {
        return stakeOf[operator] >= MINIMUM;
    }

    /// @inheritdoc IOperatorStake
    function endKeys(bytes32) external {}
}
