// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Attestation, IAttestationVerifier} from "../interfaces/IAttestationVerifier.sol";
import {IES384} from "../interfaces/IES384.sol";
import {INitroAttestation, NitroDocument} from "../interfaces/INitroAttestation.sol";
import {KeyKinds} from "../interfaces/InferenceTypes.sol";
import {CertificateCache} from "./CertificateCache.sol";
import {CoseSign1, NitroFields} from "./NitroFields.sol";

/// @title NitroAttestation
/// @notice See {INitroAttestation}, where every function, event and error is documented.
contract NitroAttestation is CertificateCache {
    /// @dev SEQUENCE { SEQUENCE { OID rsaEncryption, NULL }, BIT STRING { SEQUENCE { INTEGER of 2048 bits …
    bytes32 private constant RSA_2048_HEAD = 0x30820122300d06092a864886f70d01010105000382010f003082010a02820101;
    /// @dev … INTEGER 65537 } }.
    bytes5 private constant RSA_EXPONENT = 0x0203010001;

    constructor(
        address admin_,
        address guardian_,
        IES384 es384_,
        bytes32 rootFingerprint_
    ) CertificateCache(admin_, guardian_, es384_, rootFingerprint_) {}

    /// @inheritdoc IAttestationVerifier
    function verifyAttestation(bytes calldata evidence) external view returns (Attestation memory attestation) {
        NitroDocument memory found = _verify(evidence);
        if (found.userData.length != 32) revert NitroAttestation_BadUserData(found.userData.length);
        return
            Attestation({
                kind: _kindOf(found.publicKey),
                publicKey: found.publicKey,
                measurement: keccak256(abi.encodePacked(found.pcr0, found.pcr1, found.pcr2)),
                userData: bytes32(found.userData),
                issuedAt: found.timestamp / 1000
            });
    }

    /// @inheritdoc INitroAttestation
    function readDocument(bytes calldata evidence) external view returns (NitroDocument memory) {
        return _verify(evidence);
    }

    function _verify(bytes calldata evidence) private view returns (NitroDocument memory) {
        if (evidence.length < 2) revert NitroAttestation_BadEnvelope(0);
        uint256 split = 2 + uint256(uint16(bytes2(evidence[:2])));
        if (split > evidence.length) revert NitroAttestation_BadEnvelope(0);
        return _verifyDocument(evidence[2:split], evidence[split:]);
    }

    function _verifyDocument(
        bytes calldata document,
        bytes calldata hints
    ) private view returns (NitroDocument memory) {
        CoseSign1 memory cose = NitroFields.open(document);
        NitroFields.Fields memory fields = NitroFields.read(document, cose);
        uint256 keyStart = _requireSigner(document, fields);
        _requireSigned(document, cose, keyStart, hints);
        return NitroFields.copy(document, fields);
    }

    /// @dev The document's certificates are a chain that is cached, trusted and valid now, and its last was valid when
    /// the document was made. Returns where the last one's key stands.
    function _requireSigner(
        bytes calldata document,
        NitroFields.Fields memory fields
    ) private view returns (uint256 keyStart) {
        uint256 count = fields.chain.length;
        bytes32[] memory hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            hashes[i] = keccak256(document[fields.chain[i].start:fields.chain[i].end]);
        }
        Record memory signer = _requireChain(hashes);
        uint64 moment = fields.timestamp / 1000;
        if (moment < signer.notBefore || moment > signer.notAfter)
            revert NitroAttestation_BadTimestamp(fields.timestamp);
        return fields.certificate.start + signer.keyStart;
    }

    function _requireSigned(
        bytes calldata document,
        CoseSign1 memory cose,
        uint256 keyStart,
        bytes calldata hints
    ) private view {
        bytes calldata signature = document[cose.signatureStart:cose.signatureStart + 96];
        bytes calldata key = document[keyStart:keyStart + 96];
        es384.verify(NitroFields.signedBytes(document, cose), signature, key, hints);
    }

    function _kindOf(bytes memory publicKey) private pure returns (uint8) {
        if (publicKey.length == 64) return KeyKinds.ENCLAVE_SECP256K1;
        if (publicKey.length == 294 && bytes32(publicKey) == RSA_2048_HEAD) {
            bytes32 tail;
            bytes32 modulusHead;
            assembly ("memory-safe") {
                // The last 32 bytes, and the modulus from its sign byte on.
                tail := mload(add(publicKey, 294))
                modulusHead := mload(add(publicKey, 64))
            }
            bool full = bytes1(modulusHead) == 0 && uint8(modulusHead[1]) > 0x7f;
            if (full && uint40(uint256(tail)) == uint40(RSA_EXPONENT)) return KeyKinds.ENCLAVE_RSA;
        }
        revert NitroAttestation_UnsupportedKey(publicKey.length);
    }
}
