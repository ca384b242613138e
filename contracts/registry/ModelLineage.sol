// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {SSTORE2} from "../verification/SSTORE2.sol";
import {Ancestor, IModelLineage, Lineage, ModelContributor, ModelParent} from "../interfaces/IModelLineage.sol";
import {WithdrawnData} from "../interfaces/IModelSources.sol";
import {ModelSources} from "./ModelSources.sol";

/// @title ModelLineage
/// @notice See {IModelLineage}, where every function, event and error is documented.
abstract contract ModelLineage is ModelSources, IModelLineage {
    /// @inheritdoc IModelLineage
    uint256 public constant MAX_PARENTS = 4;
    /// @inheritdoc IModelLineage
    uint256 public constant MAX_DEPTH = 3;
    /// @inheritdoc IModelLineage
    uint256 public constant MAX_CONTRIBUTORS = 16;
    /// @inheritdoc IModelLineage
    uint256 public constant MAX_ANCESTORS = MAX_PARENTS + MAX_PARENTS ** 2 + MAX_PARENTS ** MAX_DEPTH;

    uint256 private constant WHOLE = 10_000;

    /// @param pointer Where parents and contributors are kept as code; zero where there are none.
    /// @param royalty What children owe.
    /// @param depth Generations above.
    /// @param sourced Whether it or an ancestor declares data sources: nothing else needs a walk.
    struct Descent {
        address pointer;
        uint16 royalty;
        uint8 depth;
        bool sourced;
    }

    mapping(bytes32 modelId => Descent) private _descents;

    /// @inheritdoc IModelLineage
    function lineage(bytes32 modelId) external view returns (address owner, uint256 depth, Lineage memory declared) {
        owner = _requireOwner(modelId);
        (depth, declared) = _lineage(modelId);
    }

    /// @inheritdoc IModelLineage
    function ancestors(bytes32 modelId, uint256 most) external view returns (Ancestor[] memory found, bool complete) {
        _requireOwner(modelId);
        found = new Ancestor[](most < MAX_ANCESTORS ? most : MAX_ANCESTORS);
        uint256 count;
        (count, complete) = _listParents(modelId, 0, found, 0);
        for (uint256 i = 0; i < count && complete; ++i)
            (count, complete) = _listParents(found[i].modelId, found[i].generation, found, count);
        assembly ("memory-safe") {
            mstore(found, count)
        }
    }

    /// @inheritdoc IModelLineage
    function withdrawnData(bytes32 modelId) external view returns (WithdrawnData memory data) {
        _requireOwner(modelId);
        (uint40 required, uint40 any) = _withdrawals(modelId);
        (uint40 requiredAbove, uint40 anyAbove) = _inherited(modelId);
        data = WithdrawnData({
            contains: block.timestamp >= any || block.timestamp >= anyAbove,
            derivable: required == GIVEN && requiredAbove == GIVEN,
            ownFrom: _moment(any),
            inheritedFrom: _moment(anyAbove),
            blockedFrom: _moment(required)
        });
    }

    /// @dev Keeps what a new version declares. Most versions declare nothing and pay for nothing.
    /// @param sourced Whether it declares data sources of its own.
    function _declare(bytes32 modelId, Lineage calldata declared, bool sourced) internal {
        (uint256 depth, bool above) = _requireSound(declared);
        bool kept = declared.parents.length + declared.contributors.length != 0;
        if (!kept && declared.royalty == 0 && !sourced) return;
        _descents[modelId] = Descent({
            pointer: kept ? SSTORE2.write(abi.encode(declared)) : address(0),
            royalty: declared.royalty,
            depth: uint8(depth),
            sourced: sourced || above
        });
        if (kept || declared.royalty != 0)
            emit LineageDeclared(modelId, depth, declared.royalty, declared.parents, declared.contributors);
    }

    function _lineage(bytes32 modelId) internal view returns (uint256 depth, Lineage memory declared) {
        Descent memory descent = _descents[modelId];
        if (descent.pointer != address(0)) declared = abi.decode(SSTORE2.read(descent.pointer), (Lineage));
        else declared.royalty = descent.royalty;
        depth = descent.depth;
    }

    /// @dev Zero where there is no such version.
    function _ownerOf(bytes32 modelId) internal view virtual returns (address);

    /// @dev Adds the parents of a version to a list.
    /// @return The list's length then.
    /// @return complete False if there was no room for all.
    function _listParents(
        bytes32 modelId,
        uint256 generation,
        Ancestor[] memory found,
        uint256 count
    ) private view returns (uint256, bool complete) {
        (, Lineage memory declared) = _lineage(modelId);
        for (uint256 i = 0; i < declared.parents.length; ++i) {
            if (count == found.length) return (count, false);
            found[count++] = _ancestor(declared.parents[i], modelId, generation + 1);
        }
        return (count, true);
    }

    function _ancestor(
        ModelParent memory parent,
        bytes32 child,
        uint256 generation
    ) private view returns (Ancestor memory) {
        (uint40 required, uint40 any) = _withdrawals(parent.modelId);
        return
            Ancestor({
                modelId: parent.modelId,
                child: child,
                bps: parent.bps,
                generation: uint8(generation),
                royalty: _descents[parent.modelId].royalty,
                owner: _ownerOf(parent.modelId),
                licence: _licenceOf(parent.modelId),
                withdrawnFrom: _moment(any),
                blockedFrom: _moment(required)
            });
    }

    /// @dev When the first source of any ancestor is withdrawn: of those that its version requires, and of any. Every
    /// way is walked, at most {MAX_ANCESTORS}; ways on which nobody declares a source are not.
    function _inherited(bytes32 modelId) private view returns (uint40 required, uint40 any) {
        (required, any) = (GIVEN, GIVEN);
        Descent memory descent = _descents[modelId];
        if (!descent.sourced || descent.depth == 0) return (required, any);
        Lineage memory declared = abi.decode(SSTORE2.read(descent.pointer), (Lineage));
        for (uint256 i = 0; i < declared.parents.length; ++i) {
            (uint40 requiredThere, uint40 anyThere) = _withdrawalsUpTo(declared.parents[i].modelId);
            if (requiredThere < required) required = requiredThere;
            if (anyThere < any) any = anyThere;
        }
    }

    /// @dev The same of a version and its ancestors.
    function _withdrawalsUpTo(bytes32 modelId) private view returns (uint40 required, uint40 any) {
        (required, any) = _withdrawals(modelId);
        (uint40 requiredAbove, uint40 anyAbove) = _inherited(modelId);
        if (requiredAbove < required) required = requiredAbove;
        if (anyAbove < any) any = anyAbove;
    }

    function _requireSound(Lineage calldata declared) private view returns (uint256 depth, bool sourced) {
        if (declared.royalty > WHOLE) revert ModelLineage_BadRoyalty(declared.royalty);
        uint256 shared;
        (shared, depth, sourced) = _requireSoundParents(declared);
        shared += _requireSoundContributors(declared.contributors);
        if (shared > WHOLE) revert ModelLineage_SharesExceedWhole(shared);
    }

    function _requireSoundParents(
        Lineage calldata declared
    ) private view returns (uint256 shared, uint256 depth, bool sourced) {
        uint256 count = declared.parents.length;
        if (count > MAX_PARENTS) revert ModelLineage_TooManyParents(count);
        for (uint256 i = 0; i < count; ++i) {
            (bytes32 parent, uint256 bps) = (declared.parents[i].modelId, declared.parents[i].bps);
            if (_ownerOf(parent) == address(0)) revert ModelLineage_UnknownParent(parent);
            for (uint256 j = 0; j < i; ++j) {
                if (declared.parents[j].modelId == parent) revert ModelLineage_DuplicateParent(parent);
            }
            Descent memory descent = _descents[parent];
            if (descent.depth == MAX_DEPTH) revert ModelLineage_TooDeep(parent);
            if (bps < descent.royalty) revert ModelLineage_RoyaltyTooLow(parent, bps, descent.royalty);
            if (descent.sourced) {
                (uint40 withdrawnFrom, ) = _withdrawalsUpTo(parent);
                if (withdrawnFrom != GIVEN) revert ModelLineage_WithdrawnData(parent, withdrawnFrom);
                sourced = true;
            }
            if (descent.depth >= depth) depth = uint256(descent.depth) + 1;
            shared += bps;
        }
    }

    function _requireSoundContributors(ModelContributor[] calldata named) private pure returns (uint256 shared) {
        uint256 count = named.length;
        if (count > MAX_CONTRIBUTORS) revert ModelLineage_TooManyContributors(count);
        for (uint256 i = 0; i < count; ++i) {
            address account = named[i].account;
            if (account == address(0)) revert ModelLineage_ZeroContributor();
            for (uint256 j = 0; j < i; ++j) {
                if (named[j].account == account) revert ModelLineage_DuplicateContributor(account);
            }
            shared += named[i].bps;
        }
    }
}
