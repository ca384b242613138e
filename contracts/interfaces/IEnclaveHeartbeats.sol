// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnclaveRegistry} from "./IEnclaveRegistry.sol";

/// @title IEnclaveHeartbeats
/// @notice Enclaves say that they are alive, for whoever looks for one to ask. A heartbeat is information and nothing
/// more: nothing that settles, is paid or is slashed looks at it, and this contract can change nothing but its own times.
/// Nobody is rewarded for one, and nobody holds a power here.
interface IEnclaveHeartbeats {
    /// @notice A key said that it was alive at `timestamp`.
    event Heartbeat(bytes32 indexed keyId, uint64 timestamp);

    /// @notice The enclave registry cannot be the zero address.
    error EnclaveHeartbeats_ZeroAddress();
    /// @notice The registry has no such key.
    error EnclaveHeartbeats_UnknownKey(bytes32 keyId);
    /// @notice The key was not valid at `timestamp`, has ended or is distrusted.
    error EnclaveHeartbeats_KeyNotLive(bytes32 keyId);
    /// @notice Older than MAX_AGE, or further ahead of the chain's clock than MAX_SKEW.
    error EnclaveHeartbeats_OutOfTime(uint64 timestamp);
    /// @notice Times of a key strictly grow: a heartbeat counts once and an older one never again.
    error EnclaveHeartbeats_NotNewer(bytes32 keyId, uint64 timestamp, uint64 last);
    /// @notice The signature is not the key's over this heartbeat, or `publicKey` is not this RSA key.
    error EnclaveHeartbeats_BadSignature(bytes32 keyId);

    /// @notice Notes a heartbeat. Anyone may bring it (R1).
    /// @param keyId The enclave's key.
    /// @param timestamp Unix seconds, by the enclave's clock.
    /// @param publicKey DER SubjectPublicKeyInfo of an RSA key; empty for a secp256k1 key.
    /// @param signature Of a secp256k1 key: 65 bytes over {heartbeatDigest}. Of an RSA key: 256 bytes RSASSA-PSS over
    /// keccak256(abi.encodePacked(keccak256(publicKey), uint256 timestamp)), as OpenGradient's gateways sign it. That
    /// binds no chain and no contract: whoever has seen one can bring it wherever the same key is registered.
    function heartbeat(bytes32 keyId, uint64 timestamp, bytes calldata publicKey, bytes calldata signature) external;

    /// @notice Unix seconds of a key's latest heartbeat; 0 where there was none. Whether the key is still valid and
    /// believed is for {IEnclaveRegistry} to say.
    function lastHeartbeat(bytes32 keyId) external view returns (uint64);

    /// @notice What a secp256k1 key signs: EIP-712 `Heartbeat(bytes32 keyId,uint64 timestamp)` in the domain
    /// `OpenGradient EnclaveHeartbeats`, `1`.
    function heartbeatDigest(bytes32 keyId, uint64 timestamp) external view returns (bytes32);

    /// @notice Where keys are registered.
    function enclaveRegistry() external view returns (IEnclaveRegistry);
}
