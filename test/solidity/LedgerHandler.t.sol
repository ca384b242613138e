// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Distrustable} from "../../contracts/governance/Distrustable.sol";
import {
    Batch,
    Opening,
    Receipt,
    SignedBatch,
    SignedReceipt,
    Verification
} from "../../contracts/interfaces/InferenceTypes.sol";
import {SyntheticProofs} from "./SyntheticProofs.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @notice Everything that can happen to the ledger, in any order, beside a plain account of what must follow.
/// @dev The account shares no code with the contracts: it is a table of moments, read as R4 and R8 are written.
contract LedgerHandler is World {
    uint256 private constant MAX_ITEMS = 10;
    uint256 private constant NEVER = type(uint256).max;
    uint256 private constant TARGETS = 6;
    uint256 private constant MODEL = 3;
    uint256 private constant VERIFIER = 4;
    uint256 private constant IMAGE = 5;

    struct Item {
        bytes32 digest;
        uint256 key;
        bool alone;
        bytes submission;
        bytes openings;
        uint256 settledAt;
    }

    Item[] private _items;
    mapping(bytes32 receiptId => bool) private _fell;

    // Per target: two operator keys, enclave key, model version, verifier, image.
    uint256[TARGETS] private _distrustedFrom;
    uint256[TARGETS] private _frozenUntil;
    uint256[TARGETS] private _frozenAt;
    bool[TARGETS] private _freezeSpent;
    uint256[3] private _validFrom;
    uint256[3] private _validUntil;
    uint256 private _approvedFrom = block.timestamp;
    uint256 private _approvedUntil = NEVER;
    uint256 private _pausedAt;
    uint256 private _pausedUntil;

    constructor() {
        for (uint256 t = 0; t < TARGETS; ++t) _distrustedFrom[t] = NEVER;
        for (uint256 k = 0; k < 3; ++k) (_validFrom[k], _validUntil[k]) = (block.timestamp, block.timestamp + KEY_LIFE);
    }

    /// @dev Notes what reads as distrusted before anything else happens: it must read so for ever.
    modifier noted() {
        for (uint256 i = 0; i < _items.length; ++i) {
            Opening[] memory openings = abi.decode(_items[i].openings, (Opening[]));
            for (uint256 j = 0; j < openings.length; ++j) {
                Verification memory answer = registry.verification(openings[j]);
                if (answer.distrusted) _fell[keccak256(abi.encode(i, j))] = true;
            }
        }
        _;
    }

    // ------------------------------------------------------------------------------------------- what can happen

    function makeBatch(uint8 key, uint8 count, uint256 seed, bool submitNow) external noted {
        if (_items.length == MAX_ITEMS) return;
        uint256 k = key % 3;
        Opening[] memory openings = new Opening[](1 + (count % 3));
        bytes32[] memory level = new bytes32[](openings.length);
        for (uint256 i = 0; i < openings.length; ++i) {
            openings[i].receipt = _receipt(k, k == 2 ? 2 : 0, uint256(keccak256(abi.encode(seed, i))));
            openings[i].index = uint32(i);
            level[i] = keccak256(abi.encodePacked(bytes1(0), registry.receiptId(openings[i].receipt)));
        }
        Batch memory batch = Batch({
            keyId: keyIds[k],
            mode: k == 2 ? 2 : 0,
            root: _tree(level, openings),
            count: uint32(openings.length),
            dataHash: bytes32(seed),
            settler: address(this)
        });
        for (uint256 i = 0; i < openings.length; ++i) openings[i].batch = batch;
        SignedBatch[] memory items = new SignedBatch[](1);
        items[0] = SignedBatch(batch, _sign(_secret(k), registry.batchDigest(batch)));
        _add(registry.batchDigest(batch), k, false, abi.encodeCall(registry.settleBatches, (items)), openings);
        if (submitNow) _submit(_items.length - 1);
    }

    function makeReceipt(uint8 key, bool proved, uint256 seed, bool submitNow) external noted {
        if (_items.length == MAX_ITEMS) return;
        uint256 k = key % 3;
        uint8 mode =
            k == 2
                ? 2
                : proved
                    ? 1
                    : 0;
        Opening[] memory openings = new Opening[](1);
        openings[0].receipt = _receipt(k, mode, seed);
        bytes32 id = registry.receiptId(openings[0].receipt);
        SignedReceipt[] memory items = new SignedReceipt[](1);
        items[0].receipt = openings[0].receipt;
        items[0].signature = _sign(_secret(k), id);
        if (mode == 1) items[0].evidence = SyntheticProofs.prove(id, 1 + (seed >> 8), seed >> 9);
        _add(id, k, true, abi.encodeCall(registry.settleReceipts, (items)), openings);
        if (submitNow) _submit(_items.length - 1);
    }

    function submit(uint8 which) external noted {
        if (_items.length != 0) _submit(which % _items.length);
    }

    function wait(uint32 time) external noted {
        vm.warp(block.timestamp + (time % 2 days));
    }

    function pause() external noted {
        bool cool = _pausedAt == 0 || block.timestamp >= _pausedAt + 1 days + 7 days;
        (bool ok, ) = address(registry).call(abi.encodeCall(registry.pause, ()));
        require(ok == cool, "pause and cool-down");
        if (ok) (_pausedAt, _pausedUntil) = (block.timestamp, block.timestamp + 1 days);
    }

    function resume() external noted {
        (bool ok, ) = address(registry).call(abi.encodeCall(registry.resume, ()));
        require(ok == (block.timestamp < _pausedUntil), "resume");
        if (ok) _pausedUntil = block.timestamp;
    }

    function freeze(uint8 which) external noted {
        (Distrustable where, bytes32 target, uint256 t) = _target(which);
        (bool ok, ) = address(where).call(abi.encodeCall(where.freeze, (target)));
        require(ok == !_freezeSpent[t], "freeze once an incident");
        if (!ok) return;
        (_freezeSpent[t], _frozenAt[t], _frozenUntil[t]) = (true, block.timestamp, block.timestamp + 10 days);
    }

    function rearm(uint8 which) external noted {
        (Distrustable where, bytes32 target, uint256 t) = _target(which);
        where.rearmFreeze(target);
        _freezeSpent[t] = false;
    }

    function distrust(uint8 which, uint32 ago, uint8 rarely) external noted {
        // Otherwise all is distrusted before anything settles.
        if (rarely % 4 != 0) return;
        (Distrustable where, bytes32 target, uint256 t) = _target(which);
        uint256 from = block.timestamp - (ago % 3 days);
        (bool ok, ) = address(where).call(abi.encodeCall(where.distrust, (target, uint64(from))));
        require(ok == (from < _distrustedFrom[t]), "distrust moves to earlier only");
        if (ok) _distrustedFrom[t] = from;
    }

    function distrustOwn(uint8 key, uint8 rarely) external noted {
        if (rarely % 4 != 0) return;
        uint256 k = key % 3;
        bytes memory data = abi.encodeCall(nodes.distrustOwnKey, (keyIds[k]));
        (bool ok, ) = (k == 2 ? address(enclaves) : address(nodes)).call(data);
        require(ok == (block.timestamp < _distrustedFrom[k]), "own key from now");
        if (ok) _distrustedFrom[k] = block.timestamp;
    }

    function retire(uint8 key, uint32 life) external noted {
        uint256 k = key % 3;
        uint256 until = block.timestamp + (life % 5 days);
        bytes memory data = abi.encodeCall(nodes.retireKey, (keyIds[k], uint64(until)));
        (bool ok, ) = (k == 2 ? address(enclaves) : address(nodes)).call(data);
        require(ok == (until <= _validUntil[k]), "retire only to earlier");
        if (ok) _validUntil[k] = until;
    }

    function withdraw(uint8 rarely) external noted {
        if (rarely % 8 != 0 || _approvedUntil != NEVER) return;
        enclaves.withdrawMeasurement(MEASUREMENT, modelId);
        _approvedUntil = block.timestamp;
    }

    // -------------------------------------------------------------------------------------------- what must hold

    /// @notice Settlement times never change, and what reads as verified is exactly what the account says.
    function checkLedger() external view {
        for (uint256 i = 0; i < _items.length; ++i) {
            Item storage item = _items[i];
            require(registry.settledAt(item.digest) == item.settledAt, "settlement time");
            Opening[] memory openings = abi.decode(item.openings, (Opening[]));
            for (uint256 j = 0; j < openings.length; ++j) {
                Verification memory answer = registry.verification(openings[j]);
                require(answer.settledAt == item.settledAt, "time at opening");
                require(!answer.verified || item.settledAt != 0, "verified but not settled");
                require(answer.verified == _believed(openings[j].receipt, item), "verified is not what R4 says");
                require(!answer.verified || !_fell[keccak256(abi.encode(i, j))], "distrust was revived");
            }
        }
    }

    /// @notice Pauses and freezes are as short and as rare as promised.
    function checkBounds() external view {
        (uint64 pausedUntil, ) = registry.settlementStatus();
        require(pausedUntil == _pausedUntil && pausedUntil <= _pausedAt + 1 days, "pause");
        for (uint8 which = 0; which < TARGETS; ++which) {
            (Distrustable where, bytes32 target, ) = _target(which);
            (uint256 from, uint256 until, bool spent) = where.standing(target);
            require(from == _distrustedFrom[which], "distrust");
            require(until == _frozenUntil[which] && spent == _freezeSpent[which], "freeze");
            require(until == 0 || until <= _frozenAt[which] + 10 days, "longer than MAX_FREEZE");
        }
    }

    function _believed(Receipt memory receipt, Item storage item) private view returns (bool) {
        uint256 settled = item.settledAt;
        if (settled == 0 || !_inTime(receipt, settled, item.key)) return false;
        for (uint256 t = 0; t < TARGETS; ++t) {
            bool involved =
                t == item.key ||
                    t == MODEL ||
                    (t == VERIFIER && receipt.mode == 1) ||
                    (t == IMAGE && receipt.mode == 2);
            if (involved && (settled >= _distrustedFrom[t] || block.timestamp < _frozenUntil[t])) return false;
        }
        return true;
    }

    function _inTime(Receipt memory receipt, uint256 settled, uint256 k) private view returns (bool) {
        uint256 completed = receipt.completedAt;
        if (completed > settled + 300 || completed + 259_200 < settled) return false;
        if (completed < _validFrom[k] || completed > _validUntil[k]) return false;
        return receipt.mode != 2 || (completed >= _approvedFrom && completed <= _approvedUntil);
    }

    // ---------------------------------------------------------------------------------------------------- making

    function _submit(uint256 which) private {
        Item storage item = _items[which];
        (bool ok, bytes memory answer) = address(registry).call(item.submission);
        require(ok == (block.timestamp >= _pausedUntil), "only a pause stops a call");
        if (!ok) return;
        bool taken = item.settledAt == 0 && block.timestamp < _distrustedFrom[item.key];
        if (item.alone) {
            Receipt memory receipt = abi.decode(item.openings, (Opening[]))[0].receipt;
            taken = taken && _inTime(receipt, block.timestamp, item.key) && block.timestamp < _distrustedFrom[MODEL];
            if (receipt.mode == 1) taken = taken && block.timestamp < _distrustedFrom[VERIFIER];
        }
        require(abi.decode(answer, (uint256)) == (taken ? 1 : 0), "settles what it should");
        if (taken) item.settledAt = block.timestamp;
    }

    function _add(bytes32 digest, uint256 key, bool alone, bytes memory submission, Opening[] memory openings) private {
        for (uint256 i = 0; i < _items.length; ++i) if (_items[i].digest == digest) return;
        _items.push(Item(digest, key, alone, submission, abi.encode(openings), 0));
    }

    /// @dev Completion times lie mostly around now, and often on an edge.
    function _receipt(uint256 k, uint8 mode, uint256 seed) private view returns (Receipt memory receipt) {
        uint256[8] memory moments = [
            block.timestamp,
            block.timestamp + 300,
            block.timestamp + 301,
            block.timestamp - 3 days,
            block.timestamp - 3 days - 1,
            block.timestamp - (seed % 4 days),
            _validUntil[k],
            _validUntil[k] + 1
        ];
        receipt.requestId = bytes32(seed);
        receipt.modelId = modelId;
        receipt.keyId = keyIds[k];
        receipt.completedAt = uint64(moments[(seed >> 32) % 8]);
        receipt.mode = mode;
        if (mode == 1) {
            receipt.outputScheme = 2;
            uint256[] memory outputs = new uint256[](1);
            outputs[0] = seed >> 9;
            receipt.inputHash = bytes32(1 + (seed >> 8));
            receipt.outputHash = keccak256(abi.encode(uint8(2), outputs));
        }
    }

    /// @dev Root of one to three leaves, and each opening's siblings.
    function _tree(bytes32[] memory leaves, Opening[] memory openings) private pure returns (bytes32 root) {
        if (leaves.length == 1) return leaves[0];
        root = keccak256(abi.encodePacked(bytes1(0x01), leaves[0], leaves[1]));
        for (uint256 i = 0; i < 2; ++i) {
            openings[i].proof = new bytes32[](leaves.length - 1);
            openings[i].proof[0] = leaves[1 - i];
            if (leaves.length == 3) openings[i].proof[1] = leaves[2];
        }
        if (leaves.length == 2) return root;
        openings[2].proof = new bytes32[](1);
        openings[2].proof[0] = root;
        return keccak256(abi.encodePacked(bytes1(0x01), root, leaves[2]));
    }

    function _target(uint8 which) private view returns (Distrustable where, bytes32 target, uint256 t) {
        t = which % TARGETS;
        if (t < 2) return (nodes, keyIds[t], t);
        if (t == 2) return (enclaves, keyIds[2], t);
        if (t == IMAGE) return (enclaves, enclaves.measurementTarget(MEASUREMENT), t);
        if (t == MODEL) return (models, modelId, t);
        return (models, bytes32(uint256(uint160(address(models.groth16Verifier())))), t);
    }
}
