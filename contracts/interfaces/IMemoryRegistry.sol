// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Receipt} from "./InferenceTypes.sol";

/// @notice One head of a memory: a commitment to all its entries so far.
/// @param root Root over all entries, in order, see `MerkleTree`; an entry's id takes the place of a receipt id.
/// @param previous Root of the head before; zero for the first.
/// @param count Entries below `root`.
/// @param blobId Names what was added: keccak256 of the ids of its entries, put together. A claim, not evidence that it
/// can be had.
/// @param committedAt Unix seconds.
struct MemoryCommit {
    bytes32 root;
    bytes32 previous;
    uint64 count;
    bytes32 blobId;
    uint64 committedAt;
}

/// @notice How far a grant goes.
/// @param modelId The one model version that may use the memory; zero for any.
/// @param nodeId The one node that may; zero for any that the reader operates.
/// @param firstEntry Place of the first entry, from 0 on.
/// @param endEntry Place after the last entry; `type(uint64).max` covers all that will come.
struct MemoryScope {
    bytes32 modelId;
    bytes32 nodeId;
    uint64 firstEntry;
    uint64 endEntry;
}

/// @notice Who may use a memory, and when.
/// @param memoryId The memory.
/// @param reader A node's operator, or the address that signs for one of its keys: that key alone.
/// @param from Unix seconds; the moment it was given.
/// @param until Unix seconds, exclusive; a revocation brings it forward.
/// @param scope See {MemoryScope}.
struct MemoryGrant {
    bytes32 memoryId;
    address reader;
    uint64 from;
    uint64 until;
    MemoryScope scope;
}

/// @notice What a receipt's `contextHash` commits to: the part of a head that an answer was computed with.
/// @param memoryId The memory.
/// @param index Which of its heads, from 0 on.
/// @param root Of that head.
/// @param count Of that head.
/// @param firstEntry Place of the first entry that was used.
/// @param endEntry Place after the last one.
/// @param grantId The grant it was used under.
/// @param salt Random: heads are public, and receipts must not tell who cannot open them whose memory was used.
struct MemoryContext {
    bytes32 memoryId;
    uint64 index;
    bytes32 root;
    uint64 count;
    uint64 firstEntry;
    uint64 endEntry;
    uint256 grantId;
    bytes32 salt;
}

/// @notice Why a receipt's context does not hold.
enum ContextReason {
    None,
    // The receipt commits to another context than this one.
    HashMismatch,
    // There is no such head, or it says something else.
    UnknownHead,
    // The entries used are none, or beyond that head.
    BadRange,
    // Another head stood at completion.
    NotTheHead,
    // There is no such grant for this memory.
    UnknownGrant,
    // The receipt's key is neither the reader's nor of a node that the reader operates.
    WrongReader,
    WrongNode,
    WrongModel,
    // Entries beyond those granted.
    OutsideScope,
    // Not yet given, expired or revoked at completion.
    NotInForce
}

/// @notice What there is to say of a receipt's context. The facts are filled in as far as they are known, whatever the
/// reason.
/// @param valid True if nothing stands in the way.
/// @param reason The first thing that does; `None` if valid.
/// @param headFrom When the head was committed.
/// @param headUntil When the next one was; `type(uint64).max` while it is the newest. An answer that took long was given
/// with a head that another one followed: how old it may be is for who asks to say.
/// @param grantFrom When the grant was given.
/// @param grantUntil When it ended or ends, exclusive.
struct ContextCheck {
    bool valid;
    ContextReason reason;
    uint64 headFrom;
    uint64 headUntil;
    uint64 grantFrom;
    uint64 grantUntil;
}

/// @title IMemoryRegistry
/// @notice A user's context as an append-only chain of commitments. Entries are encrypted and kept off chain; each commit
/// extends the one before, which the chain itself verifies: no entry is ever dropped, changed or moved.
/// @dev Nobody but the owner can add to a memory, and nobody can take from it. No tokens are held here and no role exists.
/// A grant is a public record that a reader was allowed to use a memory for answers; the keys to its entries travel off
/// chain. **Revoking makes no reader forget**: it ends what receipts can claim, from that moment on, and a reader that
/// keeps what it read can read it for ever.
interface IMemoryRegistry {
    /// @notice A memory grew. `label` and `owner` make its id; what else follows is its new head.
    event MemoryCommitted(
        bytes32 indexed memoryId,
        address indexed owner,
        uint64 indexed index,
        bytes32 label,
        bytes32 root,
        bytes32 previous,
        uint64 count,
        bytes32 blobId
    );
    /// @notice A reader may use a memory.
    event MemoryGranted(
        uint256 indexed grantId,
        bytes32 indexed memoryId,
        address indexed reader,
        uint64 until,
        MemoryScope scope
    );
    /// @notice The owner ended a grant, now.
    event MemoryRevoked(uint256 indexed grantId, bytes32 indexed memoryId, address indexed reader, uint64 until);

    /// @notice Root and blob id are not zero.
    error MemoryRegistry_EmptyCommit();
    /// @notice A commit has more entries than the head before.
    error MemoryRegistry_NothingAdded(uint64 current, uint64 count);
    /// @notice The proof does not show that the new entries come after all of the head, which has `count` entries: made
    /// for another head, where somebody else with the same account was faster.
    error MemoryRegistry_NotAnExtension(bytes32 root, uint64 count);
    /// @notice A first commit extends nothing and has no proof.
    error MemoryRegistry_ProofOfNothing();
    /// @notice A reader is somebody, and a range has at least one entry.
    error MemoryRegistry_BadGrant(address reader, uint64 firstEntry, uint64 endEntry);
    /// @notice A grant ends after now.
    error MemoryRegistry_BadExpiry(uint64 until);
    /// @notice Not a grant of this memory.
    error MemoryRegistry_UnknownGrant(uint256 grantId, bytes32 memoryId);
    /// @notice It ended already, at `until`.
    error MemoryRegistry_GrantEnded(uint256 grantId, uint64 until);
    /// @notice The memory has no such head.
    error MemoryRegistry_UnknownHead(bytes32 memoryId, uint64 index);

    /// @notice Adds a head to the caller's memory of that label. The first one makes the memory.
    /// @dev How many entries are below a root is the owner's word. A wrong number rewrites nothing, as a place that opens
    /// under one head opens to the same entry under every later one. It leaves the owner with places that open to nothing,
    /// and shows in the blob that is named, which has 32 bytes for each entry.
    /// @param label The owner's name for it; best random, as it is public.
    /// @param root Over all entries, old and new.
    /// @param count How many they are.
    /// @param blobId See {MemoryCommit}.
    /// @param proof That the new entries come after all old ones, see `MerkleConsistency`; empty for the first.
    /// @return memoryId See {memoryIdOf}.
    /// @return index Place of the head, from 0 on.
    function commit(
        bytes32 label,
        bytes32 root,
        uint64 count,
        bytes32 blobId,
        bytes32[] calldata proof
    ) external returns (bytes32 memoryId, uint64 index);

    /// @notice Lets a reader use the caller's memory of that label from now on.
    /// @param until Unix seconds, exclusive.
    /// @return grantId Grants are numbered from 1 as they come.
    function grant(
        bytes32 label,
        address reader,
        uint64 until,
        MemoryScope calldata scope
    ) external returns (uint256 grantId);

    /// @notice Ends a grant now: what completes from this second on is not covered. What completed before stays so, and
    /// what was read stays read. A node holds the clock of its receipts: who relies on a revocation compares `grantUntil`
    /// with the time of settlement too, or waits MAX_DELAY.
    function revoke(bytes32 label, uint256 grantId) external;

    /// @notice keccak256(abi.encode(chainId, this registry, owner, label)).
    function memoryIdOf(address owner, bytes32 label) external view returns (bytes32);

    /// @notice How many heads a memory has; 0 for one that does not exist.
    function headCount(bytes32 memoryId) external view returns (uint64);

    /// @notice A head of a memory.
    function head(bytes32 memoryId, uint64 index) external view returns (MemoryCommit memory);

    /// @notice `limit` heads from `from` on, and at most MAX_HEADS.
    function heads(bytes32 memoryId, uint64 from, uint64 limit) external view returns (MemoryCommit[] memory);

    /// @notice Which head stood at a moment: the last one committed by then. Takes as many reads as the number of heads
    /// has bits.
    /// @return found False where there was none yet.
    function headAt(bytes32 memoryId, uint64 time) external view returns (bool found, uint64 index);

    /// @notice A grant; all zero where there is none.
    function grantOf(uint256 grantId) external view returns (MemoryGrant memory);

    /// @notice Whether an entry is at a place of a head. A proof that is none answers false.
    /// @param entryId keccak256 of the encrypted entry.
    /// @param place From 0 on.
    /// @param proof Siblings from the entry up, see `MerkleTree`.
    function isEntry(
        bytes32 memoryId,
        uint64 index,
        bytes32 entryId,
        uint64 place,
        bytes32[] calldata proof
    ) external view returns (bool);

    /// @notice Whether a later head has all entries of an earlier one first, in the same order. True for any two heads,
    /// as {commit} sees to it; a proof lets anybody see for themselves.
    function isExtension(
        bytes32 memoryId,
        uint64 earlier,
        uint64 later,
        bytes32[] calldata proof
    ) external view returns (bool);

    /// @notice What a receipt's `contextHash` is for a context: keccak256 over the type
    /// "MemoryContext(bytes32 memoryId,uint64 index,bytes32 root,uint64 count,uint64 firstEntry,uint64 endEntry,
    /// uint256 grantId,bytes32 salt)" (without the line break) and the fields. The memory's id names chain and registry.
    function contextHashOf(MemoryContext calldata context) external pure returns (bytes32);

    /// @notice Whether a receipt was computed with this context: it commits to it, that head stood at completion, and the
    /// key's node held the grant then. Whether the receipt itself is verified is for the `InferenceRegistry` to say, and
    /// whose memory it is follows from {memoryIdOf}.
    function checkContext(
        Receipt calldata receipt,
        MemoryContext calldata context
    ) external view returns (ContextCheck memory);
}
