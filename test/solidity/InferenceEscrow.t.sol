// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {EscrowHandler} from "./EscrowHandler.t.sol";

/// @notice Depositing, serving, settling, collecting, thawing, reserving and forwarding in any order.
contract InferenceEscrowInvariantTest {
    EscrowHandler private handler;

    function setUp() external {
        handler = new EscrowHandler();
    }

    /// @notice Where calls go; a name the runner asks for.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice What is held is balances, reservations, what waits in channels and what waits to be forwarded, to the
    /// wei. [R7][R9]
    function invariant_money() external view {
        handler.checkMoney();
    }

    /// @notice No payer is debited beyond signature or limit, no receipt is paid twice, no session is revived. [R7][R9]
    function invariant_channels() external view {
        handler.checkChannels();
    }
}
