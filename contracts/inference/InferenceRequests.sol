// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {FeeEpochs, IFeeSplitter} from "../interfaces/IFeeSplitter.sol";
import {IInferenceCallback, InferenceAnswer} from "../interfaces/IInferenceCallback.sol";
import {IInferenceRegistry} from "../interfaces/IInferenceRegistry.sol";
import {
    IInferenceRequests,
    InferenceRequest,
    Mismatch,
    RequestStatus,
    RequestTerms
} from "../interfaces/IInferenceRequests.sol";
import {IKeyRegistry, KeyState} from "../interfaces/IKeyRegistry.sol";
import {INodeLoad} from "../interfaces/INodeLoad.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {KeyKinds, Modes, Opening, Reason, Receipt} from "../interfaces/InferenceTypes.sol";
import {AnswerOutput} from "../verification/AnswerOutput.sol";
import {ReceiptLib} from "../verification/ReceiptLib.sol";
import {RequestAccounts} from "./RequestAccounts.sol";

/// @title InferenceRequests
/// @notice See {IInferenceRequests}, where every function, event and error is documented. Money is in {RequestAccounts}.
contract InferenceRequests is RequestAccounts {
    /// @inheritdoc IInferenceRequests
    uint256 public constant MAX_LIFE = 7 days;
    /// @inheritdoc IInferenceRequests
    uint256 public constant MAX_CALLBACK_GAS = 2_000_000;
    /// @inheritdoc IInferenceRequests
    uint256 public constant BOND_BPS = 1_000;
    /// @inheritdoc IInferenceRequests
    uint256 public constant BOND_FLOOR = 1e18;

    /// @dev The registry's longest pause.
    uint256 private constant MAX_PAUSE = 1 days;
    /// @dev What calling itself costs beside the gas that is handed over, with much to spare.
    uint256 private constant CALL_OVERHEAD = 10_000;
    uint256 private constant OPERATOR_KEY_MODES = (1 << Modes.VANILLA) | (1 << Modes.ZKML);
    uint256 private constant ENCLAVE_KEY_MODES = 1 << Modes.TEE;

    /// @inheritdoc IInferenceRequests
    IInferenceRegistry public immutable inferenceRegistry;
    /// @inheritdoc IInferenceRequests
    INodeRegistry public immutable nodeRegistry;
    /// @inheritdoc IInferenceRequests
    IKeyRegistry public immutable enclaveRegistry;

    /// @inheritdoc IInferenceRequests
    uint256 public requestCount;
    /// @inheritdoc INodeLoad
    mapping(bytes32 nodeId => mapping(bytes32 modelId => uint256)) public openRequests;
    /// @inheritdoc IInferenceRequests
    mapping(bytes32 requestId => bytes32 receiptId) public undelivered;

    mapping(bytes32 requestId => InferenceRequest) private _requests;

    constructor(
        IERC20 token_,
        IInferenceRegistry registry,
        INodeRegistry nodes,
        IKeyRegistry enclaves,
        IFeeSplitter splitter
    ) RequestAccounts(token_, splitter) {
        if (address(registry) == address(0) || address(nodes) == address(0) || address(enclaves) == address(0))
            revert InferenceRequests_ZeroAddress();
        inferenceRegistry = registry;
        nodeRegistry = nodes;
        enclaveRegistry = enclaves;
    }

    // --------------------------------------------------------------------------------------------------- asking

    /// @inheritdoc IInferenceRequests
    function request(
        RequestTerms calldata terms,
        bytes calldata pointer
    ) external nonReentrant returns (bytes32 requestId) {
        requestId = _open(terms);
        emit InputAt(requestId, pointer);
        _spend(terms.maxFee);
    }

    /// @inheritdoc IInferenceRequests
    function requestWithInput(
        RequestTerms calldata terms,
        bytes32 salt,
        bytes calldata input
    ) external nonReentrant returns (bytes32 requestId) {
        RequestTerms memory own = terms;
        own.inputHash = ReceiptLib.inputHash(salt, input);
        requestId = _open(own);
        emit InputGiven(requestId, salt, input);
        _spend(terms.maxFee);
    }

    /// @inheritdoc IInferenceRequests
    function cancel(bytes32 requestId) external nonReentrant {
        InferenceRequest storage own = _requests[requestId];
        _require(own, requestId, RequestStatus.Open);
        if (msg.sender != own.requester) revert InferenceRequests_NotRequester(own.requester, msg.sender);
        own.status = RequestStatus.Cancelled;
        uint256 refund = own.maxFee;
        emit Cancelled(requestId, refund);
        _pay(msg.sender, refund);
    }

    /// @inheritdoc IInferenceRequests
    function timeOut(bytes32 requestId) external nonReentrant {
        InferenceRequest storage own = _requests[requestId];
        bool accepted = own.status == RequestStatus.Accepted;
        if (!accepted) _require(own, requestId, RequestStatus.Open);
        // Nobody was kept from answering what nobody had accepted: without acceptance a pause adds nothing.
        uint256 last = accepted ? _deadlineOf(own) : own.deadline;
        if (block.timestamp <= last) revert InferenceRequests_NotTimedOut(last);

        own.status = RequestStatus.TimedOut;
        (address requester, uint256 refund) = (own.requester, own.maxFee);
        uint256 penalty = accepted ? bondOf(refund) : 0;
        (bytes32 nodeId, uint256 load) = accepted ? _unload(own) : (bytes32(0), uint256(0));
        emit TimedOut(requestId, nodeId, refund + penalty, penalty, load);
        _pay(requester, refund + penalty);
    }

    function _open(RequestTerms memory terms) private returns (bytes32 requestId) {
        if (terms.maxFee == 0) revert InferenceRequests_ZeroAmount();
        if (terms.modeMask == 0 || terms.modeMask > Modes.ALL) revert InferenceRequests_BadModes(terms.modeMask);
        if (terms.deadline <= block.timestamp || terms.deadline > block.timestamp + MAX_LIFE)
            revert InferenceRequests_BadDeadline(terms.deadline);
        _requireBeforeClosing(terms.deadline);
        uint256 callbackGas = terms.callbackGas;
        if (callbackGas > MAX_CALLBACK_GAS || (callbackGas != 0 && msg.sender.code.length == 0))
            revert InferenceRequests_BadCallback(callbackGas);
        if (terms.nodeId != 0) {
            (, , INodeRegistry.NodeStatus status) = nodeRegistry.nodeStatus(terms.nodeId);
            if (status == INodeRegistry.NodeStatus.None) revert InferenceRequests_UnknownNode(terms.nodeId);
        }

        requestId = ReceiptLib.onChainRequestId(address(this), requestCount++);
        _requests[requestId] = InferenceRequest({
            requester: msg.sender,
            maxFee: terms.maxFee,
            modelId: terms.modelId,
            inputHash: terms.inputHash,
            contextHash: terms.contextHash,
            // A node that is there is numbered from 1 on, in 40 bits.
            node: uint40(uint256(terms.nodeId)),
            deadline: terms.deadline,
            since: uint40(block.timestamp),
            callbackGas: terms.callbackGas,
            modeMask: terms.modeMask,
            status: RequestStatus.Open
        });
        emit Requested(requestId, msg.sender, terms.modelId, terms);
    }

    // ------------------------------------------------------------------------------------------------- answering

    /// @inheritdoc IInferenceRequests
    function accept(bytes32 requestId, bytes32 keyId, uint256 latest) external nonReentrant {
        InferenceRequest storage own = _requests[requestId];
        _require(own, requestId, RequestStatus.Open);
        uint256 last = Math.min(latest, own.deadline);
        if (block.timestamp > last) revert InferenceRequests_TooLate(last);
        _requireBeforeClosing(own.deadline);
        bytes32 modelId = own.modelId;
        (bytes32 nodeId, uint256 modes) = _liveKey(keyId);
        if (own.node != 0 && _nodeOf(own) != nodeId) revert InferenceRequests_OtherNode(_nodeOf(own), nodeId);
        address operator = _requireOperator(nodeId);
        uint256 load = openRequests[nodeId][modelId] + 1;
        _requireServes(nodeId, modelId, modes & own.modeMask, load);

        own.node = uint40(uint256(nodeId));
        own.since = uint40(block.timestamp);
        own.status = RequestStatus.Accepted;
        openRequests[nodeId][modelId] = load;
        uint256 bond = bondOf(own.maxFee);
        emit Accepted(requestId, nodeId, operator, keyId, bond, load);
        if (msg.sender == operator) {
            _spend(bond);
        } else {
            uint256 has = credit[operator];
            if (has < bond) revert InferenceRequests_CreditTooSmall(operator, has, bond);
            _debit(operator, has, bond);
        }
    }

    /// @inheritdoc IInferenceRequests
    function fulfil(
        bytes32 requestId,
        Opening calldata opening,
        bytes calldata output
    ) external returns (bool delivered) {
        InferenceAnswer memory answer = _fulfil(requestId, opening, output);
        // From here on nothing of the request can change, whatever the requester does.
        uint256 callbackGas = _requests[requestId].callbackGas;
        if (callbackGas == 0) return false;
        bytes memory call = abi.encodeCall(IInferenceCallback.onInference, (requestId, answer));
        delivered = _callBack(_requests[requestId].requester, callbackGas, call);
        if (delivered) {
            emit CallbackSucceeded(requestId);
        } else {
            undelivered[requestId] = answer.receiptId;
            emit CallbackFailed(requestId, answer.receiptId);
        }
    }

    /// @inheritdoc IInferenceRequests
    function retryCallback(bytes32 requestId, Opening calldata opening, bytes calldata output) external {
        InferenceRequest storage own = _requests[requestId];
        if (msg.sender != own.requester) revert InferenceRequests_NotRequester(own.requester, msg.sender);
        (, uint256 settledAt, Reason reason) = _settled(opening);
        if (reason != Reason.None) revert InferenceRequests_NotVerified(reason);
        InferenceAnswer memory answer = _answer(opening.receipt, settledAt, output);
        if (undelivered[requestId] != answer.receiptId) revert InferenceRequests_NothingToDeliver(requestId);

        undelivered[requestId] = 0;
        bytes memory call = abi.encodeCall(IInferenceCallback.onInference, (requestId, answer));
        // All there is, of which an EVM hands over 63 of 64 parts.
        if (!_call(msg.sender, gasleft(), call)) revert InferenceRequests_CallbackFailed(requestId);
        emit CallbackSucceeded(requestId);
    }

    /// @inheritdoc IInferenceRequests
    function excuse(bytes32 requestId, Opening calldata opening) external nonReentrant {
        InferenceRequest storage own = _requests[requestId];
        _requireInTime(own, requestId);
        address operator = _requireOperator(_nodeOf(own));
        Receipt calldata receipt = opening.receipt;
        _requireAnswer(requestId, own, receipt, _keyOf(receipt.keyId).nodeId);
        (, , Reason reason) = _settled(opening);
        if (
            reason != Reason.KeyFrozen &&
            reason != Reason.ModelFrozen &&
            reason != Reason.VerifierFrozen &&
            reason != Reason.MeasurementFrozen
        ) revert InferenceRequests_NotVerified(reason);

        own.status = RequestStatus.Excused;
        (bytes32 nodeId, uint256 load) = _unload(own);
        uint256 refund = own.maxFee;
        uint256 bond = bondOf(refund);
        emit Excused(requestId, nodeId, reason, refund, bond, load);
        _credit(operator, bond);
        _pay(own.requester, refund);
    }

    /// @dev Everything but the callback, behind the guard.
    function _fulfil(
        bytes32 requestId,
        Opening calldata opening,
        bytes calldata output
    ) private nonReentrant returns (InferenceAnswer memory answer) {
        InferenceRequest storage own = _requests[requestId];
        _requireInTime(own, requestId);
        Receipt calldata receipt = opening.receipt;
        (bytes32 keyNode, uint256 settledAt, Reason reason) = _settled(opening);
        if (reason != Reason.None) revert InferenceRequests_NotVerified(reason);
        _requireAnswer(requestId, own, receipt, keyNode);
        answer = _answer(receipt, settledAt, output);

        own.status = RequestStatus.Fulfilled;
        (, uint256 load) = _unload(own);
        _divide(requestId, own, opening, answer, load);
    }

    /// @dev The fee to where fees wait, the rest to the requester, the bond to the operator.
    function _divide(
        bytes32 requestId,
        InferenceRequest storage own,
        Opening calldata opening,
        InferenceAnswer memory answer,
        uint256 load
    ) private {
        (bytes32 nodeId, uint256 fee, uint256 maxFee) = (_nodeOf(own), answer.receipt.cumulativeFee, own.maxFee);
        emit Fulfilled(requestId, nodeId, answer.receiptId, fee, maxFee - fee, load);
        address settler = opening.batch.count == 0 ? address(0) : opening.batch.settler;
        if (fee != 0) _accrue(nodeId, own.modelId, settler, FeeEpochs.at(answer.settledAt), fee);
        if (fee != maxFee) _credit(own.requester, maxFee - fee);
        (address operator, , ) = nodeRegistry.nodeStatus(nodeId);
        _credit(operator, bondOf(maxFee));
    }

    // -------------------------------------------------------------------------------------------------- reading

    /// @inheritdoc IInferenceRequests
    function inferenceRequest(bytes32 requestId) external view returns (InferenceRequest memory) {
        return _requests[requestId];
    }

    /// @inheritdoc IInferenceRequests
    function deadlineOf(bytes32 requestId) external view returns (uint256) {
        return _deadlineOf(_requests[requestId]);
    }

    /// @inheritdoc IInferenceRequests
    function bondOf(uint256 maxFee) public pure returns (uint256) {
        return Math.max(Math.ceilDiv(maxFee * BOND_BPS, 10_000), BOND_FLOOR);
    }

    // ------------------------------------------------------------------------------------------------- calling back

    function _callBack(address requester, uint256 callbackGas, bytes memory call) private returns (bool) {
        // An EVM hands over at most 63 of 64 parts of what is left. Whoever sends too little must not make the requester
        // fail for it: then the whole call reverts.
        if ((gasleft() * 63) / 64 < callbackGas + CALL_OVERHEAD)
            revert InferenceRequests_NotEnoughGas(gasleft(), callbackGas);
        return _call(requester, callbackGas, call);
    }

    /// @dev Copies nothing of what comes back, so that there is no bill for it.
    function _call(address target, uint256 gasLimit, bytes memory data) private returns (bool ok) {
        assembly ("memory-safe") {
            ok := call(gasLimit, target, 0, add(data, 0x20), mload(data), 0, 0)
        }
    }

    // ----------------------------------------------------------------------------------------------------- checks

    function _require(InferenceRequest storage own, bytes32 requestId, RequestStatus status) private view {
        if (own.status != status) revert InferenceRequests_WrongStatus(requestId, own.status);
    }

    /// @dev What cannot settle cannot be fulfilled, and whoever had accepted it would lose a bond for that. The closing
    /// may be announced after a request was asked, so this is asked again where it is accepted.
    function _requireBeforeClosing(uint256 deadline) private view {
        (, uint256 closesAt) = inferenceRegistry.settlementStatus();
        if (closesAt != 0 && deadline >= closesAt) revert InferenceRequests_BadDeadline(deadline);
    }

    function _requireInTime(InferenceRequest storage own, bytes32 requestId) private view {
        _require(own, requestId, RequestStatus.Accepted);
        uint256 last = _deadlineOf(own);
        if (block.timestamp > last) revert InferenceRequests_TooLate(last);
    }

    /// @dev The operator of a node, if it or an agent of it calls.
    function _requireOperator(bytes32 nodeId) private view returns (address operator) {
        (operator, , ) = nodeRegistry.nodeStatus(nodeId);
        if (msg.sender != operator && !isAgent[operator][msg.sender])
            revert InferenceRequests_NotOperator(operator, msg.sender);
    }

    /// @dev That a node can answer: nobody keeps others from a request without stake, key and offer.
    /// @param modes Those that the request allows and the node's key has.
    /// @param load Requests for the model version that it would have.
    function _requireServes(bytes32 nodeId, bytes32 modelId, uint256 modes, uint256 load) private view {
        (, , INodeRegistry.NodeStatus status) = nodeRegistry.nodeStatus(nodeId);
        if (status != INodeRegistry.NodeStatus.Active) revert InferenceRequests_NodeNotActive(nodeId);
        if (!nodeRegistry.hasStake(nodeId)) revert InferenceRequests_StakeTooLow(nodeId);
        // Only kinds that serve have offers.
        INodeRegistry.Offer memory offer = nodeRegistry.offer(nodeId, modelId);
        if (offer.modes & modes == 0) revert InferenceRequests_NotOffered(nodeId, modelId);
        if (load > offer.capacity) revert InferenceRequests_AtCapacity(nodeId, offer.capacity);
    }

    /// @dev Node and modes of a key that can sign now.
    function _liveKey(bytes32 keyId) private view returns (bytes32 nodeId, uint256 modes) {
        KeyState memory key = _keyOf(keyId);
        // A key that is not registered was valid until 0.
        if (
            block.timestamp > key.validUntil ||
            block.timestamp >= key.distrustedFrom ||
            block.timestamp < key.frozenUntil
        ) revert InferenceRequests_KeyNotLive(keyId);
        if (key.kind == KeyKinds.OPERATOR) return (key.nodeId, OPERATOR_KEY_MODES);
        // A gateway's RSA key can sign no receipt.
        return (key.nodeId, key.kind == KeyKinds.ENCLAVE_SECP256K1 ? ENCLAVE_KEY_MODES : 0);
    }

    /// @dev The kind is part of a key's id, so only one of the two registries can know it.
    function _keyOf(bytes32 keyId) private view returns (KeyState memory key) {
        key = nodeRegistry.keyState(keyId);
        if (key.validFrom == 0) key = enclaveRegistry.keyState(keyId);
    }

    function _settled(
        Opening calldata opening
    ) private view returns (bytes32 keyNode, uint256 settledAt, Reason reason) {
        return inferenceRegistry.settledReceipt(opening.batch, opening.receipt, opening.index, opening.proof);
    }

    function _requireAnswer(
        bytes32 requestId,
        InferenceRequest storage own,
        Receipt calldata receipt,
        bytes32 keyNode
    ) private view {
        Mismatch mismatch = _mismatch(requestId, own, receipt, keyNode);
        if (mismatch != Mismatch.None) revert InferenceRequests_WrongReceipt(mismatch);
    }

    function _mismatch(
        bytes32 requestId,
        InferenceRequest storage own,
        Receipt calldata receipt,
        bytes32 keyNode
    ) private view returns (Mismatch) {
        if (receipt.requestId != requestId) return Mismatch.Request;
        if (receipt.payer != own.requester) return Mismatch.Payer;
        if (receipt.modelId != own.modelId) return Mismatch.Model;
        if (receipt.inputHash != own.inputHash) return Mismatch.Input;
        if (receipt.contextHash != own.contextHash) return Mismatch.Context;
        if (receipt.sequence != 0) return Mismatch.Sequence;
        // A shift by a whole byte's worth is no mistake: nothing is left of the mask then.
        if ((uint256(own.modeMask) >> receipt.mode) & 1 == 0) return Mismatch.Mode;
        if (receipt.cumulativeFee > own.maxFee) return Mismatch.Fee;
        return keyNode == _nodeOf(own) ? Mismatch.None : Mismatch.Node;
    }

    /// @dev What the requester is called back with, if the output is the one that the receipt commits to.
    function _answer(
        Receipt calldata receipt,
        uint256 settledAt,
        bytes calldata output
    ) private view returns (InferenceAnswer memory) {
        if (!AnswerOutput.matches(receipt.outputScheme, receipt.outputHash, output))
            revert InferenceRequests_WrongOutput(receipt.outputHash);
        bytes32 receiptId = ReceiptLib.digest(inferenceRegistry.domainSeparator(), ReceiptLib.structHash(receipt));
        return InferenceAnswer(receiptId, uint64(settledAt), receipt, output);
    }

    /// @dev The node has one request less.
    function _unload(InferenceRequest storage own) private returns (bytes32 nodeId, uint256 load) {
        nodeId = _nodeOf(own);
        load = openRequests[nodeId][own.modelId] - 1;
        openRequests[nodeId][own.modelId] = load;
    }

    /// @dev See {IInferenceRequests-deadlineOf} for why the last pause is enough to know.
    function _deadlineOf(InferenceRequest storage own) private view returns (uint256 deadline) {
        deadline = own.deadline;
        if (own.status != RequestStatus.Accepted) return deadline;
        (uint256 pausedUntil, ) = inferenceRegistry.settlementStatus();
        // Over before it was accepted, or begun after it should have been fulfilled.
        if (pausedUntil <= own.since || pausedUntil >= deadline + MAX_PAUSE) return deadline;
        return deadline + Math.min(pausedUntil - own.since, MAX_PAUSE);
    }

    function _nodeOf(InferenceRequest storage own) private view returns (bytes32) {
        return bytes32(uint256(own.node));
    }
}
