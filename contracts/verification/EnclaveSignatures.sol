// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {KeyKinds} from "../interfaces/InferenceTypes.sol";
import {ReceiptLib} from "./ReceiptLib.sol";
import {RsaPss} from "./RsaPss.sol";

/// @title EnclaveSignatures
/// @notice What the two kinds of enclave key have in common: each signs 32 bytes. What those are, so that one statement
/// is never taken for another, is for whoever asks.
library EnclaveSignatures {
    /// @notice Whether a signature is of a registered enclave key.
    /// @param keyId The key, as the registry knows it.
    /// @param kind Its kind.
    /// @param signer Its address; none for an RSA key.
    /// @param publicKey Of an RSA key its DER SubjectPublicKeyInfo, which is checked against `keyId`; not looked at
    /// otherwise.
    function isOf(
        bytes32 keyId,
        uint256 kind,
        address signer,
        bytes calldata publicKey,
        bytes32 message,
        bytes calldata signature
    ) internal view returns (bool) {
        if (kind == KeyKinds.ENCLAVE_RSA)
            return
                ReceiptLib.keyId(KeyKinds.ENCLAVE_RSA, publicKey) == keyId &&
                RsaPss.verify(publicKey, message, signature);
        (address recovered, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(message, signature);
        return problem == ECDSA.RecoverError.NoError && recovered == signer;
    }
}
