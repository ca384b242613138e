// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {CoseSign1, NitroFields} from "../../contracts/attestation/NitroFields.sol";
import {Sha384} from "../../contracts/attestation/Sha384.sol";
import {Certificate, X509} from "../../contracts/attestation/X509.sol";
import {IES384} from "../../contracts/interfaces/IES384.sol";
import {INitroAttestation, NitroDocument} from "../../contracts/interfaces/INitroAttestation.sol";

/// @notice Opens the attestation's readers to tests, without signatures, chain or time.
contract AttestationHarness {
    /// @dev Without a revert at the top, which the development chain spends long on explaining.
    function accepts(
        IES384 es384,
        bytes calldata message,
        bytes calldata signature,
        bytes calldata publicKey,
        bytes calldata hints
    ) external view returns (bool, bytes memory reason) {
        try es384.verify(message, signature, publicKey, hints) {
            return (true, "");
        } catch (bytes memory thrown) {
            return (false, thrown);
        }
    }

    /// @dev What a verification costs, calldata aside; whether it ends well or not.
    function gasOf(
        IES384 es384,
        bytes calldata digest,
        bytes calldata signature,
        bytes calldata publicKey,
        bytes calldata hints
    ) external view returns (uint256 used) {
        used = gasleft();
        try es384.verifyDigest(digest, signature, publicKey, hints) {} catch {}
        used -= gasleft();
    }

    /// @dev The same of a certificate.
    function caches(
        INitroAttestation nitro,
        bytes calldata parent,
        bytes calldata certificate,
        bytes calldata hints
    ) external returns (bool, bytes memory reason) {
        try nitro.cacheCertificate(parent, certificate, hints) {
            return (true, "");
        } catch (bytes memory thrown) {
            return (false, thrown);
        }
    }

    /// @dev The same of a document.
    function reads(INitroAttestation nitro, bytes calldata evidence) external view returns (bool, bytes memory reason) {
        try nitro.readDocument(evidence) {
            return (true, "");
        } catch (bytes memory thrown) {
            return (false, thrown);
        }
    }

    function gasOfSha384(bytes calldata message) external view returns (uint256 used) {
        used = gasleft();
        Sha384.hash(message);
        used -= gasleft();
    }

    function sha384(bytes calldata message) external pure returns (uint256 high, uint256 low) {
        return Sha384.hash(message);
    }

    function parseCertificate(bytes calldata der) external pure returns (Certificate memory) {
        return X509.parse(der);
    }

    function readFields(bytes calldata document) external pure returns (NitroDocument memory) {
        CoseSign1 memory cose = NitroFields.open(document);
        return NitroFields.copy(document, NitroFields.read(document, cose));
    }
}
