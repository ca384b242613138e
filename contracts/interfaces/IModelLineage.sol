// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

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
    /// @notice Nothing can derive from a version that asks for more than everything, 10,000 basis points.
    error ModelLineage_BadRoyalty(uint256 royalty);

    /// @notice Owner and lineage of a version: what divides its fees.
    /// @return owner Gets what the others do not.
    /// @return depth Longest way to a version without parents, at most {MAX_DEPTH}.
    function lineage(bytes32 modelId) external view returns (address owner, uint256 depth, Lineage memory declared);

    /// @notice Most versions that one derives from: 4.
    function MAX_PARENTS() external view returns (uint256);

    /// @notice Most generations above a version: 3.
    function MAX_DEPTH() external view returns (uint256);

    /// @notice Most contributors of a version: 16.
    function MAX_CONTRIBUTORS() external view returns (uint256);
}
