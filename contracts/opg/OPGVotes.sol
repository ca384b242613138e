// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Wrapper} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Wrapper.sol";
import {TimestampVotes} from "./TimestampVotes.sol";

/// @title OPGVotes
/// @notice Votes over an OPG that has none of its own: one for one, in and out at any time, by plain approval
/// (`depositFor`, `withdrawTo` of OpenZeppelin's ERC20Wrapper). Asks ERC-20 of the token and nothing else.
/// @dev Only for a token that moves exactly what it is told to: one with a fee on transfers would leave this short.
contract OPGVotes is ERC20Wrapper, TimestampVotes {
    /// @param token An existing OPG.
    constructor(
        IERC20 token
    ) ERC20("OpenGradient Votes", "vOPG") ERC20Permit("OpenGradient Votes") ERC20Wrapper(token) {}

    /// @notice Decimals of the token underneath.
    function decimals() public view override(ERC20, ERC20Wrapper) returns (uint8) {
        return ERC20Wrapper.decimals();
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, TimestampVotes) {
        TimestampVotes._update(from, to, value);
    }
}
