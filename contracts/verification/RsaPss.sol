// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title RsaPss
/// @notice RSASSA-PSS (RFC 8017) in the one form that OpenGradient's gateways sign: RSA-2048 with exponent 65537,
/// SHA-256, MGF1 over SHA-256, a salt of exactly 32 bytes. Messages are 32 bytes, digests themselves.
/// @dev The exponentiation is the precompile 0x05, hashing 0x02. At the prices of EIP-7883 the first is 32,768 gas of it.
library RsaPss {
    /// @notice Bytes of a key: DER SubjectPublicKeyInfo, which has one form only for these parameters.
    uint256 internal constant KEY_LENGTH = 294;
    /// @notice Bytes of a signature.
    uint256 internal constant SIGNATURE_LENGTH = 256;

    /// @dev SEQUENCE { SEQUENCE { OID rsaEncryption, NULL }, BIT STRING { SEQUENCE { INTEGER of 2048 bits …
    bytes32 private constant HEAD = 0x30820122300d06092a864886f70d01010105000382010f003082010a02820101;
    /// @dev … INTEGER 65537 } }.
    uint256 private constant TAIL = 0x0203010001;
    /// @dev Where the modulus begins: behind the head and a sign byte.
    uint256 private constant MODULUS = 33;

    /// @notice A precompile ran out of gas, or this chain lacks it: nothing is known about the signature.
    error RsaPss_PrecompileFailed(uint256 precompile);

    /// @notice Whether these bytes are an RSA-2048 key with exponent 65537: exact in every byte that is not the modulus,
    /// which is odd and has its highest bit.
    function isKey(bytes memory publicKey) internal pure returns (bool yes) {
        if (publicKey.length != KEY_LENGTH) return false;
        assembly ("memory-safe") {
            // The sign byte 0 of the modulus, and its first bit.
            let top := eq(shr(247, mload(add(publicKey, 0x40))), 1)
            // The last byte of the modulus, then the exponent.
            let end := mload(add(publicKey, KEY_LENGTH))
            let odd := and(shr(40, end), 1)
            let tail := eq(and(end, 0xffffffffff), TAIL)
            yes := and(and(top, odd), and(tail, eq(mload(add(publicKey, 0x20)), HEAD)))
        }
    }

    /// @notice Whether `signature` is the key's over `message`. False for whatever is no key or no signature.
    /// @param publicKey DER SubjectPublicKeyInfo.
    /// @param message What was signed; PSS hashes it once more.
    /// @param signature 256 bytes, a number below the modulus.
    function verify(bytes calldata publicKey, bytes32 message, bytes calldata signature) internal view returns (bool) {
        if (!isKey(publicKey) || signature.length != SIGNATURE_LENGTH || !_isBelow(signature, publicKey)) return false;
        return _isEncodingOf(_recover(publicKey, signature), message);
    }

    /// @dev Whether the signature is less than the modulus: a signature has one form only.
    function _isBelow(bytes calldata signature, bytes calldata publicKey) private pure returns (bool below) {
        assembly ("memory-safe") {
            let modulus := add(publicKey.offset, MODULUS)
            for {
                let i := 0
            } lt(i, 0x100) {
                i := add(i, 0x20)
            } {
                let s := calldataload(add(signature.offset, i))
                let n := calldataload(add(modulus, i))
                if xor(s, n) {
                    below := lt(s, n)
                    break
                }
            }
        }
    }

    /// @dev signature ^ 65537 mod modulus. Returns where its 256 bytes stand, behind the free pointer: whoever takes
    /// memory next destroys them.
    function _recover(bytes calldata publicKey, bytes calldata signature) private view returns (uint256 encoded) {
        bool ok;
        assembly ("memory-safe") {
            let input := mload(0x40)
            encoded := add(input, 0x280)
            mstore(input, 0x100)
            mstore(add(input, 0x20), 3)
            mstore(add(input, 0x40), 0x100)
            calldatacopy(add(input, 0x60), signature.offset, 0x100)
            // The exponent's three bytes, then the modulus over what the word has left.
            mstore(add(input, 0x160), shl(232, 0x010001))
            calldatacopy(add(input, 0x163), add(publicKey.offset, MODULUS), 0x100)
            ok := staticcall(gas(), 0x05, input, 0x263, encoded, 0x100)
            // A chain without the precompile answers with success and nothing.
            ok := and(ok, eq(returndatasize(), 0x100))
        }
        if (!ok) revert RsaPss_PrecompileFailed(5);
    }

    /// @dev EMSA-PSS-VERIFY. An encoding is maskedDB 223 ‖ H 32 ‖ 0xbc, and DB, of which the first bit is cut off, is 190
    /// zeros ‖ 0x01 ‖ salt 32.
    function _isEncodingOf(uint256 encoded, bytes32 message) private view returns (bool yes) {
        bool ok = true;
        assembly ("memory-safe") {
            function sha256_(from, size, to) -> done {
                done := staticcall(gas(), 0x02, from, size, to, 0x20)
                done := and(done, eq(returndatasize(), 0x20))
            }
            let work := add(encoded, 0x100)
            let hash := mload(add(encoded, 223))
            // Seed ‖ counter, which begins in the highest four bytes of the second word.
            mstore(work, hash)
            mstore(add(work, 0x20), 0)
            let mask := add(work, 0x40)
            let zeros := 0
            for {
                let i := 0
            } lt(i, 5) {
                i := add(i, 1)
            } {
                mstore8(add(work, 0x23), i)
                ok := and(ok, sha256_(work, 0x24, mask))
                let unmasked := xor(mload(add(encoded, shl(5, i))), mload(mask))
                if iszero(i) {
                    unmasked := shl(1, unmasked)
                }
                zeros := or(zeros, unmasked)
            }
            // Thirty zeros, the one, and the first byte of the salt; then the rest of it and a byte that is not its.
            mstore8(add(work, 0x23), 5)
            ok := and(ok, sha256_(work, 0x24, mask))
            let border := xor(mload(add(encoded, 0xa0)), mload(mask))
            mstore8(add(work, 0x23), 6)
            ok := and(ok, sha256_(work, 0x24, mask))
            let salt := or(shl(248, border), shr(8, xor(mload(add(encoded, 0xc0)), mload(mask))))

            // Eight zeros ‖ hash of the message ‖ salt.
            mstore(work, message)
            ok := and(ok, sha256_(work, 0x20, add(work, 0x08)))
            mstore(work, and(mload(work), 0xffffffffffffffffffffffffffffffffffffffffffffffff))
            mstore(add(work, 0x28), salt)
            ok := and(ok, sha256_(work, 0x48, mask))

            yes := and(
                and(iszero(shr(255, mload(encoded))), eq(and(mload(add(encoded, 0xe0)), 0xff), 0xbc)),
                and(iszero(zeros), and(eq(shr(8, border), 1), eq(mload(mask), hash)))
            )
        }
        if (!ok) revert RsaPss_PrecompileFailed(2);
    }
}
