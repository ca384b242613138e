// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {SSTORE2} from "../verification/SSTORE2.sol";
import {Groth16Verifier} from "../verification/Groth16Verifier.sol";
import {Distrustable} from "../governance/Distrustable.sol";
import {Governed} from "../governance/Governed.sol";
import {IModelRegistry, ModelState, ModelVersion} from "../interfaces/IModelRegistry.sol";
import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {IVerifyingKeys} from "../interfaces/IVerifyingKeys.sol";
import {Modes} from "../interfaces/InferenceTypes.sol";
import {Lineage} from "../interfaces/IModelLineage.sol";
import {ModelLineage} from "./ModelLineage.sol";
import {StandingLayout} from "./StandingLayout.sol";

/// @title ModelRegistry
/// @notice See {IModelRegistry}, where every function, event and error is documented.
contract ModelRegistry is Distrustable, ModelLineage, IModelRegistry {
    /// @dev Verifier, modes and whether sources are required live in the tag of the version's standing:
    /// `verifier ‖ required ‖ modes`.
    struct Version {
        address owner;
        address keyPointer;
        bytes32 contentHash;
        string uri;
        string signals;
    }

    /// @dev `StandingLayout.MODEL_CONSENT` within the tag.
    uint168 private constant CONSENT = 0x80;

    /// @notice The Groth16 verifier that was deployed together with this registry.
    Groth16Verifier public immutable groth16Verifier;

    mapping(bytes32 modelId => Version) private _versions;

    /// @dev The first verifier is made here: it reads its keys from this registry and this registry must know it, and
    /// a constructor is the one place where such a circle closes without anybody holding the power to wire it.
    /// @param phase1Ids Powers of tau (α, β, γ) that keys may come from, see `VerifyingKey`.
    constructor(address admin_, address guardian_, bytes32[] memory phase1Ids) Governed(admin_, guardian_) {
        groth16Verifier = new Groth16Verifier(IVerifyingKeys(address(this)), phase1Ids);
        _approve(address(groth16Verifier));
    }

    /// @inheritdoc IModelRegistry
    function register(ModelVersion calldata version) external returns (bytes32 modelId) {
        uint8 modes = version.modes;
        if (modes == 0 || modes > Modes.ALL) revert ModelRegistry_BadModes(modes);
        if (version.contentHash == 0) revert ModelRegistry_EmptyContent();
        bool proved = modes & (1 << Modes.ZKML) != 0;
        if (
            proved != (version.verifier != address(0)) ||
            proved != (version.verifyingKey.length != 0) ||
            proved != (bytes(version.signals).length != 0)
        ) revert ModelRegistry_ProofFieldsMismatch(modes);

        modelId = modelIdOf(msg.sender, version);
        if (_isEnrolled(modelId)) revert ModelRegistry_AlreadyRegistered(modelId);

        address keyPointer;
        if (proved) {
            if (!isApprovedVerifier(version.verifier)) revert ModelRegistry_VerifierNotApproved(version.verifier);
            IProofVerifier(version.verifier).requireValidKey(version.verifyingKey);
            keyPointer = SSTORE2.write(version.verifyingKey);
        }
        (uint256 entries, bool required) = _checkSources(version.sources);
        _enroll(modelId, (uint168(uint160(version.verifier)) << 8) | (required ? CONSENT : 0) | modes);
        _versions[modelId] = Version({
            owner: msg.sender,
            keyPointer: keyPointer,
            contentHash: version.contentHash,
            uri: version.uri,
            signals: version.signals
        });
        emit ModelRegistered(
            modelId,
            msg.sender,
            version.verifier,
            version.contentHash,
            modes,
            version.uri,
            keccak256(version.verifyingKey),
            version.signals
        );
        _declareData(modelId, entries, version.licence, version.sources);
        _declare(modelId, version.lineage, entries != 0);
    }

    /// @inheritdoc IModelRegistry
    function approveVerifier(address verifier) external onlyAdmin {
        _approve(verifier);
    }

    /// @inheritdoc IModelRegistry
    function model(bytes32 modelId) external view returns (address owner, ModelVersion memory version) {
        owner = _requireOwner(modelId);
        uint168 tag = _standing[modelId].tag;
        Version storage stored = _versions[modelId];
        (, Lineage memory declared) = _lineage(modelId);
        version = ModelVersion({
            contentHash: stored.contentHash,
            uri: stored.uri,
            modes: uint8(tag & Modes.ALL),
            verifier: address(uint160(tag >> 8)),
            verifyingKey: stored.keyPointer == address(0) ? bytes("") : SSTORE2.read(stored.keyPointer),
            signals: stored.signals,
            lineage: declared,
            licence: _licenceOf(modelId),
            sources: _sourcesOf(modelId)
        });
    }

    /// @inheritdoc IModelRegistry
    function modelState(bytes32 modelId, uint8 mode) external view returns (ModelState memory state) {
        uint256 own = _packedStanding(modelId);
        uint256 verifier = mode == Modes.ZKML ? _packedStanding(bytes32(own >> StandingLayout.MODEL_VERIFIER)) : 0;
        state.modes = (own >> StandingLayout.MODEL_MODES) & Modes.ALL;
        state.verifier = address(uint160(own >> StandingLayout.MODEL_VERIFIER));
        state.distrustedFrom = _widen(uint40(own >> StandingLayout.DISTRUSTED_FROM));
        state.frozenUntil = uint40(own >> StandingLayout.FROZEN_UNTIL);
        state.verifierDistrustedFrom = _widen(uint40(verifier >> StandingLayout.DISTRUSTED_FROM));
        state.verifierFrozenUntil = uint40(verifier >> StandingLayout.FROZEN_UNTIL);
    }

    /// @inheritdoc IModelRegistry
    function packedModelState(bytes32 modelId, uint8 mode) external view returns (uint256 own, uint256 verifier) {
        own = _packedStanding(modelId);
        // Nothing is enrolled under 0, where a version has no verifier.
        if (mode == Modes.ZKML) verifier = _packedStanding(bytes32(own >> StandingLayout.MODEL_VERIFIER));
        if (own & (1 << StandingLayout.MODEL_CONSENT) != 0) {
            uint256 distrustedFrom = uint40(own >> StandingLayout.DISTRUSTED_FROM);
            uint256 end = _consentEnd(modelId);
            if (end < distrustedFrom) own ^= (distrustedFrom ^ end) << StandingLayout.DISTRUSTED_FROM;
            // A verifier's tag is empty.
            verifier |= distrustedFrom << StandingLayout.MODEL_DISTRUSTED_FROM;
        }
    }

    /// @inheritdoc IVerifyingKeys
    function verifyingKey(bytes32 modelId) external view returns (address pointer) {
        return _versions[modelId].keyPointer;
    }

    /// @inheritdoc IModelRegistry
    function isApprovedVerifier(address verifier) public view returns (bool) {
        return _standing[_target(verifier)].distrustedFrom == NEVER;
    }

    /// @inheritdoc IModelRegistry
    function modelIdOf(address owner, ModelVersion calldata version) public view returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    block.chainid,
                    address(this),
                    owner,
                    version.contentHash,
                    version.modes,
                    version.verifier,
                    keccak256(version.verifyingKey),
                    keccak256(bytes(version.uri)),
                    keccak256(bytes(version.signals)),
                    keccak256(abi.encode(version.lineage, version.licence, version.sources))
                )
            );
    }

    function _ownerOf(bytes32 modelId) internal view override returns (address) {
        return _versions[modelId].owner;
    }

    /// @dev Verifiers have a standing here too, and are no versions.
    function _requireOwner(bytes32 modelId) internal view override returns (address owner) {
        owner = _versions[modelId].owner;
        if (owner == address(0)) revert Distrustable_UnknownTarget(modelId);
    }

    function _approve(address verifier) private {
        bytes32 target = _target(verifier);
        // Approving again would lift a distrust.
        if (verifier == address(0) || _isEnrolled(target)) revert ModelRegistry_VerifierNotApproved(verifier);
        _enroll(target, 0);
        emit VerifierApproved(verifier);
    }

    /// @dev A verifier's id among the targets of distrust and freeze: its address.
    function _target(address verifier) private pure returns (bytes32) {
        return bytes32(uint256(uint160(verifier)));
    }
}
