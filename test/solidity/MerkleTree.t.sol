// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {MerkleTree} from "../../contracts/verification/MerkleTree.sol";

/// @dev The library behind calls, as proofs are read from calldata.
contract MerkleTreeCaller {
    function rootFromProof(
        bytes32 receiptId,
        uint256 index,
        uint256 count,
        bytes32[] calldata proof
    ) external pure returns (bytes32 root, bool wellFormed) {
        return MerkleTree.rootFromProof(receiptId, index, count, proof);
    }
}

/// @notice Trees of generated size, held against a second, plain implementation.
contract MerkleTreeTest {
    MerkleTreeCaller private tree;

    function setUp() external {
        tree = new MerkleTreeCaller();
    }

    /// @notice The root in place is the plain root, and leaves the memory behind the ids as it was.
    function testFuzz_rootInPlaceIsTheRoot(uint256 seed, uint16 size) external pure {
        bytes32[] memory ids = _ids(seed, 1 + (size % 700));
        bytes32 expected = _root(_leaves(ids));
        bytes32[] memory behind = new bytes32[](3);
        behind[0] = behind[1] = behind[2] = bytes32(type(uint256).max);
        uint256 length = ids.length;
        require(MerkleTree.rootInPlace(ids) == expected, "root");
        require(ids.length == length && behind.length == 3, "lengths");
        for (uint256 i = 0; i < 3; ++i) require(behind[i] == bytes32(type(uint256).max), "memory behind");
    }

    /// @notice Every leaf's proof leads to the root, with the length that index and count ask for.
    function testFuzz_everyPlaceOpens(uint256 seed, uint16 size, uint256 index) external view {
        uint256 count = 1 + (size % 700);
        bytes32[] memory ids = _ids(seed, count);
        index = index % count;
        bytes32[] memory proof = _proof(_leaves(ids), index);
        require(proof.length == MerkleTree.proofLength(count, index), "length");
        (bytes32 root, bool wellFormed) = tree.rootFromProof(ids[index], index, count, proof);
        require(wellFormed && root == _root(_leaves(ids)), "does not open");
    }

    /// @notice A proof opens its leaf at its place and at no other.
    function testFuzz_noOtherPlaceOpens(uint256 seed, uint16 size, uint256 index, uint256 other) external view {
        uint256 count = 2 + (size % 300);
        bytes32[] memory ids = _ids(seed, count);
        index = index % count;
        other = (index + 1 + (other % (count - 1))) % count;
        bytes32[] memory proof = _proof(_leaves(ids), index);
        bytes32 expected = _root(_leaves(ids));
        (bytes32 root, bool wellFormed) = tree.rootFromProof(ids[index], other, count, proof);
        require(!wellFormed || root != expected, "opens elsewhere");
        (root, wellFormed) = tree.rootFromProof(ids[other], index, count, proof);
        require(!wellFormed || root != expected, "another leaf opens here");
    }

    /// @notice A proof of another length is malformed, and a changed sibling leads elsewhere.
    function testFuzz_otherProofsFail(
        uint256 seed,
        uint16 size,
        uint256 index,
        uint256 where,
        uint8 bit
    ) external view {
        uint256 count = 2 + (size % 300);
        bytes32[] memory ids = _ids(seed, count);
        index = index % count;
        bytes32[] memory proof = _proof(_leaves(ids), index);
        bytes32 expected = _root(_leaves(ids));
        bytes32[] memory longer = new bytes32[](proof.length + 1);
        bytes32[] memory shorter = new bytes32[](proof.length - 1);
        for (uint256 i = 0; i < proof.length; ++i) {
            longer[i] = proof[i];
            if (i < shorter.length) shorter[i] = proof[i];
        }
        (, bool wellFormed) = tree.rootFromProof(ids[index], index, count, longer);
        require(!wellFormed, "longer");
        (, wellFormed) = tree.rootFromProof(ids[index], index, count, shorter);
        require(!wellFormed, "shorter");
        proof[where % proof.length] ^= bytes32(1 << bit);
        (bytes32 root, ) = tree.rootFromProof(ids[index], index, count, proof);
        require(root != expected, "changed sibling");
    }

    /// @notice No inner node passes for a receipt id of a smaller tree: no second preimage.
    function testFuzz_innerNodesAreNoLeaves(uint256 seed, uint16 size, uint256 index, uint8 level) external view {
        uint256 count = 3 + (size % 300);
        bytes32[] memory nodes = _leaves(_ids(seed, count));
        bytes32 expected = _root(nodes);
        index = index % count;
        for (uint256 up = 0; up <= level % 8 && nodes.length > 1; ++up) {
            bytes32[] memory proof = _proof(nodes, index);
            (bytes32 root, ) = tree.rootFromProof(nodes[index], index, nodes.length, proof);
            require(root != expected, "a node opens as a receipt");
            nodes = _levelUp(nodes);
            index >>= 1;
        }
    }

    /// @notice An odd node is promoted: repeating the last receipt makes another tree.
    function testFuzz_repeatingTheLastChangesTheRoot(uint256 seed, uint16 size) external pure {
        uint256 count = 1 + 2 * (size % 100);
        bytes32[] memory ids = _ids(seed, count + 1);
        ids[count] = ids[count - 1];
        bytes32[] memory fewer = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) fewer[i] = ids[i];
        require(MerkleTree.rootInPlace(ids) != MerkleTree.rootInPlace(fewer), "doubled node");
    }

    function _ids(uint256 seed, uint256 count) private pure returns (bytes32[] memory ids) {
        ids = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) ids[i] = keccak256(abi.encode(seed, i));
    }

    function _leaves(bytes32[] memory ids) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) leaves[i] = keccak256(abi.encodePacked(bytes1(0), ids[i]));
    }

    function _levelUp(bytes32[] memory level) private pure returns (bytes32[] memory next) {
        next = new bytes32[]((level.length + 1) / 2);
        for (uint256 i = 0; i < next.length; ++i) {
            next[i] =
                2 * i + 1 < level.length
                    ? keccak256(abi.encodePacked(bytes1(0x01), level[2 * i], level[2 * i + 1]))
                    : level[2 * i];
        }
    }

    function _root(bytes32[] memory level) private pure returns (bytes32) {
        while (level.length > 1) level = _levelUp(level);
        return level[0];
    }

    function _proof(bytes32[] memory level, uint256 index) private pure returns (bytes32[] memory proof) {
        proof = new bytes32[](32);
        uint256 length = 0;
        for (; level.length > 1; level = _levelUp(level)) {
            if (index ^ 1 < level.length) proof[length++] = level[index ^ 1];
            index >>= 1;
        }
        assembly ("memory-safe") {
            mstore(proof, length)
        }
    }
}
