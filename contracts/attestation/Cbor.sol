// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @title Cbor
/// @notice Reads the part of CBOR (RFC 8949) that attestation documents use: definite lengths, numbers in their shortest
/// form, no tags, no floats.
library Cbor {
    /// @notice The data ended before the item did.
    error Cbor_Truncated(uint256 offset);
    /// @notice Another kind of item than the one that must stand at `offset`.
    error Cbor_UnexpectedType(uint256 offset, uint8 expected);
    /// @notice An indefinite length, a reserved form, or a number that has a shorter form.
    error Cbor_BadNumber(uint256 offset);

    uint8 internal constant UNSIGNED = 0;
    uint8 internal constant BYTES = 2;
    uint8 internal constant TEXT = 3;
    uint8 internal constant ARRAY = 4;
    uint8 internal constant MAP = 5;
    bytes1 internal constant NULL = 0xf6;

    /// @notice The number in the head of an item of one major type, and where the head ends. For strings, where the
    /// content begins; whether it fits is for {content} to say.
    function head(
        bytes calldata data,
        uint256 at,
        uint256 end,
        uint8 major
    ) internal pure returns (uint256 value, uint256 next) {
        unchecked {
            if (at >= end) revert Cbor_Truncated(at);
            uint256 first = uint8(data[at]);
            if (first >> 5 != major) revert Cbor_UnexpectedType(at, major);
            value = first & 0x1f;
            next = at + 1;
            if (value < 24) return (value, next);
            // 24 to 27: 1, 2, 4 or 8 bytes follow; 28 to 31 are reserved or indefinite.
            if (value > 27) revert Cbor_BadNumber(at);
            uint256 size = 1 << (value - 24);
            if (next + size > end) revert Cbor_Truncated(at);
            value = 0;
            for (uint256 i = 0; i < size; i++) value = (value << 8) | uint8(data[next + i]);
            // The shortest form: 24 and more in one byte, and half as many bytes would not do.
            if (size == 1 ? value < 24 : value >> (size << 2) == 0) revert Cbor_BadNumber(at);
            next += size;
        }
    }

    /// @notice Where the content of a byte or text string begins and ends.
    function content(
        bytes calldata data,
        uint256 at,
        uint256 end,
        uint8 major
    ) internal pure returns (uint256 start, uint256 stop) {
        uint256 length;
        (length, start) = head(data, at, end, major);
        if (length > end - start) revert Cbor_Truncated(at);
        stop = start + length;
    }
}
