// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {InferenceRequests} from "../../contracts/inference/InferenceRequests.sol";
import {FeeEpochs, IFeeSplitter} from "../../contracts/interfaces/IFeeSplitter.sol";
import {InferenceRequest, RequestStatus, RequestTerms} from "../../contracts/interfaces/IInferenceRequests.sol";
import {IKeyRegistry} from "../../contracts/interfaces/IKeyRegistry.sol";
import {Opening, Receipt, SignedReceipt} from "../../contracts/interfaces/InferenceTypes.sol";
import {OPGToken} from "../../contracts/opg/OPGToken.sol";
import {ScriptedRequester} from "./HostileRequesters.sol";
import {PlainSplitter} from "./PlainSplitter.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @notice Everything that can happen to requests, in any order, beside a plain account of what must follow.
/// @dev The handler is the operator of the only node, and guardian. Requesters are contracts, of which one takes answers,
/// one reverts, one burns its gas and one comes back from its callback.
contract RequestsHandler is World {
    uint256 private constant SUPPLY = 1_000_000_000e18;
    uint256 private constant MAX_REQUESTS = 10;
    bytes private constant ANSWER = "the answer";

    InferenceRequests public requests;
    OPGToken private opg;
    PlainSplitter private splitter;
    bytes32 private nodeId;
    ScriptedRequester[4] private _requesters;

    /// @dev What became of a request by the rules as they are written.
    enum Fate {
        Open,
        Accepted,
        Fulfilled,
        Cancelled,
        TimedOut
    }
    struct Asked {
        bytes32 id;
        uint256 who;
        uint256 maxFee;
        uint256 deadline;
        uint256 acceptedAt;
        uint256 fee;
        Fate fate;
        bytes32 inputHash;
    }
    Asked[] private _asked;

    // By account: 0 to 3 the requesters, 4 the operator.
    uint256[5] private _credit;
    uint256[5] private _outside;
    uint256 private _paid;
    uint256 private _forwarded;
    uint256 private _donated;
    uint256 private _delivered;
    uint256 private _keyFrom;
    /// @dev Every pause, in full: what the contract under test does not know.
    struct Pause {
        uint256 from;
        uint256 end;
    }
    Pause[] private _pauses;

    constructor() {
        address[] memory holders = new address[](1);
        uint256[] memory amounts = new uint256[](1);
        (holders[0], amounts[0]) = (address(this), SUPPLY);
        opg = new OPGToken(holders, amounts);
        splitter = new PlainSplitter(opg);
        requests = new InferenceRequests(
            opg,
            registry,
            nodes,
            IKeyRegistry(address(enclaves)),
            IFeeSplitter(address(splitter))
        );
        opg.approve(address(requests), SUPPLY);
        nodeId = nodes.nodeOf(keyIds[0]);
        nodes.setOffer(nodeId, modelId, 7, 4);
        _keyFrom = nodes.keyState(keyIds[0]).validFrom;
        for (uint256 i = 0; i < 4; ++i) {
            _requesters[i] = new ScriptedRequester(requests);
            require(opg.transfer(address(_requesters[i]), 1e24), "transfer");
            _outside[i] = 1e24;
        }
        _requesters[1].behave(ScriptedRequester.Act.Revert);
        _requesters[2].behave(ScriptedRequester.Act.Burn);
        _requesters[3].callInCallback(address(requests), abi.encodeCall(requests.claim, (address(this))));
        _outside[4] = opg.balanceOf(address(this));
    }

    // ------------------------------------------------------------------------------------------- what can happen

    function ask(uint8 who, uint96 maxFee, uint32 life, bool named) external {
        if (_asked.length >= MAX_REQUESTS) return;
        RequestTerms memory terms = _terms(maxFee, life, named);
        uint256 r = who % 4;
        bytes memory call = abi.encodeCall(ScriptedRequester.ask, (terms, ""));
        (bool ok, bytes memory answer) = address(_requesters[r]).call(call);
        require(ok == (terms.maxFee != 0 && life % 10 days != 0 && life % 10 days <= 7 days), "asks");
        if (ok) _book(r, abi.decode(answer, (bytes32)), terms);
    }

    function cancel(uint8 which) external {
        if (_asked.length == 0) return;
        Asked storage asked = _asked[which % _asked.length];
        (bool ok, ) = address(_requesters[asked.who]).call(abi.encodeCall(ScriptedRequester.cancel, (asked.id)));
        require(ok == (asked.fate == Fate.Open), "nothing changes after acceptance");
        if (!ok) return;
        asked.fate = Fate.Cancelled;
        _outside[asked.who] += asked.maxFee;
    }

    function accept(uint8 which) external {
        if (_asked.length == 0) return;
        Asked storage asked = _asked[which % _asked.length];
        uint256 load = _load();
        (bool ok, ) = address(requests).call(abi.encodeCall(requests.accept, (asked.id, keyIds[0], type(uint256).max)));
        bool live = block.timestamp <= _keyFrom + KEY_LIFE;
        require(ok == (asked.fate == Fate.Open && block.timestamp <= asked.deadline && live && load < 4), "accepts");
        if (!ok) return;
        (asked.fate, asked.acceptedAt) = (Fate.Accepted, block.timestamp);
        _spend(4, _bond(asked.maxFee));
    }

    function fulfil(uint8 which, uint96 fee, bool settleNow) external {
        if (_asked.length == 0) return;
        Asked storage asked = _asked[which % _asked.length];
        Opening memory opening;
        Receipt memory receipt = opening.receipt;
        (receipt.requestId, receipt.inputHash, receipt.modelId) = (asked.id, asked.inputHash, modelId);
        (receipt.keyId, receipt.payer) = (keyIds[0], address(_requesters[asked.who]));
        receipt.cumulativeFee = uint128(fee % (asked.maxFee + asked.maxFee / 8 + 1));
        receipt.completedAt = uint64(block.timestamp);
        (receipt.outputScheme, receipt.outputHash) = (1, keccak256(ANSWER));
        if (settleNow && !_paused()) {
            SignedReceipt[] memory single = new SignedReceipt[](1);
            (single[0].receipt, single[0].signature) = (receipt, _sign(_secret(0), registry.receiptId(receipt)));
            registry.settleReceipts(single);
        }
        // The same answer may have settled before.
        bool settled = registry.settledAt(registry.receiptId(receipt)) != 0;
        bool inTime = block.timestamp <= asked.deadline + _pausedIn(asked.acceptedAt, asked.deadline);
        (bool ok, ) = address(requests).call(abi.encodeCall(requests.fulfil, (asked.id, opening, ANSWER)));
        bool good = asked.fate == Fate.Accepted && settled && receipt.cumulativeFee <= asked.maxFee;
        good = good && block.timestamp <= _keyFrom + KEY_LIFE;
        require(!good || !inTime || ok, "an answer in time is paid, whatever the requester does");
        require(!ok || (good && block.timestamp <= asked.deadline + 1 days), "nothing else is paid");
        if (!ok) return;
        (asked.fate, asked.fee) = (Fate.Fulfilled, receipt.cumulativeFee);
        _paid += asked.fee;
        _credit[asked.who] += asked.maxFee - asked.fee;
        _credit[4] += _bond(asked.maxFee);
        if (asked.who == 0 || asked.who == 3) ++_delivered;
        if (asked.who == 3) {
            // All was done when it was called: it could pay the operator out.
            _outside[4] += _credit[4];
            _credit[4] = 0;
        }
    }

    function timeOut(uint8 which) external {
        if (_asked.length == 0) return;
        Asked storage asked = _asked[which % _asked.length];
        (bool ok, ) = address(requests).call(abi.encodeCall(requests.timeOut, (asked.id)));
        bool accepted = asked.fate == Fate.Accepted;
        uint256 paused = accepted ? _pausedIn(asked.acceptedAt, asked.deadline) : 0;
        bool open = accepted || asked.fate == Fate.Open;
        require(!ok || (open && block.timestamp > asked.deadline + paused), "never before its time");
        bool surely = open && block.timestamp > asked.deadline + (accepted ? 1 days : 0);
        require(ok || !surely, "nothing is locked for ever");
        if (!ok) return;
        asked.fate = Fate.TimedOut;
        _outside[asked.who] += asked.maxFee + (accepted ? _bond(asked.maxFee) : 0);
    }

    function deposit(uint8 who, uint96 amount) external {
        uint256 a = who % 5;
        amount = amount % 10e18;
        if (amount == 0) return;
        requests.deposit(_account(a), amount);
        _outside[4] -= amount;
        _credit[a] += amount;
    }

    function claim(uint8 who) external {
        uint256 a = who % 5;
        (bool ok, ) = address(requests).call(abi.encodeCall(requests.claim, (_account(a))));
        require(ok == (_credit[a] != 0), "pays what is credited");
        _outside[a] += _credit[a];
        _credit[a] = 0;
    }

    function forward() external {
        uint256 epoch = FeeEpochs.at(block.timestamp);
        uint256 waits = requests.fees(nodeId, modelId, address(0), epoch);
        (bool ok, ) = address(requests).call(abi.encodeCall(requests.forward, (nodeId, modelId, address(0), epoch)));
        require(ok == (waits != 0), "forwards what waits");
        if (ok) _forwarded += waits;
    }

    function donate(uint16 amount) external {
        require(opg.transfer(address(requests), amount), "transfer");
        _outside[4] -= amount;
        _donated += amount;
    }

    function wait(uint32 time) external {
        vm.warp(block.timestamp + (time % 2 days));
    }

    function pause() external {
        (bool ok, ) = address(registry).call(abi.encodeCall(registry.pause, ()));
        if (ok) _pauses.push(Pause(block.timestamp, block.timestamp + 1 days));
    }

    function resume() external {
        (bool ok, ) = address(registry).call(abi.encodeCall(registry.resume, ()));
        if (ok) _pauses[_pauses.length - 1].end = block.timestamp;
    }

    // -------------------------------------------------------------------------------------------- what must hold

    /// @notice Every wei is in one place, and each place says what the account says.
    function checkMoney() external view {
        uint256 held = _donated + _paid - _forwarded;
        for (uint256 a = 0; a < 5; ++a) {
            require(requests.credit(_account(a)) == _credit[a], "credit");
            require(opg.balanceOf(_account(a)) == _outside[a], "outside");
            held += _credit[a];
        }
        for (uint256 i = 0; i < _asked.length; ++i) {
            if (_asked[i].fate <= Fate.Accepted) held += _asked[i].maxFee;
            if (_asked[i].fate == Fate.Accepted) held += _bond(_asked[i].maxFee);
        }
        require(opg.balanceOf(address(requests)) == held, "conservation");
        require(opg.balanceOf(address(splitter)) == _forwarded, "forwarded");
        uint256 waiting = 0;
        uint256 epoch = FeeEpochs.at(block.timestamp);
        for (uint256 at = epoch - 6; at <= epoch; ++at) waiting += requests.fees(nodeId, modelId, address(0), at);
        require(waiting + _forwarded == _paid, "fees");
    }

    /// @notice Requests are where the account says, and the node's load is the number of those it is at.
    function checkRequests() external view {
        for (uint256 i = 0; i < _asked.length; ++i) {
            InferenceRequest memory found = requests.inferenceRequest(_asked[i].id);
            RequestStatus expected = RequestStatus(uint8(_asked[i].fate) + 1);
            require(found.status == expected, "status");
            require(requests.deadlineOf(_asked[i].id) >= _asked[i].deadline, "a deadline never comes early");
            require(requests.deadlineOf(_asked[i].id) <= _asked[i].deadline + 1 days, "nor later than a day");
            bool failed = _asked[i].fate == Fate.Fulfilled && (_asked[i].who == 1 || _asked[i].who == 2);
            require((requests.undelivered(_asked[i].id) != 0) == failed, "undelivered");
        }
        require(requests.openRequests(nodeId, modelId) == _load(), "load");
        uint256 taken = _requesters[0].answers() + _requesters[3].answers();
        require(taken == _delivered, "each answer is delivered once");
    }

    // ---------------------------------------------------------------------------------------------------- making

    function _terms(uint96 maxFee, uint32 life, bool named) private view returns (RequestTerms memory terms) {
        terms.modelId = modelId;
        terms.inputHash = bytes32(uint256(maxFee));
        terms.nodeId = named ? nodeId : bytes32(0);
        terms.maxFee = maxFee % 50e18;
        terms.deadline = uint40(block.timestamp + (life % 10 days));
        terms.modeMask = 7;
        terms.callbackGas = 200_000;
    }

    function _book(uint256 r, bytes32 id, RequestTerms memory terms) private {
        require(id == keccak256(abi.encode(block.chainid, address(requests), _asked.length)), "request id");
        _asked.push(Asked(id, r, terms.maxFee, terms.deadline, 0, 0, Fate.Open, terms.inputHash));
        _spend(r, terms.maxFee);
    }

    function _spend(uint256 a, uint256 amount) private {
        uint256 fromCredit = _credit[a] < amount ? _credit[a] : amount;
        _credit[a] -= fromCredit;
        _outside[a] -= amount - fromCredit;
    }

    /// @dev How long settlement was paused between acceptance and deadline, or goes on being: what R8 gives back.
    function _pausedIn(uint256 acceptedAt, uint256 deadline) private view returns (uint256 paused) {
        for (uint256 i = 0; i < _pauses.length; ++i) {
            uint256 from = _pauses[i].from > acceptedAt ? _pauses[i].from : acceptedAt;
            if (from < deadline + paused && _pauses[i].end > from) paused += _pauses[i].end - from;
        }
    }

    function _paused() private view returns (bool) {
        return _pauses.length != 0 && block.timestamp < _pauses[_pauses.length - 1].end;
    }

    function _bond(uint256 maxFee) private pure returns (uint256) {
        uint256 part = (maxFee + 9) / 10;
        return part < 1e18 ? 1e18 : part;
    }

    function _load() private view returns (uint256 load) {
        for (uint256 i = 0; i < _asked.length; ++i) if (_asked[i].fate == Fate.Accepted) ++load;
    }

    function _account(uint256 a) private view returns (address) {
        return a == 4 ? address(this) : address(_requesters[a]);
    }
}
