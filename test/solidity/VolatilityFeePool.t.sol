// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {PoolHandler} from "./PoolHandler.t.sol";

/// @notice A pool under everything that can be done to it; the handler itself checks that k per share never falls.
contract VolatilityFeePoolInvariantTest {
    PoolHandler private handler;

    function setUp() external {
        handler = new PoolHandler();
    }

    /// @notice Where calls go; a name the runner asks for.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice Reserves are held, and the fee is a counting reading's or the safe one. [R4]
    function invariant_pool() external view {
        handler.check();
    }
}
