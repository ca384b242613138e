// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {MerkleConsistency} from "../../contracts/verification/MerkleConsistency.sol";

/// @dev The library behind calls, as proofs are read from calldata.
contract MerkleConsistencyCaller {
    function isExtension(
        bytes32 root,
        uint256 count,
        bytes32 newRoot,
        uint256 newCount,
        bytes32[] calldata proof
    ) external pure returns (bool) {
        return MerkleConsistency.isExtension(root, count, newRoot, newCount, proof);
    }
}

/// @notice RFC 6962 as it is written, by recursion over lists: what proofs are made by, and the roots they are held to.
library PlainLog {
    function ids(uint256 seed, uint256 count) internal pure returns (bytes32[] memory made) {
        made = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) made[i] = keccak256(abi.encode(seed, i));
    }

    function root(bytes32[] memory all, uint256 from, uint256 to) internal pure returns (bytes32) {
        if (to - from == 1) return keccak256(abi.encodePacked(bytes1(0), all[from]));
        uint256 middle = from + split(to - from);
        return keccak256(abi.encodePacked(bytes1(0x01), root(all, from, middle), root(all, middle, to)));
    }

    /// @dev SUBPROOF of section 2.1.2.
    function subproof(
        bytes32[] memory all,
        uint256 old,
        uint256 from,
        uint256 to,
        bool whole
    ) internal pure returns (bytes32[] memory) {
        if (old == to) return whole ? new bytes32[](0) : one(root(all, from, to));
        uint256 middle = from + split(to - from);
        if (old <= middle) return append(subproof(all, old, from, middle, whole), root(all, middle, to));
        return append(subproof(all, old, middle, to, false), root(all, from, middle));
    }

    function split(uint256 size) private pure returns (uint256 k) {
        k = 1;
        while (2 * k < size) k *= 2;
    }

    function one(bytes32 hash) private pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = hash;
    }

    function append(bytes32[] memory list, bytes32 hash) internal pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; ++i) longer[i] = list[i];
        longer[list.length] = hash;
    }
}

/// @notice Logs of generated size, and all small ones, held against the text of the RFC.
contract MerkleConsistencyTest {
    MerkleConsistencyCaller private log;

    function setUp() external {
        log = new MerkleConsistencyCaller();
    }

    /// @notice Every pair of sizes up to 24 is shown by its proof, and by no other pair's.
    function test_everySmallPair() external view {
        bytes32[] memory all = PlainLog.ids(1, 24);
        bytes32[] memory roots = new bytes32[](25);
        for (uint256 n = 1; n <= 24; ++n) roots[n] = PlainLog.root(all, 0, n);
        for (uint256 n = 1; n <= 24; ++n)
            for (uint256 m = 1; m <= n; ++m) {
                bytes32[] memory proof = PlainLog.subproof(all, m, 0, n, true);
                require(log.isExtension(roots[m], m, roots[n], n, proof), "a proof does not hold");
                if (m == n) continue;
                // The proof of one pair shows nothing of a pair of other roots.
                require(!log.isExtension(roots[m], m, roots[n - 1], n, proof), "new root");
                if (m > 1) require(!log.isExtension(roots[m - 1], m, roots[n], n, proof), "old root");
                require(!log.isExtension(roots[n], n, roots[m], m, proof), "backwards");
            }
    }

    /// @notice Larger pairs hold as well. [FM:unbounded-loop]
    function testFuzz_extends(uint256 seed, uint16 size, uint16 old) external view {
        uint256 n = 1 + (size % 400);
        uint256 m = 1 + (old % n);
        bytes32[] memory all = PlainLog.ids(seed, n);
        bytes32[] memory proof = PlainLog.subproof(all, m, 0, n, true);
        require(log.isExtension(PlainLog.root(all, 0, m), m, PlainLog.root(all, 0, n), n, proof), "does not extend");
    }

    /// @notice An entry that was changed, dropped or moved among the old ones is no extension, with any honest prover.
    function testFuzz_historyIsFixed(uint256 seed, uint8 size, uint8 old, uint8 where, uint8 how) external view {
        uint256 n = 3 + (size % 100);
        uint256 m = 2 + (old % (n - 2));
        bytes32[] memory all = PlainLog.ids(seed, n);
        bytes32 root = PlainLog.root(all, 0, m);
        uint256 at = where % m;
        if (how % 3 == 0) all[at] = keccak256(abi.encode(all[at]));
        else if (how % 3 == 1) (all[at], all[(at + 1) % m]) = (all[(at + 1) % m], all[at]);
        else for (uint256 i = at; i + 1 < n; ++i) all[i] = all[i + 1];
        bytes32[] memory proof = PlainLog.subproof(all, m, 0, n, true);
        require(!log.isExtension(root, m, PlainLog.root(all, 0, n), n, proof), "history was rewritten");
    }

    /// @notice No changed, shorter or longer proof holds, and no other count.
    function testFuzz_otherProofsFail(uint256 seed, uint8 size, uint8 old, uint8 where, uint8 bit) external view {
        uint256 n = 2 + (size % 120);
        uint256 m = 1 + (old % (n - 1));
        bytes32[] memory all = PlainLog.ids(seed, n);
        bytes32[] memory proof = PlainLog.subproof(all, m, 0, n, true);
        require(_holds(all, m, n, proof), "the right one");
        require(!_holds(all, m, n, PlainLog.append(proof, bytes32(seed))), "longer");
        bytes32[] memory shorter = new bytes32[](proof.length - 1);
        for (uint256 i = 0; i < shorter.length; ++i) shorter[i] = proof[i];
        require(!_holds(all, m, n, shorter), "shorter");
        require(!log.isExtension(PlainLog.root(all, 0, m), 0, PlainLog.root(all, 0, n), n, proof), "from nothing");
        proof[where % proof.length] ^= bytes32(1 << bit);
        require(!_holds(all, m, n, proof), "changed");
    }

    function _holds(bytes32[] memory all, uint256 m, uint256 n, bytes32[] memory proof) private view returns (bool) {
        return log.isExtension(PlainLog.root(all, 0, m), m, PlainLog.root(all, 0, n), n, proof);
    }
}
