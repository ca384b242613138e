// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {WithdrawnData} from "./IModelSources.sol";

/// @notice A version that another one derives from.
/// @param modelId The version that is derived from.
/// @param bps What it gets of the fees of the version that names it, in basis points; at least the royalty it asks.
struct ModelParent {
    bytes32 modelId;
    uint16 bps;
}

/// @notice Somebody a version owes something to: who brought data, labels, evaluation.
/// @param account Who is credited.
/// @param bps What it gets of the version's fees, in basis points; 0 names it and pays nothing.
struct ModelContributor {
    address account;
    uint16 bps;
}

/// @notice Where a version comes from and who shares in its fees, as its owner declares it. What parents and
/// contributors do not get is the owner's.
/// @param royalty What a version that derives from this one owes it of its own fees, in basis points; 0 for nothing.
/// @param parents Versions this one derives from.
/// @param contributors Who shares beside them.
struct Lineage {
    uint16 royalty;
    ModelParent[] parents;
    ModelContributor[] contributors;
}

/// @notice A version that another one derives from, at some remove. Where its data is withdrawn, what derives from it
/// was made with that data all the same: withdrawal cannot undo past training.
/// @param modelId The ancestor.
/// @param child The version that names it as a parent.
/// @param bps What it gets of the fees of `child`, in basis points.
/// @param generation 1 for a parent, 2 for a parent's parent, at most {IModelLineage-MAX_DEPTH}.
/// @param royalty What it asks of versions that derive from it, in basis points.
/// @param owner Its owner.
/// @param licence Its licence; empty where it declared none.
/// @param withdrawnFrom From when consent of a source of its own, required or not, is withdrawn: unix seconds, perhaps
/// to come; `type(uint256).max` for never.
/// @param blockedFrom The same of the sources it requires.
struct Ancestor {
    bytes32 modelId;
    bytes32 child;
    uint16 bps;
    uint8 generation;
    uint16 royalty;
    address owner;
    string licence;
    uint256 withdrawnFrom;
    uint256 blockedFrom;
}

/// @title IModelLineage
/// @notice Provenance of model versions, and the shares that follow from it. Declared once, at registration, and never
/// changed: who builds on a version knows what it will owe for ever. It is the owner's word; what it names exists, and
/// nobody gets less than was asked of whoever named it.
/// @dev Everything is bounded (R8): {MAX_PARENTS} wide, {MAX_DEPTH} deep, {MAX_CONTRIBUTORS}. Parents exist before their
/// children, so there are no circles.
interface IModelLineage {
    /// @notice A version was registered that declares a lineage. Versions that declare none emit nothing.
    /// @param depth Longest way to a version without parents: 0 where this one has none.
    event LineageDeclared(
        bytes32 indexed modelId,
        uint256 depth,
        uint16 royalty,
        ModelParent[] parents,
        ModelContributor[] contributors
    );

    /// @notice More parents than {MAX_PARENTS}.
    error ModelLineage_TooManyParents(uint256 count);
    /// @notice More contributors than {MAX_CONTRIBUTORS}.
    error ModelLineage_TooManyContributors(uint256 count);
    /// @notice No such version.
    error ModelLineage_UnknownParent(bytes32 modelId);
    /// @notice The parent is {MAX_DEPTH} deep itself.
    error ModelLineage_TooDeep(bytes32 parent);
    /// @notice The parent asks for `asked` basis points.
    error ModelLineage_RoyaltyTooLow(bytes32 parent, uint256 given, uint256 asked);
    /// @notice A version is named as a parent twice.
    error ModelLineage_DuplicateParent(bytes32 modelId);
    /// @notice An account is named as a contributor twice.
    error ModelLineage_DuplicateContributor(address account);
    /// @notice Nobody can claim for the zero address.
    error ModelLineage_ZeroContributor();
    /// @notice Parents and contributors together get more than everything, 10,000 basis points.
    error ModelLineage_SharesExceedWhole(uint256 bps);
    /// @notice Consent of a source that the parent or an ancestor of it requires was withdrawn, or is announced to be:
    /// what derives from it would be another use of that data.
    error ModelLineage_WithdrawnData(bytes32 parent, uint256 withdrawnFrom);
    /// @notice Nothing can derive from a version that asks for more than everything, 10,000 basis points.
    error ModelLineage_BadRoyalty(uint256 royalty);

    /// @notice Owner and lineage of a version: what divides its fees.
    /// @return owner Gets what the others do not.
    /// @return depth Longest way to a version without parents, at most {MAX_DEPTH}.
    function lineage(bytes32 modelId) external view returns (address owner, uint256 depth, Lineage memory declared);

    /// @notice Everything a version derives from, parents first: one entry for each way that leads there, so that a
    /// version reached by two ways is listed twice. What an ancestor's consent says is that of its own sources, and
    /// cannot undo past training ({IModelSources-consentLimits}).
    /// @param most Most entries to be listed; more than {MAX_ANCESTORS} there never are.
    /// @return found In the order of their generations.
    /// @return complete False if there are more than were asked for.
    function ancestors(bytes32 modelId, uint256 most) external view returns (Ancestor[] memory found, bool complete);

    /// @notice What withdrawn consent means for a version, over its own sources and those of every ancestor. A version
    /// that contains withdrawn data was trained on it and remains so: withdrawal cannot undo past training
    /// ({IModelSources-consentLimits}).
    function withdrawnData(bytes32 modelId) external view returns (WithdrawnData memory);

    /// @notice Most ways from a version to an ancestor: 4 + 16 + 64 = 84.
    function MAX_ANCESTORS() external view returns (uint256);

    /// @notice Most versions that one derives from: 4.
    function MAX_PARENTS() external view returns (uint256);

    /// @notice Most generations above a version: 3.
    function MAX_DEPTH() external view returns (uint256);

    /// @notice Most contributors of a version: 16.
    function MAX_CONTRIBUTORS() external view returns (uint256);
}
