// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IKeyRegistry, KeyState} from "./IKeyRegistry.sol";

/// @notice Whether the image a key was attested in may speak for a model version. Unix seconds.
/// @param approvedFrom 0 where it was never approved for the version.
/// @param approvedUntil Inclusive; `type(uint256).max` while the approval stands.
/// @param distrustedFrom `type(uint256).max` for never.
/// @param frozenUntil 0 where never frozen.
struct MeasurementState {
    uint256 approvedFrom;
    uint256 approvedUntil;
    uint256 distrustedFrom;
    uint256 frozenUntil;
}

/// @title IEnclaveRegistry
/// @notice Enclave keys: admitted by attestation, bound to a node, valid for a time, each of one measured image that
/// governance approves per model version.
interface IEnclaveRegistry is IKeyRegistry {
    /// @notice An enclave key was admitted for the image it was attested in; `KeyAdded` carries the key itself.
    event EnclaveAdmitted(bytes32 indexed keyId, bytes32 indexed nodeId, bytes32 indexed measurement);
    /// @notice A measurement was seen for the first time; `target` names it for distrust and freeze.
    event MeasurementKnown(bytes32 indexed measurement, bytes32 indexed target);
    /// @notice Governance approved an image for a model version.
    event MeasurementApproved(bytes32 indexed measurement, bytes32 indexed modelId, uint64 from);
    /// @notice Governance withdrew the approval, orderly: what completed before stays (R4).
    event MeasurementWithdrawn(bytes32 indexed measurement, bytes32 indexed modelId, uint64 until);

    /// @notice The attestation names another purpose than this registry and node.
    error EnclaveRegistry_WrongUserData(bytes32 expected, bytes32 found);
    /// @notice The attestation is older than MAX_ATTESTATION_AGE, or from the future.
    error EnclaveRegistry_StaleAttestation(uint64 issuedAt);
    /// @notice This release admits secp256k1 enclave keys of 64 bytes x ‖ y.
    error EnclaveRegistry_UnsupportedKey(uint8 kind, uint256 length);
    /// @notice A debug enclave measures all zero; anyone can read its memory.
    error EnclaveRegistry_ZeroMeasurement();
    /// @notice The approval stands already.
    error EnclaveRegistry_AlreadyApproved(bytes32 measurement, bytes32 modelId);
    /// @notice There is no live approval to withdraw.
    error EnclaveRegistry_NotApproved(bytes32 measurement, bytes32 modelId);
    /// @notice A withdrawn approval is not revived, so that no withdrawn time becomes valid again (R4).
    error EnclaveRegistry_ApprovalWithdrawn(bytes32 measurement, bytes32 modelId);

    /// @notice Admits an enclave key by its attestation. Operator only, needs stake, a node that is not retired and a
    /// kind that answers requests (errors of `INodeRegistry`).
    /// @param nodeId The node it will answer for; never changes.
    /// @param attestation In the format of the attestation verifier; its user data is {registrationUserData}.
    /// @param validUntil Unix seconds, at most MAX_KEY_LIFE from now.
    function admit(bytes32 nodeId, bytes calldata attestation, uint64 validUntil) external returns (bytes32 keyId);

    /// @notice Approves an image for a model version from now on. Admin only.
    function approveMeasurement(bytes32 measurement, bytes32 modelId) external;

    /// @notice Ends an approval now; what completed before stays verified. Admin only.
    function withdrawMeasurement(bytes32 measurement, bytes32 modelId) external;

    /// @notice What opening asks: a key and its image for a model version, in one call. All zero for unknown keys.
    function enclaveState(
        bytes32 keyId,
        bytes32 modelId
    ) external view returns (KeyState memory key, MeasurementState memory measurement);

    /// @notice The same as it is kept, by `StandingLayout`: for contracts that ask with every call.
    /// @return key Word of the key.
    /// @return approval Word of its image's approval for the version.
    /// @return measurement Word of the image.
    function packedEnclaveState(
        bytes32 keyId,
        bytes32 modelId
    ) external view returns (uint256 key, uint256 approval, uint256 measurement);

    /// @notice Measurement a key was admitted with; zero for unknown keys.
    function measurementOf(bytes32 keyId) external view returns (bytes32);

    /// @notice The short number a measurement is known by here, and its target for distrust and freeze; zero for
    /// unknown measurements.
    function measurementTarget(bytes32 measurement) external view returns (bytes32);

    /// @notice User data that binds an attestation to one registration:
    /// keccak256(abi.encode(chainId, this registry, nodeId, operator of the node)).
    function registrationUserData(bytes32 nodeId) external view returns (bytes32);
}
