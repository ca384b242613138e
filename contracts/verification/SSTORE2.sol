// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title SSTORE2
/// @notice Keeps bytes as contract code: reading costs one account access and a copy instead of a slot a word.
/// @dev The technique of the same name by 0xsequence and Solady; the code starts with STOP, so it cannot be run.
library SSTORE2 {
    /// @notice The bytes are longer than contract code may be (24,575 and the STOP).
    error SSTORE2_TooLong(uint256 length);
    /// @notice The contract could not be created.
    error SSTORE2_CreateFailed();

    /// @notice Creates a contract whose code is a zero byte followed by `data`.
    function write(bytes memory data) internal returns (address pointer) {
        if (data.length > 24_575) revert SSTORE2_TooLong(data.length);
        // PUSH2 length, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN — then STOP and the data.
        bytes memory creation = abi.encodePacked(hex"61", uint16(data.length + 1), hex"80600a5f395ff300", data);
        assembly ("memory-safe") {
            pointer := create(0, add(creation, 0x20), mload(creation))
        }
        if (pointer == address(0)) revert SSTORE2_CreateFailed();
    }

    /// @notice Reads back what {write} kept.
    function read(address pointer) internal view returns (bytes memory data) {
        uint256 size = pointer.code.length - 1;
        data = new bytes(size);
        assembly ("memory-safe") {
            extcodecopy(pointer, add(data, 0x20), 1, size)
        }
    }
}
