// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IKeyRegistry} from "../../contracts/interfaces/IKeyRegistry.sol";
import {INodeRegistry} from "../../contracts/interfaces/INodeRegistry.sol";
import {IOPGStaking, PoolTotals, UnbondingRequest} from "../../contracts/interfaces/IOPGStaking.sol";
import {IOPGVesting} from "../../contracts/interfaces/IOPGVesting.sol";
import {IOperatorStake} from "../../contracts/interfaces/IOperatorStake.sol";
import {OPGStaking} from "../../contracts/staking/OPGStaking.sol";
import {vm} from "./Vm.sol";

/// @notice A plain token, all of it its deployer's.
contract StakedToken is ERC20 {
    constructor() ERC20("Staked", "STAKED") {
        _mint(msg.sender, 1_000_000_000e18);
    }
}

/// @notice Somebody who stakes, delegates or operates: calls whatever it is told to.
contract Staker {
    function act(address to, bytes calldata data) external returns (bool ok, bytes memory answer) {
        return to.call(data);
    }
}

/// @notice Two live nodes for every operator and kind, and when their keys ended: a registry as strict as the real ones.
contract StubKeys {
    mapping(bytes32 nodeId => uint256) public endedAt;

    function liveNodes(address operator, INodeRegistry.NodeKind kind) public pure returns (bytes32[] memory ids) {
        ids = new bytes32[](2);
        for (uint256 i = 0; i < 2; ++i) ids[i] = bytes32(abi.encodePacked(operator, uint8(kind), uint8(i)));
    }

    function endKeysForStake(bytes32 nodeId) external {
        (address operator, uint8 kind) = (address(bytes20(nodeId)), uint8(nodeId[20]));
        require(!IOperatorStake(msg.sender).isSufficient(operator, kind), "stake suffices");
        endedAt[nodeId] = block.timestamp;
    }
}

/// @notice Everything that can happen to stake, in any order, beside plain sums of what must follow.
contract StakingHandler {
    uint256 private constant OPERATORS = 2;
    uint256 private constant KINDS = 2;
    uint256 private constant POOLS = OPERATORS * KINDS;
    uint256 private constant STAKERS = 5;

    StakedToken public immutable token = new StakedToken();
    OPGStaking public immutable staking;
    StubKeys private immutable _nodes = new StubKeys();
    StubKeys private immutable _enclaves = new StubKeys();

    /// @dev Operators first, delegators after them; operators delegate too.
    Staker[STAKERS] private _stakers;
    uint256[STAKERS] private _put;
    uint256[STAKERS] private _got;
    uint256 private _rewards;
    uint256 private _strayed;
    uint256 private _touches;
    PoolTotals[POOLS] private _before;
    bool[POOLS] private _sufficed;

    constructor() {
        vm.warp(1_800_000_000);
        uint256[4] memory minimums = [uint256(100e18), 10e18, 10e18, 10e18];
        uint256[4] memory shares = [uint256(1_000), 100, 2_000, 5_000];
        staking = new OPGStaking(token, address(this), minimums, shares);
        token.approve(address(staking), type(uint256).max);
        staking.wire(
            INodeRegistry(address(_nodes)),
            IKeyRegistry(address(_enclaves)),
            address(this),
            IOPGVesting(address(0))
        );
        for (uint256 i = 0; i < STAKERS; ++i) {
            _stakers[i] = new Staker();
            token.transfer(address(_stakers[i]), 50_000_000e18);
            _stakers[i].act(address(token), abi.encodeCall(token.approve, (address(staking), type(uint256).max)));
        }
        for (uint256 p = 0; p < POOLS; ++p) {
            (, uint8 kind) = _pool(p);
            _do(p / KINDS, abi.encodeCall(staking.createPool, (kind, p * 500)), true);
        }
    }

    /// @dev Whatever happens, no price of a share falls and no own share falls short; where either may, the action says so.
    modifier noted() {
        for (uint256 p = 0; p < POOLS; ++p) _note(p);
        _;
        ++_touches;
        for (uint256 p = 0; p < POOLS; ++p) _checkPrices(p);
    }

    modifier keepsSufficient() {
        _;
        for (uint256 p = 0; p < POOLS; ++p) {
            (address operator, uint8 kind) = _pool(p);
            require(!_sufficed[p] || staking.isSufficient(operator, kind), "own share fell");
        }
    }

    // ------------------------------------------------------------------------------------------- what can happen

    function stake(uint8 who, uint256 seed) external noted keepsSufficient {
        (address operator, uint8 kind) = _pool(who);
        uint256 by = (who % POOLS) / KINDS;
        uint256 amount = _amount(seed);
        if (_do(by, abi.encodeCall(staking.stake, (operator, kind, amount)), amount != 0)) _put[by] += amount;
    }

    function delegate(uint8 who, uint8 by, uint256 seed) external noted keepsSufficient {
        (address operator, uint8 kind) = _pool(who);
        uint256 amount = _amount(seed);
        uint256 fits = staking.capacity(operator, kind);
        if (amount > fits && seed % 4 != 0) amount = fits;
        bool ok = _do(by % STAKERS, abi.encodeCall(staking.delegate, (operator, kind, amount)), false);
        if (ok) _put[by % STAKERS] += amount;
        PoolTotals memory pool = staking.pool(operator, kind);
        // Pending rewards may only make room.
        if (!ok && amount != 0 && amount <= fits && pool.delegatedShares == 0) require(amount < 1e18, "refused");
    }

    function unbond(uint8 who, uint256 seed) external noted {
        (address operator, uint8 kind) = _pool(who);
        uint256 own = staking.pool(operator, kind).own;
        uint256 amount = seed % 3 == 0 ? own : seed % (own + 2);
        if (_do((who % POOLS) / KINDS, abi.encodeCall(staking.unbond, (kind, amount)), false))
            _checkKeys(who);
            // What the stream had pending came on top first: everything there was before can be asked back.
        else require(amount == 0 || amount > own || _isFull(operator, kind), "exit refused");
    }

    function undelegate(uint8 who, uint8 by, uint256 seed) external noted keepsSufficient {
        (address operator, uint8 kind) = _pool(who);
        address holder = address(_stakers[by % STAKERS]);
        (uint256 held, ) = staking.position(operator, kind, holder);
        uint256 shares = seed % 3 == 0 ? held : seed % (held + 2);
        bool ok = _do(by % STAKERS, abi.encodeCall(staking.undelegate, (operator, kind, shares)), false);
        if (!ok && shares == held && held != 0)
            require(staking.requests(operator, kind, holder).length == 16, "whole exit refused");
    }

    function withdraw(uint8 who, uint8 by) external noted keepsSufficient {
        (address operator, uint8 kind) = _pool(who);
        address holder = address(_stakers[by % STAKERS]);
        uint256 due = _due(staking.requests(operator, kind, holder));
        uint256 held = token.balanceOf(holder);
        if (due != type(uint256).max) require(staking.withdraw(operator, kind, holder) >= due, "delegation not paid");
        _got[by % STAKERS] += token.balanceOf(holder) - held;
    }

    function withdrawStake(uint8 who) external noted keepsSufficient {
        (address operator, uint8 kind) = _pool(who);
        uint256 due = _due(staking.stakeRequests(operator, kind));
        uint256 held = token.balanceOf(operator);
        if (due != type(uint256).max) require(staking.withdrawStake(operator, kind) >= due, "own stake not paid");
        _got[(who % POOLS) / KINDS] += token.balanceOf(operator) - held;
    }

    function addRewards(uint8 who, uint256 seed) external noted keepsSufficient {
        (address operator, uint8 kind) = _pool(who);
        uint256 amount = _amount(seed) / 100;
        staking.addRewards(operator, kind, amount);
        _rewards += amount;
    }

    function donate(uint256 seed) external noted keepsSufficient {
        uint256 amount = _amount(seed);
        token.transfer(address(staking), amount);
        _strayed += amount;
    }

    function sync() external noted keepsSufficient {
        require(staking.sync() == _strayed, "surplus");
        _rewards += _strayed;
        _strayed = 0;
    }

    function compound(uint8 who) external noted keepsSufficient {
        (address operator, uint8 kind) = _pool(who);
        staking.compound(operator, kind);
    }

    /// @dev Written out: this one may lower the prices of its own pool, and must leave the others as they are.
    function slash(uint8 who, uint16 seed, uint8 reporter) external {
        (address operator, uint8 kind) = _pool(who);
        staking.compound(operator, kind);
        for (uint256 p = 0; p < POOLS; ++p) _note(p);
        uint256 most = _sum(_before[who % POOLS]) / 10;
        uint256 bps = uint256(seed) % 1_001;
        uint256 taken = staking.slash(operator, kind, bps, address(_stakers[reporter % STAKERS]));
        require(_sum(_before[who % POOLS]) - _sum(staking.pool(operator, kind)) == taken, "taken");
        // Beyond a tenth only the dust of shares that are void.
        require(taken <= most + 2 + most / 1e6, "more than a tenth");
        for (uint256 p = 0; p < POOLS; ++p) if (p != who % POOLS) _checkSame(p);
        _checkKeys(who);
        ++_touches;
    }

    function claim(uint8 who) external noted keepsSufficient {
        address account = who % 3 == 0 ? staking.BURN_ADDRESS() : address(_stakers[who % STAKERS]);
        uint256 credit = staking.creditOf(account);
        if (credit == 0) return;
        require(staking.claim(account) == credit, "credit");
        // A reporter's part is no gain of its stake.
    }

    function setCommission(uint8 who, uint16 bps) external noted keepsSufficient {
        (, uint8 kind) = _pool(who);
        _do((who % POOLS) / KINDS, abi.encodeCall(staking.setCommission, (kind, bps % 3_001)), true);
    }

    function setRates(uint8 kind, uint96 minimum, uint16 bps) external noted {
        staking.setMinimum(kind % 2, 1e18 + (minimum % 1_000e18));
        staking.setOwnShare(kind % 2, 100 + (bps % 2_901));
    }

    function wait(uint32 time) external noted {
        vm.warp(block.timestamp + (time % 12 days));
    }

    // ------------------------------------------------------------------------------------------- what must hold

    /// @notice Every wei is somebody's: pools, what unbonds, stream, credits; the rest is what strayed in.
    function checkSums() external view {
        (uint256 remaining, uint256 allocated, ) = staking.stream();
        uint256 sum = remaining + allocated + staking.creditOf(staking.BURN_ADDRESS());
        for (uint256 i = 0; i < STAKERS; ++i) sum += staking.creditOf(address(_stakers[i]));
        uint256 bonded = 0;
        uint256 pending = 0;
        for (uint256 p = 0; p < POOLS; ++p) {
            (address operator, uint8 kind) = _pool(p);
            PoolTotals memory pool = staking.pool(operator, kind);
            sum += _sum(pool);
            bonded += pool.own + pool.delegated;
            pending += staking.pendingRewards(operator, kind);
            require(pool.totalBonded == staking.pool(address(_stakers[0]), 0).totalBonded, "one total");
        }
        require(bonded == staking.pool(address(_stakers[0]), 0).totalBonded, "bonded");
        require(sum == staking.accounted(), "accounted");
        require(token.balanceOf(address(staking)) == sum + _strayed, "balance");
        // What pools cannot collect is rounding, a wei for each time somebody looked at each of them.
        require(pending <= allocated, "more pending than allocated");
        require(allocated - pending <= (_touches + 1) * (POOLS + 1), "allocated to nobody");
    }

    /// @notice Shares are those of their holders, and so is what unbonds, but for less than a wei a request.
    function checkShares() external view {
        for (uint256 p = 0; p < POOLS; ++p) {
            (address operator, uint8 kind) = _pool(p);
            PoolTotals memory pool = staking.pool(operator, kind);
            uint256 shares = 0;
            uint256 worth = 0;
            uint256 leaving = 0;
            uint256 open = 0;
            for (uint256 i = 0; i < STAKERS; ++i) {
                address holder = address(_stakers[i]);
                (uint256 held, uint256 amount) = staking.position(operator, kind, holder);
                require(held == 0 || held >= 1e18, "dust position");
                (shares, worth) = (shares + held, worth + amount);
                UnbondingRequest[] memory found = staking.requests(operator, kind, holder);
                require(found.length <= 16, "requests");
                (leaving, open) = (leaving + _worth(found), open + found.length);
            }
            require(shares == pool.delegatedShares, "shares");
            require(worth <= pool.delegated && pool.delegated - worth <= STAKERS, "worth");
            require(leaving <= pool.delegatedUnbonding && pool.delegatedUnbonding - leaving <= open, "delegation");
            UnbondingRequest[] memory own = staking.stakeRequests(operator, kind);
            leaving = _worth(own);
            require(leaving <= pool.ownUnbonding && pool.ownUnbonding - leaving <= own.length, "own stake");
        }
    }

    /// @notice Nobody has or had more than it put in and all there ever was to earn.
    function checkGains() external view {
        for (uint256 i = 0; i < STAKERS; ++i) {
            uint256 has = _got[i];
            for (uint256 p = 0; p < POOLS; ++p) {
                (address operator, uint8 kind) = _pool(p);
                (, uint256 amount) = staking.position(operator, kind, address(_stakers[i]));
                has += amount + _worth(staking.requests(operator, kind, address(_stakers[i])));
                if (operator != address(_stakers[i])) continue;
                has += staking.pool(operator, kind).own + _worth(staking.stakeRequests(operator, kind));
            }
            require(has <= _put[i] + _rewards, "more than put in and earned");
        }
    }

    /// @notice What suffices is the published rule, read with plain numbers.
    function checkSufficiency() external view {
        for (uint256 p = 0; p < POOLS; ++p) {
            (address operator, uint8 kind) = _pool(p);
            PoolTotals memory pool = staking.pool(operator, kind);
            bool holds =
                pool.own >= staking.minimum(kind).current &&
                    pool.own * 10_000 >= staking.ownShare(kind).current * (pool.own + pool.delegated);
            require(staking.isSufficient(operator, kind) == holds, "sufficient");
        }
    }

    // ------------------------------------------------------------------------------------------------- helpers

    function _pool(uint256 who) private view returns (address operator, uint8 kind) {
        return (address(_stakers[(who % POOLS) / KINDS]), uint8(who % KINDS));
    }

    function _do(uint256 by, bytes memory data, bool must) private returns (bool ok) {
        (ok, ) = _stakers[by].act(address(staking), data);
        require(ok || !must, "must work");
    }

    /// @dev Some wei, some OPG, or very much.
    function _amount(uint256 seed) private pure returns (uint256) {
        uint256 size = seed % 4;
        return
            (seed >> 2) %
            (
                size == 0
                    ? 1_000
                    : size == 1
                        ? 20e18
                        : size == 2
                            ? 2_000e18
                            : 200_000e18
            );
    }

    function _note(uint256 p) private {
        (address operator, uint8 kind) = _pool(p);
        _before[p] = staking.pool(operator, kind);
        _sufficed[p] = staking.isSufficient(operator, kind);
    }

    function _checkPrices(uint256 p) private view {
        (address operator, uint8 kind) = _pool(p);
        PoolTotals memory was = _before[p];
        PoolTotals memory pool = staking.pool(operator, kind);
        _checkPrice(was.delegated, was.delegatedShares, pool.delegated, pool.delegatedShares);
        _checkPrice(was.ownUnbonding, was.ownUnbondingShares, pool.ownUnbonding, pool.ownUnbondingShares);
        _checkPrice(
            was.delegatedUnbonding,
            was.delegatedUnbondingShares,
            pool.delegatedUnbonding,
            pool.delegatedUnbondingShares
        );
    }

    function _checkPrice(uint256 tokens0, uint256 shares0, uint256 tokens1, uint256 shares1) private pure {
        if (shares0 == 0 || shares1 == 0) return;
        require(tokens1 * shares0 >= tokens0 * shares1, "price fell");
    }

    function _checkSame(uint256 p) private view {
        (address operator, uint8 kind) = _pool(p);
        PoolTotals memory was = _before[p];
        PoolTotals memory pool = staking.pool(operator, kind);
        (was.totalBonded, was.streamRemaining, was.streamEnd) = (0, 0, 0);
        (pool.totalBonded, pool.streamRemaining, pool.streamEnd) = (0, 0, 0);
        require(keccak256(abi.encode(was)) == keccak256(abi.encode(pool)), "another pool moved");
    }

    function _checkKeys(uint256 who) private view {
        (address operator, uint8 kind) = _pool(who);
        if (staking.isSufficient(operator, kind)) return;
        bytes32[] memory ids = _nodes.liveNodes(operator, INodeRegistry.NodeKind(kind));
        for (uint256 i = 0; i < ids.length; ++i)
            require(
                _nodes.endedAt(ids[i]) == block.timestamp && _enclaves.endedAt(ids[i]) == block.timestamp,
                "keys live on"
            );
    }

    function _isFull(address operator, uint8 kind) private view returns (bool) {
        return staking.stakeRequests(operator, kind).length == 16;
    }

    function _sum(PoolTotals memory pool) private pure returns (uint256) {
        return pool.own + pool.ownUnbonding + pool.delegated + pool.delegatedUnbonding;
    }

    function _worth(UnbondingRequest[] memory found) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < found.length; ++i) sum += found[i].amount;
    }

    /// @dev What has matured; the highest number where nothing has.
    function _due(UnbondingRequest[] memory found) private view returns (uint256 sum) {
        if (found.length == 0 || found[0].maturesAt > block.timestamp) return type(uint256).max;
        for (uint256 i = 0; i < found.length; ++i) if (found[i].maturesAt <= block.timestamp) sum += found[i].amount;
    }
}
