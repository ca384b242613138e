// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Opening} from "./InferenceTypes.sol";

/// @notice A receipt that a key stands for: signed alone, or a leaf of a batch that the key signed, which is as good, as
/// it settles as verified.
/// @param opening The receipt, and where it is in which batch. A batch of count 0 says that the signature is over the
/// receipt's id; otherwise it is over the batch's digest, and key and mode of both are the same.
/// @param signature 65 bytes r ‖ s ‖ v, low s.
struct SignedStatement {
    Opening opening;
    bytes signature;
}

/// @notice A payment channel, as the hash of it names it (R7):
/// channelId = keccak256(abi.encode(chainId, escrow, payer, signer, nodeId, modelId, modeMask, lane)).
/// @param escrow Any address: see {IDisputes-reportChannelFault}.
struct DisputedChannel {
    address escrow;
    address payer;
    address signer;
    bytes32 nodeId;
    bytes32 modelId;
    uint8 modeMask;
    uint64 lane;
}

/// @notice What can be proven against a key.
enum FaultKind {
    Equivocation,
    ChannelFault,
    ForeignLeaf
}

/// @notice Why evidence proves nothing.
enum Flaw {
    None,
    // One statement
    UnknownKey,
    BadSignature,
    IndexOutOfRange,
    ProofLengthMismatch,
    NotInBatch,
    KeyMismatch,
    ModeMismatch,
    KeyLongEnded,
    // Two statements of one key about one request
    DifferentKeys,
    DifferentRequests,
    NoContradiction,
    // Two statements of one channel
    KeyOfAnotherNode,
    NotOfTheChannel,
    NotInOrder,
    TotalDidNotFall,
    // A leaf in a batch
    NotABatch,
    OwnLeaf,
    // It was proven before
    AlreadyProven
}

/// @notice What a report proves, against whom, and what it costs.
/// @param kind See {FaultKind}.
/// @param nodeKind `INodeRegistry.NodeKind` of the node, which with the operator names the pool that pays.
/// @param operator Who answers for the key.
/// @param nodeId The key's node.
/// @param keyId The accountable key: of both receipts, of the later receipt of the channel, or of the batch.
/// @param requestId What the fault is counted under with the key: of both receipts, of the later one, or of the leaf.
/// @param receiptId Id of the first receipt; of the later one of the channel; of the leaf.
/// @param otherKeyId Key of the second or earlier receipt; the key that the leaf names.
/// @param otherRequestId Request of the second or earlier receipt; zero for a foreign leaf.
/// @param otherReceiptId Id of the second or earlier receipt; zero for a foreign leaf.
/// @param subject The channel's id, the batch's digest, or zero.
/// @param bps What is slashed, in basis points of the pool.
struct Fault {
    FaultKind kind;
    uint8 nodeKind;
    address operator;
    bytes32 nodeId;
    bytes32 keyId;
    bytes32 requestId;
    bytes32 receiptId;
    bytes32 otherKeyId;
    bytes32 otherRequestId;
    bytes32 otherReceiptId;
    bytes32 subject;
    uint256 bps;
}

/// @title IDisputes
/// @notice Faults that a key's own signatures prove. No admin and no judge: anyone brings the evidence, one call checks
/// it and slashes the operator's stake. Nothing stops it, neither a pause nor a freeze nor a closed registry (R8).
/// @dev **Only the signature counts.** Whether the key was valid, frozen or distrusted when it signed does not, and for
/// {LIABILITY} after its end not even that it ended. Otherwise whoever is about to be caught would report its key as
/// compromised and walk away, and a key that leaked would be nobody's. Nor need anything have settled: the harm is done
/// when the asker believes the answer.
///
/// **{LIABILITY}** is how long own stake takes to leave, and keys end when it starts to (R12); nothing that an ended key
/// signs can settle by then. If keys answered for longer, an operator that took its own stake home could sign faults
/// with them and have its delegators pay, and an old key that leaks could be turned on an honest operator for ever.
///
/// **Once** per (keyId, requestId) (R9). A light fault does not use up the heavy one: an operator could otherwise report
/// its own light fault first and have the heavy one for its price. So a key pays for one request at most
/// {CHANNEL_FAULT_BPS} and then {EQUIVOCATION_BPS}, or {EQUIVOCATION_BPS} alone. A channel fault counts for both of its
/// receipts, so that one receipt with a wrong total does not count against every other of its channel.
///
/// **The reporter is the caller.** A report can be copied from a public mempool and its reward taken; the fault is
/// punished all the same, which is what a report is for. A commitment beforehand would cost everybody a transaction and
/// a delay, and could not keep an operator from committing to its own fault first: send reports privately. A report
/// that proves nothing costs its gas and nobody else anything.
///
/// An honest node keeps one durable store for all its keys: it reserves a request before it serves it, decides on one
/// receipt before it signs, counts up its channels, and signs batches over its own receipts only. It can then never be
/// slashed, whatever askers and relayers do.
interface IDisputes {
    /// @notice A fault was proven and the stake behind it slashed.
    /// @param keyId The accountable key.
    /// @param reporter Who brought the evidence and is credited the reporter's share.
    /// @param slashed What the pool lost, in wei of OPG; 0 where nothing was left.
    event FaultProven(
        FaultKind indexed kind,
        bytes32 indexed keyId,
        address indexed operator,
        address reporter,
        uint256 slashed,
        Fault fault
    );

    /// @notice The evidence proves no fault, for this reason.
    error Disputes_NotProven(Flaw flaw);
    /// @notice A contract that is not there.
    error Disputes_ZeroAddress();

    /// @notice Reports two statements of one key about one request that differ in modelId, inputHash, outputHash,
    /// contextHash or cumulativeFee. Open to anyone.
    /// @return slashed In wei of OPG.
    function reportEquivocation(
        SignedStatement calldata a,
        SignedStatement calldata b
    ) external returns (uint256 slashed);

    /// @notice Reports two statements of one channel of which the later has the lower total. Open to anyone.
    /// @param channel Names the node, and both keys are this node's. Any escrow is as good as another: no honest node lets
    /// a total fall under whatever channel id, as it signs a sequence of 1 or more only where it has recomputed the
    /// request id from a channel that it keeps count of. So no list of escrows is needed, nor anybody who keeps it.
    /// @param a The earlier, sequence 1 or more.
    /// @param b The later.
    /// @return slashed In wei of OPG.
    function reportChannelFault(
        DisputedChannel calldata channel,
        SignedStatement calldata a,
        SignedStatement calldata b
    ) external returns (uint256 slashed);

    /// @notice Reports a batch over a receipt of another key or mode than its own. The key of the batch answers for it,
    /// never the key that the leaf names. Open to anyone.
    /// @param evidence The leaf, the batch with the proof, and the signature of the batch.
    /// @return slashed In wei of OPG.
    function reportForeignLeaf(SignedStatement calldata evidence) external returns (uint256 slashed);

    /// @notice Whether this is a statement of the key that the receipt names, and if not, why not. Reverts, as all
    /// functions here do, only for calldata that is no statement at all (`ReceiptLib_NonCanonical`).
    /// @return flaw `None` if it is.
    /// @return receiptId EIP-712 digest of the receipt.
    /// @return nodeId The key's node; zero unless the key is registered and everything before it holds.
    function statement(
        SignedStatement calldata evidence
    ) external view returns (Flaw flaw, bytes32 receiptId, bytes32 nodeId);

    /// @notice What {reportEquivocation} would find.
    /// @return flaw `None` if it is a fault that was not proven yet.
    /// @return fault What would be proven; meaningless where there is a flaw.
    function equivocation(
        SignedStatement calldata a,
        SignedStatement calldata b
    ) external view returns (Flaw flaw, Fault memory fault);

    /// @notice What {reportChannelFault} would find; as {equivocation}.
    function channelFault(
        DisputedChannel calldata channel,
        SignedStatement calldata a,
        SignedStatement calldata b
    ) external view returns (Flaw flaw, Fault memory fault);

    /// @notice What {reportForeignLeaf} would find; as {equivocation}.
    function foreignLeaf(SignedStatement calldata evidence) external view returns (Flaw flaw, Fault memory fault);

    /// @notice The heaviest fault proven against a key about a request, in basis points; 0 for none.
    function provenBps(bytes32 keyId, bytes32 requestId) external view returns (uint256);
}
