// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Governed} from "../governance/Governed.sol";
import {Attestation, IAttestationVerifier} from "../interfaces/IAttestationVerifier.sol";
import {IEnclaveRegistry, MeasurementState} from "../interfaces/IEnclaveRegistry.sol";
import {KeyState} from "../interfaces/IKeyRegistry.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {KeyKinds} from "../interfaces/InferenceTypes.sol";
import {ReceiptLib} from "../verification/ReceiptLib.sol";
import {KeyRegistry} from "./KeyRegistry.sol";
import {StandingLayout} from "./StandingLayout.sol";

/// @title EnclaveRegistry
/// @notice See {IEnclaveRegistry}, where every function, event and error is documented.
contract EnclaveRegistry is KeyRegistry, IEnclaveRegistry {
    /// @notice The longest an enclave key lives without a new attestation.
    uint64 public constant MAX_KEY_LIFE = 90 days;
    /// @notice How old an attestation may be when its key is admitted.
    uint64 public constant MAX_ATTESTATION_AGE = 1 hours;

    /// @dev `until` is `NEVER` while the approval stands.
    struct Approval {
        uint40 from;
        uint40 until;
    }

    /// @notice Where nodes and their stake are asked for.
    INodeRegistry public immutable nodes;
    /// @notice Who decides whether an attestation is genuine.
    IAttestationVerifier public immutable attestationVerifier;

    /// @inheritdoc IEnclaveRegistry
    mapping(bytes32 keyId => bytes32) public measurementOf;
    /// @inheritdoc IEnclaveRegistry
    mapping(bytes32 measurement => bytes32) public measurementTarget;

    /// @dev Measurements are numbered so that a key's slot can name its own: opening is spared a read.
    uint40 private _measurementCount;
    mapping(bytes32 modelId => mapping(bytes32 target => Approval)) private _approvals;

    constructor(
        address admin_,
        address guardian_,
        INodeRegistry nodes_,
        IAttestationVerifier attestationVerifier_
    ) Governed(admin_, guardian_) {
        if (address(nodes_) == address(0) || address(attestationVerifier_) == address(0)) revert Governed_ZeroAddress();
        nodes = nodes_;
        attestationVerifier = attestationVerifier_;
    }

    /// @inheritdoc IEnclaveRegistry
    function admit(bytes32 nodeId, bytes calldata attestation, uint64 validUntil) external returns (bytes32 keyId) {
        _requireServingOperator(nodeId);
        if (!_hasStake(nodeId)) revert KeyRegistry_StakeTooLow(nodeId);
        if (validUntil > block.timestamp + MAX_KEY_LIFE) revert KeyRegistry_BadValidity(validUntil);

        Attestation memory seen = attestationVerifier.verifyAttestation(attestation);
        bytes32 expected = registrationUserData(nodeId);
        if (seen.userData != expected) revert EnclaveRegistry_WrongUserData(expected, seen.userData);
        if (seen.issuedAt > block.timestamp || seen.issuedAt + MAX_ATTESTATION_AGE < block.timestamp)
            revert EnclaveRegistry_StaleAttestation(seen.issuedAt);
        if (seen.measurement == 0 || seen.measurement == keccak256(new bytes(144)))
            revert EnclaveRegistry_ZeroMeasurement();
        if (seen.kind != KeyKinds.ENCLAVE_SECP256K1 || seen.publicKey.length != 64)
            revert EnclaveRegistry_UnsupportedKey(seen.kind, seen.publicKey.length);

        keyId = ReceiptLib.keyId(seen.kind, seen.publicKey);
        uint40 note = uint40(uint256(_targetOf(seen.measurement)));
        _addKey(keyId, seen.kind, seen.publicKey, ReceiptLib.signerOf(seen.publicKey), nodeId, validUntil, note);
        measurementOf[keyId] = seen.measurement;
        emit EnclaveAdmitted(keyId, nodeId, seen.measurement);
    }

    /// @inheritdoc IEnclaveRegistry
    function approveMeasurement(bytes32 measurement, bytes32 modelId) external onlyAdmin {
        if (measurement == 0) revert EnclaveRegistry_ZeroMeasurement();
        bytes32 target = _targetOf(measurement);
        Approval storage approval = _approvals[modelId][target];
        if (approval.until == NEVER) revert EnclaveRegistry_AlreadyApproved(measurement, modelId);
        if (approval.until != 0) revert EnclaveRegistry_ApprovalWithdrawn(measurement, modelId);
        _approvals[modelId][target] = Approval({from: uint40(block.timestamp), until: NEVER});
        emit MeasurementApproved(measurement, modelId, uint64(block.timestamp));
    }

    /// @inheritdoc IEnclaveRegistry
    function withdrawMeasurement(bytes32 measurement, bytes32 modelId) external onlyAdmin {
        Approval storage approval = _approvals[modelId][measurementTarget[measurement]];
        if (approval.until != NEVER) revert EnclaveRegistry_NotApproved(measurement, modelId);
        approval.until = uint40(block.timestamp);
        emit MeasurementWithdrawn(measurement, modelId, uint64(block.timestamp));
    }

    /// @inheritdoc IEnclaveRegistry
    function enclaveState(
        bytes32 keyId,
        bytes32 modelId
    ) external view returns (KeyState memory key, MeasurementState memory measurement) {
        (uint256 word, uint256 approval, uint256 standing_) = packedEnclaveState(keyId, modelId);
        key = _keyState(word);
        if (key.validFrom == 0) return (key, measurement);
        measurement.approvedFrom = uint40(approval >> StandingLayout.APPROVED_FROM);
        measurement.approvedUntil = _widen(uint40(approval >> StandingLayout.APPROVED_UNTIL));
        measurement.distrustedFrom = _widen(uint40(standing_ >> StandingLayout.DISTRUSTED_FROM));
        measurement.frozenUntil = uint40(standing_ >> StandingLayout.FROZEN_UNTIL);
    }

    /// @inheritdoc IEnclaveRegistry
    function packedEnclaveState(
        bytes32 keyId,
        bytes32 modelId
    ) public view returns (uint256 key, uint256 approval, uint256 measurement) {
        key = _packedStanding(keyId);
        // 0 for what is no key, and for no measurement: nothing was approved or enrolled there.
        bytes32 target = bytes32(key >> StandingLayout.KEY_NOTE);
        Approval storage own = _approvals[modelId][target];
        assembly ("memory-safe") {
            approval := sload(own.slot)
        }
        measurement = _packedStanding(target);
    }

    /// @inheritdoc IEnclaveRegistry
    function registrationUserData(bytes32 nodeId) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), nodeId, _operatorOf(nodeId)));
    }

    /// @dev A measurement becomes something to distrust or freeze when a key or an approval first names it.
    function _targetOf(bytes32 measurement) private returns (bytes32 target) {
        target = measurementTarget[measurement];
        if (target != 0) return target;
        target = bytes32(uint256(++_measurementCount));
        measurementTarget[measurement] = target;
        _enroll(target, 0);
        emit MeasurementKnown(measurement, target);
    }

    /// @dev The same conditions as for an operator key, in the node registry's words.
    function _requireServingOperator(bytes32 nodeId) private view {
        (address operator, INodeRegistry.NodeKind kind, INodeRegistry.NodeStatus status) = nodes.nodeStatus(nodeId);
        if (msg.sender != operator) revert KeyRegistry_NotOperator(nodeId, msg.sender);
        if (status == INodeRegistry.NodeStatus.Retired) revert INodeRegistry.NodeRegistry_NodeRetired(nodeId);
        if (kind != INodeRegistry.NodeKind.LocalInference && kind != INodeRegistry.NodeKind.LlmProxy)
            revert INodeRegistry.NodeRegistry_KindDoesNotServe(kind);
    }

    function _operatorOf(bytes32 nodeId) internal view override returns (address operator) {
        (operator, , ) = nodes.nodeStatus(nodeId);
    }

    function _hasStake(bytes32 nodeId) internal view override returns (bool) {
        return nodes.hasStake(nodeId);
    }
}
