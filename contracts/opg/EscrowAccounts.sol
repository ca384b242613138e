// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IFeeSplitter} from "../interfaces/IFeeSplitter.sol";
import {IInferenceEscrow} from "../interfaces/IInferenceEscrow.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IOPGToken} from "../interfaces/IOPGToken.sol";

/// @title EscrowAccounts
/// @notice How money comes into the escrow, back to its payer, and on to the splitter. See {IInferenceEscrow}.
abstract contract EscrowAccounts is ReentrancyGuardTransient, IInferenceEscrow {
    /// @inheritdoc IInferenceEscrow
    uint256 public constant THAW = 14 days;

    /// @dev Most that is held, and that a channel ever pays: all of OPG fits.
    uint256 internal constant MAX_AMOUNT = 2 ** 90 - 1;

    /// @dev One slot, so that collecting pays for one.
    struct Account {
        uint96 balance;
        uint96 thawing;
        uint40 readyAt;
    }

    /// @inheritdoc IInferenceEscrow
    IERC20 public immutable token;
    /// @inheritdoc IInferenceEscrow
    INodeRegistry public immutable nodeRegistry;
    /// @inheritdoc IInferenceEscrow
    IFeeSplitter public immutable feeSplitter;

    mapping(address payer => mapping(bytes32 nodeId => Account)) internal _accounts;
    /// @dev keccak256(abi.encode(nodeId, modelId, settler, epoch)) → what was collected and not forwarded.
    mapping(bytes32 feeKey => uint256) internal _fees;

    constructor(IERC20 token_, INodeRegistry nodes, IFeeSplitter splitter) {
        if (address(token_) == address(0) || address(nodes) == address(0) || address(splitter) == address(0))
            revert InferenceEscrow_ZeroAddress();
        token = token_;
        nodeRegistry = nodes;
        feeSplitter = splitter;
    }

    // ---------------------------------------------------------------------------------------------- coming in

    /// @inheritdoc IInferenceEscrow
    function deposit(address payer, bytes32 nodeId, uint256 amount) external nonReentrant {
        _pull(payer, nodeId, amount);
    }

    /// @inheritdoc IInferenceEscrow
    function depositWithPermit(
        address payer,
        bytes32 nodeId,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        // Whoever saw the permit may have used it before: then the allowance is there, and what counts is the transfer.
        // solhint-disable-next-line no-empty-blocks
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _pull(payer, nodeId, amount);
    }

    /// @inheritdoc IInferenceEscrow
    function depositWithAuthorization(
        address from,
        address payer,
        bytes32 nodeId,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 salt,
        bytes calldata signature
    ) external nonReentrant {
        uint256 before = _admit(payer, nodeId, amount);
        bytes32 nonce = authorizationNonce(payer, nodeId, salt);
        IOPGToken(address(token)).receiveWithAuthorization(
            from,
            address(this),
            amount,
            validAfter,
            validBefore,
            nonce,
            signature
        );
        _take(payer, nodeId, from, amount, before);
    }

    /// @inheritdoc IInferenceEscrow
    function authorizationNonce(address payer, bytes32 nodeId, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(payer, nodeId, salt));
    }

    function _pull(address payer, bytes32 nodeId, uint256 amount) private {
        uint256 before = _admit(payer, nodeId, amount);
        SafeERC20.safeTransferFrom(token, msg.sender, address(this), amount);
        _take(payer, nodeId, msg.sender, amount, before);
    }

    /// @dev Clear words at the door, and what is here before anything arrives.
    function _admit(address payer, bytes32 nodeId, uint256 amount) private view returns (uint256 before) {
        if (payer == address(0)) revert InferenceEscrow_ZeroPayer();
        if (amount == 0) revert InferenceEscrow_ZeroAmount();
        (, , INodeRegistry.NodeStatus status) = nodeRegistry.nodeStatus(nodeId);
        if (status == INodeRegistry.NodeStatus.None) revert InferenceEscrow_UnknownNode(nodeId);
        return token.balanceOf(address(this));
    }

    /// @dev As all that is held fits 90 bits, so does every part of it, wherever it moves in here.
    function _take(address payer, bytes32 nodeId, address from, uint256 amount, uint256 before) private {
        uint256 held = token.balanceOf(address(this));
        if (held != before + amount) revert InferenceEscrow_TokenTookFee(amount, held > before ? held - before : 0);
        if (held > MAX_AMOUNT) revert InferenceEscrow_TooMuch(held);
        emit Deposited(payer, nodeId, from, amount, _credit(payer, nodeId, amount));
    }

    /// @dev What comes is never part of what was asked back before.
    function _credit(address payer, bytes32 nodeId, uint256 amount) internal returns (uint256 balance) {
        Account storage own = _accounts[payer][nodeId];
        uint96 before = own.balance;
        if (own.thawing > before) own.thawing = before;
        balance = before + amount;
        own.balance = uint96(balance);
    }

    // ---------------------------------------------------------------------------------------------- going back

    /// @inheritdoc IInferenceEscrow
    function thaw(bytes32 nodeId, uint256 amount) external {
        Account storage own = _accounts[msg.sender][nodeId];
        if (amount > own.balance) revert InferenceEscrow_InsufficientBalance(own.balance, amount);
        own.thawing = uint96(amount);
        own.readyAt = uint40(block.timestamp + THAW);
        emit Thawing(msg.sender, nodeId, amount, block.timestamp + THAW);
    }

    /// @inheritdoc IInferenceEscrow
    function withdraw(bytes32 nodeId) external nonReentrant returns (uint256 amount) {
        Account storage own = _accounts[msg.sender][nodeId];
        amount = Math.min(own.thawing, own.balance);
        if (amount == 0) revert InferenceEscrow_NothingToWithdraw();
        if (block.timestamp < own.readyAt) revert InferenceEscrow_StillThawing(own.readyAt);
        own.thawing = 0;
        uint96 balance = own.balance - uint96(amount);
        own.balance = balance;
        emit Withdrawn(msg.sender, nodeId, amount, balance);
        SafeERC20.safeTransfer(token, msg.sender, amount);
    }

    /// @inheritdoc IInferenceEscrow
    function account(
        address payer,
        bytes32 nodeId
    ) external view returns (uint256 balance, uint256 thawing, uint256 readyAt) {
        Account storage own = _accounts[payer][nodeId];
        balance = own.balance;
        return (balance, Math.min(own.thawing, balance), own.readyAt);
    }

    // -------------------------------------------------------------------------------------------------- fees

    /// @inheritdoc IInferenceEscrow
    function forward(
        bytes32 nodeId,
        bytes32 modelId,
        address settler,
        uint256 epoch
    ) external nonReentrant returns (uint256 amount) {
        bytes32 key = _feeKey(nodeId, modelId, settler, epoch);
        amount = _fees[key];
        if (amount == 0) revert InferenceEscrow_NothingToForward();
        _fees[key] = 0;
        emit Forwarded(nodeId, modelId, settler, epoch, amount);

        uint256 before = token.balanceOf(address(this));
        SafeERC20.forceApprove(token, address(feeSplitter), amount);
        feeSplitter.pay(nodeId, modelId, settler, epoch, amount);
        uint256 held = token.balanceOf(address(this));
        if (held + amount != before)
            revert InferenceEscrow_SplitterTookOther(amount, before > held ? before - held : 0);
    }

    /// @inheritdoc IInferenceEscrow
    function fees(bytes32 nodeId, bytes32 modelId, address settler, uint256 epoch) external view returns (uint256) {
        return _fees[_feeKey(nodeId, modelId, settler, epoch)];
    }

    function _feeKey(bytes32 nodeId, bytes32 modelId, address settler, uint256 epoch) internal pure returns (bytes32) {
        return keccak256(abi.encode(nodeId, modelId, settler, epoch));
    }

    /// @dev Puts a fee with others of its kind.
    function _accrue(bytes32 nodeId, bytes32 modelId, address settler, uint256 epoch, uint256 amount) internal {
        bytes32 key = _feeKey(nodeId, modelId, settler, epoch);
        uint256 total = _fees[key] + amount;
        _fees[key] = total;
        emit FeesAccrued(nodeId, modelId, settler, epoch, amount, total);
    }
}
