// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {DisputedChannel, Fault, FaultKind, Flaw, IDisputes, SignedStatement} from "../interfaces/IDisputes.sol";
import {IEnclaveRegistry} from "../interfaces/IEnclaveRegistry.sol";
import {IInferenceRegistry} from "../interfaces/IInferenceRegistry.sol";
import {KeyState} from "../interfaces/IKeyRegistry.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IStakeSlasher} from "../interfaces/IStakeSlasher.sol";
import {Batch, Opening, Receipt} from "../interfaces/InferenceTypes.sol";
import {MerkleTree} from "../verification/MerkleTree.sol";
import {ReceiptLib} from "../verification/ReceiptLib.sol";

/// @title Disputes
/// @notice See {IDisputes}, where every function, event and error is documented.
contract Disputes is IDisputes {
    /// @notice Slashed for saying two things about one request.
    uint256 public constant EQUIVOCATION_BPS = 500;
    /// @notice Slashed for a batch over what is not the key's own.
    uint256 public constant FOREIGN_LEAF_BPS = 500;
    /// @notice Slashed for a channel's total that fell.
    uint256 public constant CHANNEL_FAULT_BPS = 200;
    /// @notice Seconds from a key's end until its faults no longer count: what own stake needs to leave (R12).
    uint256 public constant LIABILITY = 21 days;

    /// @notice Operator keys, and whose nodes are.
    INodeRegistry public immutable nodeRegistry;
    /// @notice Enclave keys.
    IEnclaveRegistry public immutable enclaveRegistry;
    /// @notice Where the stake is.
    IStakeSlasher public immutable staking;
    /// @notice EIP-712 domain separator of the receipts and batches that are disputed here.
    bytes32 public immutable domainSeparator;

    /// @inheritdoc IDisputes
    mapping(bytes32 keyId => mapping(bytes32 requestId => uint256)) public provenBps;

    constructor(IInferenceRegistry registry, INodeRegistry nodes, IEnclaveRegistry enclaves, IStakeSlasher staking_) {
        if (
            address(registry) == address(0) ||
            address(nodes) == address(0) ||
            address(enclaves) == address(0) ||
            address(staking_) == address(0)
        ) revert Disputes_ZeroAddress();
        nodeRegistry = nodes;
        enclaveRegistry = enclaves;
        staking = staking_;
        domainSeparator = registry.domainSeparator();
    }

    // ------------------------------------------------------------------------------------------------- reports

    /// @inheritdoc IDisputes
    function reportEquivocation(
        SignedStatement calldata a,
        SignedStatement calldata b
    ) external returns (uint256 slashed) {
        (Flaw flaw, Fault memory fault) = equivocation(a, b);
        return _punish(flaw, fault);
    }

    /// @inheritdoc IDisputes
    function reportChannelFault(
        DisputedChannel calldata channel,
        SignedStatement calldata a,
        SignedStatement calldata b
    ) external returns (uint256 slashed) {
        (Flaw flaw, Fault memory fault) = channelFault(channel, a, b);
        return _punish(flaw, fault);
    }

    /// @inheritdoc IDisputes
    function reportForeignLeaf(SignedStatement calldata evidence) external returns (uint256 slashed) {
        (Flaw flaw, Fault memory fault) = foreignLeaf(evidence);
        return _punish(flaw, fault);
    }

    function _punish(Flaw flaw, Fault memory fault) private returns (uint256 slashed) {
        if (flaw != Flaw.None) revert Disputes_NotProven(flaw);
        provenBps[fault.keyId][fault.requestId] = fault.bps;
        // The key that a foreign leaf names has done nothing: to count it there would shield that key.
        if (fault.kind == FaultKind.ChannelFault) provenBps[fault.otherKeyId][fault.otherRequestId] = fault.bps;
        slashed = staking.slash(fault.operator, fault.nodeKind, fault.bps, msg.sender);
        emit FaultProven(fault.kind, fault.keyId, fault.operator, msg.sender, slashed, fault);
    }

    // ------------------------------------------------------------------------------------------------- verdicts

    /// @inheritdoc IDisputes
    function equivocation(
        SignedStatement calldata a,
        SignedStatement calldata b
    ) public view returns (Flaw flaw, Fault memory fault) {
        Receipt calldata first = a.opening.receipt;
        Receipt calldata second = b.opening.receipt;
        if (first.keyId != second.keyId) return (Flaw.DifferentKeys, fault);
        if (first.requestId != second.requestId) return (Flaw.DifferentRequests, fault);
        if (!_contradict(first, second)) return (Flaw.NoContradiction, fault);

        (flaw, fault.receiptId, fault.nodeId) = statement(a);
        if (flaw != Flaw.None) return (flaw, fault);
        (flaw, fault.otherReceiptId, ) = statement(b);
        if (flaw != Flaw.None) return (flaw, fault);

        fault.kind = FaultKind.Equivocation;
        fault.bps = EQUIVOCATION_BPS;
        (fault.keyId, fault.requestId) = (first.keyId, first.requestId);
        (fault.otherKeyId, fault.otherRequestId) = (first.keyId, first.requestId);
        flaw = _complete(fault);
    }

    /// @inheritdoc IDisputes
    function channelFault(
        DisputedChannel calldata channel,
        SignedStatement calldata a,
        SignedStatement calldata b
    ) public view returns (Flaw flaw, Fault memory fault) {
        Receipt calldata earlier = a.opening.receipt;
        Receipt calldata later = b.opening.receipt;
        bytes32 channelId = _channelId(channel);
        // Sequence 0 is no place in a channel, whatever the request id is.
        if (earlier.sequence == 0 || earlier.sequence >= later.sequence) return (Flaw.NotInOrder, fault);
        if (earlier.cumulativeFee <= later.cumulativeFee) return (Flaw.TotalDidNotFall, fault);
        if (
            earlier.requestId != ReceiptLib.channelRequestId(channelId, earlier.sequence) ||
            later.requestId != ReceiptLib.channelRequestId(channelId, later.sequence)
        ) return (Flaw.NotOfTheChannel, fault);

        // A node may have changed its key between the two; what it said before stays said.
        (flaw, fault.otherReceiptId, fault.nodeId) = statement(a);
        if (flaw != Flaw.None) return (flaw, fault);
        if (fault.nodeId != channel.nodeId) return (Flaw.KeyOfAnotherNode, fault);
        (flaw, fault.receiptId, fault.nodeId) = statement(b);
        if (flaw != Flaw.None) return (flaw, fault);
        if (fault.nodeId != channel.nodeId) return (Flaw.KeyOfAnotherNode, fault);

        fault.kind = FaultKind.ChannelFault;
        fault.bps = CHANNEL_FAULT_BPS;
        fault.subject = channelId;
        (fault.keyId, fault.requestId) = (later.keyId, later.requestId);
        (fault.otherKeyId, fault.otherRequestId) = (earlier.keyId, earlier.requestId);
        flaw = _complete(fault);
        if (flaw == Flaw.None && provenBps[earlier.keyId][earlier.requestId] >= CHANNEL_FAULT_BPS)
            flaw = Flaw.AlreadyProven;
    }

    /// @inheritdoc IDisputes
    function foreignLeaf(SignedStatement calldata evidence) public view returns (Flaw flaw, Fault memory fault) {
        Receipt calldata leaf = evidence.opening.receipt;
        Batch calldata batch = evidence.opening.batch;
        if (batch.count == 0) return (Flaw.NotABatch, fault);
        if (leaf.keyId == batch.keyId && leaf.mode == batch.mode) return (Flaw.OwnLeaf, fault);

        fault.receiptId = ReceiptLib.digest(domainSeparator, ReceiptLib.structHash(leaf));
        flaw = _checkLeaf(evidence.opening, fault.receiptId);
        if (flaw != Flaw.None) return (flaw, fault);
        fault.subject = ReceiptLib.digest(domainSeparator, ReceiptLib.structHash(batch));
        (flaw, fault.nodeId) = _checkSignature(batch.keyId, fault.subject, evidence.signature);
        if (flaw != Flaw.None) return (flaw, fault);

        fault.kind = FaultKind.ForeignLeaf;
        fault.bps = FOREIGN_LEAF_BPS;
        (fault.keyId, fault.requestId) = (batch.keyId, leaf.requestId);
        fault.otherKeyId = leaf.keyId;
        flaw = _complete(fault);
    }

    /// @dev Whose fault it is, and whether it is news.
    function _complete(Fault memory fault) private view returns (Flaw) {
        INodeRegistry.NodeKind kind;
        (fault.operator, kind, ) = nodeRegistry.nodeStatus(fault.nodeId);
        fault.nodeKind = uint8(kind);
        return provenBps[fault.keyId][fault.requestId] >= fault.bps ? Flaw.AlreadyProven : Flaw.None;
    }

    /// @dev Time, payer, sequence, scheme and mode may differ: an answer may be dated or filed twice, and is still one.
    function _contradict(Receipt calldata a, Receipt calldata b) private pure returns (bool) {
        return
            a.modelId != b.modelId ||
            a.inputHash != b.inputHash ||
            a.outputHash != b.outputHash ||
            a.contextHash != b.contextHash ||
            a.cumulativeFee != b.cumulativeFee;
    }

    function _channelId(DisputedChannel calldata channel) private view returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    block.chainid,
                    channel.escrow,
                    channel.payer,
                    channel.signer,
                    channel.nodeId,
                    channel.modelId,
                    channel.modeMask,
                    channel.lane
                )
            );
    }

    // ------------------------------------------------------------------------------------------------- evidence

    /// @inheritdoc IDisputes
    function statement(
        SignedStatement calldata evidence
    ) public view returns (Flaw flaw, bytes32 receiptId, bytes32 nodeId) {
        Receipt calldata receipt = evidence.opening.receipt;
        Batch calldata batch = evidence.opening.batch;
        receiptId = ReceiptLib.digest(domainSeparator, ReceiptLib.structHash(receipt));
        bytes32 signed = receiptId;
        if (batch.count != 0) {
            // Such a leaf is a fault of its own, and of the batch's key.
            if (receipt.keyId != batch.keyId) return (Flaw.KeyMismatch, receiptId, 0);
            if (receipt.mode != batch.mode) return (Flaw.ModeMismatch, receiptId, 0);
            flaw = _checkLeaf(evidence.opening, receiptId);
            if (flaw != Flaw.None) return (flaw, receiptId, 0);
            signed = ReceiptLib.digest(domainSeparator, ReceiptLib.structHash(batch));
        }
        (flaw, nodeId) = _checkSignature(receipt.keyId, signed, evidence.signature);
    }

    function _checkLeaf(Opening calldata opening, bytes32 receiptId) private pure returns (Flaw) {
        uint256 count = opening.batch.count;
        if (opening.index >= count) return Flaw.IndexOutOfRange;
        (bytes32 root, bool wellFormed) = MerkleTree.rootFromProof(receiptId, opening.index, count, opening.proof);
        if (!wellFormed) return Flaw.ProofLengthMismatch;
        return root == opening.batch.root ? Flaw.None : Flaw.NotInBatch;
    }

    /// @dev Asks both registries, as the kind of a key follows from neither receipt nor mode. Of what they know, signer
    /// and node count, and whether the key ended long ago: see {IDisputes} for why the rest does not.
    function _checkSignature(
        bytes32 keyId,
        bytes32 digest,
        bytes calldata signature
    ) private view returns (Flaw, bytes32) {
        (address signer, KeyState memory key) = nodeRegistry.signingKey(keyId);
        if (signer == address(0)) (signer, key) = enclaveRegistry.signingKey(keyId);
        if (signer == address(0)) return (Flaw.UnknownKey, 0);
        (address recovered, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (problem != ECDSA.RecoverError.NoError || recovered != signer) return (Flaw.BadSignature, key.nodeId);
        return (block.timestamp < key.validUntil + LIABILITY ? Flaw.None : Flaw.KeyLongEnded, key.nodeId);
    }
}
