// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {IEnclaveRegistry} from "../interfaces/IEnclaveRegistry.sol";
import {IKeyRegistry} from "../interfaces/IKeyRegistry.sol";
import {
    ContextCheck,
    ContextReason,
    IMemoryRegistry,
    MemoryCommit,
    MemoryContext,
    MemoryGrant,
    MemoryScope
} from "../interfaces/IMemoryRegistry.sol";
import {Modes, Receipt} from "../interfaces/InferenceTypes.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {MerkleConsistency} from "../verification/MerkleConsistency.sol";
import {MerkleTree} from "../verification/MerkleTree.sol";
import {StandingLayout} from "./StandingLayout.sol";

/// @title MemoryRegistry
/// @notice See {IMemoryRegistry}, where every function, type, event and error is documented.
contract MemoryRegistry is IMemoryRegistry {
    using Arrays for uint256[];

    bytes32 private constant CONTEXT_TYPEHASH = keccak256(
        "MemoryContext(bytes32 memoryId,uint64 index,bytes32 root,uint64 count,uint64 firstEntry,uint64 endEntry,"
        "uint256 grantId,bytes32 salt)"
    );

    /// @notice Heads that {heads} gives at a time, at most (R8).
    uint256 public constant MAX_HEADS = 256;

    /// @notice Operator keys and who operates a node.
    INodeRegistry public immutable nodes;
    /// @notice Enclave keys.
    IEnclaveRegistry public immutable enclaves;

    struct Stored {
        bytes32 root;
        bytes32 blobId;
    }
    struct StoredGrant {
        bytes32 memoryId;
        address reader;
        uint40 from;
        uint40 until;
        bytes32 modelId;
        bytes32 nodeId;
        uint64 firstEntry;
        uint64 endEntry;
    }

    /// @dev Per head `time 64 ‖ count 64`: strictly ascending, so that a head is found by its time.
    mapping(bytes32 memoryId => uint256[]) private _times;
    mapping(bytes32 memoryId => mapping(uint256 index => Stored)) private _heads;
    mapping(uint256 grantId => StoredGrant) private _grants;
    uint256 private _grantCount;

    /// @notice A registry cannot be the zero address.
    error MemoryRegistry_ZeroAddress();

    constructor(INodeRegistry nodes_, IEnclaveRegistry enclaves_) {
        if (address(nodes_) == address(0) || address(enclaves_) == address(0)) revert MemoryRegistry_ZeroAddress();
        (nodes, enclaves) = (nodes_, enclaves_);
    }

    /// @inheritdoc IMemoryRegistry
    function commit(
        bytes32 label,
        bytes32 root,
        uint64 count,
        bytes32 blobId,
        bytes32[] calldata proof
    ) external returns (bytes32 memoryId, uint64 index) {
        if (root == 0 || blobId == 0) revert MemoryRegistry_EmptyCommit();
        memoryId = memoryIdOf(msg.sender, label);
        uint256[] storage times = _times[memoryId];
        index = uint64(times.length);
        bytes32 previous;
        if (index == 0) {
            if (count == 0) revert MemoryRegistry_NothingAdded(0, count);
            if (proof.length != 0) revert MemoryRegistry_ProofOfNothing();
        } else {
            previous = _heads[memoryId][index - 1].root;
            uint64 current = uint64(times[index - 1]);
            if (count <= current) revert MemoryRegistry_NothingAdded(current, count);
            if (!MerkleConsistency.isExtension(previous, current, root, count, proof))
                revert MemoryRegistry_NotAnExtension(previous, current);
        }
        times.push((block.timestamp << 64) | count);
        _heads[memoryId][index] = Stored({root: root, blobId: blobId});
        emit MemoryCommitted(memoryId, msg.sender, index, label, root, previous, count, blobId);
    }

    /// @inheritdoc IMemoryRegistry
    function grant(
        bytes32 label,
        address reader,
        uint64 until,
        MemoryScope calldata scope
    ) external returns (uint256 grantId) {
        if (reader == address(0) || scope.firstEntry >= scope.endEntry)
            revert MemoryRegistry_BadGrant(reader, scope.firstEntry, scope.endEntry);
        if (until <= block.timestamp || until > type(uint40).max) revert MemoryRegistry_BadExpiry(until);
        bytes32 memoryId = memoryIdOf(msg.sender, label);
        grantId = ++_grantCount;
        _grants[grantId] = StoredGrant({
            memoryId: memoryId,
            reader: reader,
            from: uint40(block.timestamp),
            until: uint40(until),
            modelId: scope.modelId,
            nodeId: scope.nodeId,
            firstEntry: scope.firstEntry,
            endEntry: scope.endEntry
        });
        emit MemoryGranted(grantId, memoryId, reader, until, scope);
    }

    /// @inheritdoc IMemoryRegistry
    function revoke(bytes32 label, uint256 grantId) external {
        bytes32 memoryId = memoryIdOf(msg.sender, label);
        StoredGrant storage found = _grants[grantId];
        if (found.memoryId != memoryId) revert MemoryRegistry_UnknownGrant(grantId, memoryId);
        if (found.until <= block.timestamp) revert MemoryRegistry_GrantEnded(grantId, found.until);
        found.until = uint40(block.timestamp);
        emit MemoryRevoked(grantId, memoryId, found.reader, uint64(block.timestamp));
    }

    /// @inheritdoc IMemoryRegistry
    function memoryIdOf(address owner, bytes32 label) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), owner, label));
    }

    /// @inheritdoc IMemoryRegistry
    function headCount(bytes32 memoryId) external view returns (uint64) {
        return uint64(_times[memoryId].length);
    }

    /// @inheritdoc IMemoryRegistry
    function head(bytes32 memoryId, uint64 index) public view returns (MemoryCommit memory) {
        uint256[] storage times = _times[memoryId];
        if (index >= times.length) revert MemoryRegistry_UnknownHead(memoryId, index);
        Stored storage stored = _heads[memoryId][index];
        return
            MemoryCommit({
                root: stored.root,
                previous: index == 0 ? bytes32(0) : _heads[memoryId][index - 1].root,
                count: uint64(times[index]),
                blobId: stored.blobId,
                committedAt: uint64(times[index] >> 64)
            });
    }

    /// @inheritdoc IMemoryRegistry
    function heads(bytes32 memoryId, uint64 from, uint64 limit) external view returns (MemoryCommit[] memory found) {
        uint256 total = _times[memoryId].length;
        uint256 length = from < total ? total - from : 0;
        if (length > limit) length = limit;
        if (length > MAX_HEADS) length = MAX_HEADS;
        found = new MemoryCommit[](length);
        for (uint256 i = 0; i < length; ++i) found[i] = head(memoryId, uint64(from + i));
    }

    /// @inheritdoc IMemoryRegistry
    function headAt(bytes32 memoryId, uint64 time) external view returns (bool found, uint64 index) {
        uint256 by = _times[memoryId].upperBound((uint256(time) << 64) | type(uint64).max);
        return by == 0 ? (false, 0) : (true, uint64(by - 1));
    }

    /// @inheritdoc IMemoryRegistry
    function grantOf(uint256 grantId) external view returns (MemoryGrant memory) {
        StoredGrant storage found = _grants[grantId];
        return
            MemoryGrant({
                memoryId: found.memoryId,
                reader: found.reader,
                from: found.from,
                until: found.until,
                scope: MemoryScope({
                    modelId: found.modelId,
                    nodeId: found.nodeId,
                    firstEntry: found.firstEntry,
                    endEntry: found.endEntry
                })
            });
    }

    /// @inheritdoc IMemoryRegistry
    function isEntry(
        bytes32 memoryId,
        uint64 index,
        bytes32 entryId,
        uint64 place,
        bytes32[] calldata proof
    ) external view returns (bool) {
        MemoryCommit memory at = head(memoryId, index);
        if (place >= at.count) return false;
        (bytes32 root, bool wellFormed) = MerkleTree.rootFromProof(entryId, place, at.count, proof);
        return wellFormed && root == at.root;
    }

    /// @inheritdoc IMemoryRegistry
    function isExtension(
        bytes32 memoryId,
        uint64 earlier,
        uint64 later,
        bytes32[] calldata proof
    ) external view returns (bool) {
        MemoryCommit memory old = head(memoryId, earlier);
        MemoryCommit memory young = head(memoryId, later);
        return MerkleConsistency.isExtension(old.root, old.count, young.root, young.count, proof);
    }

    /// @inheritdoc IMemoryRegistry
    function contextHashOf(MemoryContext calldata context) public pure returns (bytes32) {
        return keccak256(abi.encode(CONTEXT_TYPEHASH, context));
    }

    /// @inheritdoc IMemoryRegistry
    function checkContext(
        Receipt calldata receipt,
        MemoryContext calldata context
    ) external view returns (ContextCheck memory result) {
        // Facts about what the receipt does not name would be facts about nothing.
        if (contextHashOf(context) != receipt.contextHash) {
            result.reason = ContextReason.HashMismatch;
            return result;
        }
        result.reason = _checkHead(receipt.completedAt, context, result);
        ContextReason granted = _checkGrant(receipt, context, result);
        if (result.reason == ContextReason.None) result.reason = granted;
        result.valid = result.reason == ContextReason.None;
    }

    /// @dev Fills in when the head stood.
    function _checkHead(
        uint64 completedAt,
        MemoryContext calldata context,
        ContextCheck memory result
    ) private view returns (ContextReason) {
        uint256[] storage times = _times[context.memoryId];
        uint256 index = context.index;
        if (
            index >= times.length ||
            uint64(times[index]) != context.count ||
            _heads[context.memoryId][index].root != context.root
        ) return ContextReason.UnknownHead;
        result.headFrom = uint64(times[index] >> 64);
        result.headUntil = index + 1 == times.length ? type(uint64).max : uint64(times[index + 1] >> 64);
        if (context.firstEntry >= context.endEntry || context.endEntry > context.count) return ContextReason.BadRange;
        if (completedAt < result.headFrom || completedAt >= result.headUntil) return ContextReason.NotTheHead;
        return ContextReason.None;
    }

    /// @dev Fills in when the grant was in force.
    function _checkGrant(
        Receipt calldata receipt,
        MemoryContext calldata context,
        ContextCheck memory result
    ) private view returns (ContextReason) {
        StoredGrant memory found = _grants[context.grantId];
        if (found.memoryId != context.memoryId || found.memoryId == 0) return ContextReason.UnknownGrant;
        (result.grantFrom, result.grantUntil) = (found.from, found.until);
        IKeyRegistry keys = receipt.mode == Modes.TEE ? IKeyRegistry(enclaves) : IKeyRegistry(nodes);
        (address signer, uint256 key) = keys.packedSigningKey(receipt.keyId);
        bytes32 nodeId = bytes32(uint256(uint40(key >> StandingLayout.KEY_NODE)));
        (address operator, , ) = nodes.nodeStatus(nodeId);
        // A reader is never zero, and what is no key has zeros here.
        if (found.reader != operator && found.reader != signer) return ContextReason.WrongReader;
        if (found.nodeId != 0 && found.nodeId != nodeId) return ContextReason.WrongNode;
        if (found.modelId != 0 && found.modelId != receipt.modelId) return ContextReason.WrongModel;
        if (context.firstEntry < found.firstEntry || context.endEntry > found.endEntry)
            return ContextReason.OutsideScope;
        if (receipt.completedAt < found.from || receipt.completedAt >= found.until) return ContextReason.NotInForce;
        return ContextReason.None;
    }
}
