// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {MemoryHandler} from "./MemoryHandler.t.sol";

/// @notice Committing, granting, revoking and checking in any order.
contract MemoryRegistryInvariantTest {
    MemoryHandler private handler;

    function setUp() external {
        handler = new MemoryHandler();
    }

    /// @notice Where calls go; a name the runner asks for.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice No entry was dropped, changed or moved, and every head is found by its time.
    function invariant_heads() external view {
        handler.checkHeads();
    }

    /// @notice Grants are what was given and revoked.
    function invariant_grants() external view {
        handler.checkGrants();
    }
}
