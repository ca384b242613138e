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

/// @notice What a key says of the one that follows it.
/// @param keyId The key that hands over.
/// @param endsAt Unix seconds: its last second. Not before now, not after its own end, at most MAX_OVERLAP from now.
/// @param publicKey DER SubjectPublicKeyInfo of an RSA key; empty for a secp256k1 key.
/// @param signature Over {IEnclaveRegistry-handOverDigest}: 65 bytes r ‖ s ‖ v, or 256 bytes RSASSA-PSS.
struct HandOver {
    bytes32 keyId;
    uint64 endsAt;
    bytes publicKey;
    bytes signature;
}

/// @title IEnclaveRegistry
/// @notice Enclave keys: admitted by attestation, bound to a node, valid for a time, each of one measured image that
/// governance approves per model version. Two kinds: secp256k1, which signs receipts and batches (mode TEE), and RSA-2048
/// as OpenGradient's gateways have it, which has no address and signs none: its answers settle in `GatewayAnswers` only.
interface IEnclaveRegistry is IKeyRegistry {
    /// @notice An enclave key was admitted for the image it was attested in; `KeyAdded` carries the key itself.
    event EnclaveAdmitted(bytes32 indexed keyId, bytes32 indexed nodeId, bytes32 indexed measurement);
    /// @notice A key named the one that follows it and ends at `endsAt`.
    event KeyHandedOver(bytes32 indexed keyId, bytes32 indexed successor, bytes32 indexed nodeId, uint64 endsAt);
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
    /// @notice Neither a secp256k1 key of 64 bytes x ‖ y nor an RSA-2048 key with exponent 65537 as DER
    /// SubjectPublicKeyInfo, exact to the byte.
    error EnclaveRegistry_UnsupportedKey(uint8 kind, uint256 length);
    /// @notice A debug enclave measures all zero; anyone can read its memory.
    error EnclaveRegistry_ZeroMeasurement();
    /// @notice The approval stands already.
    error EnclaveRegistry_AlreadyApproved(bytes32 measurement, bytes32 modelId);
    /// @notice There is no live approval to withdraw.
    error EnclaveRegistry_NotApproved(bytes32 measurement, bytes32 modelId);
    /// @notice A withdrawn approval is not revived, so that no withdrawn time becomes valid again (R4).
    error EnclaveRegistry_ApprovalWithdrawn(bytes32 measurement, bytes32 modelId);

    /// @notice A key hands over once; it did so to `successor`.
    error EnclaveRegistry_HandedOver(bytes32 keyId, bytes32 successor);
    /// @notice A key that handed over ends at most MAX_OVERLAP from now.
    error EnclaveRegistry_OverlapTooLong(uint64 endsAt);
    /// @notice A key that is distrusted or frozen, or whose image is, names no successor; a new key is admitted without its
    /// word.
    error EnclaveRegistry_NotBelieved(bytes32 keyId);
    /// @notice The signature is not the key's over this hand-over, or `publicKey` is not this RSA key.
    error EnclaveRegistry_BadHandOver(bytes32 keyId, bytes32 successor);

    /// @notice Admits an enclave key by its attestation. Operator only, needs stake, a node that is not retired and a
    /// kind that answers requests (errors of `INodeRegistry`).
    /// @param nodeId The node it will answer for; never changes.
    /// @param attestation In the format of the attestation verifier; its user data is {registrationUserData}.
    /// @param validUntil Unix seconds, at most MAX_KEY_LIFE from now.
    function admit(bytes32 nodeId, bytes calldata attestation, uint64 validUntil) external returns (bytes32 keyId);

    /// @notice Admits a key that follows another of the same node, which ends in order: what it settled and completed
    /// stays. Everything {admit} asks is asked of the new key too, the attestation and the operator above all, so whoever
    /// has stolen the old key gains nothing by it. Both count towards MAX_LIVE_KEYS until the old one has ended.
    /// @param attestation Of the new key.
    /// @param validUntil Of the new key.
    /// @param handOver What the old key signed.
    function rotateKey(
        bytes calldata attestation,
        uint64 validUntil,
        HandOver calldata handOver
    ) external returns (bytes32 successor);

    /// @notice Approves an image for a model version from now on. Admin only. Gateway answers name no version: they have
    /// an id of their own, {IGatewayAnswers-APPROVAL}, that no version can have.
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

    /// @notice The key that a key handed over to; zero where there was no hand-over, or where it was the word of a key
    /// that is distrusted since then or before, or whose image is (R4). Whether the successor itself is believed,
    /// {keyState} says. Successors are newer than what they follow, so a walk along them ends.
    function successorOf(bytes32 keyId) external view returns (bytes32 successor);

    /// @notice What a key signs to hand over, of either kind: EIP-712
    /// `HandOver(bytes32 keyId,bytes32 successor,uint64 endsAt)` in the domain `OpenGradient EnclaveRegistry`, `1`. Of 66
    /// bytes, which a gateway's answer (96) and heartbeat (64) are not, so it is never one of those.
    function handOverDigest(bytes32 keyId, bytes32 successor, uint64 endsAt) external view returns (bytes32);

    /// @notice Measurement a key was admitted with; zero for unknown keys.
    function measurementOf(bytes32 keyId) external view returns (bytes32);

    /// @notice The short number a measurement is known by here, and its target for distrust and freeze; zero for
    /// unknown measurements.
    function measurementTarget(bytes32 measurement) external view returns (bytes32);

    /// @notice User data that binds an attestation to one registration:
    /// keccak256(abi.encode(chainId, this registry, nodeId, operator of the node)).
    function registrationUserData(bytes32 nodeId) external view returns (bytes32);
}
