// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @title UnlockCalendar
/// @notice Calendar months after the token event of 2026-04-21 00:00 UTC, in seconds.
/// @dev Proleptic Gregorian dates by the counting of days in years that begin in March, so that a leap day comes last
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil and civil_from_days). The event's
/// day, the 21st, exists in every month: nothing is ever moved to the end of a shorter one.
library UnlockCalendar {
    /// @notice 2026-04-21 00:00:00 UTC.
    uint64 internal constant EVENT = 1_776_729_600;
    /// @notice Months that a date is given for: a thousand years.
    uint256 internal constant LAST_MONTH = 12_000;

    uint256 private constant DAY_OF_MONTH = 21;
    /// @dev The event's year and month (from 0) in one number.
    uint256 private constant EVENT_MONTH = 2026 * 12 + 3;
    /// @dev Days from 0000-03-01 to 1970-01-01.
    uint256 private constant EPOCH = 719_468;
    uint256 private constant ERA = 146_097;

    /// @notice Months beyond {LAST_MONTH} have no date here.
    error UnlockCalendar_TooFar(uint256 month);

    /// @notice 00:00 UTC on the 21st, `month` calendar months after the event.
    function dueAt(uint256 month) internal pure returns (uint64) {
        if (month > LAST_MONTH) revert UnlockCalendar_TooFar(month);
        // Months from March of year 0: March is 0, February 11 of the year before.
        uint256 fromMarch = EVENT_MONTH + month - 2;
        (uint256 year, uint256 march) = (fromMarch / 12, fromMarch % 12);
        uint256 yearOfEra = year % 400;
        uint256 dayOfYear = (153 * march + 2) / 5 + DAY_OF_MONTH - 1;
        uint256 dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
        return uint64(((year / 400) * ERA + dayOfEra - EPOCH) * 1 days);
    }

    /// @notice The last month that fell due by `timestamp`, and whether the event itself has been.
    function monthAt(uint256 timestamp) internal pure returns (bool begun, uint256 month) {
        if (timestamp < EVENT) return (false, 0);
        uint256 date = timestamp / 1 days + EPOCH;
        uint256 dayOfEra = date % ERA;
        uint256 yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        uint256 dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        uint256 march = (5 * dayOfYear + 2) / 153;
        uint256 day = dayOfYear - (153 * march + 2) / 5 + 1;
        uint256 fromMarch = ((date / ERA) * 400 + yearOfEra) * 12 + march;
        month = fromMarch + 2 - EVENT_MONTH;
        if (day < DAY_OF_MONTH) --month;
        return (true, month);
    }
}
