// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {RsaPss} from "../../contracts/verification/RsaPss.sol";

/// @notice Opens the library to tests.
contract RsaPssHarness {
    function verify(bytes calldata publicKey, bytes32 message, bytes calldata signature) public view returns (bool) {
        return RsaPss.verify(publicKey, message, signature);
    }

    function isKey(bytes calldata publicKey) external pure returns (bool) {
        return RsaPss.isKey(publicKey);
    }

    /// @notice One bit for each case, lowest first: many in one call.
    function verifyMany(
        bytes[] calldata publicKeys,
        bytes32[] calldata messages,
        bytes[] calldata signatures
    ) external view returns (uint256 bits) {
        for (uint256 i = 0; i < messages.length; ++i) {
            if (RsaPss.verify(publicKeys[i], messages[i], signatures[i])) bits |= 1 << i;
        }
    }
}

/// @notice What a verification costs a contract that calls another for it, arguments made and read included.
contract RsaPssMeter {
    function gasOf(
        RsaPssHarness harness,
        bytes calldata publicKey,
        bytes32 message,
        bytes calldata signature
    ) external view returns (uint256 used, bool valid) {
        used = gasleft();
        valid = harness.verify(publicKey, message, signature);
        used -= gasleft();
    }
}
