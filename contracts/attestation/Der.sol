// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @title Der
/// @notice Reads ASN.1 in distinguished encoding: definite lengths in their shortest form, low tags only.
/// @dev Offsets are of `data`; `end` bounds what may be read and never exceeds its length.
library Der {
    /// @notice Another tag than the one that must stand at `offset`, or the value ended before it.
    error Der_UnexpectedTag(uint256 offset, uint8 expected);
    /// @notice A length that is indefinite, not in its shortest form, above 65,535, or beyond what contains it.
    error Der_BadLength(uint256 offset);
    /// @notice An integer that is negative, empty, longer than allowed or has a needless leading zero.
    error Der_BadInteger(uint256 offset);
    /// @notice Something follows where the value must end.
    error Der_TrailingBytes(uint256 offset);
    /// @notice A time in another form than YYMMDDHHMMSSZ before 2050 and YYYYMMDDHHMMSSZ from then on.
    error Der_BadTime(uint256 offset);

    uint8 internal constant BOOLEAN = 0x01;
    uint8 internal constant INTEGER = 0x02;
    uint8 internal constant BIT_STRING = 0x03;
    uint8 internal constant OCTET_STRING = 0x04;
    uint8 internal constant OBJECT_IDENTIFIER = 0x06;
    uint8 internal constant UTC_TIME = 0x17;
    uint8 internal constant GENERALIZED_TIME = 0x18;
    uint8 internal constant SEQUENCE = 0x30;

    /// @notice Where the content of the value at `at` begins and ends. The value has this tag and lies before `end`.
    function open(
        bytes calldata data,
        uint256 at,
        uint256 end,
        uint8 tag
    ) internal pure returns (uint256 start, uint256 stop) {
        unchecked {
            if (at >= end || uint8(data[at]) != tag) revert Der_UnexpectedTag(at, tag);
            if (at + 1 >= end) revert Der_BadLength(at);
            uint256 length = uint8(data[at + 1]);
            start = at + 2;
            if (length > 0x7f) {
                uint256 size = length - 0x80;
                // 0x80 is the indefinite form; certificates here have two bytes of length at most.
                if (size == 0 || size > 2 || start + size > end) revert Der_BadLength(at);
                length = uint8(data[start]);
                if (size == 2) length = (length << 8) | uint8(data[start + 1]);
                if (length < (size == 1 ? 0x80 : 0x100)) revert Der_BadLength(at);
                start += size;
            }
            stop = start + length;
            if (stop > end) revert Der_BadLength(at);
        }
    }

    /// @notice Refuses anything between `at` and `end`.
    function close(uint256 at, uint256 end) internal pure {
        if (at != end) revert Der_TrailingBytes(at);
    }

    /// @notice The value of a positive integer of at most 384 bits, as high 128 and low 256 bits.
    function positive384(
        bytes calldata data,
        uint256 at,
        uint256 end
    ) internal pure returns (uint256 high, uint256 low, uint256 next) {
        (uint256 start, uint256 stop) = positive(data, at, end, 48);
        for (uint256 i = start; i < stop; i++) {
            high = (high << 8) | (low >> 248);
            low = (low << 8) | uint8(data[i]);
        }
        return (high, low, stop);
    }

    /// @notice Where the bytes of an integer above zero stand, without the zero that keeps it positive.
    /// @param most How many bytes it may have.
    function positive(
        bytes calldata data,
        uint256 at,
        uint256 end,
        uint256 most
    ) internal pure returns (uint256 start, uint256 stop) {
        (start, stop) = open(data, at, end, INTEGER);
        if (start == stop || uint8(data[start]) > 0x7f) revert Der_BadInteger(at);
        if (data[start] == 0) {
            start++;
            if (start == stop || uint8(data[start]) < 0x80) revert Der_BadInteger(at);
        }
        if (stop - start > most) revert Der_BadInteger(at);
    }

    /// @notice Unix seconds of a certificate's time (RFC 5280, 4.1.2.5).
    function time(bytes calldata data, uint256 at, uint256 end) internal pure returns (uint40 moment, uint256 next) {
        bool short = at < end && uint8(data[at]) == UTC_TIME;
        uint256 start;
        (start, next) = open(data, at, end, short ? UTC_TIME : GENERALIZED_TIME);
        if (next - start != (short ? 13 : 15) || data[next - 1] != "Z") revert Der_BadTime(at);
        uint256 year = _pair(data, start);
        if (short) {
            year += year < 50 ? 2000 : 1900;
        } else {
            start += 2;
            year = year * 100 + _pair(data, start);
            if (year < 2050) revert Der_BadTime(at);
        }
        uint256 month = _pair(data, start + 2);
        uint256 day = _pair(data, start + 4);
        uint256 hour = _pair(data, start + 6);
        uint256 minute = _pair(data, start + 8);
        uint256 second = _pair(data, start + 10);
        if (month == 0 || month > 12 || day == 0 || day > _daysIn(year, month)) revert Der_BadTime(at);
        if (year < 1970 || hour > 23 || minute > 59 || second > 59) revert Der_BadTime(at);
        moment = uint40(_daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second);
    }

    function _pair(bytes calldata data, uint256 at) private pure returns (uint256) {
        uint256 tens = uint8(data[at]);
        uint256 units = uint8(data[at + 1]);
        if (tens < 0x30 || tens > 0x39 || units < 0x30 || units > 0x39) revert Der_BadTime(at);
        return (tens - 0x30) * 10 + units - 0x30;
    }

    function _daysIn(uint256 year, uint256 month) private pure returns (uint256) {
        if (month != 2) return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
    }

    /// @dev Days of the proleptic Gregorian calendar, counted in years that begin in March.
    function _daysSince1970(uint256 year, uint256 month, uint256 day) private pure returns (uint256) {
        if (month < 3) {
            year--;
            month += 12;
        }
        return 365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day - 719_469;
    }
}
