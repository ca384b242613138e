// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IEnclaveRegistry} from "../interfaces/IEnclaveRegistry.sol";
import {IKeyRegistry} from "../interfaces/IKeyRegistry.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {KeyKinds, Modes, OutputSchemes, Reason, Receipt} from "../interfaces/InferenceTypes.sol";
import {StandingLayout as At} from "../registry/StandingLayout.sol";

/// @title EvidenceRules
/// @notice Which keys and models may stand behind a receipt, and when (R4). The same rules serve settlement, where
/// they spare a bad item its slot, and opening, where they decide.
abstract contract EvidenceRules {
    /// @dev What the registries say of everything that a receipt rests on, as they keep it (`StandingLayout`). The order
    /// is that of their answers, which are read to their place.
    struct Evidence {
        uint256 model;
        uint256 verifier;
        uint256 key;
        uint256 approval;
        uint256 measurement;
    }

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
    function _readEvidence(bytes32 keyId, bytes32 modelId, uint256 mode, Evidence memory found) internal view {
        if (mode > Modes.TEE) return;
        uint256 to;
        assembly ("memory-safe") {
            to := found
        }
        _ask(address(modelRegistry), IModelRegistry.packedModelState.selector, modelId, mode, to, 0x40);
        unchecked {
            to += 0x40;
        }
        if (mode == Modes.TEE)
            _ask(
                address(enclaveRegistry),
                IEnclaveRegistry.packedEnclaveState.selector,
                keyId,
                uint256(modelId),
                to,
                0x60
            );
        else _ask(address(nodeRegistry), IKeyRegistry.packedKeyState.selector, keyId, 0, to, 0x20);
    }

    /// @dev Words are read to where they belong, and nothing is decoded. A registry that takes one argument ignores the
    /// second. The call is put together behind the free pointer, the answer is written within a struct.
    function _ask(address from, bytes4 selector, bytes32 id, uint256 second, uint256 to, uint256 size) private view {
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

    /// @dev Everything that R4 asks of a settled receipt but distrust and freeze, which are no fault of its own.
    function _checkEvidence(
        Receipt calldata receipt,
        uint256 settledAt,
        Evidence memory found
    ) internal pure returns (Reason reason) {
        uint256 mode;
        uint256 completedAt;
        uint256 scheme;
        assembly ("memory-safe") {
            // Its digest was made, which a field with bits beyond its type does not survive.
            scheme := calldataload(add(receipt, 0x80))
            completedAt := calldataload(add(receipt, 0x140))
            mode := calldataload(add(receipt, 0x160))
        }
        if (mode > Modes.TEE) return Reason.UnknownMode;
        uint256 key = found.key;
        reason = _checkKey(key, mode);
        if (reason != Reason.None) return reason;
        reason = _checkTimes(completedAt, settledAt, key);
        if (reason != Reason.None) return reason;
        reason = _checkOutputScheme(scheme, mode);
        if (reason != Reason.None) return reason;
        if (mode == Modes.TEE) {
            reason = _checkApproval(found.approval, completedAt);
            if (reason != Reason.None) return reason;
        }
        return _checkModel(found.model, mode);
    }

    /// @dev Whether a key can sign for this mode at all. Each registry holds its own kinds; asked again here, because
    /// what a mode means rests on it.
    function _checkKey(uint256 key, uint256 mode) internal pure returns (Reason) {
        if (uint40(key >> At.KEY_VALID_FROM) == 0) return Reason.UnknownKey;
        bool enclave = uint8(key >> At.KEY_KIND) != KeyKinds.OPERATOR;
        return enclave == (mode == Modes.TEE) ? Reason.None : Reason.KeyForbidsMode;
    }

    /// @dev The clocks of R4. The order is from what is wrong with the receipt to what is wrong with its key.
    function _checkTimes(uint256 completedAt, uint256 settledAt, uint256 key) internal pure returns (Reason) {
        unchecked {
            // A block time plus minutes cannot overflow, nor a time of 64 bits plus days.
            if (completedAt > settledAt + MAX_SKEW) return Reason.CompletedInFuture;
            if (settledAt > completedAt + MAX_DELAY) return Reason.CompletedTooLongAgo;
        }
        if (completedAt < uint40(key >> At.KEY_VALID_FROM) || completedAt > uint40(key >> At.KEY_VALID_UNTIL))
            return Reason.OutsideKeyValidity;
        return Reason.None;
    }

    /// @dev Whether a model version may be evidenced in this mode at all.
    function _checkModel(uint256 model, uint256 mode) internal pure returns (Reason) {
        uint256 modes = uint8(model >> At.MODEL_MODES);
        if (modes == 0) return Reason.UnknownModel;
        return modes & (1 << mode) == 0 ? Reason.ModelForbidsMode : Reason.None;
    }

    /// @dev Whether a measurement was approved for the model version when the answer was completed. What stands never
    /// ends, later than any time that {_checkTimes} lets pass.
    function _checkApproval(uint256 approval, uint256 completedAt) internal pure returns (Reason) {
        uint256 from = uint40(approval >> At.APPROVED_FROM);
        bool approved = from != 0 && completedAt >= from && completedAt <= uint40(approval >> At.APPROVED_UNTIL);
        return approved ? Reason.None : Reason.MeasurementNotApproved;
    }

    /// @dev Distrust is compared with the time of settlement, which the attacker does not hold (R4). "Never" is a moment
    /// that no block reaches. Consent comes last: it is withdrawn without anything being compromised.
    function _checkDistrust(Evidence memory found, uint256 mode, uint256 settledAt) internal pure returns (Reason) {
        if (settledAt >= uint40(found.key >> At.DISTRUSTED_FROM)) return Reason.KeyDistrusted;
        Reason reason = _checkModelAt(found.model, found.verifier, settledAt);
        if (reason == Reason.ModelDistrusted) return reason;
        if (mode == Modes.ZKML && settledAt >= uint40(found.verifier >> At.DISTRUSTED_FROM))
            return Reason.VerifierDistrusted;
        if (mode == Modes.TEE && settledAt >= uint40(found.measurement >> At.DISTRUSTED_FROM))
            return Reason.MeasurementDistrusted;
        return reason;
    }

    /// @dev Whether what settles at a moment counts for a model version: it is not distrusted from then on, and the
    /// sources it requires consent. The verifier's word tells the two apart (`IModelRegistry.packedModelState`).
    function _checkModelAt(uint256 model, uint256 verifier, uint256 settledAt) internal pure returns (Reason) {
        if (settledAt < uint40(model >> At.DISTRUSTED_FROM)) return Reason.None;
        bool trusted = settledAt < uint40(verifier >> At.MODEL_DISTRUSTED_FROM);
        return trusted && model & (1 << At.MODEL_CONSENT) != 0 ? Reason.ConsentWithdrawn : Reason.ModelDistrusted;
    }

    /// @dev A freeze counts now, whatever settled when, and lifts itself (R8).
    function _checkFreeze(Evidence memory found, uint256 mode) internal view returns (Reason) {
        if (block.timestamp < uint40(found.key >> At.FROZEN_UNTIL)) return Reason.KeyFrozen;
        if (block.timestamp < uint40(found.model >> At.FROZEN_UNTIL)) return Reason.ModelFrozen;
        if (mode == Modes.ZKML && block.timestamp < uint40(found.verifier >> At.FROZEN_UNTIL))
            return Reason.VerifierFrozen;
        if (mode == Modes.TEE && block.timestamp < uint40(found.measurement >> At.FROZEN_UNTIL))
            return Reason.MeasurementFrozen;
        return Reason.None;
    }

    /// @dev Proofs speak of circuit outputs only; other modes may use any scheme there is.
    function _checkOutputScheme(uint256 scheme, uint256 mode) internal pure returns (Reason) {
        bool known = mode == Modes.ZKML ? scheme == OutputSchemes.CIRCUIT : scheme <= OutputSchemes.CIRCUIT;
        return known ? Reason.None : Reason.UnknownOutputScheme;
    }

    /// @dev Of a receipt whose digest was made, which a mode with bits beyond its type does not survive.
    function _modeOf(Receipt calldata receipt) internal pure returns (uint256 mode) {
        assembly ("memory-safe") {
            mode := calldataload(add(receipt, 0x160))
        }
    }

    function _nodeOf(Evidence memory found) internal pure returns (bytes32) {
        return bytes32(uint256(uint40(found.key >> At.KEY_NODE)));
    }
}
