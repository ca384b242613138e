// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Fee, FeeState, ITwinMarket} from "../interfaces/ITwinMarket.sol";

/// @title TwinFees
/// @notice The two fees of {ITwinMarket}: capped, rising only after notice.
abstract contract TwinFees is ITwinMarket {
    /// @inheritdoc ITwinMarket
    uint256 public constant MAX_PROTOCOL_FEE_PERCENT = 0.05e18;
    /// @inheritdoc ITwinMarket
    uint256 public constant MAX_SUBJECT_FEE_PERCENT = 0.05e18;
    /// @inheritdoc ITwinMarket
    uint256 public constant FEE_NOTICE = 48 hours;

    /// @dev 1e18 is 100 %. `effectiveAt` is 0 where nothing is pending.
    struct Schedule {
        uint64 present;
        uint64 pending;
        uint64 effectiveAt;
    }

    /// @inheritdoc ITwinMarket
    address public immutable admin;

    Schedule private _protocol;
    Schedule private _subject;

    modifier onlyAdmin() {
        if (msg.sender != admin) revert TwinMarket_NotAdmin(msg.sender);
        _;
    }

    constructor(address admin_, uint256 protocolPercent, uint256 subjectPercent) {
        if (admin_ == address(0)) revert TwinMarket_ZeroAddress();
        _requireWithinCap(Fee.Protocol, protocolPercent);
        _requireWithinCap(Fee.Subject, subjectPercent);
        admin = admin_;
        _protocol.present = uint64(protocolPercent);
        _subject.present = uint64(subjectPercent);
        emit FeeChanged(Fee.Protocol, 0, protocolPercent);
        emit FeeChanged(Fee.Subject, 0, subjectPercent);
    }

    /// @inheritdoc ITwinMarket
    function setProtocolFeePercent(uint256 percent) external onlyAdmin {
        _setFee(Fee.Protocol, percent);
    }

    /// @inheritdoc ITwinMarket
    function setSubjectFeePercent(uint256 percent) external onlyAdmin {
        _setFee(Fee.Subject, percent);
    }

    /// @inheritdoc ITwinMarket
    function withdrawFeeIncrease(Fee fee) external onlyAdmin {
        uint256 present = _applyDue(fee);
        if (!_withdraw(fee, present)) revert TwinMarket_NothingAnnounced(fee);
    }

    /// @inheritdoc ITwinMarket
    function owner() external view returns (address) {
        return admin;
    }

    /// @inheritdoc ITwinMarket
    function fees() external view returns (FeeState memory protocol, FeeState memory subject) {
        return (_stateOf(_protocol), _stateOf(_subject));
    }

    /// @inheritdoc ITwinMarket
    function protocolFeePercent() external view returns (uint256) {
        return _percentAt(_protocol, block.timestamp);
    }

    /// @inheritdoc ITwinMarket
    function subjectFeePercent() external view returns (uint256) {
        return _percentAt(_subject, block.timestamp);
    }

    /// @inheritdoc ITwinMarket
    function feesAt(uint256 timestamp) public view returns (uint256 protocolPercent, uint256 subjectPercent) {
        return (_percentAt(_protocol, timestamp), _percentAt(_subject, timestamp));
    }

    /// @dev The fees that a trade in this block pays. An increase that ran out is written down on the way, so that its
    /// event stands ahead of the first Trade that pays it.
    function _chargedFees() internal returns (uint256 protocolPercent, uint256 subjectPercent) {
        return (_applyDue(Fee.Protocol), _applyDue(Fee.Subject));
    }

    function _setFee(Fee fee, uint256 percent) private {
        _requireWithinCap(fee, percent);
        uint256 present = _applyDue(fee);
        _withdraw(fee, present);
        Schedule storage schedule = _scheduleOf(fee);
        if (percent > present) {
            uint256 effectiveAt = block.timestamp + FEE_NOTICE;
            (schedule.pending, schedule.effectiveAt) = (uint64(percent), uint64(effectiveAt));
            emit FeeIncreaseAnnounced(fee, present, percent, effectiveAt);
        } else if (percent < present) {
            schedule.present = uint64(percent);
            emit FeeChanged(fee, present, percent);
        }
    }

    /// @return present The fee of this block.
    function _applyDue(Fee fee) private returns (uint256 present) {
        Schedule storage schedule = _scheduleOf(fee);
        Schedule memory before = schedule;
        if (before.effectiveAt == 0 || block.timestamp < before.effectiveAt) return before.present;
        (schedule.present, schedule.pending, schedule.effectiveAt) = (before.pending, 0, 0);
        emit FeeChanged(fee, before.present, before.pending);
        return before.pending;
    }

    /// @dev Expects what is due to be applied. True if there was something to withdraw.
    function _withdraw(Fee fee, uint256 present) private returns (bool) {
        Schedule storage schedule = _scheduleOf(fee);
        if (schedule.effectiveAt == 0) return false;
        emit FeeIncreaseWithdrawn(fee, present, schedule.pending);
        (schedule.pending, schedule.effectiveAt) = (0, 0);
        return true;
    }

    function _scheduleOf(Fee fee) private view returns (Schedule storage) {
        return fee == Fee.Protocol ? _protocol : _subject;
    }

    function _percentAt(Schedule storage schedule, uint256 timestamp) private view returns (uint256) {
        uint256 effectiveAt = schedule.effectiveAt;
        return effectiveAt != 0 && timestamp >= effectiveAt ? schedule.pending : schedule.present;
    }

    function _stateOf(Schedule storage schedule) private view returns (FeeState memory) {
        uint256 present = _percentAt(schedule, block.timestamp);
        return
            block.timestamp < schedule.effectiveAt
                ? FeeState(present, schedule.pending, schedule.effectiveAt)
                : FeeState(present, present, 0);
    }

    function _requireWithinCap(Fee fee, uint256 percent) private pure {
        uint256 cap = fee == Fee.Protocol ? MAX_PROTOCOL_FEE_PERCENT : MAX_SUBJECT_FEE_PERCENT;
        if (percent > cap) revert TwinMarket_FeeAboveCap(fee, percent, cap);
    }
}
