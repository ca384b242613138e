// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IEnclaveRegistry, MeasurementState} from "../interfaces/IEnclaveRegistry.sol";
import {IKeyRegistry, KeyState} from "../interfaces/IKeyRegistry.sol";
import {IModelRegistry, ModelState} from "../interfaces/IModelRegistry.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {KeyKinds, Modes, OutputSchemes, Reason, Receipt} from "../interfaces/InferenceTypes.sol";

/// @title EvidenceRules
/// @notice Which keys and models may stand behind a receipt, and when (R4). The same rules serve settlement, where
/// they spare a bad item its slot, and opening, where they decide.
abstract contract EvidenceRules {
    /// @notice How far a completion time may run ahead of the chain's clock.
    uint256 public constant MAX_SKEW = 5 minutes;
    /// @notice How long after completion a receipt may settle.
    uint256 public constant MAX_DELAY = 3 days;

    /// @notice Operator keys (VANILLA, ZKML).
    INodeRegistry public immutable nodeRegistry;
    /// @notice Enclave keys (TEE).
    IEnclaveRegistry public immutable enclaveRegistry;
    /// @notice Model versions and their verifiers.
    IModelRegistry public immutable modelRegistry;

    /// @notice A registry cannot be the zero address.
    error EvidenceRules_ZeroAddress();

    constructor(INodeRegistry nodes, IEnclaveRegistry enclaves, IModelRegistry models) {
        if (address(nodes) == address(0) || address(enclaves) == address(0) || address(models) == address(0))
            revert EvidenceRules_ZeroAddress();
        nodeRegistry = nodes;
        enclaveRegistry = enclaves;
        modelRegistry = models;
    }

    /// @dev Where the keys of a mode are registered.
    function _keysFor(uint8 mode) internal view returns (IKeyRegistry) {
        return mode == Modes.TEE ? IKeyRegistry(enclaveRegistry) : IKeyRegistry(nodeRegistry);
    }

    /// @dev Fills in what the registries say of everything that a receipt rests on. An unknown mode rests on nothing.
    function _readEvidence(
        bytes32 keyId,
        bytes32 modelId,
        uint8 mode,
        KeyState memory key,
        ModelState memory model,
        MeasurementState memory measurement
    ) internal view {
        if (mode > Modes.TEE) return;
        if (mode == Modes.TEE) _readEnclave(keyId, modelId, key, measurement);
        else _readState(address(nodeRegistry), IKeyRegistry.keyState.selector, keyId, 0, _at(key), 0xc0);
        _readState(address(modelRegistry), IModelRegistry.modelState.selector, modelId, mode, _at(model), 0xc0);
    }

    /// @dev Both structs come in one answer, one behind the other.
    function _readEnclave(
        bytes32 keyId,
        bytes32 modelId,
        KeyState memory key,
        MeasurementState memory measurement
    ) private view {
        uint256 answer;
        assembly ("memory-safe") {
            answer := mload(0x40)
            mstore(0x40, add(answer, 0x140))
        }
        _readState(
            address(enclaveRegistry),
            IEnclaveRegistry.enclaveState.selector,
            keyId,
            uint256(modelId),
            answer,
            0x140
        );
        assembly ("memory-safe") {
            mcopy(key, answer, 0xc0)
            mcopy(measurement, add(answer, 0xc0), 0x80)
        }
    }

    /// @dev A struct of whole words travels as memory keeps it: it is read to its place, and nothing is decoded. A
    /// registry that takes one argument ignores the second.
    function _readState(
        address from,
        bytes4 selector,
        bytes32 id,
        uint256 second,
        uint256 to,
        uint256 size
    ) private view {
        assembly ("memory-safe") {
            let call_ := mload(0x40)
            mstore(call_, selector)
            mstore(add(call_, 0x04), id)
            mstore(add(call_, 0x24), second)
            let ok := staticcall(gas(), from, call_, 0x44, to, size)
            if or(iszero(ok), lt(returndatasize(), size)) {
                returndatacopy(call_, 0x00, returndatasize())
                revert(call_, returndatasize())
            }
        }
    }

    function _at(KeyState memory state) private pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := state
        }
    }

    function _at(ModelState memory state) private pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := state
        }
    }

    /// @dev Everything that R4 asks of a settled receipt but distrust and freeze, which are no fault of its own.
    function _checkEvidence(
        Receipt calldata receipt,
        uint256 settledAt,
        KeyState memory key,
        ModelState memory model,
        MeasurementState memory measurement
    ) internal pure returns (Reason reason) {
        uint8 mode;
        uint256 completedAt;
        uint8 scheme;
        assembly ("memory-safe") {
            // Its digest was made, which a field with bits beyond its type does not survive.
            scheme := calldataload(add(receipt, 0x80))
            completedAt := calldataload(add(receipt, 0x140))
            mode := calldataload(add(receipt, 0x160))
        }
        if (mode > Modes.TEE) return Reason.UnknownMode;
        reason = _checkKey(key, mode);
        if (reason != Reason.None) return reason;
        reason = _checkTimes(completedAt, settledAt, key);
        if (reason != Reason.None) return reason;
        reason = _checkOutputScheme(scheme, mode);
        if (reason != Reason.None) return reason;
        if (mode == Modes.TEE) {
            reason = _checkApproval(measurement, completedAt);
            if (reason != Reason.None) return reason;
        }
        return _checkModel(model, mode);
    }

    /// @dev Whether a key can sign for this mode at all. Each registry holds its own kinds; asked again here, because
    /// what a mode means rests on it.
    function _checkKey(KeyState memory key, uint8 mode) internal pure returns (Reason) {
        if (key.validFrom == 0) return Reason.UnknownKey;
        return (key.kind != KeyKinds.OPERATOR) == (mode == Modes.TEE) ? Reason.None : Reason.KeyForbidsMode;
    }

    /// @dev The clocks of R4. The order is from what is wrong with the receipt to what is wrong with its key.
    function _checkTimes(uint256 completedAt, uint256 settledAt, KeyState memory key) internal pure returns (Reason) {
        unchecked {
            // A block time plus minutes cannot overflow.
            if (completedAt > settledAt + MAX_SKEW) return Reason.CompletedInFuture;
            if (settledAt > completedAt && settledAt - completedAt > MAX_DELAY) return Reason.CompletedTooLongAgo;
        }
        if (completedAt < key.validFrom || completedAt > key.validUntil) return Reason.OutsideKeyValidity;
        return Reason.None;
    }

    /// @dev Whether a model version may be evidenced in this mode at all.
    function _checkModel(ModelState memory model, uint8 mode) internal pure returns (Reason) {
        if (model.modes == 0) return Reason.UnknownModel;
        if (model.modes & (1 << mode) == 0) return Reason.ModelForbidsMode;
        return Reason.None;
    }

    /// @dev Whether a measurement was approved for the model version when the answer was completed.
    function _checkApproval(MeasurementState memory state, uint256 completedAt) internal pure returns (Reason) {
        bool approved =
            state.approvedFrom != 0 && completedAt >= state.approvedFrom && completedAt <= state.approvedUntil;
        return approved ? Reason.None : Reason.MeasurementNotApproved;
    }

    /// @dev Distrust is compared with the time of settlement, which the attacker does not hold (R4).
    function _checkDistrust(
        KeyState memory key,
        ModelState memory model,
        MeasurementState memory measurement,
        uint8 mode,
        uint256 settledAt
    ) internal pure returns (Reason) {
        if (settledAt >= key.distrustedFrom) return Reason.KeyDistrusted;
        if (settledAt >= model.distrustedFrom) return Reason.ModelDistrusted;
        if (mode == Modes.ZKML && settledAt >= model.verifierDistrustedFrom) return Reason.VerifierDistrusted;
        if (mode == Modes.TEE && settledAt >= measurement.distrustedFrom) return Reason.MeasurementDistrusted;
        return Reason.None;
    }

    /// @dev A freeze counts now, whatever settled when, and lifts itself (R8).
    function _checkFreeze(
        KeyState memory key,
        ModelState memory model,
        MeasurementState memory measurement,
        uint8 mode
    ) internal view returns (Reason) {
        if (block.timestamp < key.frozenUntil) return Reason.KeyFrozen;
        if (block.timestamp < model.frozenUntil) return Reason.ModelFrozen;
        if (mode == Modes.ZKML && block.timestamp < model.verifierFrozenUntil) return Reason.VerifierFrozen;
        if (mode == Modes.TEE && block.timestamp < measurement.frozenUntil) return Reason.MeasurementFrozen;
        return Reason.None;
    }

    /// @dev Proofs speak of circuit outputs only; other modes may use any scheme there is.
    function _checkOutputScheme(uint8 scheme, uint8 mode) internal pure returns (Reason) {
        bool known = mode == Modes.ZKML ? scheme == OutputSchemes.CIRCUIT : scheme <= OutputSchemes.CIRCUIT;
        return known ? Reason.None : Reason.UnknownOutputScheme;
    }
}
