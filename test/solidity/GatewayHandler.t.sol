// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {GatewayAnswers} from "../../contracts/inference/GatewayAnswers.sol";
import {Attestation} from "../../contracts/interfaces/IAttestationVerifier.sol";
import {HandOver} from "../../contracts/interfaces/IEnclaveRegistry.sol";
import {AnswerVerification, GatewayAnswer, SignedAnswer} from "../../contracts/interfaces/IGatewayAnswers.sol";
import {EnclaveHeartbeats} from "../../contracts/registry/EnclaveHeartbeats.sol";
import {GatewayVectors} from "./GatewayVectors.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @notice Everything that can happen to enclave keys and to what gateways signed, in any order, beside a plain account of
/// what must follow.
/// @dev The account shares no code with the contracts: it is a table of moments, read as R4 and R8 are written.
contract GatewayHandler is World {
    uint256 private constant NEVER = type(uint256).max;
    uint256 private constant ATTESTATION_ROOT = 0x2007;
    uint256 private constant COUNT = 8;

    GatewayAnswers private _answers;
    EnclaveHeartbeats private _heartbeats;
    bytes32 private _nodeId;
    bytes32 private _rsaId;

    uint256[COUNT] private _settledAt;
    bool[COUNT] private _fell;
    // RSA key, image.
    uint256[2] private _distrustedFrom = [NEVER, NEVER];
    uint256[2] private _frozenUntil;
    bool[2] private _freezeSpent;
    uint256 private _validFrom;
    uint256 private _validUntil;
    uint256 private _approvedUntil = NEVER;
    uint256 private _pausedAt;
    uint256 private _pausedUntil;
    // The line of secp256k1 keys: the last is the one that speaks.
    bytes32[] private _line;
    uint256[] private _lineFrom;
    uint256[] private _lineUntil;
    uint256 private _lastBeat;

    /// @dev Place of the image among what is distrusted and frozen here.
    uint256 private constant IMAGE = 1;

    constructor() {
        require(GatewayVectors.COUNT == COUNT, "vectors");
        _answers = new GatewayAnswers(registry, enclaves);
        _heartbeats = new EnclaveHeartbeats(enclaves);
        _nodeId = nodes.nodeOf(keyIds[0]);
        (_validFrom, _validUntil) = (block.timestamp, block.timestamp + KEY_LIFE);
        _rsaId = enclaves.admit(_nodeId, _attest(2, GatewayVectors.PUBLIC_KEY), uint64(_validUntil));
        enclaves.approveMeasurement(MEASUREMENT, _answers.APPROVAL());
        _line.push(keyIds[2]);
        _lineFrom.push(block.timestamp);
        _lineUntil.push(block.timestamp + KEY_LIFE);
    }

    /// @dev Notes what reads as distrusted before anything else happens: it must read so for ever.
    modifier noted() {
        for (uint256 i = 0; i < COUNT; ++i) if (_read(i).distrusted) _fell[i] = true;
        _;
    }

    // ------------------------------------------------------------------------------------------- what can happen

    /// @notice Two answers in one call, one of them spoiled: it harms the other in nothing.
    function settle(uint8 which, uint8 spoiled, uint16 bit) external noted {
        uint256 i = which % COUNT;
        SignedAnswer[] memory items = new SignedAnswer[](2);
        items[0] = _item(spoiled % COUNT);
        items[0].signature[(bit / 8) % 256] ^= bytes1(uint8(uint256(1) << (bit % 8)));
        items[1] = _item(i);
        bytes[] memory publicKeys = new bytes[](1);
        publicKeys[0] = GatewayVectors.PUBLIC_KEY;
        bytes memory call_ = abi.encodeCall(_answers.settleAnswers, (publicKeys, items));
        (bool ok, bytes memory answer) = address(_answers).call(call_);
        require(ok == (block.timestamp >= _pausedUntil), "only a pause stops a call");
        if (!ok) return;
        bool taken = _settledAt[i] == 0 && _inTime(i, block.timestamp);
        taken = taken && block.timestamp < _distrustedFrom[0] && block.timestamp < _distrustedFrom[1];
        require(abi.decode(answer, (uint256)) == (taken ? 1 : 0), "settles what it should");
        if (taken) _settledAt[i] = block.timestamp;
    }

    function wait(uint32 time) external noted {
        vm.warp(block.timestamp + (time % 2 days));
    }

    /// @notice To the second at which something changes for an answer.
    function waitForEdge(uint8 which, uint8 edge) external noted {
        uint256 made = GatewayVectors.timestamp(which % COUNT);
        uint256[5] memory edges = [made - 301, made - 300, made, made + 3 days, made + 3 days + 1];
        if (edges[edge % 5] > block.timestamp) vm.warp(edges[edge % 5]);
    }

    function pause() external noted {
        (bool ok, ) = address(registry).call(abi.encodeCall(registry.pause, ()));
        require(ok == (_pausedAt == 0 || block.timestamp >= _pausedAt + 8 days), "pause and cool-down");
        if (ok) (_pausedAt, _pausedUntil) = (block.timestamp, block.timestamp + 1 days);
    }

    function freeze(uint8 which) external noted {
        uint256 t = which % 2;
        (bool ok, ) = address(enclaves).call(abi.encodeCall(enclaves.freeze, (_target(t))));
        require(ok == !_freezeSpent[t], "freeze once an incident");
        if (ok) (_freezeSpent[t], _frozenUntil[t]) = (true, block.timestamp + 10 days);
    }

    function distrust(uint8 which, uint32 ago, uint8 rarely) external noted {
        // Otherwise all is distrusted before anything settles.
        if (rarely % 8 != 0) return;
        uint256 t = which % 2;
        uint256 from = block.timestamp - (ago % 3 days);
        (bool ok, ) = address(enclaves).call(abi.encodeCall(enclaves.distrust, (_target(t), uint64(from))));
        require(ok == (from < _distrustedFrom[t]), "distrust moves to earlier only");
        if (ok) _distrustedFrom[t] = from;
    }

    function retire(uint32 life, uint8 rarely) external noted {
        if (rarely % 4 != 0) return;
        uint256 until = block.timestamp + (life % 5 days);
        (bool ok, ) = address(enclaves).call(abi.encodeCall(enclaves.retireKey, (_rsaId, uint64(until))));
        require(ok == (until <= _validUntil), "retire only to earlier");
        if (ok) _validUntil = until;
    }

    function withdraw(uint8 rarely) external noted {
        if (rarely % 8 != 0 || _approvedUntil != NEVER) return;
        enclaves.withdrawMeasurement(MEASUREMENT, _answers.APPROVAL());
        _approvedUntil = block.timestamp;
    }

    /// @notice A heartbeat of the newest key of the line, from a little before what is taken to a little after.
    function beat(uint16 offset) external noted {
        uint256 at = block.timestamp + 310 - (offset % 2_130);
        uint256 last = _line.length - 1;
        bytes memory signature = _sign(_secret(last + 2), _heartbeats.heartbeatDigest(_line[last], uint64(at)));
        bytes memory call_ = abi.encodeCall(_heartbeats.heartbeat, (_line[last], uint64(at), "", signature));
        (bool ok, ) = address(_heartbeats).call(call_);
        bool live = at >= _lineFrom[last] && at <= _lineUntil[last] && block.timestamp <= _lineUntil[last];
        bool inTime = at <= block.timestamp + 300 && at + 1_800 >= block.timestamp;
        require(ok == (live && inTime && at > _lastBeat), "heartbeat");
        if (ok) _lastBeat = at;
    }

    /// @notice The line goes on, with an end of the old key that is often no good.
    function rotate(uint32 overlap, uint8 rarely) external noted {
        uint256 last = _line.length - 1;
        if (rarely % 4 != 0 || last == 3) return;
        bytes memory publicKey = GatewayVectors.successor(last);
        bytes32 next = keccak256(abi.encode(uint8(1), publicKey));
        uint64 endsAt = uint64(block.timestamp + (overlap % 36 hours));
        bytes memory signature = _sign(_secret(last + 2), enclaves.handOverDigest(_line[last], next, endsAt));
        uint64 until = uint64(block.timestamp + KEY_LIFE);
        bytes memory call_ = abi.encodeCall(
            enclaves.rotateKey,
            (_attest(1, publicKey), until, HandOver(_line[last], endsAt, "", signature))
        );
        bool room = enclaves.liveKeys(_nodeId).length < 4;
        (bool ok, ) = address(enclaves).call(call_);
        require(!ok || (endsAt <= block.timestamp + 1 days && endsAt <= _lineUntil[last]), "hand-over too late");
        // The whole line runs one image.
        bool believed = block.timestamp < _distrustedFrom[IMAGE] && block.timestamp >= _frozenUntil[IMAGE];
        require(!ok || believed, "hand-over of an image that is not believed");
        bool late = endsAt > block.timestamp + 1 days || endsAt > _lineUntil[last];
        require(ok || !room || !believed || late, "hand-over refused");
        if (!ok) return;
        _lineUntil[last] = endsAt;
        _line.push(next);
        _lineFrom.push(block.timestamp);
        _lineUntil.push(until);
        _lastBeat = 0;
    }

    // -------------------------------------------------------------------------------------------- what must hold

    /// @notice Settlement times never change, and what reads as verified is exactly what the account says.
    function checkAnswers() external view {
        for (uint256 i = 0; i < COUNT; ++i) {
            AnswerVerification memory answer = _read(i);
            require(answer.settledAt == _settledAt[i], "settlement time");
            require(_answers.settledAt(answer.requestId) == _settledAt[i], "settlement time by id");
            require(answer.verified == _believed(i), "verified is not what R4 says");
            require(!answer.verified || !_fell[i], "distrust was revived");
            require(answer.notCovered == 511, "says less than it must");
            require(registry.settledAt(answer.requestId) == 0, "an answer became a receipt");
        }
    }

    /// @notice Who follows whom, since when, until when.
    function checkLine() external view {
        for (uint256 i = 0; i < _line.length; ++i) {
            bool followed = i + 1 < _line.length && _lineFrom[i + 1] < _distrustedFrom[IMAGE];
            bytes32 next = followed ? _line[i + 1] : bytes32(0);
            require(enclaves.successorOf(_line[i]) == next, "successor");
            require(enclaves.keyState(_line[i]).validFrom == _lineFrom[i], "admitted");
            require(enclaves.keyState(_line[i]).validUntil == _lineUntil[i], "ends");
        }
        require(enclaves.successorOf(_rsaId) == 0, "a successor of nobody's making");
        require(_heartbeats.lastHeartbeat(_line[_line.length - 1]) == _lastBeat, "last heartbeat");
        require(_lastBeat <= block.timestamp + 300, "a heartbeat from the future");
    }

    function _believed(uint256 i) private view returns (bool) {
        uint256 settled = _settledAt[i];
        if (settled == 0 || !_inTime(i, settled)) return false;
        for (uint256 t = 0; t < 2; ++t) {
            if (settled >= _distrustedFrom[t] || block.timestamp < _frozenUntil[t]) return false;
        }
        return true;
    }

    function _inTime(uint256 i, uint256 settled) private view returns (bool) {
        uint256 made = GatewayVectors.timestamp(i);
        if (made > settled + 300 || made + 259_200 < settled) return false;
        return made >= _validFrom && made <= _validUntil && made <= _approvedUntil;
    }

    // ---------------------------------------------------------------------------------------------------- making

    function _answer(uint256 i) private pure returns (GatewayAnswer memory) {
        return GatewayAnswer(bytes32(i + 1), bytes32(i + 101), GatewayVectors.timestamp(i));
    }

    function _item(uint256 i) private pure returns (SignedAnswer memory) {
        return SignedAnswer(_answer(i), 0, GatewayVectors.signature(i));
    }

    function _read(uint256 i) private view returns (AnswerVerification memory) {
        return _answers.answerVerification(_rsaId, _answer(i));
    }

    function _target(uint256 t) private view returns (bytes32) {
        return t == 0 ? _rsaId : enclaves.measurementTarget(MEASUREMENT);
    }

    function _attest(uint8 kind, bytes memory publicKey) private view returns (bytes memory) {
        Attestation memory attestation = Attestation({
            kind: kind,
            publicKey: publicKey,
            measurement: MEASUREMENT,
            userData: enclaves.registrationUserData(_nodeId),
            issuedAt: uint64(block.timestamp)
        });
        bytes32 hash = keccak256(abi.encode(block.chainid, enclaves.attestationVerifier(), attestation));
        hash = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", hash));
        return abi.encode(attestation, _sign(ATTESTATION_ROOT, hash));
    }
}
