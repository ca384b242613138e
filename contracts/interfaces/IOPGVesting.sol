// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice What the supply is divided into, in the order of the published allocation.
enum Allocation {
    Ecosystem,
    Foundation,
    Contributors,
    Investors,
    StakingRewards,
    Liquidity,
    Airdrop
}

/// @title IOPGVesting
/// @notice The published unlock schedule of OPG, as a contract that can do nothing else: time alone makes tokens due,
/// anyone may send what is due, and it goes to the beneficiary that deployment fixed. Nobody can hasten, skip,
/// redirect or stop a tranche.
/// @dev Month k falls due at 00:00 UTC on the 21st, k calendar months after the token event of 2026-04-21 (month 0).
/// Scheduled in total by month k: `atEvent + floor((total − atEvent) · t / tranches)`, where t = k − cliff, at least 0
/// and at most `tranches`. Rounding is of the total and never of a tranche, so the last tranche ends exactly at `total`.
///
/// The published "12-month cliff, then 36" is read as: nothing up to and including month 12, then 36 equal monthly
/// tranches, the first in month 13 and the last in month 48. Nothing accumulates behind the cliff.
interface IOPGVesting {
    /// @param total Everything of this allocation, in wei.
    /// @param atEvent Due at the token event, in wei; part of `total`.
    /// @param cliff Months after the event without a tranche.
    /// @param tranches Number of monthly tranches of the rest; 0 where all is due at the event.
    struct Schedule {
        uint128 total;
        uint128 atEvent;
        uint16 cliff;
        uint16 tranches;
    }

    /// @notice Due tokens went to their beneficiary.
    /// @param amount Sent now, in wei.
    /// @param released Sent so far, this included.
    /// @param remaining Of this allocation, not sent yet.
    event Released(
        Allocation indexed allocation,
        address indexed beneficiary,
        uint256 amount,
        uint256 released,
        uint256 remaining
    );

    /// @notice A beneficiary must be able to use what it gets: not zero, not the token, not this contract.
    error OPGVesting_BadBeneficiary(Allocation allocation, address beneficiary);
    /// @notice Everything due so far was sent already.
    error OPGVesting_NothingDue(Allocation allocation, uint256 released);

    /// @notice The token that vests.
    function token() external view returns (IERC20);

    /// @notice The token event, month 0: 2026-04-21 00:00 UTC, in seconds.
    function EVENT() external view returns (uint64);

    /// @notice Who gets an allocation; never changes.
    function beneficiary(Allocation allocation) external view returns (address);

    /// @notice An allocation's schedule; never changes.
    function schedule(Allocation allocation) external pure returns (Schedule memory);

    /// @notice When a month's tranches fall due.
    /// @param month Months after the token event, at most 12,000.
    function dueAt(uint256 month) external pure returns (uint64);

    /// @notice Number of the month that is running at a moment: months after the event that fell due, and whether the
    /// event has been at all.
    function monthAt(uint256 timestamp) external pure returns (bool begun, uint256 month);

    /// @notice What is due in total, by the end of each month's 21st.
    /// @param month Months after the token event; any number.
    function scheduledByMonth(Allocation allocation, uint256 month) external pure returns (uint256);

    /// @notice What is due in total at a moment.
    function scheduledAt(Allocation allocation, uint256 timestamp) external pure returns (uint256);

    /// @notice One month of the calendar.
    /// @param month Months after the token event, at most 12,000.
    /// @return due When it falls due, in seconds.
    /// @return tranches What falls due in this month, by allocation, in wei.
    /// @return cumulative What is due in total by then, by allocation, in wei.
    function calendar(
        uint256 month
    ) external pure returns (uint64 due, uint256[7] memory tranches, uint256[7] memory cumulative);

    /// @notice Sent so far, in wei.
    function released(Allocation allocation) external view returns (uint256);

    /// @notice What {release} would send now, in wei.
    function releasable(Allocation allocation) external view returns (uint256);

    /// @notice Sends everything that is due to the allocation's beneficiary. Anyone may call.
    /// @return amount What was sent, in wei; never 0.
    function release(Allocation allocation) external returns (uint256 amount);
}
