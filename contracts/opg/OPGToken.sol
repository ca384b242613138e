// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IOPGToken} from "../interfaces/IOPGToken.sol";
import {SignedTransfers} from "./SignedTransfers.sol";
import {TimestampVotes} from "./TimestampVotes.sol";

/// @title OPGToken
/// @notice See {IOPGToken}, where everything beyond OpenZeppelin's extensions is documented.
contract OPGToken is SignedTransfers, TimestampVotes {
    /// @inheritdoc IOPGToken
    uint256 public constant SUPPLY = 1_000_000_000e18;

    /// @param recipients Who gets the supply.
    /// @param amounts How much each gets, in wei; sums to {SUPPLY}.
    constructor(
        address[] memory recipients,
        uint256[] memory amounts
    ) ERC20("OpenGradient", "OPG") ERC20Permit("OpenGradient") {
        if (recipients.length != amounts.length) revert OPGToken_WrongAllocation(0);
        for (uint256 i = 0; i < recipients.length; ++i) _mint(recipients[i], amounts[i]);
        if (totalSupply() != SUPPLY) revert OPGToken_WrongAllocation(totalSupply());
    }

    /// @inheritdoc IOPGToken
    function version() external view returns (string memory) {
        return _EIP712Version();
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, TimestampVotes) {
        TimestampVotes._update(from, to, value);
    }
}
