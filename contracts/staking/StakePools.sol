// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Announcement, IOPGStaking, PoolTotals, UnbondingRequest} from "../interfaces/IOPGStaking.sol";
import {IOperatorStake} from "../interfaces/IOperatorStake.sol";
import {Notice} from "./Notice.sol";
import {RewardStream} from "./RewardStream.sol";
import {SharePool} from "./SharePool.sol";
import {Unbonding} from "./Unbonding.sol";

/// @title StakePools
/// @notice What a pool is: what it holds, what it earns, what it must hold, and how it is cut.
abstract contract StakePools is RewardStream {
    using Notice for Notice.Value;
    using SafeCast for uint256;
    using SharePool for SharePool.Pool;
    using Unbonding for Unbonding.Holder;

    /// @notice Kinds of nodes, `INodeRegistry.NodeKind`.
    uint8 public constant KINDS = 4;
    /// @notice The highest minimum of own stake.
    uint256 public constant MAX_MINIMUM = 1_000_000e18;
    /// @notice The lowest: no key without any stake behind it (R12).
    uint256 public constant MIN_MINIMUM = 1e18;
    /// @notice The highest own share, in basis points of own stake and delegation.
    uint256 public constant MAX_OWN_SHARE_BPS = 5_000;
    /// @notice The lowest: a hundred times the own stake of delegation.
    uint256 public constant MIN_OWN_SHARE_BPS = 100;
    /// @notice The highest commission.
    uint256 public constant MAX_COMMISSION_BPS = 3_000;
    /// @notice From the announcement of a rise until it applies, in seconds (R10).
    uint256 public constant NOTICE = Notice.PERIOD;
    /// @notice From a request to its withdrawal, in seconds (R12).
    uint256 public constant UNBONDING = Unbonding.PERIOD;
    /// @notice Open requests of a holder in a pool.
    uint256 public constant MAX_REQUESTS = Unbonding.MAX_REQUESTS;

    uint256 internal constant BPS = 10_000;

    /// @dev Own stake has no shares while it is bonded: the operator is its only holder.
    struct Pool {
        uint96 own;
        uint128 perBondedSeen;
        bool exists;
        SharePool.Pool delegated;
        SharePool.Pool ownUnbonding;
        SharePool.Pool delegatedUnbonding;
        Notice.Value commission;
        Unbonding.Holder operator;
        mapping(address delegator => Unbonding.Holder) delegators;
    }

    mapping(address operator => mapping(uint8 kind => Pool)) internal _pools;
    mapping(uint8 kind => Notice.Value) internal _minimum;
    mapping(uint8 kind => Notice.Value) internal _ownShare;

    /// @inheritdoc IOPGStaking
    function minimum(uint8 kind) external view returns (Announcement memory) {
        return _minimum[kind].read();
    }

    /// @inheritdoc IOPGStaking
    function ownShare(uint8 kind) external view returns (Announcement memory) {
        return _ownShare[kind].read();
    }

    /// @inheritdoc IOPGStaking
    function commission(address operator, uint8 kind) external view returns (Announcement memory) {
        return _pools[operator][kind].commission.read();
    }

    /// @inheritdoc IOPGStaking
    function pool(address operator, uint8 kind) external view returns (PoolTotals memory) {
        return _totals(_pools[operator][kind], _flowNow());
    }

    /// @inheritdoc IOPGStaking
    function pendingRewards(address operator, uint8 kind) external view returns (uint256) {
        Pool storage found = _pools[operator][kind];
        return _earned(_flowNow(), _bonded(found), found.perBondedSeen);
    }

    /// @inheritdoc IOPGStaking
    function capacity(address operator, uint8 kind) external view returns (uint256) {
        return _capacity(_pools[operator][kind], kind);
    }

    /// @inheritdoc IOPGStaking
    function position(
        address operator,
        uint8 kind,
        address delegator
    ) external view returns (uint256 shares, uint256 amount) {
        Pool storage found = _pools[operator][kind];
        shares = _sharesOf(found, delegator);
        amount = found.delegated.worth(shares);
    }

    /// @inheritdoc IOPGStaking
    function stakeRequests(address operator, uint8 kind) external view returns (UnbondingRequest[] memory) {
        Pool storage found = _pools[operator][kind];
        return found.operator.list(found.ownUnbonding);
    }

    /// @inheritdoc IOPGStaking
    function requests(
        address operator,
        uint8 kind,
        address delegator
    ) external view returns (UnbondingRequest[] memory) {
        Pool storage found = _pools[operator][kind];
        return found.delegators[delegator].list(found.delegatedUnbonding);
    }

    /// @inheritdoc IOperatorStake
    function isSufficient(address operator, uint8 kind) public view returns (bool) {
        Pool storage found = _pools[operator][kind];
        return found.exists && found.own >= _minimum[kind].effective() && _ownShareHolds(found, kind);
    }

    /// @dev Brings stream and pool up to date: whoever changes a pool starts here and ends with {_store}.
    function _settle(address operator, uint8 kind) internal returns (Pool storage found, Flow memory flow) {
        found = _pools[operator][kind];
        flow = _flowNow();
        if (flow.perBonded == found.perBondedSeen) return (found, flow);
        uint256 amount = _earned(flow, _bonded(found), found.perBondedSeen);
        found.perBondedSeen = flow.perBonded;
        flow.allocated -= uint96(amount);
        if (amount != 0) _reward(operator, kind, found, flow, amount, true);
        // Only now: what was earned before a raised commission applied does not pay it.
        found.commission.promote();
    }

    /// @dev Adds to a pool that holds something. The own part is rounded up, so that the own share never falls by it.
    function _reward(
        address operator,
        uint8 kind,
        Pool storage found,
        Flow memory flow,
        uint256 amount,
        bool fromStream
    ) internal {
        uint256 delegatedPart = (amount * found.delegated.tokens) / _bonded(found);
        uint256 part = (delegatedPart * found.commission.current) / BPS;
        delegatedPart -= part;
        found.delegated.reward(delegatedPart);
        found.own = (found.own + amount - delegatedPart).toUint96();
        flow.bonded = (flow.bonded + amount).toUint96();
        PoolTotals memory totals = _totals(found, flow);
        emit RewardsAdded(operator, kind, fromStream, amount - delegatedPart, delegatedPart, part, totals);
    }

    /// @dev Takes `bps` of everything: own stake first, delegation for the rest, in each what is bonded and what unbonds
    /// alike. Rounding is in favour of the pool.
    /// @return taken What was taken in all.
    /// @return takenOwn Of it, own stake.
    function _cut(
        Pool storage found,
        Flow memory flow,
        uint256 bps
    ) internal returns (uint256 taken, uint256 takenOwn) {
        uint256 own = uint256(found.own) + found.ownUnbonding.tokens;
        uint256 delegated = uint256(found.delegated.tokens) + found.delegatedUnbonding.tokens;
        uint256 amount = ((own + delegated) * bps) / BPS;
        uint256 fromOwn = Math.min(amount, own);
        uint256 bonded = _bonded(found);
        if (fromOwn != 0) {
            uint256 part = (fromOwn * found.own) / own;
            found.own -= uint96(part);
            takenOwn = part + found.ownUnbonding.slash(fromOwn - part);
        }
        taken = takenOwn;
        if (amount != fromOwn) {
            uint256 part = ((amount - fromOwn) * found.delegated.tokens) / delegated;
            taken += found.delegated.slash(part) + found.delegatedUnbonding.slash(amount - fromOwn - part);
        }
        flow.bonded -= uint96(bonded - _bonded(found));
    }

    /// @dev What delegation still fits. A higher own share that was announced counts already, or delegators could make
    /// an operator's stake insufficient during the notice.
    function _capacity(Pool storage found, uint8 kind) internal view returns (uint256) {
        if (!found.exists || found.own < _minimum[kind].effective()) return 0;
        uint256 most = (uint256(found.own) * BPS) / _ownShare[kind].highest();
        return Math.saturatingSub(most, _bonded(found));
    }

    function _ownShareHolds(Pool storage found, uint8 kind) private view returns (bool) {
        return uint256(found.own) * BPS >= _ownShare[kind].effective() * _bonded(found);
    }

    function _bonded(Pool storage found) internal view returns (uint256) {
        return uint256(found.own) + found.delegated.tokens;
    }

    function _sharesOf(Pool storage found, address delegator) internal view returns (uint256) {
        Unbonding.Holder storage holder = found.delegators[delegator];
        return holder.generation == found.delegated.generation ? holder.shares : 0;
    }

    function _totals(Pool storage found, Flow memory flow) internal view returns (PoolTotals memory) {
        return
            PoolTotals({
                own: found.own,
                ownUnbonding: found.ownUnbonding.tokens,
                ownUnbondingShares: found.ownUnbonding.shares,
                delegated: found.delegated.tokens,
                delegatedShares: found.delegated.shares,
                delegatedUnbonding: found.delegatedUnbonding.tokens,
                delegatedUnbondingShares: found.delegatedUnbonding.shares,
                totalBonded: flow.bonded,
                streamRemaining: flow.remaining,
                streamEnd: flow.end
            });
    }
}
