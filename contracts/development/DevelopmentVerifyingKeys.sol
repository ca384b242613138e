// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IVerifyingKeys} from "../interfaces/IVerifyingKeys.sol";

/// @title DevelopmentVerifyingKeys
/// @notice Serves any bytes as the key of any model: for tests of a verifier apart from the model registry.
contract DevelopmentVerifyingKeys is IVerifyingKeys {
    /// @inheritdoc IVerifyingKeys
    mapping(bytes32 modelId => address pointer) public verifyingKey;

    /// @notice Stores `key` as contract code, a STOP byte first, and serves it for `modelId`.
    function set(bytes32 modelId, bytes calldata key) external {
        // PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURNDATASIZE, RETURN: returns all but these bytes.
        bytes memory creation = abi.encodePacked(hex"61", uint16(key.length + 1), hex"80600a3d393df300", key);
        address pointer;
        assembly ("memory-safe") {
            pointer := create(0, add(creation, 0x20), mload(creation))
        }
        verifyingKey[modelId] = pointer;
    }
}
