// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IDistrustable
/// @notice The bounded powers over things that evidence rests on: keys, measurements, model versions, verifiers
/// (R4, R8). Distrust is for ever and compared with the time of settlement; a freeze is short and lifts itself.
interface IDistrustable {
    /// @notice Everything that settled with `target` from `from` on reads as distrusted.
    event Distrusted(bytes32 indexed target, uint64 from, address indexed by);
    /// @notice Everything that rests on `target` reads as unverified until `until`.
    event Frozen(bytes32 indexed target, uint64 until);
    /// @notice Governance took note of the incident: the guardian may freeze `target` once more.
    event FreezeRearmed(bytes32 indexed target);

    /// @notice Only the timelock may do this.
    error Distrustable_NotAdmin(address caller);
    /// @notice Only the guardian may do this.
    error Distrustable_NotGuardian(address caller);
    /// @notice Nothing of this id is registered here.
    error Distrustable_UnknownTarget(bytes32 target);
    /// @notice The guardian froze this before; governance must take note first.
    error Distrustable_FreezeSpent(bytes32 target);
    /// @notice `target` is distrusted from `current` already; distrust only moves to earlier moments.
    error Distrustable_AlreadyDistrusted(bytes32 target, uint64 current);
    /// @notice Distrust cannot be dated to the future: `from` is after now.
    error Distrustable_FutureMoment(uint64 from);

    /// @notice Declares a compromise: what settled with `target` from `from` on reads as distrusted. Admin only, as
    /// only governance may name a past moment.
    function distrust(bytes32 target, uint64 from) external;

    /// @notice Freezes one target for MAX_FREEZE. Guardian only, once per incident.
    function freeze(bytes32 target) external;

    /// @notice Lets the guardian freeze `target` once more. Admin only.
    function rearmFreeze(bytes32 target) external;

    /// @notice `distrustedFrom` is `type(uint256).max` for never; `frozenUntil` 0 for never.
    function standing(
        bytes32 target
    ) external view returns (uint256 distrustedFrom, uint256 frozenUntil, bool freezeSpent);
}
