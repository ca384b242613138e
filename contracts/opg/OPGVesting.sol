// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Allocation, IOPGVesting} from "../interfaces/IOPGVesting.sol";
import {UnlockCalendar} from "./UnlockCalendar.sol";

/// @title OPGVesting
/// @notice See {IOPGVesting}, where every function, event and error is documented.
/// @dev Holds whatever of the token it was given: where that is less than the schedule, a release reverts in the
/// token and loses nothing. {OPGGenesis} gives it all.
contract OPGVesting is IOPGVesting {
    uint256 private constant ALLOCATIONS = 7;

    /// @inheritdoc IOPGVesting
    uint64 public constant EVENT = UnlockCalendar.EVENT;
    /// @inheritdoc IOPGVesting
    IERC20 public immutable token;

    /// @inheritdoc IOPGVesting
    mapping(Allocation allocation => address) public beneficiary;
    /// @inheritdoc IOPGVesting
    mapping(Allocation allocation => uint256 amount) public released;

    /// @param token_ The token that vests.
    /// @param beneficiaries By {Allocation}; may repeat.
    constructor(IERC20 token_, address[7] memory beneficiaries) {
        token = token_;
        for (uint256 i = 0; i < ALLOCATIONS; ++i) {
            address each = beneficiaries[i];
            if (each == address(0) || each == address(this) || each == address(token_))
                revert OPGVesting_BadBeneficiary(Allocation(i), each);
            beneficiary[Allocation(i)] = each;
        }
    }

    /// @inheritdoc IOPGVesting
    function release(Allocation allocation) external returns (uint256 amount) {
        amount = releasable(allocation);
        uint256 before = released[allocation];
        if (amount == 0) revert OPGVesting_NothingDue(allocation, before);
        released[allocation] = before + amount;
        address to = beneficiary[allocation];
        emit Released(allocation, to, amount, before + amount, schedule(allocation).total - before - amount);
        SafeERC20.safeTransfer(token, to, amount);
    }

    /// @inheritdoc IOPGVesting
    function calendar(
        uint256 month
    ) external pure returns (uint64 due, uint256[7] memory tranches, uint256[7] memory cumulative) {
        due = UnlockCalendar.dueAt(month);
        for (uint256 i = 0; i < ALLOCATIONS; ++i) {
            cumulative[i] = scheduledByMonth(Allocation(i), month);
            tranches[i] = cumulative[i] - (month == 0 ? 0 : scheduledByMonth(Allocation(i), month - 1));
        }
    }

    /// @inheritdoc IOPGVesting
    function dueAt(uint256 month) external pure returns (uint64) {
        return UnlockCalendar.dueAt(month);
    }

    /// @inheritdoc IOPGVesting
    function monthAt(uint256 timestamp) external pure returns (bool begun, uint256 month) {
        return UnlockCalendar.monthAt(timestamp);
    }

    /// @inheritdoc IOPGVesting
    function releasable(Allocation allocation) public view returns (uint256) {
        return scheduledAt(allocation, block.timestamp) - released[allocation];
    }

    /// @inheritdoc IOPGVesting
    function scheduledAt(Allocation allocation, uint256 timestamp) public pure returns (uint256) {
        (bool begun, uint256 month) = UnlockCalendar.monthAt(timestamp);
        return begun ? scheduledByMonth(allocation, month) : 0;
    }

    /// @inheritdoc IOPGVesting
    function scheduledByMonth(Allocation allocation, uint256 month) public pure returns (uint256) {
        Schedule memory plan = schedule(allocation);
        if (month >= uint256(plan.cliff) + plan.tranches) return plan.total;
        if (month <= plan.cliff) return plan.atEvent;
        return plan.atEvent + (uint256(plan.total - plan.atEvent) * (month - plan.cliff)) / plan.tranches;
    }

    /// @inheritdoc IOPGVesting
    function schedule(Allocation allocation) public pure returns (Schedule memory) {
        if (allocation == Allocation.Ecosystem) return Schedule(400_000_000e18, 40_000_000e18, 0, 60);
        if (allocation == Allocation.Foundation) return Schedule(150_000_000e18, 50_000_000e18, 0, 48);
        if (allocation == Allocation.Contributors) return Schedule(150_000_000e18, 0, 12, 36);
        if (allocation == Allocation.Investors) return Schedule(100_000_000e18, 0, 12, 36);
        if (allocation == Allocation.StakingRewards) return Schedule(100_000_000e18, 0, 0, 96);
        if (allocation == Allocation.Liquidity) return Schedule(60_000_000e18, 60_000_000e18, 0, 0);
        return Schedule(40_000_000e18, 40_000_000e18, 0, 0);
    }
}
