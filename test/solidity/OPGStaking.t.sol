// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IKeyRegistry} from "../../contracts/interfaces/IKeyRegistry.sol";
import {INodeRegistry} from "../../contracts/interfaces/INodeRegistry.sol";
import {IOPGVesting} from "../../contracts/interfaces/IOPGVesting.sol";
import {PoolTotals} from "../../contracts/interfaces/IOPGStaking.sol";
import {OPGStaking} from "../../contracts/staking/OPGStaking.sol";
import {StakedToken, Staker, StakingHandler, StubKeys} from "./StakingHandler.t.sol";
import {vm} from "./Vm.sol";

/// @notice Staking, delegating, earning, unbonding, slashing and waiting in any order.
contract OPGStakingInvariantTest {
    StakingHandler private handler;

    function setUp() external {
        handler = new StakingHandler();
    }

    /// @notice Where calls go; a name the runner asks for.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice The token's balance is what pools, stream and credits hold, to the wei; a slash moves one pool alone and no
    /// price of a share falls but by a slash of its own pool; keys end with the stake behind them. [R8][R9][R12]
    function invariant_stake() external view {
        handler.checkSums();
        handler.checkShares();
        handler.checkGains();
        handler.checkSufficiency();
    }
}

/// @notice The stream beside a model that knows no accumulator: it walks over all pools at every step and pays each.
contract OPGStakingStreamTest {
    uint256 private constant POOLS = 3;
    /// @dev Parts of a wei that the model counts in.
    uint256 private constant FINE = 1e9;

    StakedToken private token;
    OPGStaking private staking;
    Staker[POOLS] private stakers;

    uint256 private remaining;
    uint256 private end;
    uint256 private last;
    uint256 private topped;
    uint256[POOLS] private bonded;
    uint256[POOLS] private pending;

    function setUp() external {
        vm.warp(1_800_000_000);
        last = block.timestamp;
        token = new StakedToken();
        uint256[4] memory minimums = [uint256(1e18), 1e18, 1e18, 1e18];
        uint256[4] memory shares = [uint256(1_000), 1_000, 1_000, 1_000];
        staking = new OPGStaking(token, address(this), minimums, shares);
        StubKeys keys = new StubKeys();
        staking.wire(INodeRegistry(address(keys)), IKeyRegistry(address(keys)), address(this), IOPGVesting(address(0)));
        token.approve(address(staking), type(uint256).max);
        for (uint256 i = 0; i < POOLS; ++i) {
            stakers[i] = new Staker();
            _do(i, abi.encodeCall(staking.createPool, (0, 0)));
        }
    }

    /// @notice Whatever the rhythm of calls, each pool earns what the model pays it.
    function testFuzz_streamPaysAsTheModel(uint256[24] calldata steps) external {
        for (uint256 i = 0; i < steps.length; ++i) {
            uint256 seed = steps[i];
            _wait((seed >> 16) % (seed % 5 == 0 ? 9 days : 3 hours));
            uint256 amount = 1 + ((seed >> 64) % (seed % 7 == 0 ? 3_000_000e18 : 5_000e18));
            uint256 p = (seed >> 8) % POOLS;
            uint256 action = (seed >> 4) % 5;
            if (action == 0) _stake(p, amount);
            else if (action == 1) _unbond(p, amount);
            else if (action == 2) _topUp(1e18 + amount);
            else _compound(p);
            _compare();
        }
    }

    /// @notice However often anybody looks, nothing is given out twice or lost.
    function testFuzz_rhythmDoesNotMatter(uint64 amount, uint8 looks, uint32 time) external {
        uint256 streamed = 1e18 + uint256(amount) * 1e6;
        _stake(0, 1_000e18);
        _topUp(streamed);
        uint256 step = (uint256(time) % 40 days) / (uint256(looks) + 1);
        uint256 start = block.timestamp;
        for (uint256 i = 0; i <= looks; ++i) {
            _wait(step);
            staking.compound(address(stakers[0]), 0);
        }
        uint256 passed = block.timestamp - start;
        uint256 expected = passed >= 30 days ? streamed : (streamed * passed) / 30 days;
        uint256 got = staking.pool(address(stakers[0]), 0).own - 1_000e18;
        // What the accumulator cannot express is put off to the next look: a wei for every 1e18 that is bonded.
        uint256 least = (1_000e18 + streamed) / 1e18 + 1;
        require(got <= expected && expected - got <= least * (uint256(looks) + 2), "given out");
    }

    function _wait(uint256 time) private {
        vm.warp(block.timestamp + time);
        uint256 sum = bonded[0] + bonded[1] + bonded[2];
        uint256 reached = block.timestamp < end ? block.timestamp : end;
        if (remaining != 0 && end > last) {
            if (sum < 1e18 * FINE) end += block.timestamp - last;
            else {
                uint256 given = (remaining * (reached - last)) / (end - last);
                for (uint256 i = 0; i < POOLS; ++i) pending[i] += (given * bonded[i]) / sum;
                remaining -= given;
            }
        }
        last = block.timestamp;
    }

    function _collect(uint256 p) private {
        bonded[p] += pending[p];
        pending[p] = 0;
    }

    function _stake(uint256 p, uint256 amount) private {
        staking.stake(address(stakers[p]), 0, amount);
        _collect(p);
        bonded[p] += amount * FINE;
    }

    function _unbond(uint256 p, uint256 amount) private {
        uint256 own = staking.pool(address(stakers[p]), 0).own;
        if (own == 0 || staking.stakeRequests(address(stakers[p]), 0).length == 16) return;
        amount = amount > own ? own : amount;
        _do(p, abi.encodeCall(staking.unbond, (0, amount)));
        _collect(p);
        // The model is a few wei off at most: what is left of it after all went is nothing.
        bonded[p] = bonded[p] < amount * FINE ? 0 : bonded[p] - amount * FINE;
    }

    function _topUp(uint256 amount) private {
        token.transfer(address(staking), amount);
        staking.sync();
        uint256 left = end > block.timestamp ? end - block.timestamp : 0;
        uint256 sum = remaining + amount * FINE;
        end = block.timestamp + (remaining * left + amount * FINE * 30 days) / sum;
        (remaining, topped) = (sum, topped + amount);
    }

    function _compound(uint256 p) private {
        staking.compound(address(stakers[p]), 0);
        _collect(p);
    }

    /// @dev A second of the end's rounding is a two-millionth of the stream; the accumulator's own rounding is less.
    function _compare() private view {
        uint256 tolerance = topped / 500_000 + 1e10;
        for (uint256 p = 0; p < POOLS; ++p) {
            PoolTotals memory pool = staking.pool(address(stakers[p]), 0);
            _near(pool.own, bonded[p] / FINE, tolerance, "bonded");
            _near(staking.pendingRewards(address(stakers[p]), 0), pending[p] / FINE, tolerance, "pending");
        }
        (uint256 left, , uint256 ends) = staking.stream();
        _near(left, remaining / FINE, tolerance, "remaining");
        _near(ends, end, 24, "end");
    }

    function _near(uint256 a, uint256 b, uint256 tolerance, string memory what) private pure {
        require((a > b ? a - b : b - a) <= tolerance, what);
    }

    function _do(uint256 by, bytes memory data) private {
        (bool ok, ) = stakers[by].act(address(staking), data);
        require(ok, "must work");
    }
}
