// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {FastClaims} from "../../contracts/consumer/examples/FastClaims.sol";
import {ProvisionalState} from "../../contracts/interfaces/IProvisionalConsumer.sol";
import {Opening, Receipt, SignedReceipt} from "../../contracts/interfaces/InferenceTypes.sol";
import {OPGToken} from "../../contracts/opg/OPGToken.sol";
import {ReceiptLib} from "../../contracts/verification/ReceiptLib.sol";
import {SyntheticProofs} from "./SyntheticProofs.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @notice Speaking as another account, for one call.
interface Prank {
    function prank(address sender) external;
}

/// @notice Everything that can happen to provisional claims, in any order, beside a plain account of what must follow.
/// Signers lie as they like; what is proved is true.
contract ClaimsHandler is World {
    Prank private constant AS = Prank(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant MAX_CLAIMS = 8;
    uint256 private constant MAX_VALUE = 900;
    uint256 private constant MAX_OUTSTANDING = 2_000;
    uint256 private constant WINDOW = 6 hours;
    uint256 private constant MAX_AGE = 1 days;

    FastClaims public claims;
    OPGToken private money;
    uint256 private _keysUntil;

    struct Item {
        bytes32 requestId;
        uint256 input;
        uint256 cover;
        uint256 claimant;
        ProvisionalState state;
        bool paid;
        uint256 value;
        uint256 submitter;
        uint256 actedAt;
        bool lied;
        Receipt acted;
        bool hasProof;
        Receipt proof;
        uint256 provedAt;
    }

    Item[] private _items;
    uint256 private _pool;
    uint256 private _donated;
    uint256 private _pausedUntil;
    uint256[3] private _credits;
    uint256[3] private _received;
    uint256[3] private _bonded;
    uint256[3] private _claimed;

    constructor() {
        _keysUntil = block.timestamp + KEY_LIFE;
        address[] memory holders = new address[](1);
        uint256[] memory amounts = new uint256[](1);
        (holders[0], amounts[0]) = (address(this), 1_000_000_000e18);
        money = new OPGToken(holders, amounts);
        claims = new FastClaims(registry, money, address(this), modelId, MAX_AGE, MAX_VALUE, MAX_OUTSTANDING, WINDOW);
        money.approve(address(claims), type(uint256).max);
        for (uint256 i = 0; i < 3; ++i) {
            require(money.transfer(_account(i), 1_000_000), "fortune");
            AS.prank(_account(i));
            money.approve(address(claims), type(uint256).max);
        }
        _fund(3_000);
        for (uint256 i = 0; i < 3; ++i) open(uint8(i), 500, uint16(i));
    }

    // ------------------------------------------------------------------------------------------- what can happen

    function fund(uint16 amount) external {
        _fund(amount % 1_000);
    }

    function withdrawPool(uint16 amount) external {
        (bool ok, ) = address(claims).call(abi.encodeCall(claims.withdrawPool, (amount)));
        require(ok == (amount <= _pool), "the insurer takes what is its own");
        if (ok) _pool -= amount;
    }

    function donate(uint8 amount) external {
        require(money.transfer(address(claims), amount), "transfer");
        _donated += amount;
    }

    function wait(uint32 time) external {
        vm.warp(block.timestamp + (time % 5 hours));
    }

    function pause(uint8 rarely) external {
        if (rarely % 8 != 0) return;
        (bool ok, ) = address(registry).call(abi.encodeCall(registry.pause, ()));
        if (ok) _pausedUntil = block.timestamp + 1 days;
    }

    function open(uint8 who, uint16 cover, uint16 input) public {
        if (_items.length == MAX_CLAIMS) return;
        uint256 covered = 1 + (cover % 1_200);
        bytes32 requestId = claims.openClaim(_account(who % 3), uint96(covered), bytes32(uint256(input)));
        Item storage item = _items.push();
        (item.requestId, item.input, item.cover, item.claimant) = (requestId, input, covered, who % 3);
    }

    function act(uint8 which, uint8 who, uint8 key, bool lie) external {
        Item storage item = _items[which % _items.length];
        uint256 output = _truth(item.input) + (lie ? 1 : 0);
        SignedReceipt memory signed = _signed(item, key % 3, output);
        uint256 due = _min(output, item.cover);
        // The claimant, or now and then a stranger.
        uint256 by = who % 8 == 7 ? (item.claimant + 1) % 3 : item.claimant;
        bool expected =
            by == item.claimant &&
                !item.paid &&
                due != 0 &&
                due <= MAX_VALUE &&
                _outstanding() + due <= MAX_OUTSTANDING &&
                due <= _pool &&
                block.timestamp <= _keysUntil;
        AS.prank(_account(by));
        (bool ok, ) = address(claims).call(abi.encodeCall(claims.payOnSignature, (signed, _outputs(output))));
        require(ok == expected, "acts on the first signature, within the limits");
        if (!ok) return;
        item.state = ProvisionalState.Provisional;
        (item.paid, item.value, item.submitter) = (true, due, by);
        (item.actedAt, item.lied, item.acted) = (block.timestamp, lie, signed.receipt);
        _pool -= due;
        _received[item.claimant] += due;
        _bonded[by] += _bond(due);
    }

    function prove(uint8 which, uint8 key) external {
        Item storage item = _items[which % _items.length];
        if (item.hasProof || block.timestamp > _keysUntil) return;
        uint256 output = _truth(item.input);
        // The receipt that was acted on, where it is a true one of this kind; or else another one.
        bool same = item.paid && item.state != ProvisionalState.None && !item.lied && item.acted.mode == 1;
        SignedReceipt[] memory one = new SignedReceipt[](1);
        one[0] = same ? _sign(item.acted) : _signed(item, key % 2, output);
        one[0].evidence = SyntheticProofs.prove(registry.receiptId(one[0].receipt), item.input, output);
        (bool ok, bytes memory answer) = address(registry).call(abi.encodeCall(registry.settleReceipts, (one)));
        require(ok == (block.timestamp >= _pausedUntil), "settles unless paused");
        if (!ok || abi.decode(answer, (uint256)) == 0) return;
        (item.hasProof, item.proof, item.provedAt) = (true, one[0].receipt, block.timestamp);
    }

    function payOnProof(uint8 which) external {
        Item storage item = _items[which % _items.length];
        if (!item.hasProof) return;
        uint256 output = _truth(item.input);
        uint256 due = _min(output, item.cover);
        uint256 from = _min(item.proof.completedAt, item.provedAt);
        bool expected = !item.paid && due <= _pool && block.timestamp <= from + MAX_AGE;
        (bool ok, ) = address(claims).call(abi.encodeCall(claims.payOnProof, (_opening(item), _outputs(output))));
        require(ok == expected, "pays on a proof, once");
        if (!ok) return;
        item.paid = true;
        _pool -= due;
        _received[item.claimant] += due;
    }

    function finalise(uint8 which) external {
        Item storage item = _items[which % _items.length];
        (bool ok, ) = address(claims).call(abi.encodeCall(claims.finalise, (item.acted, _opening(item))));
        bool expected = item.state == ProvisionalState.Provisional && item.hasProof && !item.lied;
        require(ok == expected, "a proof of the answer makes it final");
        if (!ok) return;
        item.state = ProvisionalState.Final;
        _credits[item.submitter] += _bond(item.value);
    }

    function contradict(uint8 which, uint8 who) external {
        Item storage item = _items[which % _items.length];
        AS.prank(_account(who % 3));
        (bool ok, ) = address(claims).call(abi.encodeCall(claims.contradict, (item.acted, _opening(item))));
        bool expected = item.state == ProvisionalState.Provisional && item.hasProof && item.lied;
        require(ok == expected, "a proof of another answer unwinds it");
        if (ok) _unwound(item, who % 3);
    }

    function unwind(uint8 which, uint8 who) external {
        Item storage item = _items[which % _items.length];
        uint256 deadline = item.actedAt + WINDOW;
        if (_pausedUntil > item.actedAt && _pausedUntil <= deadline + 1 days)
            deadline = _max(deadline, _pausedUntil + WINDOW);
        AS.prank(_account(who % 3));
        (bool ok, ) = address(claims).call(abi.encodeCall(claims.unwind, (item.requestId)));
        bool expected = item.state == ProvisionalState.Provisional && block.timestamp > deadline;
        require(ok == expected, "the deadline unwinds it");
        if (ok) _unwound(item, who % 3);
    }

    function claim(uint8 who) external {
        uint256 w = who % 3;
        AS.prank(_account(w));
        (bool ok, ) = address(claims).call(abi.encodeCall(claims.claim, ()));
        require(ok == (_credits[w] != 0), "whoever has credit is paid");
        _claimed[w] += _credits[w];
        _credits[w] = 0;
    }

    // ------------------------------------------------------------------------------------------- what must hold

    function checkMoney() external view {
        uint256 bonds;
        for (uint256 i = 0; i < _items.length; ++i)
            if (_items[i].state == ProvisionalState.Provisional) bonds += _bond(_items[i].value);
        uint256 owed = bonds + _credits[0] + _credits[1] + _credits[2];
        require(claims.obligations() == owed, "obligations are live bonds and credit");
        require(claims.pool() == _pool, "pool");
        require(claims.outstanding() == _outstanding(), "outstanding");
        require(money.balanceOf(address(claims)) == _pool + owed + _donated, "every token is accounted for");
        for (uint256 i = 0; i < 3; ++i) {
            require(claims.creditOf(_account(i)) == _credits[i], "credit");
            uint256 held = 1_000_000 + _received[i] + _claimed[i] - _bonded[i];
            require(money.balanceOf(_account(i)) == held, "nobody has another's money");
        }
    }

    function checkStates() external view {
        for (uint256 i = 0; i < _items.length; ++i) {
            Item storage item = _items[i];
            require(claims.provisionalState(item.requestId) == item.state, "state");
            require(claims.isInferenceUsed(item.requestId) == item.paid, "one effect a request");
        }
    }

    // ------------------------------------------------------------------------------------------- the plain account

    function _unwound(Item storage item, uint256 unwinder) private {
        item.state = ProvisionalState.Unwound;
        uint256 reward = (_bond(item.value) - item.value) / 2;
        _credits[unwinder] += reward;
        _pool += _bond(item.value) - reward;
    }

    function _fund(uint256 amount) private {
        claims.fund(amount);
        _pool += amount;
    }

    function _outstanding() private view returns (uint256 sum) {
        for (uint256 i = 0; i < _items.length; ++i)
            if (_items[i].state == ProvisionalState.Provisional) sum += _items[i].value;
    }

    function _bond(uint256 value) private pure returns (uint256) {
        return value + (value + 9) / 10;
    }

    /// @dev What the model says. Zero at times, and above cover and limit at others.
    function _truth(uint256 input) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(input))) % 1_100;
    }

    function _outputs(uint256 output) private pure returns (uint256[] memory outputs) {
        outputs = new uint256[](1);
        outputs[0] = output;
    }

    function _signed(Item storage item, uint256 key, uint256 output) private view returns (SignedReceipt memory) {
        Receipt memory receipt;
        receipt.requestId = item.requestId;
        receipt.modelId = modelId;
        receipt.inputHash = bytes32(item.input);
        receipt.outputHash = ReceiptLib.circuitOutputHash(_outputs(output));
        receipt.outputScheme = 2;
        receipt.keyId = keyIds[key];
        receipt.completedAt = uint64(block.timestamp);
        receipt.mode = key == 2 ? 2 : 1;
        return _sign(receipt);
    }

    function _sign(Receipt memory receipt) private view returns (SignedReceipt memory signed) {
        uint256 key =
            receipt.keyId == keyIds[2]
                ? 2
                : receipt.keyId == keyIds[1]
                    ? 1
                    : 0;
        signed.receipt = receipt;
        signed.signature = _sign(_secret(key), registry.receiptId(receipt));
    }

    function _opening(Item storage item) private view returns (Opening memory opening) {
        opening.receipt = item.proof;
    }

    function _account(uint256 i) private pure returns (address) {
        return vm.addr(0xacc0 + i);
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
