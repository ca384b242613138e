// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ReceiptLib} from "./ReceiptLib.sol";

/// @title CompactReceipts
/// @notice Receipts of a proved batch without what they share or what follows from their proofs.
library CompactReceipts {
    /// @notice Bytes a receipt: requestId 32 ‖ contextHash 32 ‖ payer 20 ‖ sequence 8 ‖ cumulativeFee 16 ‖ completedAt 8.
    uint256 internal constant SIZE = 116;

    /// @notice EIP-712 digests of the receipts, and the span of their completion times.
    /// @param receipts `SIZE` bytes for each of `inputs`.
    /// @param keyId Signing key of all.
    /// @param modelId Model version of all.
    /// @param inputs Input hashes, as the verifier read them from the proofs.
    /// @param outputs Output hashes likewise; the scheme is `OutputSchemes.CIRCUIT`, the mode ZKML.
    /// @param domainSeparator Of the registry.
    /// @return ids Receipt ids in order.
    /// @return oldest Smallest completedAt.
    /// @return newest Largest completedAt.
    function receiptIds(
        bytes calldata receipts,
        bytes32 keyId,
        bytes32 modelId,
        bytes32[] memory inputs,
        bytes32[] memory outputs,
        bytes32 domainSeparator
    ) internal pure returns (bytes32[] memory ids, uint64 oldest, uint64 newest) {
        ids = new bytes32[](inputs.length);
        bytes32 typehash = ReceiptLib.RECEIPT_TYPEHASH;
        oldest = type(uint64).max;
        assembly ("memory-safe") {
            // The struct's 13 words behind the free pointer, shared fields filled in once, then the 66 bytes of the
            // EIP-712 digest behind them.
            let words := mload(0x40)
            let digest := add(words, 0x1a0)
            mstore(words, typehash)
            mstore(add(words, 0x40), modelId)
            mstore(add(words, 0xa0), 2) // outputScheme: circuit
            mstore(add(words, 0xe0), keyId)
            mstore(add(words, 0x180), 1) // mode: ZKML
            mstore(digest, hex"1901")
            mstore(add(digest, 0x02), domainSeparator)

            let at := receipts.offset
            let input := add(inputs, 0x20)
            let output := add(outputs, 0x20)
            let to := add(ids, 0x20)
            for {
                let end := add(to, shl(5, mload(ids)))
            } lt(to, end) {
                to := add(to, 0x20)
            } {
                mstore(add(words, 0x20), calldataload(at)) // requestId
                mstore(add(words, 0x60), mload(input))
                mstore(add(words, 0x80), mload(output))
                mstore(add(words, 0xc0), calldataload(add(at, 0x20))) // contextHash
                mstore(add(words, 0x100), shr(96, calldataload(add(at, 0x40)))) // payer
                mstore(add(words, 0x120), shr(192, calldataload(add(at, 0x54)))) // sequence
                mstore(add(words, 0x140), shr(128, calldataload(add(at, 0x5c)))) // cumulativeFee
                let completedAt := shr(192, calldataload(add(at, 0x6c)))
                mstore(add(words, 0x160), completedAt)
                if lt(completedAt, oldest) {
                    oldest := completedAt
                }
                if gt(completedAt, newest) {
                    newest := completedAt
                }
                mstore(add(digest, 0x22), keccak256(words, 0x1a0))
                mstore(to, keccak256(digest, 0x42))
                at := add(at, SIZE)
                input := add(input, 0x20)
                output := add(output, 0x20)
            }
        }
    }
}
