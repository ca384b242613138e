// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title MerkleConsistency
/// @notice Whether one log is another with entries appended: consistency proofs of RFC 6962 (verified as in RFC 9162,
/// section 2.1.4.2) over the trees of `MerkleTree`, which have the same shape with keccak256 in place of SHA-256.
library MerkleConsistency {
    /// @notice True exactly where `proof` shows that the first `count` leaves below `newRoot` are those below `root`, in
    /// the same order.
    /// @dev That a root stands for its count is the caller's to know: a proof binds the counts no closer than its shape
    /// does. It binds every place that opens: under a new root with whatever count, a place that opened under the old one
    /// opens to the same leaf and to no other.
    /// @param count Leaves below `root`, at least one.
    /// @param newCount Leaves below `newRoot`, at least `count`.
    function isExtension(
        bytes32 root,
        uint256 count,
        bytes32 newRoot,
        uint256 newCount,
        bytes32[] calldata proof
    ) internal pure returns (bool) {
        if (count == 0 || newCount < count) return false;
        if (count == newCount) return proof.length == 0 && root == newRoot;
        // Places of both trees' last leaves; up from the lowest level at which the old tree's last node is whole.
        uint256 last = count - 1;
        uint256 newLast = newCount - 1;
        while (last & 1 == 1) {
            last >>= 1;
            newLast >>= 1;
        }
        uint256 at = 0;
        bytes32 seen = root;
        // Where that node is the whole old tree, its root is known.
        if (last != 0) {
            if (proof.length == 0) return false;
            seen = proof[at++];
        }
        bytes32 newSeen = seen;
        for (; at < proof.length; ++at) {
            if (newLast == 0) return false;
            bytes32 sibling = proof[at];
            if (last & 1 == 1 || last == newLast) {
                seen = _node(sibling, seen);
                newSeen = _node(sibling, newSeen);
                // The last node of a level at an even place is promoted.
                while (last & 1 == 0 && last != 0) {
                    last >>= 1;
                    newLast >>= 1;
                }
            } else {
                newSeen = _node(newSeen, sibling);
            }
            last >>= 1;
            newLast >>= 1;
        }
        return newLast == 0 && seen == root && newSeen == newRoot;
    }

    function _node(bytes32 left, bytes32 right) private pure returns (bytes32 result) {
        assembly ("memory-safe") {
            // The 65 bytes go over the free pointer, which is put back.
            let free := mload(0x40)
            mstore8(0x1f, 0x01)
            mstore(0x20, left)
            mstore(0x40, right)
            result := keccak256(0x1f, 0x41)
            mstore(0x40, free)
        }
    }
}
