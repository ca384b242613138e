// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IDistrustable} from "../interfaces/IDistrustable.sol";
import {Governed} from "./Governed.sol";

/// @title Distrustable
/// @notice One implementation of distrust and freezing for keys, measurements, model versions and verifiers.
/// @dev Distrust, freeze and what a registry reads together with them share one slot, so that opening a receipt pays
/// for one read. `NEVER` marks "not distrusted", so that a registered target is never an empty slot.
abstract contract Distrustable is Governed, IDistrustable {
    /// @notice How long a freeze lasts: at least one governance cycle, so that governance can take over (R8).
    uint64 public constant MAX_FREEZE = 10 days;

    uint40 internal constant NEVER = type(uint40).max;

    /// @param distrustedFrom `NEVER` while trusted; 0 while not registered.
    /// @param frozenUntil 0 where never frozen.
    /// @param freezeSpent True once the guardian froze it, until governance rearms.
    /// @param tag What the registry keeps beside it.
    struct Standing {
        uint40 distrustedFrom;
        uint40 frozenUntil;
        bool freezeSpent;
        uint168 tag;
    }

    mapping(bytes32 target => Standing) internal _standing;

    modifier onlyAdmin() {
        if (msg.sender != admin) revert Distrustable_NotAdmin(msg.sender);
        _;
    }

    /// @inheritdoc IDistrustable
    function distrust(bytes32 target, uint64 from) external onlyAdmin {
        if (from > block.timestamp) revert Distrustable_FutureMoment(from);
        _distrust(target, uint40(from));
    }

    /// @inheritdoc IDistrustable
    function freeze(bytes32 target) external {
        if (msg.sender != guardian) revert Distrustable_NotGuardian(msg.sender);
        Standing storage state = _known(target);
        if (state.freezeSpent) revert Distrustable_FreezeSpent(target);
        uint64 until = uint64(block.timestamp) + MAX_FREEZE;
        state.frozenUntil = uint40(until);
        state.freezeSpent = true;
        emit Frozen(target, until);
    }

    /// @inheritdoc IDistrustable
    function rearmFreeze(bytes32 target) external onlyAdmin {
        _known(target).freezeSpent = false;
        emit FreezeRearmed(target);
    }

    /// @inheritdoc IDistrustable
    function standing(
        bytes32 target
    ) external view returns (uint256 distrustedFrom, uint256 frozenUntil, bool freezeSpent) {
        Standing memory state = _known(target);
        return (_widen(state.distrustedFrom), state.frozenUntil, state.freezeSpent);
    }

    /// @dev Registers a target. The caller has made sure that it is new.
    function _enroll(bytes32 target, uint168 tag) internal {
        _standing[target] = Standing({distrustedFrom: NEVER, frozenUntil: 0, freezeSpent: false, tag: tag});
    }

    /// @dev Distrust only ever moves to an earlier moment: nothing that read as distrusted is revived.
    function _distrust(bytes32 target, uint40 from) internal {
        // The epoch itself would read as "not registered".
        if (from == 0) from = 1;
        Standing storage state = _known(target);
        if (state.distrustedFrom <= from) revert Distrustable_AlreadyDistrusted(target, state.distrustedFrom);
        state.distrustedFrom = from;
        emit Distrusted(target, from, msg.sender);
    }

    /// @dev A target's standing in one word, by `StandingLayout`.
    function _packedStanding(bytes32 target) internal view returns (uint256 word) {
        Standing storage state = _standing[target];
        assembly ("memory-safe") {
            word := sload(state.slot)
        }
    }

    function _isEnrolled(bytes32 target) internal view returns (bool) {
        return _standing[target].distrustedFrom != 0;
    }

    function _known(bytes32 target) internal view returns (Standing storage state) {
        state = _standing[target];
        if (state.distrustedFrom == 0) revert Distrustable_UnknownTarget(target);
    }

    /// @dev To the interface's form, in which never is the largest number.
    function _widen(uint40 moment) internal pure returns (uint256) {
        return moment == NEVER ? type(uint256).max : moment;
    }
}
