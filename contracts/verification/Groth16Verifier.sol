// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {IVerifyingKeys} from "../interfaces/IVerifyingKeys.sol";
import {BN254_R} from "./Bn254.sol";
import {DEVELOPMENT_CHAIN_ID, DEVELOPMENT_PHASE1_ID} from "./DevelopmentPhase1.sol";
import {Groth16} from "./Groth16.sol";
import {VerifyingKey} from "./VerifyingKey.sol";

/// @title Groth16Verifier
/// @notice One Groth16 proof a receipt, over BN254, n proofs of one key checked together.
/// @dev Evidence is n times: A 64 ‖ B 128 (imaginary parts first) ‖ C 64 ‖ the signals but the last, 32 bytes each.
/// Signals are input, outputs, binding. The binding is not sent: it is the receipt id shifted right by 8 bits, so
/// that it fits the scalar field. inputHash is the input signal as it is; outputHash =
/// keccak256(abi.encode(uint8(2), uint256[] outputs)).
///
/// What a proof can do wrong (a point off the curve, a coordinate or signal out of its field, a false statement)
/// makes {verify} return false. What cannot be split into proofs reverts. {hashes} also reverts for a signal out of
/// its field, so that no two values give the same statement. Nothing may be keyed on proof bytes: (−A, −B, C) proves
/// what (A, B, C) proves.
contract Groth16Verifier is IProofVerifier {
    /// @notice No key is known for this model version.
    error Groth16Verifier_UnknownModel(bytes32 modelId);
    /// @notice What is stored for the model version is not a key of this verifier.
    error Groth16Verifier_ForeignKey(bytes32 modelId, uint256 codeSize);
    /// @notice Evidence without a proof.
    error Groth16Verifier_NoProofs();
    /// @notice Evidence that is not a whole number of proofs of `stride` bytes each.
    error Groth16Verifier_EvidenceLength(uint256 length, uint256 stride);
    /// @notice Not one receipt for each proof.
    error Groth16Verifier_ReceiptCount(uint256 receipts, uint256 proofs);
    /// @notice A signal is not below the group order.
    error Groth16Verifier_SignalOutOfField(uint256 proof, uint256 signal, uint256 value);
    /// @notice The published development phase 1 on a chain that is not a development chain.
    error Groth16Verifier_DevelopmentPhase1(uint256 chainId);
    /// @notice The key was made from a phase 1 that was not allowed at deployment.
    error Groth16Verifier_Phase1NotAllowed(bytes32 phase1Id);

    /// @notice Where keys are found.
    IVerifyingKeys public immutable KEYS;

    bytes32[] private _phase1Ids;

    /// @param keys Where keys are found. Not called here, so that it may be the contract that deploys this one.
    /// @param allowed Ids of the phase 1 ceremonies that keys may be made from: keccak256(alpha ‖ beta ‖ gamma).
    constructor(IVerifyingKeys keys, bytes32[] memory allowed) {
        for (uint256 i = 0; i < allowed.length; ++i) {
            if (allowed[i] == DEVELOPMENT_PHASE1_ID && block.chainid != DEVELOPMENT_CHAIN_ID) {
                revert Groth16Verifier_DevelopmentPhase1(block.chainid);
            }
        }
        KEYS = keys;
        _phase1Ids = allowed;
    }

    /// @notice Ids of the phase 1 ceremonies that keys may be made from.
    function phase1Ids() external view returns (bytes32[] memory) {
        return _phase1Ids;
    }

    /// @inheritdoc IProofVerifier
    function hashes(
        bytes32 modelId,
        bytes calldata evidence
    ) external view returns (bytes32[] memory, bytes32[] memory) {
        (, uint256 k) = _key(modelId);
        uint256 proofs = _proofs(evidence.length, k);
        uint256 inField = 1;
        uint256 m;
        uint256 end;

        // Writes the ABI encoding of the two arrays and returns it as it is: going through arrays in memory would
        // store every word twice.
        assembly ("memory-safe") {
            m := mload(0x40)
            let input := add(m, 0x60)
            let last := add(m, add(0x40, shl(5, proofs)))
            let output := add(last, 0x40)
            end := add(output, shl(5, proofs))
            mstore(0x40, end)
            mstore(m, 0x40)
            mstore(add(m, 0x20), sub(add(last, 0x20), m))
            mstore(add(m, 0x40), proofs)
            mstore(add(last, 0x20), proofs)

            // Beyond: the preimage of an output hash, scheme, offset, length, then the outputs of each proof in turn.
            let size := shl(5, sub(k, 2))
            mstore(end, 2)
            mstore(add(end, 0x20), 0x40)
            mstore(add(end, 0x40), sub(k, 2))

            for {
                let signal := evidence.offset
            } iszero(gt(input, last)) {
                input := add(input, 0x20)
            } {
                signal := add(signal, 256)
                let s := calldataload(signal)
                inField := and(inField, lt(s, BN254_R))
                mstore(input, s)

                signal := add(signal, 0x20)
                calldatacopy(add(end, 0x60), signal, size)
                for {
                    let next := add(signal, size)
                } lt(signal, next) {
                    signal := add(signal, 0x20)
                } {
                    inField := and(inField, lt(calldataload(signal), BN254_R))
                }
                mstore(output, keccak256(end, add(size, 0x60)))
                output := add(output, 0x20)
            }
        }
        if (inField == 0) _revertSignalOutOfField(evidence, Groth16.stride(k));
        assembly ("memory-safe") {
            return(m, sub(end, m))
        }
    }

    /// @inheritdoc IProofVerifier
    function verify(
        bytes32 modelId,
        bytes32[] calldata receiptIds,
        bytes calldata evidence
    ) external view returns (bool) {
        (address key, uint256 k) = _checkShape(modelId, receiptIds.length, evidence.length);
        return
            receiptIds.length == 1
                ? Groth16.verifyOne(key, k, receiptIds[0], evidence)
                : Groth16.verifyBatch(key, k, receiptIds, evidence);
    }

    /// @inheritdoc IProofVerifier
    function invalidProofs(
        bytes32 modelId,
        bytes32[] calldata receiptIds,
        bytes calldata evidence
    ) external view returns (uint256[] memory indexes) {
        (address key, uint256 k) = _checkShape(modelId, receiptIds.length, evidence.length);
        uint256 stride = Groth16.stride(k);
        indexes = new uint256[](receiptIds.length);
        uint256 count = 0;
        for (uint256 i = 0; i < receiptIds.length; ++i) {
            if (!Groth16.verifyOne(key, k, receiptIds[i], evidence[i * stride:(i + 1) * stride])) {
                indexes[count++] = i;
            }
        }
        assembly ("memory-safe") {
            mstore(indexes, count)
        }
    }

    /// @inheritdoc IProofVerifier
    function requireValidKey(bytes calldata key) external view {
        VerifyingKey.requireSound(key);
        bytes32 id = VerifyingKey.phase1Id(key);
        for (uint256 i = 0; i < _phase1Ids.length; ++i) {
            if (_phase1Ids[i] == id) return;
        }
        revert Groth16Verifier_Phase1NotAllowed(id);
    }

    function _checkShape(
        bytes32 modelId,
        uint256 receipts,
        uint256 length
    ) private view returns (address key, uint256 k) {
        (key, k) = _key(modelId);
        uint256 proofs = _proofs(length, k);
        if (receipts != proofs) revert Groth16Verifier_ReceiptCount(receipts, proofs);
    }

    function _proofs(uint256 length, uint256 k) private pure returns (uint256) {
        uint256 stride = Groth16.stride(k);
        if (length == 0) revert Groth16Verifier_NoProofs();
        if (length % stride != 0) revert Groth16Verifier_EvidenceLength(length, stride);
        return length / stride;
    }

    /// @dev Names the first signal that is not below the group order: one is known to exist.
    function _revertSignalOutOfField(bytes calldata evidence, uint256 stride) private pure {
        for (uint256 proof = 0; ; ++proof) {
            for (uint256 offset = 256; offset < stride; offset += 32) {
                uint256 value = uint256(bytes32(evidence[proof * stride + offset:]));
                if (value >= BN254_R) revert Groth16Verifier_SignalOutOfField(proof, (offset - 256) / 32, value);
            }
        }
    }

    /// @dev A failed look-up can only mean that gas ran out in it, so nothing is known of the evidence.
    function _key(bytes32 modelId) private view returns (address key, uint256 k) {
        (bool ok, bytes memory answer) = address(KEYS).staticcall(
            abi.encodeCall(IVerifyingKeys.verifyingKey, (modelId))
        );
        if (!ok || answer.length != 32) revert ProofVerifier_OutOfGas();
        key = abi.decode(answer, (address));
        if (key == address(0)) revert Groth16Verifier_UnknownModel(modelId);
        unchecked {
            // Code begins with a STOP byte; without any code the length wraps and fits no key.
            k = VerifyingKey.signals(key.code.length - 1);
        }
        if (k == 0) revert Groth16Verifier_ForeignKey(modelId, key.code.length);
    }
}
