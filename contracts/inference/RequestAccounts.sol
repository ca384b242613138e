// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IFeeSplitter} from "../interfaces/IFeeSplitter.sol";
import {IInferenceRequests} from "../interfaces/IInferenceRequests.sol";

/// @title RequestAccounts
/// @notice The money of requests: what comes in, what is credited to whom, and fees on their way to the splitter. See
/// {IInferenceRequests}.
/// @dev Not the escrow's reservations: what those return is a balance for one node that leaves after 14 days, where a
/// request that nobody answers gives its fee back at once.
abstract contract RequestAccounts is ReentrancyGuardTransient, IInferenceRequests {
    using SafeERC20 for IERC20;

    /// @inheritdoc IInferenceRequests
    IERC20 public immutable token;
    /// @inheritdoc IInferenceRequests
    IFeeSplitter public immutable feeSplitter;

    /// @inheritdoc IInferenceRequests
    mapping(address account => uint256) public credit;
    /// @inheritdoc IInferenceRequests
    mapping(address operator => mapping(address agent => bool)) public isAgent;

    /// @dev How many agents an account has.
    mapping(address operator => uint256) private _agents;
    /// @dev keccak256(abi.encode(nodeId, modelId, settler, epoch)) → what answers cost and was not forwarded.
    mapping(bytes32 feeKey => uint256) private _fees;

    constructor(IERC20 token_, IFeeSplitter splitter) {
        if (address(token_) == address(0) || address(splitter) == address(0)) revert InferenceRequests_ZeroAddress();
        token = token_;
        feeSplitter = splitter;
    }

    /// @inheritdoc IInferenceRequests
    function setAgent(address agent, bool allowed) external {
        if (isAgent[msg.sender][agent] != allowed) {
            isAgent[msg.sender][agent] = allowed;
            if (allowed) ++_agents[msg.sender];
            else --_agents[msg.sender];
        }
        emit AgentSet(msg.sender, agent, allowed);
    }

    /// @inheritdoc IInferenceRequests
    function deposit(address account, uint256 amount) external nonReentrant {
        if (account == address(0)) revert InferenceRequests_ZeroAddress();
        if (amount == 0) revert InferenceRequests_ZeroAmount();
        _pull(amount);
        _credit(account, amount);
    }

    /// @inheritdoc IInferenceRequests
    function claim(address account) external nonReentrant returns (uint256 amount) {
        // Agents accept from credit: whoever could send it home would keep them from accepting, for the price of gas.
        if (msg.sender != account && _agents[account] != 0) revert InferenceRequests_NotAccount(account, msg.sender);
        amount = credit[account];
        if (amount == 0) revert InferenceRequests_NothingToClaim(account);
        credit[account] = 0;
        emit CreditChanged(account, 0);
        emit Claimed(account, amount);
        token.safeTransfer(account, amount);
    }

    /// @inheritdoc IInferenceRequests
    function forward(
        bytes32 nodeId,
        bytes32 modelId,
        address settler,
        uint256 epoch
    ) external nonReentrant returns (uint256 amount) {
        bytes32 key = _feeKey(nodeId, modelId, settler, epoch);
        amount = _fees[key];
        if (amount == 0) revert InferenceRequests_NothingToForward();
        _fees[key] = 0;
        emit Forwarded(nodeId, modelId, settler, epoch, amount);

        uint256 before = token.balanceOf(address(this));
        token.forceApprove(address(feeSplitter), amount);
        feeSplitter.pay(nodeId, modelId, settler, epoch, amount);
        uint256 held = token.balanceOf(address(this));
        if (held + amount != before)
            revert InferenceRequests_SplitterTookOther(amount, before > held ? before - held : 0);
    }

    /// @inheritdoc IInferenceRequests
    function fees(bytes32 nodeId, bytes32 modelId, address settler, uint256 epoch) external view returns (uint256) {
        return _fees[_feeKey(nodeId, modelId, settler, epoch)];
    }

    /// @dev Takes an amount of the caller: from its credit, and what that lacks from its tokens.
    function _spend(uint256 amount) internal {
        uint256 own = credit[msg.sender];
        uint256 fromCredit = own < amount ? own : amount;
        if (fromCredit != 0) _debit(msg.sender, own, fromCredit);
        if (fromCredit != amount) _pull(amount - fromCredit);
    }

    function _debit(address account, uint256 own, uint256 amount) internal {
        credit[account] = own - amount;
        emit CreditChanged(account, own - amount);
    }

    function _credit(address account, uint256 amount) internal {
        uint256 own = credit[account] + amount;
        credit[account] = own;
        emit CreditChanged(account, own);
    }

    /// @dev Pays at once. An account that the token refuses is credited: what it cannot take holds up nobody.
    function _pay(address account, uint256 amount) internal {
        if (!token.trySafeTransfer(account, amount)) _credit(account, amount);
    }

    /// @dev Puts a fee with others of its kind: dividing it is left to {forward}, so that an answer costs no more to bring
    /// than it must, and nothing that division might meet stands in its way.
    function _accrue(bytes32 nodeId, bytes32 modelId, address settler, uint256 epoch, uint256 amount) internal {
        bytes32 key = _feeKey(nodeId, modelId, settler, epoch);
        uint256 total = _fees[key] + amount;
        _fees[key] = total;
        emit FeesAccrued(nodeId, modelId, settler, epoch, amount, total);
    }

    function _pull(uint256 amount) private {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 held = token.balanceOf(address(this));
        if (held != before + amount) revert InferenceRequests_TokenTookFee(amount, held > before ? held - before : 0);
    }

    function _feeKey(bytes32 nodeId, bytes32 modelId, address settler, uint256 epoch) private pure returns (bytes32) {
        return keccak256(abi.encode(nodeId, modelId, settler, epoch));
    }
}
