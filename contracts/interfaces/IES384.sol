// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IES384
/// @notice ECDSA over P-384 with SHA-384 (ES384 of RFC 7518), by checked hints. Stateless and without owner.
/// @dev Signatures are r ‖ s and keys x ‖ y, 48 bytes a number, big endian. High s is accepted, as X.509 and COSE do.
/// Both functions return nothing: what does not hold reverts, with an error of `P384` or one of these.
interface IES384 {
    /// @notice A digest, signature or key of another length.
    error ES384_BadLength(uint256 length);

    /// @notice Reverts unless the signature over the message holds.
    /// @param message What was signed; hashed here.
    /// @param signature r ‖ s, 96 bytes.
    /// @param publicKey x ‖ y, 96 bytes.
    /// @param hints What `relayer/attestation/signature-hints.ts` makes; format at `P384`.
    function verify(
        bytes calldata message,
        bytes calldata signature,
        bytes calldata publicKey,
        bytes calldata hints
    ) external view;

    /// @notice The same for a message hashed by the caller, 48 bytes.
    function verifyDigest(
        bytes calldata digest,
        bytes calldata signature,
        bytes calldata publicKey,
        bytes calldata hints
    ) external view;
}
