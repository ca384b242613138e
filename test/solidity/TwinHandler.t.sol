// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Fee, Order, Quote} from "../../contracts/interfaces/ITwinMarket.sol";
import {TwinAccount} from "./TwinAccount.sol";
import {EtherForcer, TwinActor} from "./TwinActors.sol";

/// @notice Everything that can happen to the market, in any order and by hostile accounts, beside a plain account of
/// what must follow.
contract TwinHandler is TwinAccount {
    error Undone();

    // ------------------------------------------------------------------------------------------- what can happen

    function wait(uint32 time) external {
        uint256[5] memory steps = [uint256(1), 1 hours, 48 hours - 1, 48 hours, time % 4 days];
        _now += steps[time % 5];
    }

    function temper(uint8 who, uint8 how, uint8 which) external {
        TwinActor.Mood[4] memory moods = [
            TwinActor.Mood.Takes,
            TwinActor.Mood.Reverts,
            TwinActor.Mood.Takes,
            TwinActor.Mood.ReEnters
        ];
        bytes memory back = abi.encodeWithSignature("sellShares(bytes16,uint256)", _id(which % TWINS), 1);
        _actors[who % ACTORS].be(moods[how % 4], address(market), back);
    }

    function create(uint8 which, uint8 who, uint8 claimant, uint16 shares, uint32 opening, uint8 limit) external timed {
        (uint256 t, uint256 a, uint256 c) = (which % TWINS, who % ACTORS, claimant % ACTORS);
        uint256 keys = shares % 303;
        uint256 duration = limit == 0 ? 0 : 1 + (opening % 1 days);
        Quote memory q = _priceOf(0, keys);
        bytes memory call_ = abi.encodeWithSignature(
            "createDigitalTwin(bytes16,string,address,uint256,uint256,uint256)",
            _id(t),
            "",
            address(_actors[c]),
            keys,
            duration,
            limit
        );
        bool ok = _attempt(a, _cost(q), call_);
        require(ok == (!_exists[t] && keys <= 300), "creates once, with 300 keys at most");
        if (!ok) return;
        (_exists[t], _openUntil[t], _limit[t]) = (true, _now + duration, limit);
        (_owner[t], _claimant[t]) = a == c ? (a, ACTORS) : (ACTORS, c);
        _bought(t, a, keys, q);
    }

    function buy(uint8 which, uint8 who, uint16 amount, uint8 over, uint8 form) external timed {
        _buy(which % TWINS, who % ACTORS, amount % 120, over, form);
    }

    function sell(uint8 which, uint8 who, uint16 amount, uint8 form) external timed {
        (uint256 t, uint256 a) = (which % TWINS, who % ACTORS);
        uint256 keys = _held[t][a] == 0 ? amount % 2 : amount % (_held[t][a] + 2);
        _sell(t, a, keys, form);
    }

    /// @dev Nobody is a wei better off by buying and selling at once, in whatever pieces.
    function roundTrip(uint8 which, uint8 who, uint8 amount, uint8 pieces) external timed {
        (uint256 t, uint256 a, uint256 keys) = (which % TWINS, who % ACTORS, 1 + (amount % 60));
        if (!_exists[t] || _now < _openUntil[t]) return;
        _actors[a].be(TwinActor.Mood.Takes, address(0), "");
        Quote memory q = _priceOf(_supply[t], keys);
        vm_().deal(address(_actors[a]), 0);
        require(_attempt(a, _cost(q), _buyCall(t, keys, _cost(q), pieces)), "buys");
        _bought(t, a, keys, q);
        for (uint256 piece = 1 + (pieces % keys); keys != 0; keys -= piece) {
            if (piece > keys) piece = keys;
            _sell(t, a, piece, pieces);
        }
        require(address(_actors[a]).balance + q.protocolFee + q.subjectFee <= _cost(q), "profit");
    }

    function batch(uint8 who, uint8 first, uint8 second, uint8 keys, bool buying) external timed {
        (uint256 a, uint256 t, uint256 u) = (who % ACTORS, first % TWINS, second % TWINS);
        keys = 1 + (keys % 9);
        if (!_exists[t] || !_exists[u] || _now < _openUntil[t] || _now < _openUntil[u]) return;
        uint256 needed = t == u ? uint256(keys) * 2 : keys;
        if (!buying && (_held[t][a] < needed || _held[u][a] < needed)) return;
        _actors[a].be(TwinActor.Mood.Takes, address(0), "");
        Order[] memory orders = new Order[](2);
        orders[0] = Order(_id(t), keys, buying ? type(uint256).max : 0);
        orders[1] = Order(_id(u), keys, buying ? type(uint256).max : 0);
        if (buying) {
            require(_attempt(a, 1e30, abi.encodeCall(market.buySharesBatch, (orders, _now))), "batch buys");
            for (uint256 i = 0; i < 2; ++i) _bookBuy(i == 0 ? t : u, a, keys);
        } else {
            require(_attempt(a, 0, abi.encodeCall(market.sellSharesBatch, (orders, _now))), "batch sells");
            for (uint256 i = 0; i < 2; ++i) _bookSell(i == 0 ? t : u, a, keys);
        }
    }

    function setFee(uint8 which, uint64 percent) external timed {
        uint256 f = which % 2;
        uint256 asked = percent % (CAP + CAP / 8);
        bytes4 setter = f == 0 ? market.setProtocolFeePercent.selector : market.setSubjectFeePercent.selector;
        (bool ok, ) = address(market).call(abi.encodeWithSelector(setter, asked));
        require(ok == (asked <= CAP), "cap");
        if (!ok) return;
        if (asked > _present[f]) (_pending[f], _effectiveAt[f]) = (asked, _now + 48 hours);
        else (_present[f], _effectiveAt[f]) = (asked, 0);
    }

    function withdrawIncrease(uint8 which) external timed {
        uint256 f = which % 2;
        (bool ok, ) = address(market).call(abi.encodeCall(market.withdrawFeeIncrease, (Fee(f))));
        require(ok == (_effectiveAt[f] != 0), "withdraws what waits");
        _effectiveAt[f] = 0;
    }

    function force(uint64 amount) external {
        vm_().deal(address(this), amount);
        new EtherForcer{value: amount}(payable(address(market)));
        _forced += amount;
    }

    function claimTwin(uint8 which, uint8 who) external timed {
        (uint256 t, uint256 a) = (which % TWINS, who % ACTORS);
        bool ok = _attempt(a, 0, abi.encodeWithSignature("claimOwnership(bytes16)", _id(t)));
        require(ok == (_exists[t] && _claimant[t] == a), "the claimant alone");
        if (ok) (_owner[t], _claimant[t]) = (a, ACTORS);
    }

    function handOver(uint8 which, uint8 to, bool consented) external timed {
        (uint256 t, uint256 a) = (which % TWINS, to % ACTORS);
        bool owned = _exists[t] && _owner[t] != ACTORS;
        bytes32 digest = market.consentDigest(_id(t), address(_actors[a]), _now);
        if (owned) _actors[_owner[t]].accept(consented ? digest : ~digest);
        bytes memory call_ = abi.encodeWithSignature(
            "claimOwnership(bytes16,uint256,bytes)",
            _id(t),
            _now,
            bytes("signature")
        );
        bool ok = _attempt(a, 0, call_);
        require(ok == (owned && consented), "with the owner's consent alone");
        if (!ok) return;
        _owed[_owner[t]] += _fees[t];
        (_fees[t], _owner[t]) = (0, a);
    }

    function claimFees(uint8 which, uint8 who, uint8 to) external timed {
        (uint256 t, uint256 a, uint256 b) = (which % TWINS, who % ACTORS, to % ACTORS);
        bool takes = _actors[b].mood() != TwinActor.Mood.Reverts;
        address receiver = address(_actors[b]);
        bool may = _exists[t] && _owner[t] != ACTORS && (_owner[t] == a || _owner[t] == b);
        bool ok = _attempt(a, 0, abi.encodeCall(market.claimSubjectFees, (_id(t), receiver)));
        require(ok == (may && takes && _fees[t] != 0), "the owner's fees");
        if (ok) _fees[t] = 0;
        ok = _attempt(a, 0, abi.encodeCall(market.claimOwedFees, (receiver)));
        require(ok == (takes && _owed[a] != 0), "a former owner's fees");
        if (ok) _owed[a] = 0;
        require(!_attempt(a, 0, abi.encodeCall(market.claimProtocolFees, (receiver))), "the admin's fees");
        ok = _attempt(a, 0, abi.encodeCall(market.claimProtocolFees, (address(this))));
        require(ok == (_protocolFees != 0), "anyone may send the admin's");
        _protocolFees = 0;
    }

    /// @dev Everybody leaves, every fee is taken, and only what was forced in remains; then none of it happened.
    function everybodyLeaves() external timed {
        (bool ok, bytes memory why) = address(this).call(abi.encodeCall(this.leaveAndUndo, ()));
        require(!ok && bytes4(why) == Undone.selector, "somebody could not leave");
    }

    function leaveAndUndo() external {
        for (uint256 a = 0; a < ACTORS; ++a) _actors[a].be(TwinActor.Mood.Takes, address(0), "");
        for (uint256 t = 0; t < TWINS; ++t) {
            for (uint256 a = 0; a < ACTORS; ++a) if (_held[t][a] != 0) _sell(t, a, _held[t][a], 0);
            if (_claimant[t] != ACTORS && _exists[t])
                _actors[_claimant[t]].act(
                    address(market),
                    0,
                    abi.encodeWithSignature("claimOwnership(bytes16)", _id(t))
                );
            if (_fees[t] != 0) market.claimSubjectFees(_id(t), market.twinOwner(_id(t)));
        }
        for (uint256 a = 0; a < ACTORS; ++a)
            if (_owed[a] != 0)
                _actors[a].act(address(market), 0, abi.encodeCall(market.claimOwedFees, (address(this))));
        if (_protocolFees != 0) market.claimProtocolFees(address(this));
        require(market.liabilities() == 0 && address(market).balance == _forced, "something is left or lacking");
        revert Undone();
    }

    /// @notice The functions above; trading comes up twice as often as the rest.
    function whatCanHappen() external pure returns (bytes4[] memory each) {
        each = new bytes4[](16);
        (each[0], each[1], each[2], each[3]) = (
            this.wait.selector,
            this.temper.selector,
            this.create.selector,
            this.roundTrip.selector
        );
        (each[4], each[5], each[6], each[7]) = (
            this.buy.selector,
            this.buy.selector,
            this.sell.selector,
            this.sell.selector
        );
        (each[8], each[9], each[10], each[11]) = (
            this.batch.selector,
            this.setFee.selector,
            this.withdrawIncrease.selector,
            this.force.selector
        );
        (each[12], each[13], each[14], each[15]) = (
            this.claimTwin.selector,
            this.handOver.selector,
            this.claimFees.selector,
            this.everybodyLeaves.selector
        );
    }
}
