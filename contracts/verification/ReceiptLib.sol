// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Artifact, Batch, Receipt} from "../interfaces/InferenceTypes.sol";

/// @title ReceiptLib
/// @notice Byte formats of receipts, batches, keys, inputs, outputs and request ids (docs/protocol.md, "Formats").
library ReceiptLib {
    bytes32 internal constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 requestId,bytes32 modelId,bytes32 inputHash,bytes32 outputHash,uint8 outputScheme,"
        "bytes32 contextHash,bytes32 keyId,address payer,uint64 sequence,uint128 cumulativeFee,"
        "uint64 completedAt,uint8 mode)"
    );
    bytes32 internal constant BATCH_TYPEHASH = keccak256(
        "Batch(bytes32 keyId,uint8 mode,bytes32 root,uint32 count,bytes32 dataHash,address settler)"
    );

    /// @notice A field has bits set beyond its type: such a struct has no canonical digest.
    error ReceiptLib_NonCanonical();

    /// @notice EIP-712 struct hash of a receipt.
    function structHash(Receipt calldata receipt) internal pure returns (bytes32 result) {
        bytes32 typehash = RECEIPT_TYPEHASH;
        uint256 excess;
        assembly ("memory-safe") {
            // Static struct: its calldata is its EIP-712 encoding, if no narrow field carries extra bits.
            let free := mload(0x40)
            mstore(free, typehash)
            calldatacopy(add(free, 0x20), receipt, 0x180)
            result := keccak256(free, 0x1a0)
            excess := or(
                or(
                    or(shr(8, calldataload(add(receipt, 0x80))), shr(160, calldataload(add(receipt, 0xe0)))),
                    or(shr(64, calldataload(add(receipt, 0x100))), shr(128, calldataload(add(receipt, 0x120))))
                ),
                or(shr(64, calldataload(add(receipt, 0x140))), shr(8, calldataload(add(receipt, 0x160))))
            )
        }
        if (excess != 0) revert ReceiptLib_NonCanonical();
    }

    /// @notice EIP-712 struct hash of a batch.
    function structHash(Batch calldata batch) internal pure returns (bytes32 result) {
        bytes32 typehash = BATCH_TYPEHASH;
        uint256 excess;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            calldatacopy(add(free, 0x20), batch, 0xc0)
            result := keccak256(free, 0xe0)
            excess := or(
                shr(8, calldataload(add(batch, 0x20))),
                or(shr(32, calldataload(add(batch, 0x60))), shr(160, calldataload(add(batch, 0xa0))))
            )
        }
        if (excess != 0) revert ReceiptLib_NonCanonical();
    }

    /// @notice EIP-712 digest of a struct hash under a domain separator.
    function digest(bytes32 domainSeparator, bytes32 hash) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, hex"1901")
            mstore(add(free, 0x02), domainSeparator)
            mstore(add(free, 0x22), hash)
            result := keccak256(free, 0x42)
        }
    }

    /// @notice Ids of receipts: {digest} of the struct hash of each.
    function digests(
        bytes32 domainSeparator,
        Receipt[] calldata receipts
    ) internal pure returns (bytes32[] memory ids) {
        bytes32 typehash = RECEIPT_TYPEHASH;
        uint256 excess;
        assembly ("memory-safe") {
            ids := mload(0x40)
            mstore(ids, receipts.length)
            let to := add(ids, 0x20)
            let end := add(to, shl(5, receipts.length))
            mstore(0x40, end)
            // Behind the ids, which are what is kept: a receipt with its type, then its hash with the domain.
            let fields := add(end, 0x20)
            let hashed := add(end, 0x1c0)
            mstore(end, typehash)
            mstore(hashed, hex"1901")
            mstore(add(hashed, 0x02), domainSeparator)
            for {
                let receipt := receipts.offset
            } lt(to, end) {
                receipt := add(receipt, 0x180)
                to := add(to, 0x20)
            } {
                calldatacopy(fields, receipt, 0x180)
                mstore(add(hashed, 0x22), keccak256(end, 0x1a0))
                mstore(to, keccak256(hashed, 0x42))
                excess := or(
                    excess,
                    or(
                        or(
                            or(shr(8, mload(add(fields, 0x80))), shr(160, mload(add(fields, 0xe0)))),
                            or(shr(64, mload(add(fields, 0x100))), shr(128, mload(add(fields, 0x120))))
                        ),
                        or(shr(64, mload(add(fields, 0x140))), shr(8, mload(add(fields, 0x160))))
                    )
                )
            }
        }
        if (excess != 0) revert ReceiptLib_NonCanonical();
    }

    /// @notice Id of a signing key.
    /// @param kind One of `KeyKinds`.
    /// @param publicKey In the form of its kind.
    function keyId(uint8 kind, bytes memory publicKey) internal pure returns (bytes32) {
        return keccak256(abi.encode(kind, publicKey));
    }

    /// @notice Address of a secp256k1 public key of 64 bytes x ‖ y.
    function signerOf(bytes memory publicKey) internal pure returns (address) {
        return address(uint160(uint256(keccak256(publicKey))));
    }

    /// @notice Input hash of VANILLA and TEE receipts. The salt keeps a published leaf from confirming a guess.
    /// @param salt Random by default, known to whoever asked.
    /// @param request The request's bytes.
    function inputHash(bytes32 salt, bytes memory request) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0xfe), salt, keccak256(request)));
    }

    /// @notice Output hash of scheme 0: everything that was answered, tagged and in order (R6).
    function artifactsHash(Artifact[] memory artifacts) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0xff), abi.encode(artifacts)));
    }

    /// @notice Output hash of scheme 2: what a circuit put out.
    function circuitOutputHash(uint256[] memory outputs) internal pure returns (bytes32) {
        return keccak256(abi.encode(uint8(2), outputs));
    }

    /// @notice Request id of an inference paid through a channel (R5).
    function channelRequestId(bytes32 channelId, uint64 sequence) internal pure returns (bytes32) {
        return keccak256(abi.encode(channelId, sequence));
    }

    /// @notice Request id of an inference that a contract asked for (R5).
    function onChainRequestId(address asker, uint256 counter) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, asker, counter));
    }

    /// @notice Request id of an inference paid through x402 (R5).
    function x402RequestId(address token, address payer, bytes32 authorizationNonce) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, token, payer, authorizationNonce));
    }
}
