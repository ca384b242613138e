// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice What settlement needs to know of a signing key.
/// @param signer Address of the secp256k1 key; zero for a key that is not registered.
/// @param kind One of `KeyKinds`.
/// @param validFrom Unix seconds; a receipt completed before is not valid (R4).
/// @param validUntil Unix seconds, inclusive.
/// @param distrustedFrom Everything settled from then on reads as distrusted (R4); `type(uint64).max` for never.
/// @param frozenUntil Reads as unverified before then; 0 where never frozen.
struct SigningKey {
    address signer;
    uint8 kind;
    uint64 validFrom;
    uint64 validUntil;
    uint64 distrustedFrom;
    uint64 frozenUntil;
}

/// @title IKeyRegistry
/// @notice Where settlement looks a key up. The key's node never changes.
interface IKeyRegistry {
    /// @notice State of a key; all zero where it is not registered.
    function signingKey(bytes32 keyId) external view returns (SigningKey memory);

    /// @notice The node a key belongs to; zero where the key is not registered.
    function nodeOf(bytes32 keyId) external view returns (bytes32 nodeId);
}
