// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {FeeEpochs} from "../interfaces/IFeeSplitter.sol";
import {Channel, Claim, ClaimGroup, IInferenceEscrow, Refusal} from "../interfaces/IInferenceEscrow.sol";
import {IInferenceRegistry} from "../interfaces/IInferenceRegistry.sol";
import {Batch, Modes, Reason, Receipt} from "../interfaces/InferenceTypes.sol";
import {ReceiptLib} from "../verification/ReceiptLib.sol";
import {VoucherLib} from "../verification/VoucherLib.sol";
import {EscrowAccounts} from "./EscrowAccounts.sol";

/// @title Channels
/// @notice Payment of vouchers against verified receipts. See {IInferenceEscrow}.
/// @dev Collecting calls nobody but the registry, by static calls: there is nothing to re-enter from.
abstract contract Channels is EscrowAccounts, EIP712 {
    /// @dev One slot. Limit and expiry are 0 where the payer signs itself; only the limit where a session was withdrawn
    /// without having been opened.
    struct Session {
        uint96 paid;
        uint96 limit;
        uint40 expiry;
    }

    /// @inheritdoc IInferenceEscrow
    IInferenceRegistry public immutable inferenceRegistry;

    mapping(bytes32 channelId => Session) internal _sessions;

    constructor(IInferenceRegistry registry) EIP712("OpenGradient InferenceEscrow", "1") {
        if (address(registry) == address(0)) revert InferenceEscrow_ZeroAddress();
        inferenceRegistry = registry;
    }

    // ------------------------------------------------------------------------------------------------ sessions

    /// @inheritdoc IInferenceEscrow
    function openChannel(Channel calldata channel, uint96 limit, uint40 expiry) external {
        if (msg.sender != channel.payer) revert InferenceEscrow_NotPayer(channel.payer, msg.sender);
        _open(channel, channelIdOf(channel), limit, expiry);
    }

    /// @inheritdoc IInferenceEscrow
    function openChannelBySignature(
        Channel calldata channel,
        uint96 limit,
        uint40 expiry,
        uint256 deadline,
        bytes calldata signature
    ) external {
        if (block.timestamp > deadline) revert InferenceEscrow_SignatureExpired(deadline);
        bytes32 id = channelIdOf(channel);
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(VoucherLib.OPEN_CHANNEL_TYPEHASH, id, limit, expiry, deadline))
        );
        // A payer's key is asked before its code: an account with code by EIP-7702 goes on signing with its key.
        (address recovered, , ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (
            (recovered == address(0) || recovered != channel.payer) &&
            !SignatureChecker.isValidERC1271SignatureNow(channel.payer, digest, signature)
        ) revert InferenceEscrow_BadSignature();
        _open(channel, id, limit, expiry);
    }

    /// @inheritdoc IInferenceEscrow
    function withdrawSigner(Channel calldata channel) external {
        if (msg.sender != channel.payer) revert InferenceEscrow_NotPayer(channel.payer, msg.sender);
        if (channel.signer == channel.payer) revert InferenceEscrow_OwnSigner();
        bytes32 id = channelIdOf(channel);
        Session storage own = _sessions[id];
        uint40 ends = uint40(own.limit == 0 ? block.timestamp : block.timestamp + THAW);
        if (own.expiry != 0 && own.expiry <= ends) revert InferenceEscrow_AlreadyWithdrawn(own.expiry);
        own.expiry = ends;
        emit SignerWithdrawn(id, ends);
    }

    /// @inheritdoc IInferenceEscrow
    function session(bytes32 channelId) external view returns (uint256 paid, uint256 limit, uint256 expiry) {
        Session storage own = _sessions[channelId];
        return (own.paid, own.limit, own.expiry);
    }

    /// @inheritdoc IInferenceEscrow
    function voucherDigest(
        bytes32 channelId,
        uint64 sequence,
        bytes32 inputHash,
        uint128 maxCumulative
    ) external view returns (bytes32) {
        return _hashTypedDataV4(VoucherLib.voucherHash(channelId, sequence, inputHash, maxCumulative));
    }

    /// @inheritdoc IInferenceEscrow
    function channelIdOf(Channel calldata channel) public view returns (bytes32) {
        return
            VoucherLib.channelId(
                address(this),
                channel.payer,
                channel.signer,
                channel.nodeId,
                channel.modelId,
                channel.modeMask,
                channel.lane
            );
    }

    /// @dev What was opened or withdrawn has an expiry for ever.
    function _open(Channel calldata channel, bytes32 id, uint96 limit, uint40 expiry) private {
        if (channel.signer == channel.payer) revert InferenceEscrow_OwnSigner();
        uint8 modeMask = channel.modeMask;
        if (
            modeMask == 0 ||
            modeMask > Modes.ALL ||
            channel.signer == address(0) ||
            limit == 0 ||
            expiry <= block.timestamp
        ) revert InferenceEscrow_BadSession();
        Session storage own = _sessions[id];
        if (own.expiry != 0) revert InferenceEscrow_AlreadyOpened(id);
        (own.limit, own.expiry) = (limit, expiry);
        emit ChannelOpened(
            id,
            channel.payer,
            channel.nodeId,
            channel.signer,
            channel.modelId,
            modeMask,
            channel.lane,
            limit,
            expiry
        );
    }

    // ---------------------------------------------------------------------------------------------- collecting

    /// @dev What is known of a claim once it was looked at.
    struct Finding {
        bytes32 channelId;
        Refusal refusal;
        Reason reason;
        uint256 amount;
        uint256 paid;
        uint256 balance;
        address settler;
        uint256 epoch;
        uint256 fees;
    }

    /// @inheritdoc IInferenceEscrow
    function collect(
        Batch calldata batch,
        bytes32 nodeId,
        bytes32 modelId,
        Claim calldata claim,
        bytes32[] calldata proof
    ) external returns (uint256 amount) {
        Finding memory found = _find(batch, nodeId, modelId, claim, proof);
        if (found.refusal != Refusal.None) revert InferenceEscrow_Refused(found.refusal, found.reason);
        amount = found.amount;
        found.fees = _accrue(nodeId, modelId, found.settler, found.epoch, amount);
        _pay(found, nodeId, modelId, claim);
    }

    /// @inheritdoc IInferenceEscrow
    function collectable(
        Batch calldata batch,
        bytes32 nodeId,
        bytes32 modelId,
        Claim calldata claim,
        bytes32[] calldata proof
    ) external view returns (uint256 amount, Refusal refusal, Reason reason) {
        Finding memory found = _find(batch, nodeId, modelId, claim, proof);
        return (found.amount, found.refusal, found.reason);
    }

    /// @inheritdoc IInferenceEscrow
    function collectBatch(ClaimGroup[] calldata groups) external returns (uint256 amount) {
        for (uint256 i = 0; i < groups.length; ++i) {
            if (groups[i].claims.length != 0) amount += _collectGroup(groups[i], i);
        }
    }

    function _collectGroup(ClaimGroup calldata group, uint256 place) private returns (uint256 amount) {
        (Finding[] memory found, bytes32 keyNode) = _findMany(group);
        // All of a batch settled at once: its fees are written once. Receipts that settled alone may differ in epoch.
        bytes32 feeKey = 0;
        uint256 epoch = 0;
        uint256 total = 0;
        for (uint256 i = 0; i < found.length; ++i) {
            Finding memory each = found[i];
            Claim calldata claim = group.claims[i];
            if (each.refusal == Refusal.None) {
                if (keyNode != group.nodeId) each.refusal = Refusal.OtherNode;
                else _examine(each, keyNode, group.batch.mode, claim);
            }
            if (each.refusal != Refusal.None) {
                emit ClaimSkipped(place, i, each.refusal, each.reason);
                continue;
            }
            if (each.epoch != epoch) {
                if (feeKey != 0) _fees[feeKey] = total;
                epoch = each.epoch;
                feeKey = _feeKey(keyNode, group.modelId, each.settler, epoch);
                total = _fees[feeKey];
            }
            unchecked {
                // All that is held fits 96 bits.
                total += each.amount;
                amount += each.amount;
            }
            each.fees = total;
            _pay(each, keyNode, group.modelId, claim);
        }
        if (feeKey != 0) _fees[feeKey] = total;
    }

    /// @dev A receipt that settled alone has no settler, whatever the batch that stands for it says.
    function _settlerOf(Batch calldata batch) internal pure returns (address) {
        return batch.count == 0 ? address(0) : batch.settler;
    }

    function _find(
        Batch calldata batch,
        bytes32 nodeId,
        bytes32 modelId,
        Claim calldata claim,
        bytes32[] calldata proof
    ) private view returns (Finding memory found) {
        found.channelId = _channelOf(nodeId, modelId, claim);
        bytes32 keyNode;
        uint64 settledAt;
        (keyNode, settledAt, found.reason) = inferenceRegistry.settledReceipt(
            batch,
            _receiptOf(found.channelId, modelId, batch, claim),
            claim.index,
            proof
        );
        (found.settler, found.epoch) = (_settlerOf(batch), FeeEpochs.at(settledAt));
        if (found.reason != Reason.None) found.refusal = Refusal.NotVerified;
        else if (keyNode != nodeId) found.refusal = Refusal.OtherNode;
        else _examine(found, nodeId, batch.mode, claim);
    }

    /// @dev What the registry says of a group's receipts; the rest is for {_examine}, one after the other, as one
    /// claim changes what the next may find.
    function _findMany(ClaimGroup calldata group) private view returns (Finding[] memory found, bytes32 nodeId) {
        uint256 length = group.claims.length;
        found = new Finding[](length);
        Receipt[] memory receipts = new Receipt[](length);
        uint32[] memory indices = new uint32[](length);
        for (uint256 i = 0; i < length; ++i) {
            Claim calldata claim = group.claims[i];
            found[i].channelId = _channelOf(group.nodeId, group.modelId, claim);
            receipts[i] = _receiptOf(found[i].channelId, group.modelId, group.batch, claim);
            indices[i] = claim.index;
        }
        address settler = _settlerOf(group.batch);
        uint64[] memory settledAts;
        Reason[] memory reasons;
        (nodeId, settledAts, reasons) = inferenceRegistry.settledReceipts(group.batch, receipts, indices, group.proof);
        for (uint256 i = 0; i < length; ++i) {
            Finding memory each = found[i];
            (each.settler, each.epoch, each.reason) = (settler, FeeEpochs.at(settledAts[i]), reasons[i]);
            if (each.reason != Reason.None) each.refusal = Refusal.NotVerified;
        }
    }

    function _channelOf(bytes32 nodeId, bytes32 modelId, Claim calldata claim) private view returns (bytes32) {
        return
            VoucherLib.channelId(
                address(this),
                claim.payer,
                claim.signer,
                nodeId,
                modelId,
                claim.modeMask,
                claim.lane
            );
    }

    /// @dev The receipt that answers this voucher: its request id is recomputed (R5), its input is the voucher's.
    function _receiptOf(
        bytes32 channelId,
        bytes32 modelId,
        Batch calldata batch,
        Claim calldata claim
    ) private pure returns (Receipt memory) {
        return
            Receipt({
                requestId: ReceiptLib.channelRequestId(channelId, claim.sequence),
                modelId: modelId,
                inputHash: claim.inputHash,
                outputHash: claim.outputHash,
                outputScheme: claim.outputScheme,
                contextHash: claim.contextHash,
                keyId: batch.keyId,
                payer: claim.payer,
                sequence: claim.sequence,
                cumulativeFee: claim.cumulativeFee,
                completedAt: claim.completedAt,
                mode: batch.mode
            });
    }

    /// @dev What a claim on a verified receipt is paid, by what the payer signed and by what is left (R7).
    function _examine(Finding memory found, bytes32 nodeId, uint8 mode, Claim calldata claim) private view {
        if (claim.sequence == 0) {
            found.refusal = Refusal.WrongSequence;
            return;
        }
        if (claim.modeMask & (1 << mode) == 0) {
            found.refusal = Refusal.ModeNotAllowed;
            return;
        }
        bytes32 hash = VoucherLib.voucherHash(found.channelId, claim.sequence, claim.inputHash, claim.maxCumulative);
        bytes32 digest = ReceiptLib.digest(_domainSeparatorV4(), hash);
        (address recovered, , ) = ECDSA.tryRecover(digest, claim.r, claim.vs);
        if (recovered == address(0) || recovered != claim.signer) {
            found.refusal = Refusal.BadVoucher;
            return;
        }
        _measure(found, nodeId, claim);
    }

    function _measure(Finding memory found, bytes32 nodeId, Claim calldata claim) private view {
        Session memory own = _sessions[found.channelId];
        uint256 paid = own.paid;
        uint256 due = claim.maxCumulative < claim.cumulativeFee ? claim.maxCumulative : claim.cumulativeFee;
        // More than all there is cannot be paid anyway.
        if (due > type(uint96).max) due = type(uint96).max;
        if (due <= paid) {
            found.refusal = Refusal.NothingDue;
            return;
        }
        if (claim.signer != claim.payer) {
            uint256 limit = own.limit;
            if (limit == 0) found.refusal = Refusal.NotOpened;
            else if (claim.completedAt > own.expiry) found.refusal = Refusal.SessionExpired;
            else if (limit <= paid) found.refusal = Refusal.LimitReached;
            if (found.refusal != Refusal.None) return;
            if (due > limit) due = limit;
        }
        uint256 balance = _accounts[claim.payer][nodeId].balance;
        unchecked {
            uint256 amount = due - paid;
            if (amount > balance) amount = balance;
            if (amount == 0) found.refusal = Refusal.EscrowEmpty;
            (found.amount, found.paid, found.balance) = (amount, paid + amount, balance - amount);
        }
    }

    function _pay(Finding memory found, bytes32 nodeId, bytes32 modelId, Claim calldata claim) private {
        // A payer's own channel was never opened: indexers learn here what it is.
        if (found.paid == found.amount && claim.signer == claim.payer)
            emit ChannelOpened(
                found.channelId,
                claim.payer,
                nodeId,
                claim.signer,
                modelId,
                claim.modeMask,
                claim.lane,
                type(uint96).max,
                type(uint40).max
            );
        _sessions[found.channelId].paid = uint96(found.paid);
        _accounts[claim.payer][nodeId].balance = uint96(found.balance);
        emit Collected(
            found.channelId,
            claim.sequence,
            found.amount,
            found.paid,
            found.balance,
            found.settler,
            found.epoch,
            found.fees
        );
    }
}
