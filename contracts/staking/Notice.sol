// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Announcement, IOPGStaking} from "../interfaces/IOPGStaking.sol";

/// @title Notice
/// @notice A number that somebody else relies on: it falls at once and rises with notice (R10), within bounds that
/// never change (R8).
library Notice {
    /// @notice From the announcement of a rise until it applies.
    uint256 internal constant PERIOD = 4 days;

    /// @dev `from` is 0 where nothing was announced, and `next` is `current` then.
    struct Value {
        uint96 current;
        uint96 next;
        uint40 from;
    }

    /// @notice The first value, which nobody relies on yet.
    function begin(Value storage self, uint256 value, uint256 least, uint256 most) internal {
        if (value < least || value > most) revert IOPGStaking.OPGStaking_OutOfBounds(value, least, most);
        (self.current, self.next) = (uint96(value), uint96(value));
    }

    /// @notice Announces a rise or lets the value fall; either replaces what was announced before.
    function set(
        Value storage self,
        uint256 value,
        uint256 least,
        uint256 most
    ) internal returns (Announcement memory) {
        if (value < least || value > most) revert IOPGStaking.OPGStaking_OutOfBounds(value, least, most);
        uint256 before = effective(self);
        (self.current, self.next, self.from) =
            value > before
                ? (uint96(before), uint96(value), uint40(block.timestamp + PERIOD))
                : (uint96(value), uint96(value), 0);
        return read(self);
    }

    /// @notice Writes a rise down that applies by now, for whoever reads `current` as it is.
    function promote(Value storage self) internal {
        if (self.from != 0 && block.timestamp >= self.from) (self.current, self.from) = (self.next, 0);
    }

    /// @notice What applies now.
    function effective(Value storage self) internal view returns (uint256) {
        return block.timestamp < self.from ? self.current : self.next;
    }

    /// @notice The higher of what applies now and what was announced.
    function highest(Value storage self) internal view returns (uint256) {
        return self.next;
    }

    /// @notice What applies now and what will.
    function read(Value storage self) internal view returns (Announcement memory) {
        return Announcement(effective(self), self.next, block.timestamp < self.from ? self.from : 0);
    }
}
