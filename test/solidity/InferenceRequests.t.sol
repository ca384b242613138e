// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {RequestsHandler} from "./RequestsHandler.t.sol";

/// @notice Asking, accepting, answering, cancelling, timing out, claiming, forwarding, pausing and waiting in any order.
contract InferenceRequestsInvariantTest {
    RequestsHandler private handler;

    function setUp() external {
        handler = new RequestsHandler();
    }

    /// @notice Where calls go; a name the runner asks for.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice Every fee ends with node, payer or splitter exactly once, and so does every bond, to the wei. [R7][R9]
    function invariant_money() external view {
        handler.checkMoney();
    }

    /// @notice A request ends once and is delivered once; deadlines move by pauses alone; what a requester does in its
    /// callback changes nothing. [R8][R9][FM:consumer-revert]
    function invariant_requests() external view {
        handler.checkRequests();
    }
}
