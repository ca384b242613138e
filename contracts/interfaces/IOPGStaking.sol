// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IKeyRegistry} from "./IKeyRegistry.sol";
import {INodeRegistry} from "./INodeRegistry.sol";
import {IOPGVesting} from "./IOPGVesting.sol";
import {IOperatorStake} from "./IOperatorStake.sol";
import {IStakeRewards} from "./IStakeRewards.sol";

/// @notice A pool after an event, and what it shares with all others: an indexer never has to call back. In wei, or in
/// shares where it says so. Shares of a kind that are 0 after a slash void every position and request in them.
/// @param own Bonded stake of the operator.
/// @param ownUnbonding Stake that the operator asked back.
/// @param ownUnbondingShares What the operator's open requests share in it.
/// @param delegated Bonded delegation.
/// @param delegatedShares What the delegators share in it.
/// @param delegatedUnbonding Delegation that was asked back.
/// @param delegatedUnbondingShares What the delegators' open requests share in it.
/// @param totalBonded Own stake and delegation of all pools together.
/// @param streamRemaining What the stream has not given out yet.
/// @param streamEnd When it will have, in unix seconds.
struct PoolTotals {
    uint256 own;
    uint256 ownUnbonding;
    uint256 ownUnbondingShares;
    uint256 delegated;
    uint256 delegatedShares;
    uint256 delegatedUnbonding;
    uint256 delegatedUnbondingShares;
    uint256 totalBonded;
    uint256 streamRemaining;
    uint256 streamEnd;
}

/// @notice Stake on its way out.
/// @param amount What it would pay now, in wei; less after a slash.
/// @param maturesAt When it can be withdrawn, in unix seconds.
struct UnbondingRequest {
    uint256 amount;
    uint256 maturesAt;
}

/// @notice A number that rises with notice only.
/// @param current What applies now.
/// @param next What applies from `from` on; equal to `current` where nothing was announced.
/// @param from Unix seconds; 0 where nothing was announced.
struct Announcement {
    uint256 current;
    uint256 next;
    uint256 from;
}

/// @title IOPGStaking
/// @notice Stake behind nodes, pooled by operator and kind of node, so that one operator's fault never touches what
/// stands behind another, and a delegator chooses the role it answers for. A pool has the operator's **own** stake and
/// **delegation**; both stay slashable while they unbond, until the moment they are withdrawn, and earn nothing then.
/// Rewards raise what is bonded and compound. Amounts are in wei of the token.
/// @dev Nothing here can be paused, and nobody can block an exit or a slash (R8). The admin sets the minimum own stake
/// and the own share of each kind, within constant bounds and with {NOTICE} where they rise. Rounding is always against
/// whoever acts. Only an operator itself creates its pools; anyone may add to the operator's own stake, which is a gift.
///
/// **Shares.** Delegation is held in shares; a delegator holds none or at least {MIN_SHARES}, so that the price of one
/// stays far too small for rounding to pay. Where slashes bring the price below a billionth of a wei the shares are void,
/// and the next delegator starts anew.
///
/// **Stream.** Whatever of the token arrives without a purpose, tranches of `OPGVesting` for one, is given out over
/// {STREAM_LENGTH} to all bonded stake, by amount. A pool collects its part whenever it is touched, a slash included; until
/// then the part does not compound, and {isSufficient} does not count it, which it could only help.
interface IOPGStaking is IOperatorStake, IStakeRewards {
    /// @notice The parts that staking works with were named, once.
    event Wired(INodeRegistry nodes, IKeyRegistry enclaves, address disputes, IOPGVesting vesting);
    /// @notice An operator opened a pool.
    event PoolCreated(address indexed operator, uint8 indexed kind, uint256 commissionBps);
    /// @notice Own stake grew by `amount`, which `payer` paid.
    event Staked(
        address indexed operator,
        uint8 indexed kind,
        address indexed payer,
        uint256 amount,
        PoolTotals totals
    );
    /// @notice The operator asked `amount` of own stake back.
    /// @param shares What the request has of the own stake that unbonds.
    event Unbonded(
        address indexed operator,
        uint8 indexed kind,
        uint256 amount,
        uint256 shares,
        uint256 maturesAt,
        PoolTotals totals
    );
    /// @notice A delegator bonded `amount`.
    /// @param shares Got for it.
    /// @param position What the delegator holds now, in shares.
    event Delegated(
        address indexed operator,
        uint8 indexed kind,
        address indexed delegator,
        uint256 amount,
        uint256 shares,
        uint256 position,
        PoolTotals totals
    );
    /// @notice A delegator asked `shares` back, which were worth `amount`.
    /// @param unbondingShares What the request has of the delegation that unbonds.
    /// @param position What the delegator holds now, in shares.
    event Undelegated(
        address indexed operator,
        uint8 indexed kind,
        address indexed delegator,
        uint256 shares,
        uint256 position,
        uint256 amount,
        uint256 unbondingShares,
        uint256 maturesAt,
        PoolTotals totals
    );
    /// @notice Matured requests were paid.
    /// @param own Whether it was the operator's own stake, or `holder`'s delegation.
    /// @param requests How many, oldest first.
    event Withdrawn(
        address indexed operator,
        uint8 indexed kind,
        address indexed holder,
        bool own,
        uint256 requests,
        uint256 amount,
        PoolTotals totals
    );
    /// @notice A pool's bonded stake earned.
    /// @param fromStream Whether the stream gave it or {addRewards} brought it.
    /// @param ownAmount Added to own stake, the commission included.
    /// @param delegatedAmount Added to delegation: it raises what a share is worth.
    event RewardsAdded(
        address indexed operator,
        uint8 indexed kind,
        bool fromStream,
        uint256 ownAmount,
        uint256 delegatedAmount,
        uint256 commission,
        PoolTotals totals
    );
    /// @notice A fault was punished.
    /// @param amount Taken from the pool in all.
    /// @param reward For the reporter, of the part that was own stake; the rest is credited to {BURN_ADDRESS}.
    event Slashed(
        address indexed operator,
        uint8 indexed kind,
        address indexed reporter,
        uint256 amount,
        uint256 reward,
        PoolTotals totals
    );
    /// @notice The stream has `amount` more to give.
    event StreamToppedUp(uint256 amount, uint256 remaining, uint256 end);
    /// @notice An account can {claim} `amount` more, `credit` in all.
    event Credited(address indexed account, uint256 amount, uint256 credit);
    /// @notice An account was paid what it was credited.
    event Claimed(address indexed account, uint256 amount);
    /// @notice The minimum own stake of a kind changes.
    event MinimumChanged(uint8 indexed kind, Announcement value);
    /// @notice The least own share of a kind's pools changes, in basis points of own stake and delegation.
    event OwnShareChanged(uint8 indexed kind, Announcement value);
    /// @notice An operator's commission on its delegators' rewards changes, in basis points.
    event CommissionChanged(address indexed operator, uint8 indexed kind, Announcement value);

    /// @notice A contract or the admin that is not there.
    error OPGStaking_ZeroAddress();
    /// @notice Only `expected` may do this.
    error OPGStaking_NotAllowed(address caller, address expected);
    /// @notice The parts were named already, and stay.
    error OPGStaking_AlreadyWired();
    /// @notice The parts are not named yet.
    error OPGStaking_NotWired();
    /// @notice There are kinds 0 to 3.
    error OPGStaking_NoSuchKind(uint8 kind);
    /// @notice The operator has this pool.
    error OPGStaking_PoolExists(address operator, uint8 kind);
    /// @notice The operator never created this pool.
    error OPGStaking_NoPool(address operator, uint8 kind);
    /// @notice Nothing would move.
    error OPGStaking_ZeroAmount();
    /// @notice The token moved something else than it was told to.
    error OPGStaking_TokenTookFee(uint256 asked, uint256 got);
    /// @notice The operator's own stake carries only `fits` more of delegation.
    error OPGStaking_BeyondCapacity(uint256 asked, uint256 fits);
    /// @notice A delegator holds nothing or at least `least` shares.
    error OPGStaking_PositionTooSmall(uint256 shares, uint256 least);
    /// @notice More than there is.
    error OPGStaking_NotEnough(uint256 asked, uint256 has);
    /// @notice {MAX_REQUESTS} requests are open; the oldest matures at `maturesAt`.
    error OPGStaking_TooManyRequests(uint256 maturesAt);
    /// @notice Nothing has matured; the oldest request does at `maturesAt`, 0 where there is none.
    error OPGStaking_NothingMatured(uint256 maturesAt);
    /// @notice Outside of the constant bounds.
    error OPGStaking_OutOfBounds(uint256 value, uint256 least, uint256 most);
    /// @notice The account is credited nothing.
    error OPGStaking_NothingToClaim(address account);

    /// @notice Names the parts that staking works with. The deployer, once; before it nothing can be staked, after it
    /// the deployer can do nothing.
    /// @param nodes Says which nodes an operator has.
    /// @param enclaves The other registry of keys.
    /// @param disputes The only caller of {slash}.
    /// @param vesting Whose `StakingRewards` {sync} releases; zero where there is none.
    function wire(INodeRegistry nodes, IKeyRegistry enclaves, address disputes, IOPGVesting vesting) external;

    /// @notice Opens the caller's pool for a kind of node.
    /// @param commissionBps Of what delegators earn, for the operator; at most {MAX_COMMISSION_BPS}.
    function createPool(uint8 kind, uint256 commissionBps) external;

    /// @notice Adds the caller's tokens to an operator's own stake, which they are from then on. Anyone may.
    function stake(address operator, uint8 kind, uint256 amount) external;

    /// @notice The same with the caller's permit (EIP-2612) instead of an approval, for tokens that know it. A permit
    /// that somebody else already used does no harm.
    function stakeWithPermit(
        address operator,
        uint8 kind,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Bonds the caller's tokens behind an operator, which they can be slashed for. Refused beyond {capacity}.
    /// @return shares What they are of the delegation.
    function delegate(address operator, uint8 kind, uint256 amount) external returns (uint256 shares);

    /// @notice The same with the caller's permit (EIP-2612).
    function delegateWithPermit(
        address operator,
        uint8 kind,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 shares);

    /// @notice Asks own stake of the caller back. It stops earning now and can be withdrawn after {UNBONDING}. Where the
    /// rest no longer suffices, all keys of the pool's nodes end now (R12).
    function unbond(uint8 kind, uint256 amount) external;

    /// @notice Asks delegation of the caller back, by shares; the rest is none or at least {MIN_SHARES}.
    /// @return amount What they are worth now; less is paid if the pool is slashed until then.
    function undelegate(address operator, uint8 kind, uint256 shares) external returns (uint256 amount);

    /// @notice Pays an operator its matured own stake. Anyone may call.
    function withdrawStake(address operator, uint8 kind) external returns (uint256 amount);

    /// @notice Pays a delegator its matured delegation. Anyone may call.
    function withdraw(address operator, uint8 kind, address delegator) external returns (uint256 amount);

    /// @notice Takes a part of everything in a pool, what unbonds included: own stake first, delegation for the rest.
    /// Disputes only. Calls neither token nor reporter, so that none of them can stop it; where own stake no longer
    /// suffices, all keys of the pool's nodes end now (R12).
    /// @param bps Basis points, at most {MAX_SLASH_BPS}.
    /// @param reporter Is credited {REPORTER_BPS} of what own stake lost, and nothing of what delegation lost: so no
    /// operator gains by reporting itself. Zero where there is none.
    /// @return amount What was taken.
    function slash(address operator, uint8 kind, uint256 bps, address reporter) external returns (uint256 amount);

    /// @notice Collects a pool's part of the stream so that it compounds. Anyone may call.
    function compound(address operator, uint8 kind) external;

    /// @notice Has the vesting release what is due to staking, and streams whatever of the token is here without a
    /// purpose. Anyone may call.
    /// @return added What the stream has more to give.
    function sync() external returns (uint256 added);

    /// @notice Pays an account everything it is credited. Anyone may call.
    function claim(address account) external returns (uint256 amount);

    /// @notice Sets the minimum own stake of a kind. Admin only; up with {NOTICE}, down at once. A call replaces what was
    /// announced before.
    function setMinimum(uint8 kind, uint256 value) external;

    /// @notice Sets the least own share of a kind's pools, in basis points. Admin only; up with {NOTICE}, down at once.
    function setOwnShare(uint8 kind, uint256 bps) external;

    /// @notice Sets the commission of the caller's pool, in basis points; up with {NOTICE}, down at once. What the stream
    /// earned until the pool is first touched after a rise pays the old one; {compound} touches it.
    function setCommission(uint8 kind, uint256 bps) external;

    /// @notice The token that is staked.
    function token() external view returns (IERC20);

    /// @notice Minimum own stake of a kind.
    function minimum(uint8 kind) external view returns (Announcement memory);

    /// @notice Least own share of a kind's pools, in basis points of own stake and delegation.
    function ownShare(uint8 kind) external view returns (Announcement memory);

    /// @notice Commission of a pool, in basis points.
    function commission(address operator, uint8 kind) external view returns (Announcement memory);

    /// @notice A pool as it was last touched; {pendingRewards} come on top.
    function pool(address operator, uint8 kind) external view returns (PoolTotals memory);

    /// @notice What the stream has earned a pool since it was last touched.
    function pendingRewards(address operator, uint8 kind) external view returns (uint256 amount);

    /// @notice How much more delegation a pool takes: what its own stake carries under the own share that applies or,
    /// where higher, was announced. 0 below the minimum.
    function capacity(address operator, uint8 kind) external view returns (uint256 amount);

    /// @notice A delegator's bonded position.
    /// @return shares Of the pool's delegation.
    /// @return amount What they are worth, without {pendingRewards}.
    function position(
        address operator,
        uint8 kind,
        address delegator
    ) external view returns (uint256 shares, uint256 amount);

    /// @notice An operator's open requests for own stake, oldest first; at most {MAX_REQUESTS}.
    function stakeRequests(address operator, uint8 kind) external view returns (UnbondingRequest[] memory);

    /// @notice A delegator's open requests, oldest first; at most {MAX_REQUESTS}.
    function requests(
        address operator,
        uint8 kind,
        address delegator
    ) external view returns (UnbondingRequest[] memory);

    /// @notice What {claim} would pay an account.
    function creditOf(address account) external view returns (uint256 amount);

    /// @notice The stream.
    /// @return remaining Not given out yet.
    /// @return allocated Given out, and not collected by its pools yet.
    /// @return end When `remaining` will be 0, in unix seconds; later where less than {MIN_BONDED} is bonded meanwhile.
    function stream() external view returns (uint256 remaining, uint256 allocated, uint256 end);

    /// @notice Everything held for somebody: pools, stream and credits. What the token says beyond it, {sync} streams.
    function accounted() external view returns (uint256 amount);
}
