// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice What an attestation document says, once its origin is verified.
/// @param kind Key kind, one of `KeyKinds`.
/// @param publicKey The enclave's public key in the form of its kind.
/// @param measurement keccak256(pcr0 ‖ pcr1 ‖ pcr2).
/// @param userData What the enclave was asked to bind in.
/// @param issuedAt Unix seconds of the document.
struct Attestation {
    uint8 kind;
    bytes publicKey;
    bytes32 measurement;
    bytes32 userData;
    uint64 issuedAt;
}

/// @title IAttestationVerifier
/// @notice Decides whether a document was made by genuine hardware, and reads it.
interface IAttestationVerifier {
    /// @notice Verifies a document; reverts with its own reason where it cannot.
    function verifyAttestation(bytes calldata document) external view returns (Attestation memory);
}
