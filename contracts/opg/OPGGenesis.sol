// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IOPGGenesis} from "../interfaces/IOPGGenesis.sol";
import {IOPGToken} from "../interfaces/IOPGToken.sol";
import {IOPGVesting} from "../interfaces/IOPGVesting.sol";
import {OPGToken} from "./OPGToken.sol";
import {OPGVesting} from "./OPGVesting.sol";

/// @title OPGGenesis
/// @notice See {IOPGGenesis}, where every function, event and error is documented.
contract OPGGenesis is IOPGGenesis {
    /// @inheritdoc IOPGGenesis
    IOPGToken public immutable token;
    /// @inheritdoc IOPGGenesis
    IOPGVesting public vesting;

    address private immutable _deployer = msg.sender;

    constructor() {
        address[] memory recipients = new address[](1);
        uint256[] memory amounts = new uint256[](1);
        (recipients[0], amounts[0]) = (address(this), 1_000_000_000e18);
        token = new OPGToken(recipients, amounts);
    }

    /// @inheritdoc IOPGGenesis
    function launch(address[7] calldata beneficiaries) external returns (IOPGVesting made) {
        if (msg.sender != _deployer) revert OPGGenesis_NotDeployer(msg.sender);
        if (address(vesting) != address(0)) revert OPGGenesis_AlreadyLaunched(address(vesting));
        made = vesting = new OPGVesting(token, beneficiaries);
        emit Launched(address(token), address(made));
        SafeERC20.safeTransfer(IERC20(token), address(made), token.SUPPLY());
    }
}
