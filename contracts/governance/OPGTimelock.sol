// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title OPGTimelock
/// @notice OpenZeppelin's timelock with a delay that no vote can change: what R8 and R10 promise in days holds for ever.
contract OPGTimelock is TimelockController {
    /// @notice The delay was fixed at deployment.
    error OPGTimelock_DelayIsFixed(uint256 delay);

    /// @param delay Seconds between queueing and execution.
    /// @param proposers Who may queue and cancel.
    /// @param executors Who may execute; the zero address for anyone.
    constructor(
        uint256 delay,
        address[] memory proposers,
        address[] memory executors
    ) TimelockController(delay, proposers, executors, address(0)) {}

    /// @notice Always refused. A longer delay could outlast a guardian's freeze, a shorter one the time to leave.
    function updateDelay(uint256) public view override {
        revert OPGTimelock_DelayIsFixed(getMinDelay());
    }
}
