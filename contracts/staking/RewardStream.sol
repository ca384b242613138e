// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IOPGStaking} from "../interfaces/IOPGStaking.sol";

/// @title RewardStream
/// @notice Gives out over time what arrived without a purpose, to all bonded stake by amount: one accumulator of wei
/// earned by a bonded wei, which each pool compares with what it saw last.
abstract contract RewardStream is IOPGStaking {
    using SafeCast for uint256;

    /// @notice How long a top-up takes to be given out.
    uint256 public constant STREAM_LENGTH = 30 days;
    /// @notice With less bonded in all pools together the stream waits. It bounds what one wei can earn.
    uint256 public constant MIN_BONDED = 1e18;

    /// @dev Of the accumulator: wei earned by 1e18 bonded wei.
    uint256 private constant SCALE = 1e18;

    /// @dev Three slots that every change of stake reads and writes together.
    /// @param remaining Not given out yet.
    /// @param allocated Given out, and not collected by its pools yet; in it what rounding leaves.
    /// @param end When `remaining` will be given out.
    /// @param bonded In all pools.
    /// @param accounted All that is held for somebody.
    /// @param last When this was brought up to date.
    /// @param perBonded The accumulator.
    struct Flow {
        uint96 remaining;
        uint96 allocated;
        uint40 end;
        uint96 bonded;
        uint96 accounted;
        uint40 last;
        uint128 perBonded;
    }

    /// @inheritdoc IOPGStaking
    IERC20 public immutable token;

    Flow private _flow;

    /// @inheritdoc IOPGStaking
    function stream() external view returns (uint256 remaining, uint256 allocated, uint256 end) {
        Flow memory flow = _flowNow();
        return (flow.remaining, flow.allocated, flow.end);
    }

    /// @inheritdoc IOPGStaking
    function accounted() external view returns (uint256) {
        return _flow.accounted;
    }

    /// @dev What arrived without a purpose.
    function _surplus() internal view returns (uint256) {
        (uint256 balance, uint256 held) = (token.balanceOf(address(this)), _flow.accounted);
        // No supply that is too large for the slots can stop what is here already.
        return Math.min(Math.saturatingSub(balance, held), type(uint96).max - held);
    }

    /// @dev The stream up to now. What the accumulator cannot express stays in `remaining`, so no rhythm of calls loses
    /// anything.
    function _flowNow() internal view returns (Flow memory flow) {
        flow = _flow;
        (uint256 last, uint256 end) = (flow.last, flow.end);
        flow.last = uint40(block.timestamp);
        if (flow.remaining == 0 || end <= last) return flow;
        if (flow.bonded < MIN_BONDED) {
            flow.end = uint40(end + block.timestamp - last);
            return flow;
        }
        uint256 due = (flow.remaining * (Math.min(block.timestamp, end) - last)) / (end - last);
        uint256 gain = (due * SCALE) / flow.bonded;
        // Up, so that pools, which round down, never collect more than was given; at most `due` all the same.
        uint256 given = Math.ceilDiv(gain * flow.bonded, SCALE);
        flow.remaining -= uint96(given);
        flow.allocated += uint96(given);
        flow.perBonded = (flow.perBonded + gain).toUint128();
    }

    /// @dev What `bonded` wei earned since the accumulator stood at `seen`.
    function _earned(Flow memory flow, uint256 bonded, uint256 seen) internal pure returns (uint256) {
        return (bonded * (flow.perBonded - seen)) / SCALE;
    }

    /// @dev Adds to a stream that is up to date. Its end moves to the average of both ends, weighted by amount, down to
    /// a second: dust can neither stretch nor shorten it.
    function _topUp(Flow memory flow, uint256 amount) internal {
        uint256 left = Math.saturatingSub(flow.end, block.timestamp);
        uint256 sum = flow.remaining + amount;
        flow.end = uint40(block.timestamp + (flow.remaining * left + amount * STREAM_LENGTH) / sum);
        flow.remaining = sum.toUint96();
        emit StreamToppedUp(amount, sum, flow.end);
    }

    function _store(Flow memory flow) internal {
        _flow = flow;
    }
}
