// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Governed} from "../governance/Governed.sol";
import {Attestation, IAttestationVerifier} from "../interfaces/IAttestationVerifier.sol";
import {HandOver, IEnclaveRegistry, MeasurementState} from "../interfaces/IEnclaveRegistry.sol";
import {KeyState} from "../interfaces/IKeyRegistry.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {KeyKinds} from "../interfaces/InferenceTypes.sol";
import {EnclaveSignatures} from "../verification/EnclaveSignatures.sol";
import {ReceiptLib} from "../verification/ReceiptLib.sol";
import {RsaPss} from "../verification/RsaPss.sol";
import {KeyRegistry} from "./KeyRegistry.sol";
import {StandingLayout} from "./StandingLayout.sol";

/// @title EnclaveRegistry
/// @notice See {IEnclaveRegistry}, where every function, event and error is documented.
contract EnclaveRegistry is KeyRegistry, EIP712, IEnclaveRegistry {
    /// @notice The longest an enclave key lives without a new attestation.
    uint64 public constant MAX_KEY_LIFE = 90 days;
    /// @notice How old an attestation may be when its key is admitted.
    uint64 public constant MAX_ATTESTATION_AGE = 1 hours;
    /// @notice How long a key that handed over may go on: enough to finish what it was asked.
    uint64 public constant MAX_OVERLAP = 1 days;

    bytes32 private constant HAND_OVER_TYPEHASH = keccak256("HandOver(bytes32 keyId,bytes32 successor,uint64 endsAt)");

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
    mapping(bytes32 keyId => bytes32) private _successors;

    constructor(
        address admin_,
        address guardian_,
        INodeRegistry nodes_,
        IAttestationVerifier attestationVerifier_
    ) Governed(admin_, guardian_) EIP712("OpenGradient EnclaveRegistry", "1") {
        if (address(nodes_) == address(0) || address(attestationVerifier_) == address(0)) revert Governed_ZeroAddress();
        nodes = nodes_;
        attestationVerifier = attestationVerifier_;
    }

    /// @inheritdoc IEnclaveRegistry
    function admit(bytes32 nodeId, bytes calldata attestation, uint64 validUntil) external returns (bytes32) {
        return _admit(nodeId, attestation, validUntil);
    }

    /// @inheritdoc IEnclaveRegistry
    function rotateKey(
        bytes calldata attestation,
        uint64 validUntil,
        HandOver calldata handOver
    ) external returns (bytes32 successor) {
        bytes32 keyId = handOver.keyId;
        bytes32 nodeId = nodeOf(keyId);
        // Everything that any new key must show: what the old one says gives nothing but its own end and a place in line.
        successor = _admit(nodeId, attestation, validUntil);
        _requireHandOver(handOver, successor);
        _successors[keyId] = successor;
        _retire(keyId, nodeId, handOver.endsAt);
        emit KeyHandedOver(keyId, successor, nodeId, handOver.endsAt);
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
    function successorOf(bytes32 keyId) external view returns (bytes32 successor) {
        successor = _successors[keyId];
        // The hand-over happened when the successor was admitted. It is the old key's word and falls with it (R4).
        uint256 at = keyState(successor).validFrom;
        (, , uint256 image) = packedEnclaveState(keyId, 0);
        bool imageDistrusted = uint40(image >> StandingLayout.DISTRUSTED_FROM) <= at;
        if (keyState(keyId).distrustedFrom <= at || imageDistrusted) return 0;
    }

    /// @inheritdoc IEnclaveRegistry
    function handOverDigest(bytes32 keyId, bytes32 successor, uint64 endsAt) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(HAND_OVER_TYPEHASH, keyId, successor, endsAt)));
    }

    /// @inheritdoc IEnclaveRegistry
    function registrationUserData(bytes32 nodeId) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), nodeId, _operatorOf(nodeId)));
    }

    function _admit(bytes32 nodeId, bytes calldata attestation, uint64 validUntil) private returns (bytes32 keyId) {
        _requireServingOperator(nodeId);
        if (!_hasStake(nodeId)) revert KeyRegistry_StakeTooLow(nodeId);
        if (validUntil > block.timestamp + MAX_KEY_LIFE) revert KeyRegistry_BadValidity(validUntil);

        Attestation memory seen = _attested(nodeId, attestation);
        address signer = _signerOf(seen.kind, seen.publicKey);
        keyId = ReceiptLib.keyId(seen.kind, seen.publicKey);
        uint40 note = uint40(uint256(_targetOf(seen.measurement)));
        _addKey(keyId, seen.kind, seen.publicKey, signer, nodeId, validUntil, note);
        measurementOf[keyId] = seen.measurement;
        emit EnclaveAdmitted(keyId, nodeId, seen.measurement);
    }

    /// @dev What a genuine, fresh document says that was made for this node.
    function _attested(bytes32 nodeId, bytes calldata attestation) private view returns (Attestation memory seen) {
        seen = attestationVerifier.verifyAttestation(attestation);
        bytes32 expected = registrationUserData(nodeId);
        if (seen.userData != expected) revert EnclaveRegistry_WrongUserData(expected, seen.userData);
        if (seen.issuedAt > block.timestamp || seen.issuedAt + MAX_ATTESTATION_AGE < block.timestamp)
            revert EnclaveRegistry_StaleAttestation(seen.issuedAt);
        if (seen.measurement == 0 || seen.measurement == keccak256(new bytes(144)))
            revert EnclaveRegistry_ZeroMeasurement();
    }

    /// @dev An RSA key has no address, so nothing that recovers one, a receipt, a batch or a voucher, is ever its word.
    function _signerOf(uint8 kind, bytes memory publicKey) private pure returns (address) {
        if (kind == KeyKinds.ENCLAVE_SECP256K1 && publicKey.length == 64) return ReceiptLib.signerOf(publicKey);
        if (kind == KeyKinds.ENCLAVE_RSA && RsaPss.isKey(publicKey)) return address(0);
        revert EnclaveRegistry_UnsupportedKey(kind, publicKey.length);
    }

    /// @dev A key hands over once, while it is believed, and ends soon.
    function _requireHandOver(HandOver calldata handOver, bytes32 successor) private view {
        bytes32 keyId = handOver.keyId;
        if (_successors[keyId] != 0) revert EnclaveRegistry_HandedOver(keyId, _successors[keyId]);
        if (handOver.endsAt > block.timestamp + MAX_OVERLAP) revert EnclaveRegistry_OverlapTooLong(handOver.endsAt);
        KeyState memory key = keyState(keyId);
        if (block.timestamp >= key.distrustedFrom || block.timestamp < key.frozenUntil)
            revert EnclaveRegistry_NotBelieved(keyId);
        (, , uint256 image) = packedEnclaveState(keyId, 0);
        if (
            block.timestamp >= uint40(image >> StandingLayout.DISTRUSTED_FROM) ||
            block.timestamp < uint40(image >> StandingLayout.FROZEN_UNTIL)
        ) revert EnclaveRegistry_NotBelieved(keyId);
        bytes32 digest = handOverDigest(keyId, successor, handOver.endsAt);
        bool signed = EnclaveSignatures.isOf(
            keyId,
            key.kind,
            _signers[keyId],
            handOver.publicKey,
            digest,
            handOver.signature
        );
        if (!signed) revert EnclaveRegistry_BadHandOver(keyId, successor);
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
