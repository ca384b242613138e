// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {SSTORE2} from "../verification/SSTORE2.sol";
import {IModelLineage, Lineage, ModelContributor} from "../interfaces/IModelLineage.sol";

/// @title ModelLineage
/// @notice See {IModelLineage}, where every function, event and error is documented.
abstract contract ModelLineage is IModelLineage {
    /// @inheritdoc IModelLineage
    uint256 public constant MAX_PARENTS = 4;
    /// @inheritdoc IModelLineage
    uint256 public constant MAX_DEPTH = 3;
    /// @inheritdoc IModelLineage
    uint256 public constant MAX_CONTRIBUTORS = 16;

    uint256 private constant WHOLE = 10_000;

    /// @param pointer Where parents and contributors are kept as code; zero where there are none.
    /// @param royalty What children owe.
    /// @param depth Generations above.
    struct Descent {
        address pointer;
        uint16 royalty;
        uint8 depth;
    }

    mapping(bytes32 modelId => Descent) private _descents;

    /// @inheritdoc IModelLineage
    function lineage(bytes32 modelId) external view returns (address owner, uint256 depth, Lineage memory declared) {
        owner = _requireOwner(modelId);
        (depth, declared) = _lineage(modelId);
    }

    /// @dev Keeps what a new version declares. Most versions declare nothing and pay for nothing.
    function _declare(bytes32 modelId, Lineage calldata declared) internal {
        uint256 depth = _requireSound(declared);
        bool kept = declared.parents.length + declared.contributors.length != 0;
        if (!kept && declared.royalty == 0) return;
        _descents[modelId] = Descent({
            pointer: kept ? SSTORE2.write(abi.encode(declared)) : address(0),
            royalty: declared.royalty,
            depth: uint8(depth)
        });
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

    /// @dev Reverts where there is no such version.
    function _requireOwner(bytes32 modelId) internal view virtual returns (address);

    function _requireSound(Lineage calldata declared) private view returns (uint256 depth) {
        if (declared.royalty > WHOLE) revert ModelLineage_BadRoyalty(declared.royalty);
        uint256 shared;
        (shared, depth) = _requireSoundParents(declared);
        shared += _requireSoundContributors(declared.contributors);
        if (shared > WHOLE) revert ModelLineage_SharesExceedWhole(shared);
    }

    function _requireSoundParents(Lineage calldata declared) private view returns (uint256 shared, uint256 depth) {
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
