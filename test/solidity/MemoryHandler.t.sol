// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {
    ContextCheck,
    ContextReason,
    MemoryCommit,
    MemoryContext,
    MemoryGrant,
    MemoryScope
} from "../../contracts/interfaces/IMemoryRegistry.sol";
import {Receipt} from "../../contracts/interfaces/InferenceTypes.sol";
import {MemoryRegistry} from "../../contracts/registry/MemoryRegistry.sol";
import {PlainLog} from "./MerkleConsistency.t.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @notice Everything that can happen to a memory, in any order, beside the plain lists that must come out.
contract MemoryHandler is World {
    bytes32 private constant LABEL = "diary";
    uint256 private constant MAX_ENTRIES = 60;

    MemoryRegistry private memories;
    bytes32 private memoryId;
    bytes32 private nodeId;

    uint256 public checked;

    bytes32[] private _entries;
    // Per head.
    uint256[] private _counts;
    uint256[] private _times;
    bytes32[] private _roots;
    // Per grant, numbered from 1.
    MemoryGrant[] private _granted;

    constructor() {
        memories = new MemoryRegistry(nodes, enclaves);
        memoryId = memories.memoryIdOf(address(this), LABEL);
        nodeId = nodes.nodeOf(keyIds[0]);
    }

    // ------------------------------------------------------------------------------------------- what can happen

    function wait(uint16 time) external {
        vm.warp(block.timestamp + time);
    }

    function commit(uint256 seed, uint8 added, uint8 how) external {
        uint256 before = _entries.length;
        bytes32[] memory all = new bytes32[](before + 1 + (added % 5));
        if (all.length > MAX_ENTRIES) return;
        for (uint256 i = 0; i < all.length; ++i) all[i] = i < before ? _entries[i] : keccak256(abi.encode(seed, i));
        // One in four tries to rewrite what is there.
        bool honest = how % 4 != 0 || before == 0;
        if (!honest) all[seed % before] = keccak256(abi.encode(seed));
        bytes32[] memory proof = before == 0 ? new bytes32[](0) : PlainLog.subproof(all, before, 0, all.length, true);
        bytes32 root = PlainLog.root(all, 0, all.length);
        (bool ok, bytes memory answer) = address(memories).call(
            abi.encodeCall(memories.commit, (LABEL, root, uint64(all.length), bytes32(seed | 1), proof))
        );
        require(ok == honest, "what extends is taken, what rewrites is not");
        if (!ok) return;
        (bytes32 id, uint64 index) = abi.decode(answer, (bytes32, uint64));
        require(id == memoryId && index == _counts.length, "in its place");
        for (uint256 i = before; i < all.length; ++i) _entries.push(all[i]);
        _counts.push(all.length);
        _times.push(block.timestamp);
        _roots.push(root);
    }

    function grant(uint8 reader, uint16 life, uint8 first, uint8 length, uint8 narrow) external {
        if (_granted.length == 12) return;
        MemoryScope memory scope = MemoryScope({
            modelId: narrow % 3 == 0 ? modelId : bytes32(0),
            nodeId: narrow % 2 == 0 ? nodeId : bytes32(0),
            firstEntry: first % 8,
            endEntry: narrow % 5 == 0 ? type(uint64).max : uint64(first % 8) + length
        });
        address to =
            reader % 3 == 0
                ? address(this)
                : reader % 3 == 1
                    ? vm.addr(_secret(0))
                    : address(7);
        uint64 until = uint64(block.timestamp) + life;
        (bool ok, bytes memory answer) = address(memories).call(
            abi.encodeCall(memories.grant, (LABEL, to, until, scope))
        );
        require(ok == (life != 0 && scope.firstEntry < scope.endEntry), "a grant is of something, for a time");
        if (!ok) return;
        _granted.push(MemoryGrant(memoryId, to, uint64(block.timestamp), until, scope));
        require(abi.decode(answer, (uint256)) == _granted.length, "numbered");
    }

    function revoke(uint8 which) external {
        uint256 grantId = which % 14;
        bool known = grantId != 0 && grantId <= _granted.length;
        (bool ok, ) = address(memories).call(abi.encodeCall(memories.revoke, (LABEL, grantId)));
        require(ok == (known && _granted[grantId - 1].until > block.timestamp), "ends what has not ended");
        if (ok) _granted[grantId - 1].until = uint64(block.timestamp);
    }

    /// @notice A context that somebody might claim, checked against the rules as they are written.
    function check(uint256 seed, uint16 back) external {
        if (_counts.length == 0) return;
        ++checked;
        uint256 index = seed % _counts.length;
        uint64 first = uint64((seed >> 8) % 10);
        MemoryContext memory context = MemoryContext({
            memoryId: memoryId,
            index: uint64(index),
            root: _roots[index],
            count: uint64(_counts[index]),
            firstEntry: first,
            endEntry: first + uint64((seed >> 16) % 10),
            grantId: (seed >> 24) % 14,
            salt: bytes32(seed)
        });
        Receipt memory receipt;
        receipt.contextHash = memories.contextHashOf(context);
        receipt.keyId = keyIds[(seed >> 32) % 2];
        receipt.modelId = (seed >> 40) % 4 == 0 ? bytes32(uint256(1)) : modelId;
        receipt.completedAt = uint64(block.timestamp - (back % 4_096));
        ContextCheck memory said = memories.checkContext(receipt, context);
        require(said.valid == (said.reason == ContextReason.None), "valid without a reason");
        require(said.valid == (_wasHead(receipt, context) && _isGranted(receipt, context)), "as the rules say");
    }

    // -------------------------------------------------------------------------------------------- what must hold

    /// @notice Every head is there with its time, opens its entries and begins with every earlier one.
    function checkHeads() external view {
        require(memories.headCount(memoryId) == _counts.length, "count");
        if (_counts.length == 0) return;
        MemoryCommit[] memory found = memories.heads(memoryId, 0, type(uint64).max);
        require(found.length == _counts.length, "all heads");
        for (uint256 i = 0; i < found.length; ++i) {
            require(found[i].root == _roots[i] && found[i].count == _counts[i], "head");
            require(found[i].committedAt == _times[i], "time");
            require(found[i].previous == (i == 0 ? bytes32(0) : _roots[i - 1]), "previous");
        }
        uint256 last = _counts.length - 1;
        uint256 earlier = uint256(keccak256(abi.encode(block.timestamp, last))) % _counts.length;
        bytes32[] memory proof = PlainLog.subproof(_entries, _counts[earlier], 0, _counts[last], true);
        require(memories.isExtension(memoryId, uint64(earlier), uint64(last), proof), "begins with the earlier");
        (bool known, uint64 at) = memories.headAt(memoryId, uint64(_times[earlier]));
        require(known && _times[at] == _times[earlier], "found by its time");
        require(at == last || _times[at + 1] > _times[earlier], "the last of its time");
        (known, ) = memories.headAt(memoryId, uint64(_times[0] - 1));
        require(!known, "none before the first");
    }

    /// @notice A grant is what was given, and ends when it was ended.
    function checkGrants() external view {
        for (uint256 i = 0; i < _granted.length; ++i)
            require(keccak256(abi.encode(memories.grantOf(i + 1))) == keccak256(abi.encode(_granted[i])), "grant");
        require(memories.grantOf(_granted.length + 1).reader == address(0), "no more");
    }

    function _wasHead(Receipt memory receipt, MemoryContext memory context) private view returns (bool) {
        if (context.firstEntry >= context.endEntry || context.endEntry > context.count) return false;
        // The last head that was committed by then.
        uint256 standing = type(uint256).max;
        for (uint256 i = 0; i < _times.length; ++i) if (_times[i] <= receipt.completedAt) standing = i;
        return standing == context.index;
    }

    function _isGranted(Receipt memory receipt, MemoryContext memory context) private view returns (bool) {
        if (context.grantId == 0 || context.grantId > _granted.length) return false;
        MemoryGrant storage found = _granted[context.grantId - 1];
        if (found.reader == address(7)) return false;
        if (found.reader != address(this) && receipt.keyId != keyIds[0]) return false;
        if (found.scope.modelId != 0 && receipt.modelId != modelId) return false;
        if (context.firstEntry < found.scope.firstEntry || context.endEntry > found.scope.endEntry) return false;
        return found.from <= receipt.completedAt && receipt.completedAt < found.until;
    }
}
