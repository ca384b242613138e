// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {TwinMarket} from "../../contracts/twin/TwinMarket.sol";
import {FeeState, Quote} from "../../contracts/interfaces/ITwinMarket.sol";
import {TwinActor} from "./TwinActors.sol";
import {vm} from "./Vm.sol";

interface VmBalances {
    function deal(address account, uint256 balance) external;
}

/// @notice A plain account of a key market: what each trade must cost, and what must be on the books afterwards.
/// @dev It shares no code with the market: worths are sums over single keys, fees a table of moments. Owners, claimants
/// and traders are contracts that refuse ether or come back in, as it pleases the fuzzer.
abstract contract TwinAccount {
    uint256 internal constant ACTORS = 4;
    uint256 internal constant TWINS = 4;
    uint256 internal constant UNIT = 625e9;
    uint256 internal constant CAP = 0.05e18;

    TwinMarket public immutable market;

    TwinActor[ACTORS] internal _actors;
    uint256 internal _now = 1_800_000_000;

    bool[TWINS] internal _exists;
    uint256[TWINS] internal _supply;
    uint256[TWINS] internal _worth;
    uint256[TWINS] internal _fees;
    uint256[TWINS] internal _openUntil;
    uint256[TWINS] internal _limit;
    /// @dev Place of an actor, ACTORS for none.
    uint256[TWINS] internal _owner;
    uint256[TWINS] internal _claimant;
    mapping(uint256 twin => mapping(uint256 actor => uint256)) internal _held;
    mapping(uint256 actor => uint256) internal _owed;
    uint256 internal _protocolFees;
    uint256 internal _forced;

    // By Fee: present, pending, and when.
    uint256[2] internal _present = [uint256(0.03e18), 0.02e18];
    uint256[2] internal _pending;
    uint256[2] internal _effectiveAt;

    constructor() {
        vm.warp(_now);
        market = new TwinMarket(address(this), 1_600_000, _present[0], _present[1]);
        for (uint256 i = 0; i < ACTORS; ++i) _actors[i] = new TwinActor();
    }

    /// @dev Takes the protocol's fees.
    receive() external payable {}

    /// @dev Each call happens at the account's time, and what ran out by then applies.
    modifier timed() {
        vm.warp(_now);
        for (uint256 f = 0; f < 2; ++f) {
            if (_effectiveAt[f] == 0 || _now < _effectiveAt[f]) continue;
            (_present[f], _effectiveAt[f]) = (_pending[f], 0);
        }
        _;
    }

    // -------------------------------------------------------------------------------------------- what must hold

    /// @notice Solvent to the wei, and every book as the account has it.
    function checkBooks() external view {
        uint256 owing = _protocolFees;
        for (uint256 t = 0; t < TWINS; ++t) {
            owing += _worth[t] + _fees[t];
            require(market.sharesSupply(_id(t)) == _supply[t], "supply");
            uint256 held = 0;
            for (uint256 a = 0; a < ACTORS; ++a) {
                held += _held[t][a];
                require(market.sharesBalance(_id(t), address(_actors[a])) == _held[t][a], "holding");
            }
            require(held == _supply[t], "keys out of nowhere");
            require(market.quoteSell(_id(t), _supply[t]).price == _worth[t], "worth");
            address owner = _exists[t] && _owner[t] != ACTORS ? address(_actors[_owner[t]]) : address(0);
            require(market.twinOwner(_id(t)) == owner, "owner");
            if (_exists[t]) require(market.twin(_id(t)).unclaimedFees == _fees[t], "fees of a twin");
        }
        for (uint256 a = 0; a < ACTORS; ++a) {
            owing += _owed[a];
            require(market.feesOwed(address(_actors[a])) == _owed[a], "owed");
        }
        require(market.unclaimedProtocolFees() == _protocolFees, "protocol fees");
        require(market.liabilities() == owing, "liabilities");
        require(address(market).balance == owing + _forced, "solvency");
    }

    /// @notice Fees are what their announcements say, and never above the caps.
    function checkFees() external {
        vm.warp(_now);
        (FeeState memory protocol, FeeState memory subject) = market.fees();
        _checkFee(0, protocol);
        _checkFee(1, subject);
    }

    function _checkFee(uint256 f, FeeState memory state) internal view {
        bool due = _effectiveAt[f] != 0 && _now >= _effectiveAt[f];
        require(state.present == (due ? _pending[f] : _present[f]), "present fee");
        bool waits = _effectiveAt[f] != 0 && !due;
        require(state.pending == (waits ? _pending[f] : state.present), "pending fee");
        require(state.effectiveAt == (waits ? _effectiveAt[f] : 0), "time of a fee");
        require(state.present <= CAP && state.pending <= CAP, "above the cap");
    }

    // ---------------------------------------------------------------------------------------------------- account

    function _buy(uint256 t, uint256 a, uint256 keys, uint256 over, uint8 form) internal {
        Quote memory q = _priceOf(_supply[t], keys);
        bool may = _exists[t] && keys != 0 && (_now >= _openUntil[t] || _held[t][a] + keys <= _limit[t]);
        // A buyer that refuses ether cannot overpay.
        may = may && (over == 0 || _actors[a].mood() != TwinActor.Mood.Reverts);
        uint256 before = address(_actors[a]).balance;
        bool ok = _attempt(a, _cost(q) + over, _buyCall(t, keys, _cost(q), form));
        require(ok == may, "buys exactly what may be bought");
        if (!ok) return;
        require(address(_actors[a]).balance == before + over, "exact refund");
        _bought(t, a, keys, q);
    }

    function _sell(uint256 t, uint256 a, uint256 keys, uint8 form) internal {
        uint256 payout = 0;
        if (keys <= _supply[t]) {
            Quote memory q = _priceOf(_supply[t] - keys, keys);
            payout = q.price - q.protocolFee - q.subjectFee;
        }
        uint256 before = address(_actors[a]).balance;
        bool takes = payout == 0 || _actors[a].mood() != TwinActor.Mood.Reverts;
        bool ok = _attempt(a, 0, _sellCall(t, keys, payout, form));
        require(ok == (keys != 0 && keys <= _held[t][a] && takes), "sells what one holds, always");
        if (!ok) return;
        require(address(_actors[a]).balance == before + payout, "exact payout");
        _bookSell(t, a, keys);
    }

    function _sellCall(uint256 t, uint256 keys, uint256 payout, uint8 form) internal view returns (bytes memory) {
        if (form % 3 == 0) return abi.encodeWithSignature("sellShares(bytes16,uint256)", _id(t), keys);
        if (form % 3 == 1) return abi.encodeWithSignature("sellShares(bytes16,uint256,uint256)", _id(t), keys, payout);
        string memory full = "sellShares(bytes16,uint256,uint256,uint256)";
        return abi.encodeWithSignature(full, _id(t), keys, payout, block.timestamp);
    }

    function _bookSell(uint256 t, uint256 a, uint256 keys) internal {
        Quote memory q = _priceOf(_supply[t] - keys, keys);
        _held[t][a] -= keys;
        _supply[t] -= keys;
        _worth[t] -= q.price;
        _fees[t] += q.subjectFee;
        _protocolFees += q.protocolFee;
    }

    function _bookBuy(uint256 t, uint256 a, uint256 keys) internal {
        Quote memory q = _priceOf(_supply[t], keys);
        _bought(t, a, keys, q);
    }

    function _bought(uint256 t, uint256 a, uint256 keys, Quote memory q) internal {
        _held[t][a] += keys;
        _supply[t] += keys;
        _worth[t] += q.price;
        _fees[t] += q.subjectFee;
        _protocolFees += q.protocolFee;
    }

    /// @dev Key by key; the total is left to who buys or sells.
    function _priceOf(uint256 supply, uint256 keys) internal view returns (Quote memory q) {
        for (uint256 k = supply; k < supply + keys; ++k) q.price += k * k * UNIT;
        (q.protocolFee, q.subjectFee) = ((q.price * _present[0]) / 1e18, (q.price * _present[1]) / 1e18);
    }

    function _cost(Quote memory q) internal pure returns (uint256) {
        return q.price + q.protocolFee + q.subjectFee;
    }

    function _buyCall(uint256 t, uint256 keys, uint256 cost, uint8 form) internal view returns (bytes memory) {
        if (form % 2 == 0) return abi.encodeWithSignature("buyShares(bytes16,uint256)", _id(t), keys);
        return
            abi.encodeWithSignature("buyShares(bytes16,uint256,uint256,uint256)", _id(t), keys, cost, block.timestamp);
    }

    /// @dev The actor gets the ether first and keeps what comes back.
    function _attempt(uint256 a, uint256 value, bytes memory data) internal returns (bool) {
        vm_().deal(address(_actors[a]), address(_actors[a]).balance + value);
        return _actors[a].attempt(address(market), value, data);
    }

    function _id(uint256 t) internal pure returns (bytes16) {
        return bytes16(uint128(1 + t));
    }

    function vm_() internal pure returns (VmBalances) {
        return VmBalances(address(vm));
    }
}
