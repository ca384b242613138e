// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {INitroAttestation, NitroDocument} from "../interfaces/INitroAttestation.sol";
import {Cbor} from "./Cbor.sol";

/// @notice Where the parts of a COSE_Sign1 structure stand.
/// @param payloadHead Where the payload's head begins, `payloadStart` its content, `payloadEnd` where it ends.
/// @param signatureStart Where the 96 bytes of the signature begin.
struct CoseSign1 {
    uint256 payloadHead;
    uint256 payloadStart;
    uint256 payloadEnd;
    uint256 signatureStart;
}

/// @title NitroFields
/// @notice Reads attestation documents: an untagged COSE_Sign1 around one CBOR map, with the nine fields that AWS
/// specifies, each once, in any order, within AWS's lengths. Checks form only.
library NitroFields {
    /// @notice A part of the document.
    struct Slice {
        uint256 start;
        uint256 end;
    }

    /// @notice Where the fields stand. `chain` has the certificates from the root to the enclave's own.
    struct Fields {
        uint64 timestamp;
        Slice moduleId;
        Slice[3] pcrs;
        Slice[] chain;
        Slice certificate;
        Slice publicKey;
        Slice userData;
        Slice nonce;
    }

    /// @notice Authorities between a root and an enclave, the root included: AWS has four.
    uint256 internal constant MAX_BUNDLE = 8;
    uint256 private constant MAX_CERTIFICATE = 1024;
    uint256 private constant MAX_DATA = 512;
    uint256 private constant MAX_KEY = 1024;
    uint256 private constant MAX_NAME = 256;

    /// @dev Protected header { 1: -35 }, ES384, as a byte string of 4; then the empty map of the unprotected one.
    bytes6 private constant HEADERS = 0x44a1013822a0;
    /// @dev ["Signature1", protected header, no external data, … up to the payload (RFC 9052, 4.4).
    bytes private constant SIGNED_HEAD = hex"846a5369676e61747572653144a101382240";

    /// @notice Takes the envelope apart; the whole of `document` must be one.
    function open(bytes calldata document) internal pure returns (CoseSign1 memory cose) {
        uint256 end = document.length;
        (uint256 parts, uint256 at) = Cbor.head(document, 0, end, Cbor.ARRAY);
        if (parts != 4 || at + 6 > end || bytes6(document[at:at + 6]) != HEADERS) _badEnvelope(at);
        cose.payloadHead = at + 6;
        (cose.payloadStart, cose.payloadEnd) = Cbor.content(document, cose.payloadHead, end, Cbor.BYTES);
        uint256 stop;
        (cose.signatureStart, stop) = Cbor.content(document, cose.payloadEnd, end, Cbor.BYTES);
        if (stop - cose.signatureStart != 96) _badEnvelope(cose.payloadEnd);
        if (stop != end) _badEnvelope(stop);
    }

    /// @notice What the signature is over.
    function signedBytes(bytes calldata document, CoseSign1 memory cose) internal pure returns (bytes memory) {
        return abi.encodePacked(SIGNED_HEAD, document[cose.payloadHead:cose.payloadEnd]);
    }

    /// @notice Reads the payload.
    function read(bytes calldata document, CoseSign1 memory cose) internal pure returns (Fields memory fields) {
        uint256 end = cose.payloadEnd;
        (uint256 count, uint256 at) = Cbor.head(document, cose.payloadStart, end, Cbor.MAP);
        if (count != 9) _badField(cose.payloadStart);
        uint256 seen;
        for (; count > 0; count--) {
            uint256 key = at;
            (uint256 start, uint256 stop) = Cbor.content(document, at, end, Cbor.TEXT);
            uint256 bit;
            (bit, at) = _field(document, start, stop, end, fields);
            if (seen & bit != 0) _badField(key);
            seen |= bit;
        }
        // Nine different ones of nine: none is missing.
        if (at != end) _badField(at);
        fields.chain[fields.chain.length - 1] = fields.certificate;
    }

    /// @notice The fields' bytes.
    function copy(bytes calldata document, Fields memory fields) internal pure returns (NitroDocument memory) {
        return
            NitroDocument({
                moduleId: string(_bytes(document, fields.moduleId)),
                timestamp: fields.timestamp,
                pcr0: _bytes(document, fields.pcrs[0]),
                pcr1: _bytes(document, fields.pcrs[1]),
                pcr2: _bytes(document, fields.pcrs[2]),
                publicKey: _bytes(document, fields.publicKey),
                userData: _bytes(document, fields.userData),
                nonce: _bytes(document, fields.nonce)
            });
    }

    /// @dev Reads the value of one field. Returns the field's bit and where the value ends.
    function _field(
        bytes calldata document,
        uint256 start,
        uint256 at,
        uint256 end,
        Fields memory fields
    ) private pure returns (uint256 bit, uint256 next) {
        // A zero at the end would be lost among those that fill the name up.
        if (at == start || at - start > 11 || document[at - 1] == 0) _badField(start);
        bytes11 name = bytes11(document[start:at]);
        if (name == "module_id") {
            (fields.moduleId, next) = _string(document, at, end, Cbor.TEXT, 1, MAX_NAME);
            return (1, next);
        }
        if (name == "digest") {
            Slice memory digest;
            (digest, next) = _string(document, at, end, Cbor.TEXT, 6, 6);
            if (bytes6(document[digest.start:digest.end]) != "SHA384") _badField(at);
            return (2, next);
        }
        if (name == "timestamp") {
            uint256 value;
            (value, next) = Cbor.head(document, at, end, Cbor.UNSIGNED);
            // Eight bytes is the most that a head holds.
            fields.timestamp = uint64(value);
            return (4, next);
        }
        if (name == "pcrs") return (8, _pcrs(document, at, end, fields));
        if (name == "certificate") {
            (fields.certificate, next) = _string(document, at, end, Cbor.BYTES, 1, MAX_CERTIFICATE);
            return (16, next);
        }
        if (name == "cabundle") return (32, _bundle(document, at, end, fields));
        if (name == "public_key") {
            (fields.publicKey, next) = _optional(document, at, end, 1, MAX_KEY);
            return (64, next);
        }
        if (name == "user_data") {
            (fields.userData, next) = _optional(document, at, end, 0, MAX_DATA);
            return (128, next);
        }
        if (name != "nonce") _badField(start);
        (fields.nonce, next) = _optional(document, at, end, 0, MAX_DATA);
        return (256, next);
    }

    /// @dev A map of registers 0 to 31, each once, 48 bytes each; the first three must be there and not be zero.
    function _pcrs(
        bytes calldata document,
        uint256 at,
        uint256 end,
        Fields memory fields
    ) private pure returns (uint256) {
        uint256 here = at;
        uint256 count;
        (count, at) = Cbor.head(document, at, end, Cbor.MAP);
        if (count == 0 || count > 32) _badField(here);
        uint256 seen;
        for (; count > 0; count--) {
            here = at;
            uint256 index;
            (index, at) = Cbor.head(document, at, end, Cbor.UNSIGNED);
            if (index > 31 || (seen >> index) & 1 != 0) _badField(here);
            seen |= 1 << index;
            Slice memory value;
            (value, at) = _string(document, at, end, Cbor.BYTES, 48, 48);
            if (index > 2) continue;
            bytes calldata pcr = document[value.start:value.end];
            if (bytes32(pcr[:32]) | bytes32(pcr[16:]) == 0)
                revert INitroAttestation.NitroAttestation_DebugEnclave(index);
            fields.pcrs[index] = value;
        }
        if (seen & 7 != 7) _badField(here);
        return at;
    }

    /// @dev Leaves one place at the end for the enclave's own certificate.
    function _bundle(
        bytes calldata document,
        uint256 at,
        uint256 end,
        Fields memory fields
    ) private pure returns (uint256) {
        uint256 here = at;
        uint256 count;
        (count, at) = Cbor.head(document, at, end, Cbor.ARRAY);
        if (count == 0 || count > MAX_BUNDLE) _badField(here);
        fields.chain = new Slice[](count + 1);
        for (uint256 i = 0; i < count; i++) {
            (fields.chain[i], at) = _string(document, at, end, Cbor.BYTES, 1, MAX_CERTIFICATE);
        }
        return at;
    }

    /// @dev A string, or null, which reads as empty.
    function _optional(
        bytes calldata document,
        uint256 at,
        uint256 end,
        uint256 least,
        uint256 most
    ) private pure returns (Slice memory, uint256) {
        if (at < end && document[at] == Cbor.NULL) return (Slice(at, at), at + 1);
        return _string(document, at, end, Cbor.BYTES, least, most);
    }

    function _string(
        bytes calldata document,
        uint256 at,
        uint256 end,
        uint8 major,
        uint256 least,
        uint256 most
    ) private pure returns (Slice memory, uint256) {
        (uint256 start, uint256 stop) = Cbor.content(document, at, end, major);
        if (stop - start < least || stop - start > most) _badField(at);
        return (Slice(start, stop), stop);
    }

    function _bytes(bytes calldata document, Slice memory slice) private pure returns (bytes memory) {
        return document[slice.start:slice.end];
    }

    function _badEnvelope(uint256 offset) private pure {
        revert INitroAttestation.NitroAttestation_BadEnvelope(offset);
    }

    function _badField(uint256 offset) private pure {
        revert INitroAttestation.NitroAttestation_BadField(offset);
    }
}
