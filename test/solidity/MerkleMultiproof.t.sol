// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {MerkleTree} from "../../contracts/verification/MerkleTree.sol";

/// @dev The library behind calls, as proofs are read from calldata.
contract MultiproofCaller {
    function single(
        bytes32 id,
        uint256 index,
        uint256 count,
        bytes32[] calldata proof
    ) external pure returns (bytes32 root, bool wellFormed) {
        return MerkleTree.rootFromProof(id, index, count, proof);
    }

    function multi(
        bytes32[] memory ids,
        uint32[] calldata indices,
        uint256 count,
        bytes32[] calldata proof
    ) external pure returns (bytes32 root, bool wellFormed, bool untouched) {
        bytes32[] memory behind = new bytes32[](2);
        behind[0] = behind[1] = bytes32(type(uint256).max);
        uint256 length = ids.length;
        (root, wellFormed) = MerkleTree.rootFromMultiproof(ids, indices, count, proof);
        untouched = ids.length == length && behind.length == 2;
        untouched = untouched && behind[0] == bytes32(type(uint256).max) && behind[1] == behind[0];
    }
}

/// @notice Proofs of many leaves, held against proofs of one and a plain tree.
contract MerkleMultiproofTest {
    MultiproofCaller private tree;

    struct Case {
        bytes32[] ids;
        bytes32[] leaves;
        bytes32 root;
        uint32[] indices;
        bytes32[] chosen;
        bytes32[] proof;
    }

    function setUp() external {
        tree = new MultiproofCaller();
    }

    /// @notice Any set of places opens together exactly where each opens alone, at any size of tree.
    function testFuzz_opensWhereEachOpensAlone(uint256 seed, uint16 size, uint256 picks) external view {
        Case memory c = _case(seed, size, picks);
        (bytes32 root, bool wellFormed, bool untouched) = tree.multi(c.chosen, c.indices, c.ids.length, c.proof);
        require(wellFormed && root == c.root, "together");
        require(untouched, "memory");
        for (uint256 i = 0; i < c.indices.length; ++i) {
            bytes32[] memory one = _single(c.leaves, c.indices[i]);
            (bytes32 each, bool ok) = tree.single(c.ids[c.indices[i]], c.indices[i], c.ids.length, one);
            require(ok && each == root, "alone");
        }
    }

    /// @notice A proof of one leaf is the same proof in both forms.
    function testFuzz_ofOneIsTheSame(uint256 seed, uint16 size, uint256 index) external view {
        bytes32[] memory ids = _ids(seed, 1 + (size % 300));
        uint32[] memory indices = new uint32[](1);
        indices[0] = uint32(index % ids.length);
        bytes32[] memory chosen = new bytes32[](1);
        chosen[0] = ids[indices[0]];
        bytes32[] memory proof = _single(_leaves(ids), indices[0]);
        (bytes32 expected, bool ok) = tree.single(chosen[0], indices[0], ids.length, proof);
        (bytes32 root, bool wellFormed, ) = tree.multi(chosen, indices, ids.length, proof);
        require(ok && wellFormed && root == expected, "differs");
    }

    /// @notice Another leaf, another sibling, another length or another place: malformed, or another root.
    function testFuzz_nothingElseOpens(
        uint256 seed,
        uint16 size,
        uint256 picks,
        uint256 where,
        uint8 bit
    ) external view {
        Case memory c = _case(seed, 2 + (size % 200), picks);
        uint256 count = c.ids.length;
        uint256 at = where % c.indices.length;

        bytes32[] memory ids = _copy(c.chosen, c.chosen.length);
        ids[at] ^= bytes32(1 << bit);
        _requireFails(ids, c.indices, count, c.proof, c.root);

        if (c.proof.length != 0) {
            bytes32[] memory proof = _copy(c.proof, c.proof.length);
            proof[where % proof.length] ^= bytes32(1 << bit);
            _requireFails(c.chosen, c.indices, count, proof, c.root);
            _requireMalformed(c.chosen, c.indices, count, _copy(c.proof, c.proof.length - 1));
        }
        _requireMalformed(c.chosen, c.indices, count, _copy(c.proof, c.proof.length + 1));

        uint32 original = c.indices[at];
        c.indices[at] = uint32((uint256(original) + 1 + (where % (count - 1))) % count);
        _requireFails(c.chosen, c.indices, count, c.proof, c.root);
        c.indices[at] = uint32(count + (where % 9));
        _requireMalformed(c.chosen, c.indices, count, c.proof);
    }

    /// @notice Places that repeat, fall, or are fewer or more than the leaves are malformed, whatever the proof.
    function testFuzz_placesAscend(uint256 seed, uint16 size, uint256 picks, uint256 where) external view {
        Case memory c = _case(seed, 8 + (size % 200), picks | 3);
        uint256 last = c.indices.length - 1;
        uint256 at = where % last;
        (uint32 low, uint32 high) = (c.indices[at], c.indices[at + 1]);
        (c.indices[at], c.indices[at + 1]) = (high, low);
        _requireMalformed(c.chosen, c.indices, c.ids.length, c.proof);
        (c.indices[at], c.indices[at + 1]) = (low, low);
        _requireMalformed(c.chosen, c.indices, c.ids.length, c.proof);
        c.indices[at + 1] = high;
        _requireMalformed(_copy(c.chosen, last), c.indices, c.ids.length, c.proof);
        _requireMalformed(_copy(c.chosen, last + 2), c.indices, c.ids.length, c.proof);
    }

    /// @notice No leaves prove nothing.
    function test_noLeaves() external view {
        _requireMalformed(new bytes32[](0), new uint32[](0), 1, new bytes32[](0));
        _requireMalformed(new bytes32[](0), new uint32[](0), 5, new bytes32[](1));
    }

    function _requireMalformed(
        bytes32[] memory ids,
        uint32[] memory indices,
        uint256 count,
        bytes32[] memory proof
    ) private view {
        (, bool wellFormed, ) = tree.multi(ids, indices, count, proof);
        require(!wellFormed, "well formed");
    }

    function _requireFails(
        bytes32[] memory ids,
        uint32[] memory indices,
        uint256 count,
        bytes32[] memory proof,
        bytes32 root
    ) private view {
        (bytes32 found, bool wellFormed, ) = tree.multi(ids, indices, count, proof);
        require(!wellFormed || found != root, "opens");
    }

    /// @dev Leaves by the bits of `picks`, at least one; the proof from a plain walk over whole levels.
    function _case(uint256 seed, uint16 size, uint256 picks) private pure returns (Case memory c) {
        uint256 count = 1 + (size % 300);
        c.ids = _ids(seed, count);
        c.leaves = _leaves(c.ids);
        c.root = _root(c.leaves);
        bool[] memory known = new bool[](count);
        uint256 n = 0;
        for (uint256 i = 0; i < count; ++i) {
            known[i] = (picks >> (i % 256)) & 1 == 1 && uint256(keccak256(abi.encode(seed, i, picks))) % 3 != 0;
            if (i < 2) known[i] = known[i] || (picks >> i) & 1 == 1;
            if (known[i]) ++n;
        }
        if (n == 0) (known[seed % count], n) = (true, 1);
        c.indices = new uint32[](n);
        c.chosen = new bytes32[](n);
        n = 0;
        for (uint256 i = 0; i < count; ++i) {
            if (known[i]) (c.indices[n], c.chosen[n++]) = (uint32(i), c.ids[i]);
        }
        c.proof = _multi(c.leaves, known);
    }

    function _multi(bytes32[] memory level, bool[] memory known) private pure returns (bytes32[] memory proof) {
        proof = new bytes32[](level.length);
        uint256 length = 0;
        while (level.length > 1) {
            bool[] memory above = new bool[]((level.length + 1) / 2);
            for (uint256 i = 0; i < level.length; ++i) {
                if (!known[i]) continue;
                above[i / 2] = true;
                if (i ^ 1 < level.length && !known[i ^ 1]) proof[length++] = level[i ^ 1];
            }
            (level, known) = (_levelUp(level), above);
        }
        return _copy(proof, length);
    }

    function _copy(bytes32[] memory from, uint256 length) private pure returns (bytes32[] memory to) {
        to = new bytes32[](length);
        for (uint256 i = 0; i < length && i < from.length; ++i) to[i] = from[i];
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

    function _single(bytes32[] memory level, uint256 index) private pure returns (bytes32[] memory proof) {
        proof = new bytes32[](32);
        uint256 length = 0;
        for (; level.length > 1; level = _levelUp(level)) {
            if (index ^ 1 < level.length) proof[length++] = level[index ^ 1];
            index >>= 1;
        }
        return _copy(proof, length);
    }
}
