// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IEnclaveHeartbeats} from "../interfaces/IEnclaveHeartbeats.sol";
import {IEnclaveRegistry} from "../interfaces/IEnclaveRegistry.sol";
import {KeyState} from "../interfaces/IKeyRegistry.sol";
import {KeyKinds} from "../interfaces/InferenceTypes.sol";
import {EnclaveSignatures} from "../verification/EnclaveSignatures.sol";

/// @title EnclaveHeartbeats
/// @notice See {IEnclaveHeartbeats}, where every function, event and error is documented.
contract EnclaveHeartbeats is EIP712, IEnclaveHeartbeats {
    /// @notice How old a heartbeat may be when it is brought.
    uint64 public constant MAX_AGE = 1_800;
    /// @notice How far it may run ahead of the chain's clock.
    uint64 public constant MAX_SKEW = 5 minutes;

    bytes32 private constant HEARTBEAT_TYPEHASH = keccak256("Heartbeat(bytes32 keyId,uint64 timestamp)");

    /// @inheritdoc IEnclaveHeartbeats
    IEnclaveRegistry public immutable enclaveRegistry;
    /// @inheritdoc IEnclaveHeartbeats
    mapping(bytes32 keyId => uint64) public lastHeartbeat;

    constructor(IEnclaveRegistry enclaves) EIP712("OpenGradient EnclaveHeartbeats", "1") {
        if (address(enclaves) == address(0)) revert EnclaveHeartbeats_ZeroAddress();
        enclaveRegistry = enclaves;
    }

    /// @inheritdoc IEnclaveHeartbeats
    function heartbeat(bytes32 keyId, uint64 timestamp, bytes calldata publicKey, bytes calldata signature) external {
        // The second sum cannot overflow: the time is near the block's by then.
        if (timestamp > block.timestamp + MAX_SKEW || timestamp + MAX_AGE < block.timestamp)
            revert EnclaveHeartbeats_OutOfTime(timestamp);
        uint64 last = lastHeartbeat[keyId];
        if (timestamp <= last) revert EnclaveHeartbeats_NotNewer(keyId, timestamp, last);

        (address signer, KeyState memory key) = enclaveRegistry.signingKey(keyId);
        if (key.validFrom == 0) revert EnclaveHeartbeats_UnknownKey(keyId);
        bool live = timestamp >= key.validFrom && timestamp <= key.validUntil && block.timestamp <= key.validUntil;
        if (!live || block.timestamp >= key.distrustedFrom) revert EnclaveHeartbeats_KeyNotLive(keyId);

        bytes32 message =
            key.kind == KeyKinds.ENCLAVE_RSA
                ? keccak256(abi.encodePacked(keccak256(publicKey), uint256(timestamp)))
                : heartbeatDigest(keyId, timestamp);
        if (!EnclaveSignatures.isOf(keyId, key.kind, signer, publicKey, message, signature))
            revert EnclaveHeartbeats_BadSignature(keyId);
        lastHeartbeat[keyId] = timestamp;
        emit Heartbeat(keyId, timestamp);
    }

    /// @inheritdoc IEnclaveHeartbeats
    function heartbeatDigest(bytes32 keyId, uint64 timestamp) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(HEARTBEAT_TYPEHASH, keyId, timestamp)));
    }
}
