// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FeeEpochs, IFeeSplitter} from "../interfaces/IFeeSplitter.sol";
import {IInferenceEscrow, Refusal, Reservation} from "../interfaces/IInferenceEscrow.sol";
import {IInferenceRegistry} from "../interfaces/IInferenceRegistry.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {Batch, Modes, Opening, Reason, Receipt} from "../interfaces/InferenceTypes.sol";
import {ReceiptLib} from "../verification/ReceiptLib.sol";
import {Channels} from "./Channels.sol";
import {EscrowAccounts} from "./EscrowAccounts.sol";

/// @title InferenceEscrow
/// @notice See {IInferenceEscrow}, where every function, event and error is documented. Balances and fees are in
/// {EscrowAccounts}, channels in {Channels}, reservations for requests that contracts ask on chain are here.
contract InferenceEscrow is Channels {
    /// @inheritdoc IInferenceEscrow
    uint256 public constant MIN_RESERVATION = 10 minutes;
    /// @inheritdoc IInferenceEscrow
    uint256 public constant MAX_RESERVATION = 30 days;

    /// @inheritdoc IInferenceEscrow
    mapping(address payer => mapping(address reserver => uint256)) public reserverAllowance;

    /// @dev A reservation that ended keeps its payer: its request is never reserved for again (R9).
    mapping(bytes32 requestId => Reservation) private _reservations;

    constructor(
        IERC20 token_,
        IInferenceRegistry registry,
        INodeRegistry nodes,
        IFeeSplitter splitter
    ) EscrowAccounts(token_, nodes, splitter) Channels(registry) {}

    /// @inheritdoc IInferenceEscrow
    function approveReserver(address reserver, uint256 allowance) external {
        reserverAllowance[msg.sender][reserver] = allowance;
        emit ReserverApproved(msg.sender, reserver, allowance);
    }

    /// @inheritdoc IInferenceEscrow
    function reserve(uint256 counter, Reservation calldata terms) external returns (bytes32 requestId) {
        (address payer, uint96 amount, uint8 modeMask) = (terms.payer, terms.amount, terms.modeMask);
        if (amount == 0) revert InferenceEscrow_ZeroAmount();
        if (
            modeMask == 0 ||
            modeMask > Modes.ALL ||
            terms.expiry < block.timestamp + MIN_RESERVATION ||
            terms.expiry > block.timestamp + MAX_RESERVATION
        ) revert InferenceEscrow_BadReservation();
        requestId = ReceiptLib.onChainRequestId(msg.sender, counter);
        if (_reservations[requestId].payer != address(0)) revert InferenceEscrow_AlreadyReserved(requestId);
        if (payer != msg.sender) _spendAllowance(payer, amount);

        Account storage own = _accounts[payer][terms.nodeId];
        if (amount > own.balance) revert InferenceEscrow_InsufficientBalance(own.balance, amount);
        uint96 balance = own.balance - amount;
        own.balance = balance;
        _reservations[requestId] = terms;
        emit Reserved(requestId, msg.sender, terms, balance);
    }

    /// @inheritdoc IInferenceEscrow
    function collectReserved(bytes32 requestId, Opening calldata opening) external returns (uint256 amount) {
        Reservation memory terms = _reservations[requestId];
        if (terms.amount == 0) revert InferenceEscrow_NotReserved(requestId);
        Batch calldata batch = opening.batch;
        Receipt calldata receipt = opening.receipt;
        (bytes32 keyNode, uint256 settledAt, Reason reason) = inferenceRegistry.settledReceipt(
            batch,
            receipt,
            opening.index,
            opening.proof
        );
        if (reason != Reason.None) revert InferenceEscrow_Refused(Refusal.NotVerified, reason);
        Refusal refusal = _mismatch(requestId, terms, receipt, keyNode);
        if (refusal != Refusal.None) revert InferenceEscrow_Refused(refusal, Reason.None);

        amount = receipt.cumulativeFee < terms.amount ? receipt.cumulativeFee : terms.amount;
        _payReserved(requestId, terms, amount, _settlerOf(batch), FeeEpochs.at(settledAt));
    }

    /// @inheritdoc IInferenceEscrow
    function returnReservation(bytes32 requestId) external returns (uint256 amount) {
        return _returnAfter(requestId, THAW);
    }

    /// @inheritdoc IInferenceEscrow
    function returnOwnReservation(uint256 counter) external returns (uint256 amount) {
        // Nobody else's number leads to this id: the reserver needs no storage to be known by.
        return _returnAfter(ReceiptLib.onChainRequestId(msg.sender, counter), 1);
    }

    /// @inheritdoc IInferenceEscrow
    function reservation(bytes32 requestId) external view returns (Reservation memory) {
        return _reservations[requestId];
    }

    function _spendAllowance(address payer, uint256 amount) private {
        uint256 allowance = reserverAllowance[payer][msg.sender];
        if (allowance < amount) revert InferenceEscrow_NotApproved(msg.sender, allowance, amount);
        if (allowance == type(uint256).max) return;
        reserverAllowance[payer][msg.sender] = allowance - amount;
        emit ReserverApproved(payer, msg.sender, allowance - amount);
    }

    /// @param wait Seconds after the last one in which the answer may be completed.
    function _returnAfter(bytes32 requestId, uint256 wait) private returns (uint256 amount) {
        Reservation storage terms = _reservations[requestId];
        amount = terms.amount;
        if (amount == 0) revert InferenceEscrow_NotReserved(requestId);
        uint256 returnsAt = terms.expiry + wait;
        if (block.timestamp < returnsAt) revert InferenceEscrow_StillReserved(returnsAt);
        terms.amount = 0;
        emit ReservationReturned(requestId, amount, _credit(terms.payer, terms.nodeId, amount));
    }

    function _payReserved(
        bytes32 requestId,
        Reservation memory terms,
        uint256 amount,
        address settler,
        uint256 epoch
    ) private {
        _reservations[requestId].amount = 0;
        uint256 rest = terms.amount - amount;
        uint256 balance = _credit(terms.payer, terms.nodeId, rest);
        emit ReservationCollected(requestId, amount, rest, balance);
        if (amount != 0) _accrue(terms.nodeId, terms.modelId, settler, epoch, amount);
    }

    /// @dev Whether a verified receipt answers another request than this one.
    function _mismatch(
        bytes32 requestId,
        Reservation memory terms,
        Receipt calldata receipt,
        bytes32 keyNode
    ) private pure returns (Refusal) {
        if (receipt.sequence != 0) return Refusal.WrongSequence;
        if (
            receipt.requestId != requestId ||
            receipt.payer != terms.payer ||
            receipt.modelId != terms.modelId ||
            receipt.inputHash != terms.inputHash
        ) return Refusal.OtherRequest;
        if (terms.modeMask & (1 << receipt.mode) == 0) return Refusal.ModeNotAllowed;
        if (receipt.completedAt > terms.expiry) return Refusal.SessionExpired;
        return keyNode == terms.nodeId ? Refusal.None : Refusal.OtherNode;
    }
}
