// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {DevelopmentOnly} from "./DevelopmentOnly.sol";

/// @title DevelopmentToken
/// @notice An ERC-20 that gives its whole supply to whoever deploys it, for demonstrations. Chain id 31337 only.
contract DevelopmentToken is DevelopmentOnly, ERC20 {
    constructor(string memory name, string memory symbol) ERC20(name, symbol) {
        _mint(msg.sender, 1_000_000e18);
    }
}
