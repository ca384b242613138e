// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IKeyRegistry} from "../interfaces/IKeyRegistry.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {Allocation, IOPGVesting} from "../interfaces/IOPGVesting.sol";
import {IOPGStaking, PoolTotals} from "../interfaces/IOPGStaking.sol";
import {IOperatorStake} from "../interfaces/IOperatorStake.sol";
import {IStakeRewards} from "../interfaces/IStakeRewards.sol";
import {Notice} from "./Notice.sol";
import {SharePool} from "./SharePool.sol";
import {StakePools} from "./StakePools.sol";
import {Unbonding} from "./Unbonding.sol";

/// @title OPGStaking
/// @notice See {IOPGStaking}, where every function, event and error is documented.
contract OPGStaking is StakePools, ReentrancyGuardTransient {
    using Notice for Notice.Value;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;
    using SharePool for SharePool.Pool;
    using Unbonding for Unbonding.Holder;

    /// @notice What one fault costs at most, in basis points of the pool.
    uint256 public constant MAX_SLASH_BPS = 1_000;
    /// @notice What a reporter gets of the own stake that a fault costs.
    uint256 public constant REPORTER_BPS = 1_000;
    /// @notice What a delegator holds at least, in shares: of a price that nobody can raise far enough for rounding to
    /// take anything worth having.
    uint256 public constant MIN_SHARES = 1e18;
    /// @notice Where slashed tokens end.
    address public constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;

    /// @notice The timelock that governance acts through.
    address public immutable admin;
    /// @notice May call {wire}, once.
    address public immutable deployer = msg.sender;

    /// @notice Says which nodes an operator has; zero before {wire}.
    INodeRegistry public nodes;
    /// @notice The other registry of keys.
    IKeyRegistry public enclaves;
    /// @notice The only caller of {slash}.
    address public disputes;
    /// @notice Whose `StakingRewards` {sync} releases; zero where there is none.
    IOPGVesting public vesting;

    /// @inheritdoc IOPGStaking
    mapping(address account => uint256) public creditOf;

    /// @param minimums By kind, in wei.
    /// @param ownShares By kind, in basis points.
    constructor(IERC20 token_, address admin_, uint256[4] memory minimums, uint256[4] memory ownShares) {
        if (address(token_) == address(0) || admin_ == address(0)) revert OPGStaking_ZeroAddress();
        (token, admin) = (token_, admin_);
        for (uint8 kind = 0; kind < KINDS; ++kind) {
            _minimum[kind].begin(minimums[kind], MIN_MINIMUM, MAX_MINIMUM);
            _ownShare[kind].begin(ownShares[kind], MIN_OWN_SHARE_BPS, MAX_OWN_SHARE_BPS);
            emit MinimumChanged(kind, _minimum[kind].read());
            emit OwnShareChanged(kind, _ownShare[kind].read());
        }
    }

    modifier only(address expected) {
        _requireCaller(expected);
        _;
    }

    /// @inheritdoc IOPGStaking
    function wire(
        INodeRegistry nodes_,
        IKeyRegistry enclaves_,
        address disputes_,
        IOPGVesting vesting_
    ) external only(deployer) {
        if (address(nodes) != address(0)) revert OPGStaking_AlreadyWired();
        if (address(nodes_) == address(0) || address(enclaves_) == address(0) || disputes_ == address(0))
            revert OPGStaking_ZeroAddress();
        (nodes, enclaves, disputes, vesting) = (nodes_, enclaves_, disputes_, vesting_);
        emit Wired(nodes_, enclaves_, disputes_, vesting_);
    }

    /// @inheritdoc IOPGStaking
    function createPool(uint8 kind, uint256 commissionBps) external {
        // Everything that moves stake needs a pool, so this one look is enough.
        if (address(nodes) == address(0)) revert OPGStaking_NotWired();
        _requireKind(kind);
        Pool storage made = _pools[msg.sender][kind];
        if (made.exists) revert OPGStaking_PoolExists(msg.sender, kind);
        made.exists = true;
        made.commission.begin(commissionBps, 0, MAX_COMMISSION_BPS);
        emit PoolCreated(msg.sender, kind, commissionBps);
    }

    /// @inheritdoc IOPGStaking
    function stake(address operator, uint8 kind, uint256 amount) external nonReentrant {
        _stake(operator, kind, amount);
    }

    /// @inheritdoc IOPGStaking
    function stakeWithPermit(
        address operator,
        uint8 kind,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        _permit(amount, deadline, v, r, s);
        _stake(operator, kind, amount);
    }

    /// @inheritdoc IOPGStaking
    function delegate(address operator, uint8 kind, uint256 amount) external nonReentrant returns (uint256) {
        return _delegate(operator, kind, amount);
    }

    /// @inheritdoc IOPGStaking
    function delegateWithPermit(
        address operator,
        uint8 kind,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant returns (uint256) {
        _permit(amount, deadline, v, r, s);
        return _delegate(operator, kind, amount);
    }

    /// @inheritdoc IOPGStaking
    function unbond(uint8 kind, uint256 amount) external nonReentrant {
        (Pool storage found, Flow memory flow) = _settle(msg.sender, kind);
        if (amount == 0) revert OPGStaking_ZeroAmount();
        if (amount > found.own) revert OPGStaking_NotEnough(amount, found.own);
        found.own -= uint96(amount);
        flow.bonded -= uint96(amount);
        (uint256 shares, uint256 maturesAt) = found.operator.open(found.ownUnbonding, amount);
        _store(flow);
        emit Unbonded(msg.sender, kind, amount, shares, maturesAt, _totals(found, flow));
        _endKeysIfShort(msg.sender, kind);
    }

    /// @inheritdoc IOPGStaking
    function undelegate(address operator, uint8 kind, uint256 shares) external nonReentrant returns (uint256 amount) {
        (Pool storage found, Flow memory flow) = _settle(operator, kind);
        uint256 held = _sharesOf(found, msg.sender);
        if (shares > held) revert OPGStaking_NotEnough(shares, held);
        _requirePosition(held - shares);
        amount = found.delegated.leave(shares);
        if (amount == 0) revert OPGStaking_ZeroAmount();
        Unbonding.Holder storage holder = found.delegators[msg.sender];
        holder.shares = uint128(held - shares);
        flow.bonded -= uint96(amount);
        (uint256 unbondingShares, uint256 maturesAt) = holder.open(found.delegatedUnbonding, amount);
        _store(flow);
        PoolTotals memory totals = _totals(found, flow);
        emit Undelegated(operator, kind, msg.sender, shares, held - shares, amount, unbondingShares, maturesAt, totals);
    }

    /// @inheritdoc IOPGStaking
    function withdrawStake(address operator, uint8 kind) external nonReentrant returns (uint256 amount) {
        Pool storage found = _pools[operator][kind];
        uint256 count;
        (count, amount) = found.operator.close(found.ownUnbonding);
        _pay(operator, kind, operator, true, count, amount);
    }

    /// @inheritdoc IOPGStaking
    function withdraw(address operator, uint8 kind, address delegator) external nonReentrant returns (uint256 amount) {
        Pool storage found = _pools[operator][kind];
        uint256 count;
        (count, amount) = found.delegators[delegator].close(found.delegatedUnbonding);
        _pay(operator, kind, delegator, false, count, amount);
    }

    /// @inheritdoc IStakeRewards
    function addRewards(address operator, uint8 kind, uint256 amount) external nonReentrant {
        if (amount == 0) return;
        _pull(amount);
        (Pool storage found, Flow memory flow) = _settle(operator, kind);
        flow.accounted = (flow.accounted + amount).toUint96();
        if (_bonded(found) == 0) {
            _topUp(flow, amount);
        } else {
            found.commission.promote();
            _reward(operator, kind, found, flow, amount, false);
        }
        _store(flow);
    }

    /// @inheritdoc IOPGStaking
    function slash(
        address operator,
        uint8 kind,
        uint256 bps,
        address reporter
    ) external only(disputes) nonReentrant returns (uint256 amount) {
        if (bps > MAX_SLASH_BPS) revert OPGStaking_OutOfBounds(bps, 0, MAX_SLASH_BPS);
        (Pool storage found, Flow memory flow) = _settle(operator, kind);
        uint256 ownAmount;
        (amount, ownAmount) = _cut(found, flow, bps);
        _store(flow);
        // Of own stake alone: an operator could otherwise earn by reporting itself, at its delegators' cost.
        uint256 reward = reporter == address(0) ? 0 : (ownAmount * REPORTER_BPS) / BPS;
        emit Slashed(operator, kind, reporter, amount, reward, _totals(found, flow));
        _credit(reporter, reward);
        _credit(BURN_ADDRESS, amount - reward);
        _endKeysIfShort(operator, kind);
    }

    /// @inheritdoc IOPGStaking
    function compound(address operator, uint8 kind) external nonReentrant {
        (, Flow memory flow) = _settle(operator, kind);
        _store(flow);
    }

    /// @inheritdoc IOPGStaking
    function sync() external nonReentrant returns (uint256 added) {
        // Nothing due, or a vesting that is short, is no reason to leave what is here already.
        if (address(vesting) != address(0)) try vesting.release(Allocation.StakingRewards) {} catch {}
        added = _surplus();
        Flow memory flow = _flowNow();
        if (added != 0) {
            flow.accounted = (flow.accounted + added).toUint96();
            _topUp(flow, added);
        }
        _store(flow);
    }

    /// @inheritdoc IOPGStaking
    function claim(address account) external nonReentrant returns (uint256 amount) {
        amount = creditOf[account];
        if (amount == 0) revert OPGStaking_NothingToClaim(account);
        creditOf[account] = 0;
        Flow memory flow = _flowNow();
        flow.accounted -= uint96(amount);
        _store(flow);
        emit Claimed(account, amount);
        token.safeTransfer(account, amount);
    }

    /// @inheritdoc IOPGStaking
    function setMinimum(uint8 kind, uint256 value) external only(admin) {
        _requireKind(kind);
        emit MinimumChanged(kind, _minimum[kind].set(value, MIN_MINIMUM, MAX_MINIMUM));
    }

    /// @inheritdoc IOPGStaking
    function setOwnShare(uint8 kind, uint256 bps) external only(admin) {
        _requireKind(kind);
        emit OwnShareChanged(kind, _ownShare[kind].set(bps, MIN_OWN_SHARE_BPS, MAX_OWN_SHARE_BPS));
    }

    /// @inheritdoc IOPGStaking
    function setCommission(uint8 kind, uint256 bps) external nonReentrant {
        (Pool storage found, Flow memory flow) = _settle(msg.sender, kind);
        _requirePool(found, msg.sender, kind);
        _store(flow);
        emit CommissionChanged(msg.sender, kind, found.commission.set(bps, 0, MAX_COMMISSION_BPS));
    }

    /// @inheritdoc IOperatorStake
    /// @dev Open to anyone: the registries themselves refuse it for a node that stake stands behind.
    function endKeys(bytes32 nodeId) external {
        nodes.endKeysForStake(nodeId);
        enclaves.endKeysForStake(nodeId);
    }

    function _stake(address operator, uint8 kind, uint256 amount) private {
        _requirePool(_pools[operator][kind], operator, kind);
        _pull(amount);
        (Pool storage found, Flow memory flow) = _settle(operator, kind);
        found.own = (found.own + amount).toUint96();
        _bond(flow, amount);
        emit Staked(operator, kind, msg.sender, amount, _totals(found, flow));
    }

    function _delegate(address operator, uint8 kind, uint256 amount) private returns (uint256 shares) {
        _requirePool(_pools[operator][kind], operator, kind);
        _pull(amount);
        (Pool storage found, Flow memory flow) = _settle(operator, kind);
        uint256 fits = _capacity(found, kind);
        if (amount > fits) revert OPGStaking_BeyondCapacity(amount, fits);
        uint256 held = _sharesOf(found, msg.sender);
        shares = found.delegated.join(amount);
        held += shares;
        _requirePosition(held);
        Unbonding.Holder storage holder = found.delegators[msg.sender];
        (holder.shares, holder.generation) = (held.toUint128(), found.delegated.generation);
        _bond(flow, amount);
        emit Delegated(operator, kind, msg.sender, amount, shares, held, _totals(found, flow));
    }

    function _bond(Flow memory flow, uint256 amount) private {
        flow.bonded = (flow.bonded + amount).toUint96();
        flow.accounted = (flow.accounted + amount).toUint96();
        _store(flow);
    }

    function _pay(address operator, uint8 kind, address to, bool own, uint256 count, uint256 amount) private {
        Flow memory flow = _flowNow();
        flow.accounted -= uint96(amount);
        _store(flow);
        PoolTotals memory totals = _totals(_pools[operator][kind], flow);
        emit Withdrawn(operator, kind, to, own, count, amount, totals);
        if (amount != 0) token.safeTransfer(to, amount);
    }

    function _credit(address account, uint256 amount) private {
        if (amount == 0) return;
        uint256 credit = creditOf[account] + amount;
        creditOf[account] = credit;
        emit Credited(account, amount, credit);
    }

    /// @dev Bounded: an operator has at most 8 live nodes of a kind, and a node at most 4 keys in each registry (R8, R12).
    function _endKeysIfShort(address operator, uint8 kind) private {
        if (isSufficient(operator, kind)) return;
        bytes32[] memory live = nodes.liveNodes(operator, INodeRegistry.NodeKind(kind));
        for (uint256 i = 0; i < live.length; ++i) {
            nodes.endKeysForStake(live[i]);
            enclaves.endKeysForStake(live[i]);
        }
    }

    /// @dev Exactly `amount` of the caller's tokens, or nothing.
    function _pull(uint256 amount) private {
        if (amount == 0) revert OPGStaking_ZeroAmount();
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 got = token.balanceOf(address(this)) - before;
        if (got != amount) revert OPGStaking_TokenTookFee(amount, got);
    }

    /// @dev Whoever saw a permit may use it first: what counts is the allowance that is there afterwards.
    function _permit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) private {
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
    }

    function _requirePosition(uint256 shares) private pure {
        if (shares != 0 && shares < MIN_SHARES) revert OPGStaking_PositionTooSmall(shares, MIN_SHARES);
    }

    function _requirePool(Pool storage found, address operator, uint8 kind) private view {
        if (!found.exists) revert OPGStaking_NoPool(operator, kind);
    }

    function _requireCaller(address expected) private view {
        if (msg.sender != expected) revert OPGStaking_NotAllowed(msg.sender, expected);
    }

    function _requireKind(uint8 kind) private pure {
        if (kind >= KINDS) revert OPGStaking_NoSuchKind(kind);
    }
}
