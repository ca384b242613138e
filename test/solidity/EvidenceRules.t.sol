// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {EvidenceRules} from "../../contracts/inference/EvidenceRules.sol";
import {IEnclaveRegistry} from "../../contracts/interfaces/IEnclaveRegistry.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {INodeRegistry} from "../../contracts/interfaces/INodeRegistry.sol";
import {Reason} from "../../contracts/interfaces/InferenceTypes.sol";
import {vm} from "./Vm.sol";

/// @notice The rules of evidence for every state a registry could report, also those that none of today's reports:
/// what a mode means must not rest on the manners of a registry.
contract EvidenceRulesTest is EvidenceRules {
    constructor() EvidenceRules(INodeRegistry(address(1)), IEnclaveRegistry(address(2)), IModelRegistry(address(3))) {}

    /// @notice Operators sign VANILLA and ZKML, enclaves sign TEE, whatever registry a key is found in.
    function testFuzz_kindsAndModes(uint8 kind, uint40 from, uint256 rest, uint8 mode, uint8 rarely) external pure {
        mode = mode % 3;
        if (rarely % 4 == 0) from = 0;
        if (rarely % 3 == 0) kind = 0;
        uint256 others = rest & ~(((uint256(1) << 48) - 1) << 88);
        Reason reason = _checkKey(others | (uint256(kind) << 88) | (uint256(from) << 96), mode);
        if (from == 0) require(reason == Reason.UnknownKey, "unknown");
        else if (mode == 2) require(reason == (kind == 0 ? Reason.KeyForbidsMode : Reason.None), "TEE");
        else require(reason == (kind == 0 ? Reason.None : Reason.KeyForbidsMode), "operator");
    }

    /// @notice The two ways for a key to be of the wrong kind, by name.
    function test_keysOfTheWrongKind() external pure {
        uint256 key = _keyOf(1, 2);
        require(_checkKey(key, 2) == Reason.KeyForbidsMode, "an operator as an enclave");
        for (uint256 kind = 1; kind < 4; ++kind) {
            key = _keyOf(1, 2) | (kind << 88);
            require(_checkKey(key, 0) == Reason.KeyForbidsMode, "an enclave as an operator");
            require(_checkKey(key, 1) == Reason.KeyForbidsMode, "an enclave's proof");
            require(_checkKey(key, 2) == Reason.None, "an enclave as itself");
        }
    }

    /// @notice The clocks of R4, at generated distances around every edge, without overflow anywhere. [R4]
    function testFuzz_times(uint64 settledAt, uint8 edge, int16 off, uint40 from, uint40 life) external pure {
        uint40 until = life > type(uint40).max - from ? type(uint40).max : from + life;
        int256[6] memory edges = [
            int256(uint256(settledAt)),
            int256(uint256(settledAt)) + 5 minutes,
            int256(uint256(settledAt)) - 3 days,
            int256(uint256(from)),
            int256(uint256(until)),
            int256(uint256(type(uint64).max))
        ];
        int256 completed = edges[edge % 6] + int256(off) / 512;
        if (completed < 0 || completed > int256(uint256(type(uint64).max))) return;
        uint256 completedAt = uint256(completed);

        bool early = completedAt > uint256(settledAt) + 5 minutes;
        bool late = uint256(settledAt) > completedAt + 3 days;
        bool outside = completedAt < from || completedAt > until;
        Reason expected =
            early
                ? Reason.CompletedInFuture
                : late
                    ? Reason.CompletedTooLongAgo
                    : outside
                        ? Reason.OutsideKeyValidity
                        : Reason.None;
        require(_checkTimes(completedAt, settledAt, _keyOf(from, until)) == expected, "times");
    }

    /// @notice A model version allows exactly the modes of its mask.
    function testFuzz_models(uint8 modes, uint8 mode, uint256 rest) external pure {
        uint256 model = (rest & ~(uint256(0xff) << 88)) | (uint256(modes) << 88);
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
    function testFuzz_approval(uint40 from, uint40 until, uint64 completedAt, uint8 near) external pure {
        if (near % 4 == 0) completedAt = from;
        if (near % 4 == 1) completedAt = until;
        uint256 state = uint256(from) | (uint256(until) << 40);
        bool approved = from != 0 && from <= completedAt && completedAt <= until;
        require((_checkApproval(state, completedAt) == Reason.None) == approved, "approval");
        require(_checkApproval(uint256(until) << 40, completedAt) == Reason.MeasurementNotApproved, "never approved");
    }

    /// @notice Distrust holds from its second on, of whatever the mode rests on and of nothing else. [R4]
    function testFuzz_distrust(uint40[4] memory from, uint40 settledAt, uint8 mode, uint8 near) external pure {
        mode = mode % 3;
        from[near % 4] = settledAt;
        Evidence memory found = _states(from, 0);
        bool[4] memory counts = [true, true, mode == 1, mode == 2];
        Reason[4] memory names = [
            Reason.KeyDistrusted,
            Reason.ModelDistrusted,
            Reason.VerifierDistrusted,
            Reason.MeasurementDistrusted
        ];
        Reason expected = Reason.None;
        for (uint256 i = 4; i > 0; --i) if (counts[i - 1] && from[i - 1] <= settledAt) expected = names[i - 1];
        require(_checkDistrust(found, mode, settledAt) == expected, "distrust");
    }

    /// @notice The end of consent is told from distrust, which comes first, and only where sources are required. [R4][R10]
    function testFuzz_consent(uint40[3] memory moments, uint256 rest, uint8 near, bool required) external pure {
        (uint40 distrustedFrom, uint40 end, uint40 settledAt) = (moments[0], moments[1], moments[2]);
        if (near % 3 != 2) settledAt = moments[near % 3];
        uint256 first = required && end < distrustedFrom ? end : distrustedFrom;
        uint256 mask = type(uint40).max;
        uint256 model = (rest & ~(mask | (uint256(1) << 95))) | first | (required ? uint256(1) << 95 : 0);
        uint256 verifier = required ? (rest & ~(mask << 88)) | (uint256(distrustedFrom) << 88) : rest;
        Reason expected =
            settledAt >= distrustedFrom
                ? Reason.ModelDistrusted
                : required && settledAt >= end
                    ? Reason.ConsentWithdrawn
                    : Reason.None;
        require(_checkModelAt(model, verifier, settledAt) == expected, "consent");
    }

    /// @notice A freeze holds until its last second, of whatever the mode rests on and of nothing else. [R8]
    function testFuzz_freeze(uint40[4] memory until, uint40 time, uint8 mode, uint8 near) external {
        mode = mode % 3;
        until[near % 4] = time;
        vm.warp(time);
        Evidence memory found = _states(until, 40);
        bool[4] memory counts = [true, true, mode == 1, mode == 2];
        Reason[4] memory names = [
            Reason.KeyFrozen,
            Reason.ModelFrozen,
            Reason.VerifierFrozen,
            Reason.MeasurementFrozen
        ];
        Reason expected = Reason.None;
        for (uint256 i = 4; i > 0; --i) if (counts[i - 1] && time < until[i - 1]) expected = names[i - 1];
        require(_checkFreeze(found, mode) == expected, "freeze");
    }

    /// @notice Circuit outputs are ZKML's only scheme; no mode takes a scheme that does not exist. [R6]
    function testFuzz_outputSchemes(uint8 scheme, uint8 mode) external pure {
        mode = mode % 3;
        bool known = mode == 1 ? scheme == 2 : scheme < 3;
        require((_checkOutputScheme(scheme, mode) == Reason.None) == known, "scheme");
    }

    function _keyOf(uint40 from, uint40 until) private pure returns (uint256) {
        return (uint256(from) << 96) | (uint256(until) << 136);
    }

    /// @dev All other bits are set: no rule may take them for its own.
    function _states(uint40[4] memory moments, uint256 place) private pure returns (Evidence memory found) {
        uint256 others = ~(uint256(type(uint40).max) << place);
        found.key = others | (uint256(moments[0]) << place);
        // But for what says that a moment is not distrust's.
        found.model = (others & ~(uint256(1) << 95)) | (uint256(moments[1]) << place);
        found.verifier = others | (uint256(moments[2]) << place);
        found.measurement = others | (uint256(moments[3]) << place);
    }
}
