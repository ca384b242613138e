// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IAttestationVerifier} from "./IAttestationVerifier.sol";
import {IDistrustable} from "./IDistrustable.sol";

/// @notice What a verified document says. Names are AWS's.
/// @param moduleId The enclave's name, for reading only.
/// @param timestamp Milliseconds since 1970.
/// @param pcr0 Measurement of the image file, 48 bytes; `pcr1` of kernel and boot, `pcr2` of the application.
/// @param publicKey As the enclave gave it; empty where it gave none. So are `userData` and `nonce`.
struct NitroDocument {
    string moduleId;
    uint64 timestamp;
    bytes pcr0;
    bytes pcr1;
    bytes pcr2;
    bytes publicKey;
    bytes userData;
    bytes nonce;
}

/// @notice A certificate whose signature this contract has verified.
/// @param role What it may do in a chain.
/// @param notBefore First second of validity; `notAfter` the last.
/// @param pathLength How many authorities may follow it, its issuers' limits included; 255 for any number.
/// @param parent keccak256 of the DER of the certificate that signed it; zero for a root.
struct CachedCertificate {
    CertificateRole role;
    uint40 notBefore;
    uint40 notAfter;
    uint8 pathLength;
    bytes32 parent;
}

/// @notice None: not cached.
enum CertificateRole {
    None,
    Root,
    Authority,
    Enclave
}

/// @title INitroAttestation
/// @notice Verifies AWS Nitro attestation documents on chain: every signature from the document up to the pinned root.
/// Certificates are verified once, by anyone, each in a transaction of its own, and stay until they expire or are
/// distrusted; a document is then verified in one call.
/// @dev Certificates are named by keccak256 of their DER, which is also their target for distrust (timelock, for ever)
/// and freeze (guardian, once per incident, for MAX_FREEZE): see {IDistrustable}. A distrusted or frozen certificate
/// admits no document of any chain that it is part of. Freezing the root freezes all admissions; nothing else here
/// can be stopped, and what was admitted before is for the enclave registry to distrust (R4, R8).
interface INitroAttestation is IAttestationVerifier, IDistrustable {
    /// @notice The pinned root changed; until its certificate is cached no document is accepted.
    event RootPinned(bytes32 indexed fingerprint);
    /// @notice A certificate was verified. `parent` is zero for a root.
    event CertificateCached(
        bytes32 indexed certificate,
        bytes32 indexed parent,
        CertificateRole role,
        uint40 notBefore,
        uint40 notAfter
    );

    /// @notice Outside a development chain only AWS's own root is taken at deployment.
    error NitroAttestation_ForeignRoot(bytes32 fingerprint);
    /// @notice A fingerprint of zero, or the one that is pinned already.
    error NitroAttestation_BadFingerprint(bytes32 fingerprint);
    /// @notice The certificate is not the pinned root.
    error NitroAttestation_NotTheRoot(bytes32 fingerprint);
    /// @notice The certificate was not verified here, or not as issued by the one that stands before it.
    error NitroAttestation_UnknownCertificate(bytes32 certificate);
    /// @notice The block's time is outside the certificate's validity.
    error NitroAttestation_OutsideValidity(bytes32 certificate, uint40 notBefore, uint40 notAfter);
    /// @notice Distrusted by governance or frozen by the guardian.
    error NitroAttestation_Distrusted(bytes32 certificate);
    /// @notice The certificate may not do what its place asks: sign certificates, be followed by so many, sign data.
    error NitroAttestation_WrongRole(bytes32 certificate);
    /// @notice The issuer named in the certificate is not the subject of the one that signed it.
    error NitroAttestation_WrongIssuer(bytes32 certificate);
    /// @notice The document is not a COSE_Sign1 structure with ES384, an empty unprotected header and nothing behind.
    error NitroAttestation_BadEnvelope(uint256 offset);
    /// @notice A field is missing, stands twice, is unknown, or its length is outside what AWS specifies.
    error NitroAttestation_BadField(uint256 offset);
    /// @notice A debug enclave measures zeros; anyone can read its memory.
    error NitroAttestation_DebugEnclave(uint256 pcr);
    /// @notice The document's time is outside the validity of the certificate that signed it.
    error NitroAttestation_BadTimestamp(uint64 timestamp);
    /// @notice A registration's user data is 32 bytes.
    error NitroAttestation_BadUserData(uint256 length);
    /// @notice The public key is neither 64 bytes x ‖ y nor a DER SubjectPublicKeyInfo of RSA-2048 with exponent 65537.
    error NitroAttestation_UnsupportedKey(uint256 length);

    /// @notice Pins another root. Admin only, so with the timelock's notice. Everything cached under the old one is
    /// refused from then on, unless it is pinned again.
    /// @param fingerprint SHA-256 of the root certificate's DER, as AWS publishes it.
    function pinRoot(bytes32 fingerprint) external;

    /// @notice Caches the pinned root's certificate. Anyone may; a second time it does nothing. Its signature is its
    /// own and would prove nothing: the fingerprint does.
    function cacheRoot(bytes calldata root) external returns (bytes32 certificate);

    /// @notice Verifies a certificate and caches it. Anyone may; a second time under the same parent it does nothing.
    /// @param parent DER of the issuer's certificate, cached before.
    /// @param certificate DER of the certificate.
    /// @param hints For its signature: see `IES384`.
    function cacheCertificate(
        bytes calldata parent,
        bytes calldata certificate,
        bytes calldata hints
    ) external returns (bytes32 hash);

    /// @notice Verifies a document and returns what it says. Its certificates must be cached.
    /// @param evidence uint16 length of the document ‖ document ‖ hints for its signature: what
    /// {IAttestationVerifier-verifyAttestation} takes too.
    function readDocument(bytes calldata evidence) external view returns (NitroDocument memory);

    /// @notice A cached certificate; role None where it is not cached.
    function certificateOf(bytes32 certificate) external view returns (CachedCertificate memory);

    /// @notice SHA-256 of the pinned root certificate's DER.
    function rootFingerprint() external view returns (bytes32);

    /// @notice keccak256 of the pinned root certificate's DER; zero until it is cached.
    function rootCertificate() external view returns (bytes32);
}
