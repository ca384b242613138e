// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @title P384Table
/// @notice Odd multiples of the P-384 generator as contract code: 1, 3 … 255 times G, then 1, 3 … 253 times 2¹⁹²·G, each
/// as 96 bytes x ‖ y of residues times 2²⁵⁶ mod p, behind one STOP. It cannot be run and holds nothing else.
/// @dev Whoever uses it pins its code hash ({P384}), so that who deployed it does not matter.
contract P384Table {
    /// @notice The bytes are not the table.
    error P384Table_WrongTable(bytes32 hash);

    /// @dev keccak256 of STOP ‖ table: the code hash of what this becomes.
    bytes32 private constant CODEHASH = 0xb0fac29de200c000ad8b1b0a441e6d5908fe8f08187204ce3ac1e75782792607;

    constructor(bytes memory table) {
        bytes memory code = abi.encodePacked(bytes1(0), table);
        if (keccak256(code) != CODEHASH) revert P384Table_WrongTable(keccak256(code));
        assembly ("memory-safe") {
            return(add(code, 0x20), mload(code))
        }
    }
}
