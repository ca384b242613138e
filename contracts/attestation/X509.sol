// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Der} from "./Der.sol";

/// @notice What a certificate says. Offsets are of its DER.
/// @param bodyStart Where the signed part begins, its head included; `bodyEnd` where it ends.
/// @param issuerStart Where the issuer's name begins, its head included; `issuerEnd` where it ends.
/// @param subjectStart The same of the subject's name.
/// @param notBefore First second of validity.
/// @param notAfter Last second of validity.
/// @param keyStart Where x ‖ y of the public key stands, 96 bytes.
/// @param isAuthority Basic constraints: it may issue certificates.
/// @param pathLength How many authorities may follow; 255 where it does not say.
/// @param signsCertificates Key usage keyCertSign.
/// @param signsData Key usage digitalSignature.
/// @param signature r ‖ s, 96 bytes.
struct Certificate {
    uint256 bodyStart;
    uint256 bodyEnd;
    uint256 issuerStart;
    uint256 issuerEnd;
    uint256 subjectStart;
    uint256 subjectEnd;
    uint40 notBefore;
    uint40 notAfter;
    uint256 keyStart;
    bool isAuthority;
    uint8 pathLength;
    bool signsCertificates;
    bool signsData;
    bytes signature;
}

/// @title X509
/// @notice Reads X.509 version 3 certificates with P-384 keys and ecdsa-with-SHA384 signatures, and no others. Checks
/// form only; signature, names, time and chain are for the caller.
library X509 {
    /// @notice More than 1,024 bytes, another version than 3, another signature algorithm or another kind of key; `offset` is where.
    error X509_Unsupported(uint256 offset);
    /// @notice The certificate has bytes where none may be, or an extension has another form than its standard.
    error X509_BadExtension(uint256 offset);
    /// @notice An extension that must be understood and is not, or one that stands twice.
    error X509_RefusedExtension(uint256 offset);
    /// @notice Basic constraints or key usage is missing, or an authority does not mark its constraints critical.
    error X509_MissingExtension();
    /// @notice More than MAX_EXTENSIONS extensions.
    error X509_TooManyExtensions();

    uint8 internal constant NO_PATH_LENGTH = 255;
    uint256 private constant MAX_EXTENSIONS = 16;
    /// @dev What AWS allows in a document, so that offsets fit 16 bits.
    uint256 private constant MAX_LENGTH = 1024;

    /// @dev [0] { INTEGER 2 }.
    bytes5 private constant VERSION_3 = 0xa003020102;
    /// @dev SEQUENCE { OID 1.2.840.10045.4.3.3 }.
    bytes12 private constant ECDSA_WITH_SHA384 = 0x300a06082a8648ce3d040303;
    /// @dev SEQUENCE { SEQUENCE { OID ecPublicKey, OID secp384r1 }, BIT STRING 00 04 … up to the coordinates.
    bytes24 private constant P384_KEY = 0x3076301006072a8648ce3d020106052b8104002203620004;
    uint8 private constant EXTENSIONS = 0xa3;
    bytes3 private constant TRUE = 0x0101ff;
    /// @dev Identifiers 2.5.29.19 and 2.5.29.15.
    bytes32 private constant BASIC_CONSTRAINTS = bytes32(bytes3(0x551d13));
    bytes32 private constant KEY_USAGE = bytes32(bytes3(0x551d0f));

    /// @notice Reads a certificate; the whole of `der` must be one.
    function parse(bytes calldata der) internal pure returns (Certificate memory cert) {
        if (der.length > MAX_LENGTH) revert X509_Unsupported(MAX_LENGTH);
        (uint256 at, uint256 end) = Der.open(der, 0, der.length, Der.SEQUENCE);
        Der.close(end, der.length);

        cert.bodyStart = at;
        (, cert.bodyEnd) = Der.open(der, at, end, Der.SEQUENCE);
        _parseBody(der, cert);

        at = cert.bodyEnd;
        if (at + 12 > end || bytes12(der[at:at + 12]) != ECDSA_WITH_SHA384) revert X509_Unsupported(at);
        uint256 start;
        uint256 stop;
        (start, stop) = Der.open(der, at + 12, end, Der.BIT_STRING);
        Der.close(stop, end);
        // No unused bits: the content is whole bytes.
        if (start == stop || der[start] != 0) revert X509_Unsupported(start);
        cert.signature = _signature(der, start + 1, stop);
    }

    function _signature(bytes calldata der, uint256 at, uint256 end) private pure returns (bytes memory) {
        uint256 stop;
        (at, stop) = Der.open(der, at, end, Der.SEQUENCE);
        Der.close(stop, end);
        (uint256 r1, uint256 r0, uint256 next) = Der.positive384(der, at, stop);
        uint256 s1;
        uint256 s0;
        (s1, s0, next) = Der.positive384(der, next, stop);
        Der.close(next, stop);
        return abi.encodePacked(uint128(r1), r0, uint128(s1), s0);
    }

    function _parseBody(bytes calldata der, Certificate memory cert) private pure {
        (uint256 at, uint256 end) = Der.open(der, cert.bodyStart, cert.bodyEnd, Der.SEQUENCE);
        if (at + 5 > end || bytes5(der[at:at + 5]) != VERSION_3) revert X509_Unsupported(at);
        (, at) = Der.positive(der, at + 5, end, 20);
        if (at + 12 > end || bytes12(der[at:at + 12]) != ECDSA_WITH_SHA384) revert X509_Unsupported(at);
        at += 12;

        cert.issuerStart = at;
        (, at) = Der.open(der, at, end, Der.SEQUENCE);
        cert.issuerEnd = at;

        uint256 stop;
        (at, stop) = Der.open(der, at, end, Der.SEQUENCE);
        (cert.notBefore, at) = Der.time(der, at, stop);
        (cert.notAfter, at) = Der.time(der, at, stop);
        Der.close(at, stop);

        cert.subjectStart = at;
        (, at) = Der.open(der, at, end, Der.SEQUENCE);
        cert.subjectEnd = at;

        if (at + 120 > end || bytes24(der[at:at + 24]) != P384_KEY) revert X509_Unsupported(at);
        cert.keyStart = at + 24;

        (at, stop) = Der.open(der, at + 120, end, EXTENSIONS);
        Der.close(stop, end);
        (at, end) = Der.open(der, at, stop, Der.SEQUENCE);
        Der.close(end, stop);
        _parseExtensions(der, at, end, cert);
    }

    function _parseExtensions(bytes calldata der, uint256 at, uint256 end, Certificate memory cert) private pure {
        bytes32[] memory seen = new bytes32[](MAX_EXTENSIONS);
        bool constrained;
        bool used;
        for (uint256 count = 0; at < end; count++) {
            if (count == MAX_EXTENSIONS) revert X509_TooManyExtensions();
            (uint256 start, uint256 stop) = Der.open(der, at, end, Der.SEQUENCE);
            bytes32 id = _parseExtension(der, start, stop, cert);
            for (uint256 i = 0; i < count; i++) if (seen[i] == id) revert X509_RefusedExtension(at);
            seen[count] = id;
            if (id == BASIC_CONSTRAINTS) constrained = true;
            if (id == KEY_USAGE) used = true;
            at = stop;
        }
        if (!constrained || !used) revert X509_MissingExtension();
    }

    /// @dev Returns what names the extension: its identifier, or a hash of one that is not of three bytes.
    function _parseExtension(
        bytes calldata der,
        uint256 at,
        uint256 end,
        Certificate memory cert
    ) private pure returns (bytes32 id) {
        (uint256 start, uint256 next) = Der.open(der, at, end, Der.OBJECT_IDENTIFIER);
        id = next - start == 3 ? bytes32(bytes3(der[start:next])) : keccak256(der[start:next]);
        bool critical = next < end && uint8(der[next]) == Der.BOOLEAN;
        if (critical) {
            // FALSE is the default and is not written.
            if (next + 3 > end || bytes3(der[next:next + 3]) != TRUE) revert X509_BadExtension(at);
            next += 3;
        }
        (start, next) = Der.open(der, next, end, Der.OCTET_STRING);
        Der.close(next, end);
        if (id == BASIC_CONSTRAINTS) {
            _parseConstraints(der, start, next, cert);
            if (cert.isAuthority && !critical) revert X509_MissingExtension();
        } else if (id == KEY_USAGE) {
            _parseUsage(der, start, next, cert);
        } else if (critical) {
            revert X509_RefusedExtension(at);
        }
    }

    /// @dev SEQUENCE { BOOLEAN TRUE or nothing, INTEGER up to 127 or nothing }; a path length is for authorities only.
    function _parseConstraints(bytes calldata der, uint256 at, uint256 end, Certificate memory cert) private pure {
        uint256 stop;
        (at, stop) = Der.open(der, at, end, Der.SEQUENCE);
        Der.close(stop, end);
        cert.pathLength = NO_PATH_LENGTH;
        if (at == stop) return;
        if (at + 3 > stop || bytes3(der[at:at + 3]) != TRUE) revert X509_BadExtension(at);
        cert.isAuthority = true;
        at += 3;
        if (at == stop) return;
        if (stop - at != 3 || bytes2(der[at:at + 2]) != 0x0201) revert X509_BadExtension(at);
        uint8 length = uint8(der[at + 2]);
        if (length > 127) revert X509_BadExtension(at);
        cert.pathLength = length;
    }

    /// @dev BIT STRING of one or two bytes of named bits: no zero bit at the end, as DER asks of such lists.
    function _parseUsage(bytes calldata der, uint256 at, uint256 end, Certificate memory cert) private pure {
        (uint256 start, uint256 stop) = Der.open(der, at, end, Der.BIT_STRING);
        Der.close(stop, end);
        uint256 size = stop - start;
        if (size != 2 && size != 3) revert X509_BadExtension(at);
        uint256 unused = uint8(der[start]);
        uint256 last = uint8(der[stop - 1]);
        if (unused > 7 || (last >> unused) & 1 == 0 || last & ((1 << unused) - 1) != 0) revert X509_BadExtension(at);
        uint256 bits = uint8(der[start + 1]);
        cert.signsData = bits & 0x80 != 0;
        cert.signsCertificates = bits & 0x04 != 0;
    }
}
