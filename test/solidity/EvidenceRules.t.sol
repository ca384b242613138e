// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {EvidenceRules} from "../../contracts/inference/EvidenceRules.sol";
import {IEnclaveRegistry, MeasurementState} from "../../contracts/interfaces/IEnclaveRegistry.sol";
import {KeyState} from "../../contracts/interfaces/IKeyRegistry.sol";
import {IModelRegistry, ModelState} from "../../contracts/interfaces/IModelRegistry.sol";
import {INodeRegistry} from "../../contracts/interfaces/INodeRegistry.sol";
import {Reason} from "../../contracts/interfaces/InferenceTypes.sol";
import {vm} from "./Vm.sol";

/// @notice The rules of evidence for every state a registry could report, also those that none of today's reports:
/// what a mode means must not rest on the manners of a registry.
contract EvidenceRulesTest is EvidenceRules {
    constructor() EvidenceRules(INodeRegistry(address(1)), IEnclaveRegistry(address(2)), IModelRegistry(address(3))) {}

    /// @notice Operators sign VANILLA and ZKML, enclaves sign TEE, whatever registry a key is found in.
    function testFuzz_kindsAndModes(KeyState memory key, uint8 mode) external pure {
        mode = mode % 3;
        Reason reason = _checkKey(key, mode);
        if (key.validFrom == 0) require(reason == Reason.UnknownKey, "unknown");
        else if (mode == 2) require(reason == (key.kind == 0 ? Reason.KeyForbidsMode : Reason.None), "TEE");
        else require(reason == (key.kind == 0 ? Reason.None : Reason.KeyForbidsMode), "operator");
    }

    /// @notice The two ways for a key to be of the wrong kind, by name.
    function test_keysOfTheWrongKind() external pure {
        KeyState memory key = KeyState(0, 1, 2, 3, 0, 0);
        require(_checkKey(key, 2) == Reason.KeyForbidsMode, "an operator as an enclave");
        for (uint256 kind = 1; kind < 4; ++kind) {
            key.kind = kind;
            require(_checkKey(key, 0) == Reason.KeyForbidsMode, "an enclave as an operator");
            require(_checkKey(key, 1) == Reason.KeyForbidsMode, "an enclave's proof");
            require(_checkKey(key, 2) == Reason.None, "an enclave as itself");
        }
    }

    /// @notice The clocks of R4, at generated distances around every edge, without overflow anywhere. [R4]
    function testFuzz_times(uint64 settledAt, uint8 edge, int16 off, uint40 from, uint40 life) external pure {
        KeyState memory key;
        key.validFrom = from;
        key.validUntil = uint256(from) + life;
        int256[6] memory edges = [
            int256(uint256(settledAt)),
            int256(uint256(settledAt)) + 5 minutes,
            int256(uint256(settledAt)) - 3 days,
            int256(key.validFrom),
            int256(key.validUntil),
            int256(uint256(type(uint64).max))
        ];
        int256 completed = edges[edge % 6] + int256(off) / 512;
        if (completed < 0 || completed > int256(uint256(type(uint64).max))) return;
        uint256 completedAt = uint256(completed);

        bool early = completedAt > uint256(settledAt) + 5 minutes;
        bool late = uint256(settledAt) > completedAt + 3 days;
        bool outside = completedAt < key.validFrom || completedAt > key.validUntil;
        Reason expected =
            early
                ? Reason.CompletedInFuture
                : late
                    ? Reason.CompletedTooLongAgo
                    : outside
                        ? Reason.OutsideKeyValidity
                        : Reason.None;
        require(_checkTimes(completedAt, settledAt, key) == expected, "times");
    }

    /// @notice A model version allows exactly the modes of its mask.
    function testFuzz_models(uint8 modes, uint8 mode) external pure {
        ModelState memory model;
        model.modes = modes;
        mode = mode % 3;
        Reason expected =
            modes == 0
                ? Reason.UnknownModel
                : (modes >> mode) % 2 == 1
                    ? Reason.None
                    : Reason.ModelForbidsMode;
        require(_checkModel(model, mode) == expected, "modes");
    }

    /// @notice An image speaks from its approval to its withdrawal, both inclusive. [R4]
    function testFuzz_approval(uint64 from, uint64 until, uint64 completedAt) external pure {
        MeasurementState memory state;
        (state.approvedFrom, state.approvedUntil) = (from, until);
        bool approved = from != 0 && from <= completedAt && completedAt <= until;
        require((_checkApproval(state, completedAt) == Reason.None) == approved, "approval");
        state.approvedFrom = 0;
        require(_checkApproval(state, completedAt) == Reason.MeasurementNotApproved, "never approved");
    }

    /// @notice Distrust holds from its second on, of whatever the mode rests on and of nothing else. [R4]
    function testFuzz_distrust(uint64[4] memory from, uint64 settledAt, uint8 mode, uint8 near) external pure {
        mode = mode % 3;
        from[near % 4] = settledAt;
        (KeyState memory key, ModelState memory model, MeasurementState memory image) = _states(from, false);
        bool[4] memory counts = [true, true, mode == 1, mode == 2];
        Reason[4] memory names = [
            Reason.KeyDistrusted,
            Reason.ModelDistrusted,
            Reason.VerifierDistrusted,
            Reason.MeasurementDistrusted
        ];
        Reason expected = Reason.None;
        for (uint256 i = 4; i > 0; --i) if (counts[i - 1] && from[i - 1] <= settledAt) expected = names[i - 1];
        require(_checkDistrust(key, model, image, mode, settledAt) == expected, "distrust");
    }

    /// @notice A freeze holds until its last second, of whatever the mode rests on and of nothing else. [R8]
    function testFuzz_freeze(uint64[4] memory until, uint40 time, uint8 mode, uint8 near) external {
        mode = mode % 3;
        until[near % 4] = time;
        vm.warp(time);
        (KeyState memory key, ModelState memory model, MeasurementState memory image) = _states(until, true);
        bool[4] memory counts = [true, true, mode == 1, mode == 2];
        Reason[4] memory names = [
            Reason.KeyFrozen,
            Reason.ModelFrozen,
            Reason.VerifierFrozen,
            Reason.MeasurementFrozen
        ];
        Reason expected = Reason.None;
        for (uint256 i = 4; i > 0; --i) if (counts[i - 1] && time < until[i - 1]) expected = names[i - 1];
        require(_checkFreeze(key, model, image, mode) == expected, "freeze");
    }

    /// @notice Circuit outputs are ZKML's only scheme; no mode takes a scheme that does not exist. [R6]
    function testFuzz_outputSchemes(uint8 scheme, uint8 mode) external pure {
        mode = mode % 3;
        bool known = mode == 1 ? scheme == 2 : scheme < 3;
        require((_checkOutputScheme(scheme, mode) == Reason.None) == known, "scheme");
    }

    function _states(
        uint64[4] memory moments,
        bool frozen
    ) private pure returns (KeyState memory key, ModelState memory model, MeasurementState memory image) {
        if (frozen) {
            (key.frozenUntil, model.frozenUntil) = (moments[0], moments[1]);
            (model.verifierFrozenUntil, image.frozenUntil) = (moments[2], moments[3]);
        } else {
            (key.distrustedFrom, model.distrustedFrom) = (moments[0], moments[1]);
            (model.verifierDistrustedFrom, image.distrustedFrom) = (moments[2], moments[3]);
        }
    }
}
