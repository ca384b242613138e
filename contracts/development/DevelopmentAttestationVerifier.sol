// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Attestation, IAttestationVerifier} from "../interfaces/IAttestationVerifier.sol";
import {DevelopmentOnly} from "./DevelopmentOnly.sol";

/// @title DevelopmentAttestationVerifier
/// @notice Takes one ordinary key's signature for what a hardware vendor's root should sign, for tests that are about
/// something else. It protects nothing and no deployment has it. Chain id 31337 only.
contract DevelopmentAttestationVerifier is DevelopmentOnly, IAttestationVerifier {
    /// @notice Whose signature counts as the vendor's.
    address public immutable root;

    /// @notice The document is not signed by the development root.
    error DevelopmentAttestationVerifier_BadSignature(address recovered);

    constructor(address root_) {
        root = root_;
    }

    /// @inheritdoc IAttestationVerifier
    /// @param document abi.encode(Attestation, bytes signature); the signature is EIP-191 over
    /// keccak256(abi.encode(chainId, this contract, attestation)).
    function verifyAttestation(bytes calldata document) external view returns (Attestation memory attestation) {
        bytes memory signature;
        (attestation, signature) = abi.decode(document, (Attestation, bytes));
        bytes32 hash = keccak256(abi.encode(block.chainid, address(this), attestation));
        (address recovered, , ) = ECDSA.tryRecover(MessageHashUtils.toEthSignedMessageHash(hash), signature);
        if (recovered != root) revert DevelopmentAttestationVerifier_BadSignature(recovered);
    }
}
