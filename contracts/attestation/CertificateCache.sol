// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Distrustable} from "../governance/Distrustable.sol";
import {Governed} from "../governance/Governed.sol";
import {IES384} from "../interfaces/IES384.sol";
import {CachedCertificate, CertificateRole, INitroAttestation} from "../interfaces/INitroAttestation.sol";
import {Certificate, X509} from "./X509.sol";

/// @title CertificateCache
/// @notice The certificates of {INitroAttestation}: the pinned root, and what was verified up to it.
abstract contract CertificateCache is Distrustable, INitroAttestation {
    /// @notice SHA-256 of AWS's Nitro Enclaves root certificate, as AWS publishes it ("aws.nitro-enclaves", to 2049).
    bytes32 public constant AWS_ROOT = 0x641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b;
    uint256 private constant LOCAL_CHAIN_ID = 31337;

    /// @notice What checks signatures.
    IES384 public immutable es384;

    /// @inheritdoc INitroAttestation
    bytes32 public rootFingerprint;
    /// @inheritdoc INitroAttestation
    bytes32 public rootCertificate;
    mapping(bytes32 certificate => bytes32) private _parentOf;

    /// @dev What a certificate's slot holds beside its standing, packed into the tag.
    struct Record {
        CertificateRole role;
        uint40 notBefore;
        uint40 notAfter;
        uint8 pathLength;
        uint16 keyStart;
        uint16 subjectStart;
        uint16 subjectEnd;
    }

    constructor(
        address admin_,
        address guardian_,
        IES384 es384_,
        bytes32 rootFingerprint_
    ) Governed(admin_, guardian_) {
        if (address(es384_) == address(0)) revert Governed_ZeroAddress();
        if (rootFingerprint_ != AWS_ROOT && block.chainid != LOCAL_CHAIN_ID)
            revert NitroAttestation_ForeignRoot(rootFingerprint_);
        es384 = es384_;
        _pinRoot(rootFingerprint_);
    }

    /// @inheritdoc INitroAttestation
    function pinRoot(bytes32 fingerprint) external onlyAdmin {
        _pinRoot(fingerprint);
    }

    /// @inheritdoc INitroAttestation
    function cacheRoot(bytes calldata root) external returns (bytes32 certificate) {
        bytes32 fingerprint = sha256(root);
        if (fingerprint != rootFingerprint) revert NitroAttestation_NotTheRoot(fingerprint);
        certificate = keccak256(root);
        if (rootCertificate == certificate) return certificate;
        Certificate memory cert = X509.parse(root);
        if (!cert.isAuthority || !cert.signsCertificates) revert NitroAttestation_WrongRole(certificate);
        rootCertificate = certificate;
        _cache(certificate, 0, _toRecord(CertificateRole.Root, cert, cert.pathLength));
    }

    /// @inheritdoc INitroAttestation
    function cacheCertificate(
        bytes calldata parent,
        bytes calldata certificate,
        bytes calldata hints
    ) external returns (bytes32 hash) {
        hash = keccak256(certificate);
        bytes32 parentHash = keccak256(parent);
        if (_parentOf[hash] == parentHash) return hash;
        // A root stays one: it could otherwise be entered again as what another root has signed.
        if (_record(hash).role == CertificateRole.Root) revert NitroAttestation_WrongRole(hash);

        Record memory issuer = _requireTrusted(parentHash);
        if (issuer.role == CertificateRole.Enclave) revert NitroAttestation_WrongRole(parentHash);
        Certificate memory cert = X509.parse(certificate);
        _requireValid(hash, cert.notBefore, cert.notAfter);
        Record memory record = _recordOf(hash, cert, issuer.pathLength);
        _requireIssued(parent, issuer, certificate, cert, hints);
        _cache(hash, parentHash, record);
    }

    /// @inheritdoc INitroAttestation
    function certificateOf(bytes32 certificate) external view returns (CachedCertificate memory) {
        Record memory record = _record(certificate);
        return
            CachedCertificate({
                role: record.role,
                notBefore: record.notBefore,
                notAfter: record.notAfter,
                pathLength: record.pathLength,
                parent: _parentOf[certificate]
            });
    }

    /// @dev Reverts unless the certificates of a document, the root first and the enclave's last, are a chain that is
    /// cached, trusted and valid now. Returns the last.
    function _requireChain(bytes32[] memory chain) internal view returns (Record memory record) {
        bytes32 parent = 0;
        for (uint256 i = 0; i < chain.length; i++) {
            bytes32 certificate = chain[i];
            record = _requireTrusted(certificate);
            if (i == 0 ? certificate != rootCertificate : _parentOf[certificate] != parent)
                revert NitroAttestation_UnknownCertificate(certificate);
            parent = certificate;
        }
        if (record.role != CertificateRole.Enclave) revert NitroAttestation_WrongRole(parent);
    }

    function _requireTrusted(bytes32 certificate) private view returns (Record memory record) {
        record = _record(certificate);
        if (record.role == CertificateRole.None) revert NitroAttestation_UnknownCertificate(certificate);
        Standing storage found = _standing[certificate];
        if (found.distrustedFrom != NEVER || found.frozenUntil > block.timestamp)
            revert NitroAttestation_Distrusted(certificate);
        _requireValid(certificate, record.notBefore, record.notAfter);
    }

    function _requireValid(bytes32 certificate, uint40 notBefore, uint40 notAfter) private view {
        if (block.timestamp < notBefore || block.timestamp > notAfter)
            revert NitroAttestation_OutsideValidity(certificate, notBefore, notAfter);
    }

    /// @dev The name and the signature of the issuer.
    function _requireIssued(
        bytes calldata parent,
        Record memory issuer,
        bytes calldata certificate,
        Certificate memory cert,
        bytes calldata hints
    ) private view {
        bytes32 subject = keccak256(parent[issuer.subjectStart:issuer.subjectEnd]);
        if (keccak256(certificate[cert.issuerStart:cert.issuerEnd]) != subject)
            revert NitroAttestation_WrongIssuer(keccak256(certificate));
        bytes calldata key = parent[issuer.keyStart:issuer.keyStart + 96];
        es384.verify(certificate[cert.bodyStart:cert.bodyEnd], cert.signature, key, hints);
    }

    /// @dev What a certificate may be under an issuer that allows `allowed` authorities below it.
    function _recordOf(bytes32 hash, Certificate memory cert, uint8 allowed) private pure returns (Record memory) {
        if (!cert.isAuthority) {
            if (!cert.signsData || cert.signsCertificates) revert NitroAttestation_WrongRole(hash);
            return _toRecord(CertificateRole.Enclave, cert, 0);
        }
        if (!cert.signsCertificates || allowed == 0) revert NitroAttestation_WrongRole(hash);
        uint8 left = allowed == X509.NO_PATH_LENGTH ? allowed : allowed - 1;
        return _toRecord(CertificateRole.Authority, cert, cert.pathLength < left ? cert.pathLength : left);
    }

    /// @dev Offsets are within X509's greatest length.
    function _toRecord(
        CertificateRole role,
        Certificate memory cert,
        uint8 pathLength
    ) private pure returns (Record memory) {
        return
            Record({
                role: role,
                notBefore: cert.notBefore,
                notAfter: cert.notAfter,
                pathLength: pathLength,
                keyStart: uint16(cert.keyStart),
                subjectStart: uint16(cert.subjectStart),
                subjectEnd: uint16(cert.subjectEnd)
            });
    }

    function _pinRoot(bytes32 fingerprint) private {
        if (fingerprint == 0 || fingerprint == rootFingerprint) revert NitroAttestation_BadFingerprint(fingerprint);
        rootFingerprint = fingerprint;
        rootCertificate = 0;
        emit RootPinned(fingerprint);
    }

    /// @dev A certificate that is cached already keeps its standing: only its parent changes.
    function _cache(bytes32 hash, bytes32 parent, Record memory record) private {
        uint168 tag = (uint168(uint8(record.role)) << 144) | (uint168(record.notBefore) << 104);
        tag |= (uint168(record.notAfter) << 64) | (uint168(record.pathLength) << 48);
        tag |= (uint168(record.keyStart) << 32) | (uint168(record.subjectStart) << 16) | record.subjectEnd;
        if (_isEnrolled(hash)) _standing[hash].tag = tag;
        else _enroll(hash, tag);
        _parentOf[hash] = parent;
        emit CertificateCached(hash, parent, record.role, record.notBefore, record.notAfter);
    }

    function _record(bytes32 certificate) private view returns (Record memory) {
        uint168 tag = _standing[certificate].tag;
        return
            Record({
                role: CertificateRole(uint8(tag >> 144)),
                notBefore: uint40(tag >> 104),
                notAfter: uint40(tag >> 64),
                pathLength: uint8(tag >> 48),
                keyStart: uint16(tag >> 32),
                subjectStart: uint16(tag >> 16),
                subjectEnd: uint16(tag)
            });
    }
}
