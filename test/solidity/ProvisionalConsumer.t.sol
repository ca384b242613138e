// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ClaimsHandler} from "./ClaimsHandler.t.sol";

/// @notice Opening, acting, proving, finalising, contradicting, unwinding, pausing and paying in any order.
contract ProvisionalConsumerInvariantTest {
    ClaimsHandler private handler;

    function setUp() external {
        handler = new ClaimsHandler();
    }

    /// @notice Where calls go; a name the runner asks for.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice Pool, bonds and credit are what is held, to the unit; an effect that was void cost the pool nothing. [R9]
    function invariant_money() external view {
        handler.checkMoney();
    }

    /// @notice A request has one effect and one end. [R9]
    function invariant_states() external view {
        handler.checkStates();
    }
}
