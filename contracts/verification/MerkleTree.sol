// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title MerkleTree
/// @notice Index-bound Merkle trees over receipt ids: leaf = keccak256(0x00 ‖ receiptId), node =
/// keccak256(0x01 ‖ left ‖ right). An odd node is promoted, never doubled, so a tree has exactly `count` leaves; the
/// length of a proof follows from count and index.
library MerkleTree {
    /// @notice Leaf of a receipt id.
    function leaf(bytes32 receiptId) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore8(0x00, 0x00)
            mstore(0x01, receiptId)
            result := keccak256(0x00, 0x21)
        }
    }

    /// @notice Root over receipt ids, which are overwritten on the way.
    /// @param ids At least one; its contents are consumed.
    function rootInPlace(bytes32[] memory ids) internal pure returns (bytes32 root) {
        assembly ("memory-safe") {
            let base := add(ids, 0x20)
            let width := mload(ids)
            let end := add(base, shl(5, width))
            mstore8(0x00, 0x00)
            for {
                let at := base
            } lt(at, end) {
                at := add(at, 0x20)
            } {
                mstore(0x01, mload(at))
                mstore(at, keccak256(0x00, 0x21))
            }
            // A node's 65 bytes do not fit the scratch space: they are put together behind the free pointer.
            let node := mload(0x40)
            mstore8(node, 0x01)
            for {} gt(width, 1) {} {
                let pairs := shr(1, width)
                let to := base
                for {
                    let at := base
                    let last := add(base, shl(6, pairs))
                } lt(at, last) {
                    at := add(at, 0x40)
                } {
                    mcopy(add(node, 0x01), at, 0x40)
                    mstore(to, keccak256(node, 0x41))
                    to := add(to, 0x20)
                }
                if and(width, 1) {
                    mstore(to, mload(add(base, shl(6, pairs))))
                }
                width := add(pairs, and(width, 1))
            }
            root := mload(base)
        }
    }

    /// @notice How many siblings the proof of a leaf has.
    function proofLength(uint256 count, uint256 index) internal pure returns (uint256 length) {
        while (count > 1) {
            // The last node of a level of odd width has no sibling: it is promoted.
            if (index != count - 1 || index & 1 == 1) ++length;
            index >>= 1;
            count = (count + 1) >> 1;
        }
    }

    /// @notice Root that a proof leads to.
    /// @param receiptId The receipt whose leaf is proved.
    /// @param index Place of the leaf, below `count`.
    /// @param count Number of leaves.
    /// @param proof Siblings from the leaf up.
    /// @return root The root; meaningless unless `wellFormed`.
    /// @return wellFormed True if the proof has exactly the length that count and index ask for.
    function rootFromProof(
        bytes32 receiptId,
        uint256 index,
        uint256 count,
        bytes32[] calldata proof
    ) internal pure returns (bytes32 root, bool wellFormed) {
        root = leaf(receiptId);
        assembly ("memory-safe") {
            let at := proof.offset
            let end := add(at, shl(5, proof.length))
            // A node's 65 bytes are put together from 0x1f on: over the free pointer, which is put back.
            let free := mload(0x40)
            mstore8(0x1f, 0x01)
            // Left of the path to the last leaf every node has a sibling. Reading past the proof's end is harmless: the
            // length is compared when all is done.
            for {
                let apart := xor(index, sub(count, 1))
            } apart {
                apart := shr(1, apart)
            } {
                // The side follows from the lowest bit of the index, without a branch.
                let side := shl(5, and(index, 1))
                mstore(add(0x20, side), root)
                mstore(sub(0x40, side), calldataload(at))
                root := keccak256(0x1f, 0x41)
                at := add(at, 0x20)
                index := shr(1, index)
            }
            // On that path a node at an odd place has a sibling on its left; one at an even place has none: it is promoted.
            for {} index {
                index := shr(1, index)
            } {
                if and(index, 1) {
                    mstore(0x20, calldataload(at))
                    mstore(0x40, root)
                    root := keccak256(0x1f, 0x41)
                    at := add(at, 0x20)
                }
            }
            mstore(0x40, free)
            wellFormed := eq(at, end)
        }
    }

    /// @notice Root that several leaves and their common proof lead to.
    /// @param ids The receipts whose leaves are proved, at least one; its contents are consumed.
    /// @param indices Places of the leaves, strictly ascending, below `count`; as many as `ids`.
    /// @param count Number of leaves in the tree.
    /// @param proof The siblings that do not follow from the leaves: level by level from the leaves up, from left to
    /// right in each.
    /// @return root The root; meaningless unless `wellFormed`.
    /// @return wellFormed True if the places are as they must be and the proof has exactly the length they ask for.
    function rootFromMultiproof(
        bytes32[] memory ids,
        uint32[] calldata indices,
        uint256 count,
        bytes32[] calldata proof
    ) internal pure returns (bytes32 root, bool wellFormed) {
        assembly ("memory-safe") {
            let size := shl(5, mload(ids))
            let hashes := add(ids, 0x20)
            // Behind the free pointer: the 65 bytes of a node, then the place of each hash on its level.
            let node := mload(0x40)
            let places := add(node, 0x80)

            wellFormed := and(gt(size, 0), eq(size, shl(5, indices.length)))
            mstore8(0x00, 0x00)
            let next := 0
            for {
                let i := 0
            } lt(i, size) {
                i := add(i, 0x20)
            } {
                let place := calldataload(add(indices.offset, i))
                wellFormed := and(wellFormed, and(lt(place, count), iszero(lt(place, next))))
                next := add(place, 1)
                mstore(add(places, i), place)
                mstore(0x01, mload(add(hashes, i)))
                mstore(add(hashes, i), keccak256(0x00, 0x21))
            }

            mstore8(node, 0x01)
            let left := add(node, 0x01)
            let right := add(node, 0x21)
            let at := proof.offset
            for {
                let last := mul(wellFormed, sub(count, 1))
            } last {
                last := shr(1, last)
            } {
                let to := 0
                for {
                    let i := 0
                } lt(i, size) {} {
                    let place := mload(add(places, i))
                    let hash := mload(add(hashes, i))
                    i := add(i, 0x20)
                    // The last node of a level at an even place has no sibling: it is promoted.
                    if lt(place, add(last, and(place, 1))) {
                        // Reading past the proof's end is harmless: the length is compared when all is done.
                        switch and(place, 1)
                        case 1 {
                            mstore(left, calldataload(at))
                            mstore(right, hash)
                            at := add(at, 0x20)
                        }
                        default {
                            mstore(left, hash)
                            switch and(lt(i, size), eq(mload(add(places, i)), add(place, 1)))
                            case 1 {
                                mstore(right, mload(add(hashes, i)))
                                i := add(i, 0x20)
                            }
                            default {
                                mstore(right, calldataload(at))
                                at := add(at, 0x20)
                            }
                        }
                        hash := keccak256(node, 0x41)
                    }
                    mstore(add(places, to), shr(1, place))
                    mstore(add(hashes, to), hash)
                    to := add(to, 0x20)
                }
                size := to
            }
            wellFormed := and(wellFormed, eq(at, add(proof.offset, shl(5, proof.length))))
            root := mload(hashes)
        }
    }
}
