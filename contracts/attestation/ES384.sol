// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IES384} from "../interfaces/IES384.sol";
import {P384} from "./P384.sol";
import {Sha384} from "./Sha384.sol";

/// @title ES384
/// @notice See {IES384}. A contract of its own, so that `P384` and `Sha384` may lay out memory as they need it.
contract ES384 is IES384 {
    /// @notice Multiples of the generator, as code.
    address public immutable table;

    constructor(address table_) {
        if (table_.codehash != P384.TABLE_CODEHASH) revert P384.P384_WrongTable(table_.codehash);
        table = table_;
    }

    /// @inheritdoc IES384
    function verify(
        bytes calldata message,
        bytes calldata signature,
        bytes calldata publicKey,
        bytes calldata hints
    ) external view {
        (uint256 e1, uint256 e0) = Sha384.hash(message);
        _verify(e1, e0, signature, publicKey, hints);
    }

    /// @inheritdoc IES384
    function verifyDigest(
        bytes calldata digest,
        bytes calldata signature,
        bytes calldata publicKey,
        bytes calldata hints
    ) external view {
        if (digest.length != 48) revert ES384_BadLength(digest.length);
        _verify(uint128(bytes16(digest[:16])), uint256(bytes32(digest[16:])), signature, publicKey, hints);
    }

    function _verify(
        uint256 e1,
        uint256 e0,
        bytes calldata signature,
        bytes calldata publicKey,
        bytes calldata hints
    ) private view {
        if (signature.length != 96) revert ES384_BadLength(signature.length);
        if (publicKey.length != 96) revert ES384_BadLength(publicKey.length);
        uint256 signatureAt;
        uint256 keyAt;
        assembly ("memory-safe") {
            signatureAt := signature.offset
            keyAt := publicKey.offset
        }
        P384.verify(e1, e0, signatureAt, keyAt, hints, table);
    }
}
