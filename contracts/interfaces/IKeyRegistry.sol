// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IDistrustable} from "./IDistrustable.sol";

/// @notice How long a signing key speaks, and whether it is still believed.
/// @dev Whole words, as they only ever travel between contracts in memory.
/// @param kind One of `KeyKinds`.
/// @param validFrom Unix seconds; a receipt completed before is not valid (R4). 0 for a key that is not registered.
/// @param validUntil Unix seconds, inclusive.
/// @param distrustedFrom Everything settled from then on reads as distrusted (R4); `type(uint256).max` for never.
/// @param frozenUntil Reads as unverified before then; 0 where never frozen.
/// @param nodeId The node it belongs to, for ever.
struct KeyState {
    uint256 kind;
    uint256 validFrom;
    uint256 validUntil;
    uint256 distrustedFrom;
    uint256 frozenUntil;
    bytes32 nodeId;
}

/// @title IKeyRegistry
/// @notice Signing keys of nodes: each belongs to one node for ever and is valid for a time.
interface IKeyRegistry is IDistrustable {
    /// @notice A key was added. `publicKey` is in the form of its kind.
    event KeyAdded(
        bytes32 indexed keyId,
        bytes32 indexed nodeId,
        uint8 kind,
        address signer,
        uint64 validFrom,
        uint64 validUntil,
        bytes publicKey
    );
    /// @notice A key ends at `validUntil`: orderly, what was settled stays (R4).
    event KeyRetired(bytes32 indexed keyId, bytes32 indexed nodeId, uint64 validUntil);

    /// @notice The caller is not the operator of `nodeId`, or there is no such node.
    error KeyRegistry_NotOperator(bytes32 nodeId, address caller);
    /// @notice This key is registered, for ever to `nodeId`.
    error KeyRegistry_KeyTaken(bytes32 keyId, bytes32 nodeId);
    /// @notice A node has at most MAX_LIVE_KEYS keys that have not ended.
    error KeyRegistry_TooManyKeys(bytes32 nodeId);
    /// @notice A key ends after now and within the longest life; retiring is not before now and never extends it.
    error KeyRegistry_BadValidity(uint64 validUntil);
    /// @notice The operator's own stake is below the minimum for this node's kind (R12).
    error KeyRegistry_StakeTooLow(bytes32 nodeId);
    /// @notice The operator's stake suffices; there is nothing to end.
    error KeyRegistry_StakeSuffices(bytes32 nodeId);

    /// @notice Ends a key at `validUntil`. Operator only.
    function retireKey(bytes32 keyId, uint64 validUntil) external;

    /// @notice Reports one's own key as compromised, from now on (R4). Operator only.
    function distrustOwnKey(bytes32 keyId) external;

    /// @notice Ends all keys of a node whose operator's own stake is below the minimum (R12). Open to anyone; staking
    /// calls it in the same transaction.
    function endKeysForStake(bytes32 nodeId) external;

    /// @notice State of a key; all zero where it is not registered.
    function keyState(bytes32 keyId) external view returns (KeyState memory);

    /// @notice State of a key as it is kept, in one word by `StandingLayout`: for contracts that ask with every call.
    function packedKeyState(bytes32 keyId) external view returns (uint256);

    /// @notice Address that signs for a key, and {packedKeyState}.
    function packedSigningKey(bytes32 keyId) external view returns (address signer, uint256 key);

    /// @notice Address that signs for a key, and its state; all zero where it is not registered.
    function signingKey(bytes32 keyId) external view returns (address signer, KeyState memory state);

    /// @notice The node a key belongs to; zero where the key is not registered.
    function nodeOf(bytes32 keyId) external view returns (bytes32 nodeId);

    /// @notice The node's keys that have not ended or were not yet cleared away; at most MAX_LIVE_KEYS.
    function liveKeys(bytes32 nodeId) external view returns (bytes32[] memory);
}
