// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {OPGGenesis} from "../../contracts/opg/OPGGenesis.sol";
import {UnlockCalendar} from "../../contracts/opg/UnlockCalendar.sol";
import {Allocation, IOPGVesting} from "../../contracts/interfaces/IOPGVesting.sol";
import {IOPGToken} from "../../contracts/interfaces/IOPGToken.sol";
import {vm} from "./Vm.sol";

/// @notice Time passes and anyone releases anything, in any order.
contract VestingHandler {
    IOPGToken public immutable token;
    IOPGVesting public immutable vesting;

    uint256 private _now = UnlockCalendar.EVENT - 10 days;
    uint256[7] private _before;

    constructor() {
        vm.warp(_now);
        OPGGenesis genesis = new OPGGenesis();
        address[7] memory beneficiaries;
        for (uint160 i = 0; i < 7; ++i) beneficiaries[i] = address(0xBEEF00 + i);
        token = genesis.token();
        vesting = genesis.launch(beneficiaries);
    }

    function wait(uint32 time) external {
        _now += time % 400 days;
        vm.warp(_now);
    }

    function release(uint8 which) external {
        vm.warp(_now);
        Allocation allocation = Allocation(which % 7);
        uint256 due = vesting.releasable(allocation);
        uint256 held = token.balanceOf(vesting.beneficiary(allocation));
        (bool sent, bytes memory data) = address(vesting).call(abi.encodeCall(vesting.release, (allocation)));
        require(sent == (due != 0), "releases exactly where something is due");
        if (sent) require(abi.decode(data, (uint256)) == due, "amount");
        require(token.balanceOf(vesting.beneficiary(allocation)) == held + due, "arrived");
        require(vesting.releasable(allocation) == 0, "nothing left due");
    }

    function check() external {
        uint256 all = 0;
        for (uint256 i = 0; i < 7; ++i) {
            Allocation allocation = Allocation(i);
            uint256 released = vesting.released(allocation);
            require(released <= vesting.scheduledAt(allocation, _now), "above schedule");
            require(vesting.scheduledAt(allocation, _now) <= vesting.schedule(allocation).total, "above total");
            require(token.balanceOf(vesting.beneficiary(allocation)) == released, "redirected");
            require(released >= _before[i], "taken back");
            _before[i] = released;
            all += released;
        }
        require(token.totalSupply() == 1_000_000_000e18, "supply");
        require(token.balanceOf(address(vesting)) + all == token.SUPPLY(), "conservation");
    }
}

/// @notice Whatever the order of calls, releases keep to the schedule and the supply stays whole. [R8][R9]
contract OPGVestingInvariantTest {
    VestingHandler private handler;

    function setUp() external {
        handler = new VestingHandler();
    }

    /// @notice Where calls go; a name the runner asks for.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice Which of its functions; a name the runner asks for.
    function targetSelectors() external view returns (FuzzSelector[] memory selected) {
        selected = new FuzzSelector[](1);
        bytes4[] memory each = new bytes4[](2);
        (each[0], each[1]) = (VestingHandler.wait.selector, VestingHandler.release.selector);
        selected[0] = FuzzSelector(address(handler), each);
    }

    /// @notice Never above schedule, never to anyone else, nothing lost and nothing made.
    function invariant_schedule() external {
        handler.check();
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }
}

/// @notice Sums, steps and dates with generated months and moments.
contract OPGVestingTest {
    IOPGToken private token;
    IOPGVesting private vesting;

    function setUp() external {
        VestingHandler handler = new VestingHandler();
        (token, vesting) = (handler.token(), handler.vesting());
    }

    /// @notice A month's tranches are the steps between totals, never negative, and all of them sum to the supply.
    function test_tranchesSumToTheSupply() external view {
        uint256[7] memory sums;
        for (uint256 month = 0; month <= 100; ++month) {
            (, uint256[7] memory tranches, uint256[7] memory cumulative) = vesting.calendar(month);
            for (uint256 i = 0; i < 7; ++i) {
                sums[i] += tranches[i];
                require(sums[i] == cumulative[i], "cumulative");
            }
        }
        uint256 all = 0;
        for (uint256 i = 0; i < 7; ++i) {
            require(sums[i] == vesting.schedule(Allocation(i)).total, "total");
            all += sums[i];
        }
        require(all == token.SUPPLY(), "supply");
    }

    /// @notice Later never means less, and two tranches of one schedule differ by a wei at most.
    function testFuzz_monotonicAndEven(uint8 which, uint16 a, uint16 b) external view {
        Allocation allocation = Allocation(which % 7);
        (uint256 early, uint256 late) = a < b ? (a, b) : (b, a);
        require(vesting.scheduledByMonth(allocation, early) <= vesting.scheduledByMonth(allocation, late), "decreases");
        IOPGVesting.Schedule memory plan = vesting.schedule(allocation);
        if (plan.tranches == 0) return;
        uint256 month = plan.cliff + 1 + (a % plan.tranches);
        uint256 step = vesting.scheduledByMonth(allocation, month) - vesting.scheduledByMonth(allocation, month - 1);
        uint256 even = (plan.total - plan.atEvent) / plan.tranches;
        require(step == even || step == even + 1, "uneven");
    }

    /// @notice A month begins in the second it falls due, whatever the length of the months between.
    function testFuzz_monthsBeginWhenDue(uint16 month, uint32 within) external view {
        month = month % 11_999;
        (uint256 from, uint256 to) = (vesting.dueAt(month), vesting.dueAt(uint256(month) + 1));
        require(to - from >= 28 days && to - from <= 31 days, "length");
        (bool begun, uint256 at) = vesting.monthAt(from + (within % (to - from)));
        require(begun && at == month, "inside");
        (begun, at) = vesting.monthAt(from - 1);
        require(month == 0 ? !begun : at == month - 1, "a second early");
    }

    /// @notice Dates are those of a calendar that is counted month by month.
    function test_datesAreCalendarDates() external view {
        uint256 date = UnlockCalendar.EVENT;
        (uint256 year, uint256 month) = (2026, 4);
        for (uint256 i = 0; i < 1_300; ++i) {
            require(vesting.dueAt(i) == date, "date");
            date += _length(year, month) * 1 days;
            (year, month) = month == 12 ? (year + 1, 1) : (year, month + 1);
        }
    }

    /// @notice Releasing at any moments, in any number of steps, ends at the same sums.
    function testFuzz_stepsDoNotMatter(uint8 which, uint32[8] calldata waits) external {
        Allocation allocation = Allocation(which % 7);
        uint256 time = UnlockCalendar.EVENT;
        for (uint256 i = 0; i < 8; ++i) {
            time += waits[i] % 700 days;
            vm.warp(time);
            if (vesting.releasable(allocation) != 0) vesting.release(allocation);
            require(vesting.released(allocation) == vesting.scheduledAt(allocation, time), "sum");
        }
    }

    function _length(uint256 year, uint256 month) private pure returns (uint256) {
        if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
        return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    }
}

/// @notice An ERC-20 and nothing more, in the hands of its vesters: what the real token looks like from outside.
contract PlainOPG is ERC20 {
    constructor(address[] memory vesters, uint256[] memory amounts) ERC20("Plain", "PLAIN") {
        for (uint256 i = 0; i < vesters.length; ++i) _mint(vesters[i], amounts[i]);
    }
}

/// @notice Says of itself what a vesting says, but a wei more in month 2 and a second later in month 3.
contract OtherVesting {
    IOPGVesting private immutable _published;
    address public immutable token;

    constructor(IOPGVesting published, address token_) {
        _published = published;
        token = token_;
    }

    function calendar(
        uint256 month
    ) external view returns (uint64 due, uint256[7] memory tranches, uint256[7] memory cumulative) {
        (due, tranches, cumulative) = _published.calendar(month);
        if (month == 2) ++cumulative[1];
        if (month == 3) ++due;
    }

    function beneficiary(Allocation allocation) external view returns (address) {
        return _published.beneficiary(allocation);
    }

    /// @dev A release to somebody else, that never was.
    function pretend() external {
        emit IOPGVesting.Released(Allocation.Foundation, address(0xBAD), 5, 5, 0);
    }
}
