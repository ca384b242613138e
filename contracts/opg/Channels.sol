// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {FeeEpochs} from "../interfaces/IFeeSplitter.sol";
import {Channel, Claim, ClaimGroup, IInferenceEscrow, Refusal} from "../interfaces/IInferenceEscrow.sol";
import {IInferenceRegistry} from "../interfaces/IInferenceRegistry.sol";
import {Batch, Modes, Reason} from "../interfaces/InferenceTypes.sol";
import {ReceiptLib} from "../verification/ReceiptLib.sol";
import {VoucherLib} from "../verification/VoucherLib.sol";
import {ClaimCalls} from "./ClaimCalls.sol";
import {ClaimWords} from "./ClaimWords.sol";
import {EscrowAccounts} from "./EscrowAccounts.sol";

/// @title Channels
/// @notice Payment of vouchers against verified receipts. See {IInferenceEscrow}.
/// @dev Collecting calls nobody but the registry, by static calls: there is nothing to re-enter from.
abstract contract Channels is EscrowAccounts, EIP712 {
    /// @dev Two slots, of which collecting reads the second where a session signer signs, and where the settler or the
    /// epoch of what waits changes. `settler` and the epoch are those of what is owed; the limit is 0 where the payer
    /// signs itself, and where a session was withdrawn without having been opened.
    ///
    /// `state` holds, from the lowest bit: paid 90 ‖ owed 70 ‖ epoch 16 ‖ tail 80. The tail is the expiry of a session
    /// signer's channel; where the payer signs itself it is a tag of the settler, {_tagOf}, which tells at the price of
    /// one slot whether a fee may wait with those before it. Money never goes by a tag: it goes to the address in
    /// `settler`. What somebody could win by another address with the same tag is the settler's 1 % of what another
    /// one's batches are collected for alone, in that one channel and until the epoch ends, if a batch of its own was
    /// collected there first. For that it needs a second preimage of 80 bits, 2^80 hashes for each channel, since the
    /// channel is hashed too: no search serves two of them. A pair of addresses of the same tag takes 2^40, and whoever
    /// makes one is both its settlers. The epoch is no part of the tag, or such a pair would choose the rates of another.
    struct Session {
        uint256 state;
        address settler;
        uint96 limit;
    }

    uint256 private constant OWED_AT = 90;
    uint256 private constant EPOCH_AT = 160;
    uint256 private constant TAIL_AT = 176;
    /// @dev Most that waits in a channel, 1,180 of a token with 18 decimals.
    uint256 private constant MAX_OWED = 2 ** 70 - 1;

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
        uint256 state = own.state;
        uint256 expiry = state >> TAIL_AT;
        if (expiry != 0 && expiry <= ends) revert InferenceEscrow_AlreadyWithdrawn(expiry);
        own.state = uint176(state) | (uint256(ends) << TAIL_AT);
        emit SignerWithdrawn(id, ends);
    }

    /// @inheritdoc IInferenceEscrow
    function session(
        bytes32 channelId
    ) external view returns (uint256 paid, uint256 owed, uint256 limit, uint256 expiry) {
        Session storage own = _sessions[channelId];
        uint256 state = own.state;
        (paid, owed, limit) = (state & MAX_AMOUNT, _owedOf(state), own.limit);
        // What paid without a limit is a payer's own channel: its tail is no expiry.
        if (paid == 0 || limit != 0) expiry = state >> TAIL_AT;
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
        if (own.state != 0) revert InferenceEscrow_AlreadyOpened(id);
        (own.limit, own.state) = (limit, uint256(expiry) << TAIL_AT);
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

    /// @dev What is known of a claim once it was looked at. Fields of claims are read by their width:
    /// `ClaimCalls.channelOf` has refused claims with bits beyond them.
    /// @param domain Separator of vouchers.
    /// @param nodeId As the channel has it; `keyNode` as the registry has it.
    /// @param ownKey Whether the payer signs itself.
    /// @param session The session's `state` before anything is paid.
    /// @param sessionSlot Where that is kept.
    /// @param account The payer's account, the same.
    /// @param accountSlot Where that is kept.
    struct Finding {
        bytes32 domain;
        bytes32 channelId;
        bytes32 nodeId;
        bytes32 keyNode;
        bytes32 modelId;
        uint256 amount;
        bool ownKey;
        uint256 session;
        uint256 sessionSlot;
        uint256 account;
        uint256 accountSlot;
    }

    /// @inheritdoc IInferenceEscrow
    function collect(
        Batch calldata batch,
        bytes32 nodeId,
        bytes32 modelId,
        Claim calldata claim,
        bytes32[] calldata proof
    ) external returns (uint256 amount) {
        (Finding memory found, Refusal refusal, Reason reason, uint256 settledAt) = _find(
            batch,
            nodeId,
            modelId,
            claim,
            proof
        );
        if (refusal != Refusal.None) revert InferenceEscrow_Refused(refusal, reason);
        _owe(found, _settlerOf(batch), FeeEpochs.at(settledAt));
        _pay(found, claim);
        return found.amount;
    }

    /// @inheritdoc IInferenceEscrow
    function collectable(
        Batch calldata batch,
        bytes32 nodeId,
        bytes32 modelId,
        Claim calldata claim,
        bytes32[] calldata proof
    ) external view returns (uint256 amount, Refusal refusal, Reason reason) {
        Finding memory found;
        (found, refusal, reason, ) = _find(batch, nodeId, modelId, claim, proof);
        if (refusal == Refusal.None) amount = found.amount;
    }

    /// @inheritdoc IInferenceEscrow
    function collectBatch(ClaimGroup[] calldata groups) external returns (uint256 amount) {
        for (uint256 i = 0; i < groups.length; ++i) {
            if (groups[i].claims.length != 0) amount += _collectGroup(groups[i], i);
        }
    }

    /// @inheritdoc IInferenceEscrow
    function release(Channel[] calldata channels) external returns (uint256 amount) {
        for (uint256 i = 0; i < channels.length; ++i) {
            Channel calldata channel = channels[i];
            bytes32 id = channelIdOf(channel);
            Session storage own = _sessions[id];
            uint256 state = own.state;
            uint256 owed = _owedOf(state);
            if (owed == 0) continue;
            own.state = state - (owed << OWED_AT);
            amount += owed;
            _moveOn(id, channel.nodeId, channel.modelId, own.settler, state);
        }
    }

    /// @dev Puts what waits in a channel with other fees of its kind.
    function _moveOn(bytes32 id, bytes32 nodeId, bytes32 modelId, address settler, uint256 state) private {
        uint256 owed = _owedOf(state);
        emit Released(id, owed);
        _accrue(nodeId, modelId, settler, uint16(state >> EPOCH_AT), owed);
    }

    function _collectGroup(ClaimGroup calldata group, uint256 place) private returns (uint256 amount) {
        Finding memory found;
        (bytes32[] memory channels, uint256[] memory settledAts, uint256[] memory reasons) = _findMany(group, found);
        // All of a batch settled at once: its fees are written once. Receipts that settled alone may differ in epoch.
        uint256 settledAt = 0;
        uint256 run = 0;
        Claim calldata claim = _firstOf(group);
        for (uint256 i = 0; i < channels.length; ++i) {
            found.channelId = channels[i];
            Refusal refusal = _judge(found, reasons[i], group.batch, claim);
            if (refusal == Refusal.None) {
                if (settledAts[i] != settledAt) {
                    if (FeeEpochs.at(settledAts[i]) != FeeEpochs.at(settledAt)) {
                        amount += _accrueGroup(group, settledAt, run);
                        run = 0;
                    }
                    settledAt = settledAts[i];
                }
                run += found.amount;
                _pay(found, claim);
            } else {
                emit ClaimSkipped(place, i, refusal, Reason(reasons[i]));
            }
            claim = _after(claim);
        }
        amount += _accrueGroup(group, settledAt, run);
    }

    function _firstOf(ClaimGroup calldata group) private pure returns (Claim calldata claim) {
        Claim[] calldata claims = group.claims;
        assembly ("memory-safe") {
            claim := claims.offset
        }
    }

    /// @dev The claim behind this one, in an array that is known to have it or not to be read there.
    function _after(Claim calldata claim) private pure returns (Claim calldata next) {
        assembly ("memory-safe") {
            next := add(claim, 0x120)
        }
    }

    function _accrueGroup(ClaimGroup calldata group, uint256 settledAt, uint256 amount) private returns (uint256) {
        if (amount != 0) _accrue(group.nodeId, group.modelId, _settlerOf(group.batch), FeeEpochs.at(settledAt), amount);
        return amount;
    }

    /// @dev A receipt that settled alone has no settler, whatever the batch that stands for it says. The registry was
    /// asked about this batch: it takes none with bits beyond a field's type.
    function _settlerOf(Batch calldata batch) internal pure returns (address settler) {
        assembly ("memory-safe") {
            settler := mul(calldataload(add(batch, 0xa0)), iszero(iszero(calldataload(add(batch, 0x60)))))
        }
    }

    function _find(
        Batch calldata batch,
        bytes32 nodeId,
        bytes32 modelId,
        Claim calldata claim,
        bytes32[] calldata proof
    ) private view returns (Finding memory found, Refusal refusal, Reason reason, uint256 settledAt) {
        (found.domain, found.nodeId, found.modelId) = (_domainSeparatorV4(), nodeId, modelId);
        found.channelId = ClaimCalls.channelOf(address(this), nodeId, modelId, claim);
        uint256 answer = ClaimCalls.settledReceipt(inferenceRegistry, batch, modelId, found.channelId, claim, proof);
        (found.keyNode, settledAt, reason) = ClaimCalls.read(answer);
        refusal = _judge(found, uint256(reason), batch, claim);
    }

    /// @dev What the registry says of a group's receipts; the rest is for {_judge}, one after the other, as one claim
    /// changes what the next may find.
    function _findMany(
        ClaimGroup calldata group,
        Finding memory found
    ) private view returns (bytes32[] memory channels, uint256[] memory settledAts, uint256[] memory reasons) {
        (bytes32 nodeId, bytes32 modelId) = (group.nodeId, group.modelId);
        (found.domain, found.nodeId, found.modelId) = (_domainSeparatorV4(), nodeId, modelId);
        channels = new bytes32[](group.claims.length);
        Claim calldata claim = _firstOf(group);
        for (uint256 i = 0; i < channels.length; ++i) {
            channels[i] = ClaimCalls.channelOf(address(this), nodeId, modelId, claim);
            claim = _after(claim);
        }
        (found.keyNode, settledAts, reasons) = ClaimCalls.settledReceipts(inferenceRegistry, group, channels);
    }

    /// @dev What a claim on a receipt is paid, by what the payer signed and by what is left (R7).
    function _judge(
        Finding memory found,
        uint256 reason,
        Batch calldata batch,
        Claim calldata claim
    ) private view returns (Refusal) {
        if (reason != uint256(Reason.None)) return Refusal.NotVerified;
        if (found.keyNode != found.nodeId) return Refusal.OtherNode;
        uint256 mode;
        assembly ("memory-safe") {
            mode := calldataload(add(batch, 0x20))
        }
        (uint256 payer, uint256 signer) = (claim.payer, claim.signer);
        uint256 sequence = uint64(payer >> ClaimWords.SEQUENCE);
        if (sequence == 0) return Refusal.WrongSequence;
        if (((signer >> ClaimWords.MODE_MASK) >> mode) & 1 == 0) return Refusal.ModeNotAllowed;
        payer = uint160(payer);
        signer = uint160(signer);
        if (signer == 0) signer = payer;
        if (_signerOf(found, sequence, claim) != signer || signer == 0) return Refusal.BadVoucher;
        return _measure(found, claim, payer, signer == payer);
    }

    /// @dev Zero for nobody.
    function _signerOf(Finding memory found, uint256 sequence, Claim calldata claim) private view returns (uint256) {
        bytes32 hash = VoucherLib.voucherHash(
            found.channelId,
            uint64(sequence),
            claim.inputHash,
            uint128(claim.fees >> ClaimWords.MAX_CUMULATIVE)
        );
        return uint160(VoucherLib.recover(ReceiptLib.digest(found.domain, hash), claim.r, claim.vs));
    }

    function _measure(
        Finding memory found,
        Claim calldata claim,
        uint256 payer,
        bool isPayer
    ) private view returns (Refusal) {
        // The lesser of maxCumulative and cumulativeFee. More than all there is cannot be paid anyway.
        uint256 due = claim.fees >> ClaimWords.MAX_CUMULATIVE;
        uint256 fee = uint128(claim.fees);
        if (fee < due) due = fee;
        if (due > MAX_AMOUNT) due = MAX_AMOUNT;
        (uint256 slot, uint256 word) = _read(_sessions[found.channelId]);
        (found.ownKey, found.sessionSlot, found.session) = (isPayer, slot, word);
        uint256 paid = word & MAX_AMOUNT;
        if (due <= paid) return Refusal.NothingDue;
        if (!isPayer) {
            uint256 limit = _at(slot).limit;
            if (limit == 0) return Refusal.NotOpened;
            if (uint64(claim.answer) > word >> TAIL_AT) return Refusal.SessionExpired;
            if (limit <= paid) return Refusal.LimitReached;
            if (due > limit) due = limit;
        }
        slot = _accountSlot(payer, found.nodeId);
        assembly ("memory-safe") {
            word := sload(slot)
        }
        (found.account, found.accountSlot) = (word, slot);
        unchecked {
            uint256 amount = due - paid;
            if (amount > uint96(word)) amount = uint96(word);
            found.amount = amount;
            return amount == 0 ? Refusal.EscrowEmpty : Refusal.None;
        }
    }

    /// @dev Lets a fee wait in the channel. What waits there is of one settler and one epoch, and no more than
    /// `MAX_OWED`: what cannot stay with this fee goes on before it, and a fee that is larger alone goes on at once.
    function _owe(Finding memory found, address settler, uint256 epoch) private {
        (uint256 state, uint256 amount) = (found.session, found.amount);
        Session storage own = _at(found.sessionSlot);
        // The epoch, and the tail above it.
        uint256 top = found.ownKey ? _tagOf(found.channelId, settler) : state >> TAIL_AT;
        top = (top << (TAIL_AT - EPOCH_AT)) | epoch;
        uint256 owed = (state >> OWED_AT) & MAX_OWED;
        if (state >> EPOCH_AT == top && (found.ownKey || own.settler == settler)) {
            unchecked {
                if (owed + amount <= MAX_OWED) {
                    found.session = state + (amount << OWED_AT);
                    return;
                }
            }
        }
        if (owed != 0) _moveOn(found.channelId, found.nodeId, found.modelId, own.settler, state);
        own.settler = settler;
        if (amount > MAX_OWED) {
            _accrue(found.nodeId, found.modelId, settler, epoch, amount);
            amount = 0;
        }
        found.session = (state & MAX_AMOUNT) | (amount << OWED_AT) | (top << EPOCH_AT);
    }

    /// @dev Neither addition nor subtraction leaves its field: the channel pays at most the largest number of 90 bits,
    /// the account at most its balance.
    function _pay(Finding memory found, Claim calldata claim) private {
        uint256 amount = found.amount;
        (uint256 word, uint256 slot) = (found.session, found.sessionSlot);
        assembly ("memory-safe") {
            word := add(word, amount)
            sstore(slot, word)
        }
        uint256 purse = found.account;
        slot = found.accountSlot;
        assembly ("memory-safe") {
            purse := sub(purse, amount)
            sstore(slot, purse)
        }
        // A payer's own channel was never opened: indexers learn here what it is.
        if (word & MAX_AMOUNT == amount) _announce(found, claim);
        _tell(found.channelId, claim.payer, amount, word, purse);
    }

    /// @dev Emits `Collected` from words of claim, session and account: a word of data costs as much as ten operations.
    function _tell(bytes32 channelId, uint256 payer, uint256 amount, uint256 state, uint256 purse) private {
        bytes32 topic = Collected.selector;
        uint256 paid = state & MAX_AMOUNT;
        uint256 owed = (state >> OWED_AT) & MAX_OWED;
        assembly ("memory-safe") {
            // The sequence, from bit 160 on, with nothing of the index above it.
            mstore(0x00, or(shl(192, shr(160, payer)), or(shl(96, amount), paid)))
            mstore(0x20, or(shl(96, owed), shr(160, shl(160, purse))))
            log2(0x00, 0x40, topic, channelId)
        }
    }

    function _announce(Finding memory found, Claim calldata claim) private {
        uint256 word = claim.signer;
        address payer = address(uint160(claim.payer));
        address signer = address(uint160(word));
        if (signer != payer && signer != address(0)) return;
        emit ChannelOpened(
            found.channelId,
            payer,
            found.nodeId,
            payer,
            found.modelId,
            uint8(word >> ClaimWords.MODE_MASK),
            uint64(word >> ClaimWords.LANE),
            type(uint96).max,
            type(uint40).max
        );
    }

    /// @dev Of `_accounts[payer][nodeId]`.
    function _accountSlot(uint256 payer, bytes32 nodeId) private pure returns (uint256 slot) {
        assembly ("memory-safe") {
            mstore(0x00, payer)
            mstore(0x20, _accounts.slot)
            mstore(0x20, keccak256(0x00, 0x40))
            mstore(0x00, nodeId)
            slot := keccak256(0x00, 0x40)
        }
    }

    function _at(uint256 slot) private pure returns (Session storage own) {
        assembly ("memory-safe") {
            own.slot := slot
        }
    }

    function _owedOf(uint256 state) private pure returns (uint256) {
        return (state >> OWED_AT) & MAX_OWED;
    }

    /// @dev What stands for a settler in a payer's own channel; see `Session`.
    function _tagOf(bytes32 channelId, address settler) private pure returns (uint256 tag) {
        assembly ("memory-safe") {
            mstore(0x00, channelId)
            mstore(0x20, settler)
            tag := shr(TAIL_AT, keccak256(0x00, 0x40))
        }
    }

    function _read(Session storage own) private view returns (uint256 slot, uint256 word) {
        assembly ("memory-safe") {
            slot := own.slot
            word := sload(slot)
        }
    }
}
