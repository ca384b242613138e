// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {LedgerHandler} from "./LedgerHandler.t.sol";

/// @notice Settling, repeating, waiting, pausing, freezing, distrusting and retiring in any order.
contract InferenceRegistryInvariantTest {
    LedgerHandler private handler;

    function setUp() external {
        handler = new LedgerHandler();
    }

    /// @notice Where calls go; a name the runner asks for.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice A settlement time never changes; verified is settled and satisfies every condition of R4, and nothing
    /// that satisfies them is refused; what read as distrusted is never revived. [R3][R4][R9]
    function invariant_ledger() external view {
        handler.checkLedger();
    }

    /// @notice A pause lasts a day and comes once in eight; a freeze lasts ten days, once an incident. [R8]
    function invariant_bounds() external view {
        handler.checkBounds();
    }
}
