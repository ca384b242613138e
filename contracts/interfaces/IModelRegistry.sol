// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IDistrustable} from "./IDistrustable.sol";
import {IModelLineage, Lineage} from "./IModelLineage.sol";
import {IModelSources, ModelSource} from "./IModelSources.sol";
import {IVerifyingKeys} from "./IVerifyingKeys.sol";

/// @notice What an owner declares of a model version.
/// @param contentHash Hash of the model's content (weights and code), for whoever fetches `uri`.
/// @param uri Where the content is to be found.
/// @param modes Mask of `1 << mode` that answers of this version may be evidenced with.
/// @param verifier Approved proof verifier; zero where ZKML is not among the modes.
/// @param verifyingKey Key in the verifier's format; empty where ZKML is not among the modes.
/// @param signals Meaning of the proof's signals in words, in order; empty where ZKML is not among the modes.
/// @param lineage What it derives from and who shares in its fees.
/// @param licence SPDX identifier or URI of its licence, at most {IModelSources-MAX_LICENCE} bytes; empty for none.
/// @param sources Registered data it was made with, at most {IModelSources-MAX_SOURCES}.
struct ModelVersion {
    bytes32 contentHash;
    string uri;
    uint8 modes;
    address verifier;
    bytes verifyingKey;
    string signals;
    Lineage lineage;
    string licence;
    ModelSource[] sources;
}

/// @notice What settlement needs to know of a model version in one mode.
/// @param modes 0 for a version that is not registered.
/// @param verifier Zero where the version has none.
/// @param distrustedFrom `type(uint256).max` for never.
/// @param verifierDistrustedFrom The same of its verifier; only filled in for ZKML.
struct ModelState {
    uint256 modes;
    address verifier;
    uint256 distrustedFrom;
    uint256 frozenUntil;
    uint256 verifierDistrustedFrom;
    uint256 verifierFrozenUntil;
}

/// @title IModelRegistry
/// @notice Immutable model versions. What is registered never changes; a repaired model is a new version (R10).
interface IModelRegistry is IDistrustable, IVerifyingKeys, IModelSources, IModelLineage {
    /// @notice A version was registered. Its lineage, where it declares one, is in {LineageDeclared}; licence and data
    /// sources, where it declares some, are in {DataDeclared}.
    event ModelRegistered(
        bytes32 indexed modelId,
        address indexed owner,
        address indexed verifier,
        bytes32 contentHash,
        uint8 modes,
        string uri,
        bytes32 verifyingKeyHash,
        string signals
    );
    /// @notice Governance approved a proof verifier for new versions.
    event VerifierApproved(address indexed verifier);

    /// @notice The published development phase 1 on a chain that is not a development chain: reverted by the verifier
    /// that the registry makes in its constructor, declared here so that a deployer can read it.
    error Groth16Verifier_DevelopmentPhase1(uint256 chainId);
    /// @notice A version needs at least one known mode; `modes` is a mask of `1 << mode`.
    error ModelRegistry_BadModes(uint8 modes);
    /// @notice `verifier` is not approved by governance, or is distrusted.
    error ModelRegistry_VerifierNotApproved(address verifier);
    /// @notice Verifier, key and signals belong to ZKML: all three with it, none without it.
    error ModelRegistry_ProofFieldsMismatch(uint8 modes);
    /// @notice This version exists; look it up under `modelId`.
    error ModelRegistry_AlreadyRegistered(bytes32 modelId);
    /// @notice A version needs a content hash.
    error ModelRegistry_EmptyContent();

    /// @notice Registers a version; the caller is its owner. Open to anyone: what a version may be used for is for
    /// consumers to choose and, for TEE and ZKML, for governance to approve (measurements, verifiers). Refused while
    /// consent of a source it declares, or of one that an ancestor requires, is withdrawn or announced to be.
    /// @return modelId See {modelIdOf}.
    function register(ModelVersion calldata version) external returns (bytes32 modelId);

    /// @notice Approves a verifier for new versions. Admin only.
    function approveVerifier(address verifier) external;

    /// @notice Whether new versions may name `verifier`.
    function isApprovedVerifier(address verifier) external view returns (bool);

    /// @notice keccak256(abi.encode(chainId, this registry, owner, contentHash, modes, verifier,
    /// keccak256(verifyingKey), keccak256(bytes(uri)), keccak256(bytes(signals)), keccak256(abi.encode(lineage, licence,
    /// sources)))).
    function modelIdOf(address owner, ModelVersion calldata version) external view returns (bytes32);

    /// @notice Owner and declaration of a version. `verifyingKey` is read back from where it is kept. What consent its
    /// sources have now is in {IModelSources-dataOf}; where it is withdrawn, past training is not undone.
    function model(bytes32 modelId) external view returns (address owner, ModelVersion memory version);

    /// @notice What settlement asks; the verifier's state only where `mode` is ZKML. All zero for unknown versions.
    function modelState(bytes32 modelId, uint8 mode) external view returns (ModelState memory);

    /// @notice The same as it is kept, by `StandingLayout`: for contracts that ask with every call. Of a version with
    /// required sources (`MODEL_CONSENT`) it tells as well when their consent ends: in `own` stands the earlier of that
    /// and of distrust, and beside the verifier's moments that of distrust alone (`MODEL_DISTRUSTED_FROM`).
    /// @return own Word of the version.
    /// @return verifier Word of its verifier; without its moments unless `mode` is ZKML.
    function packedModelState(bytes32 modelId, uint8 mode) external view returns (uint256 own, uint256 verifier);
}
