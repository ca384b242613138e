// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title StandingLayout
/// @notice Where the parts of a standing are in its word, for the registries that keep it and for whoever asks them for
/// it as it is kept: number of the lowest bit. All moments are uint40 in unix seconds.
/// @dev `Distrustable.Standing` in the compiler's packing; the tag begins at `TAG` and is the registry's own. Written out,
/// as a sum of constants is added up again wherever it is used.
library StandingLayout {
    /// @notice uint40: `type(uint40).max` while trusted; 0 while not registered.
    uint256 internal constant DISTRUSTED_FROM = 0;
    /// @notice uint40: 0 where never frozen.
    uint256 internal constant FROZEN_UNTIL = 40;
    /// @notice uint168.
    uint256 internal constant TAG = 88;

    /// @notice uint8, of a key: one of `KeyKinds`.
    uint256 internal constant KEY_KIND = 88;
    /// @notice uint40, of a key: 0 for what is no key.
    uint256 internal constant KEY_VALID_FROM = 96;
    /// @notice uint40, of a key: inclusive.
    uint256 internal constant KEY_VALID_UNTIL = 136;
    /// @notice uint40, of a key: number of its node.
    uint256 internal constant KEY_NODE = 176;
    /// @notice uint40, of a key: what else its registry notes.
    uint256 internal constant KEY_NOTE = 216;

    /// @notice uint7, of a model version: mask of modes; 0 for what is no version.
    uint256 internal constant MODEL_MODES = 88;
    /// @notice bool, of a model version: whether it has required data sources. Where they end, see
    /// `IModelRegistry.packedModelState`.
    uint256 internal constant MODEL_CONSENT = 95;
    /// @notice address, of a model version: its verifier.
    uint256 internal constant MODEL_VERIFIER = 96;
    /// @notice uint40, beside the verifier of a model version with required data sources: the version's own
    /// `DISTRUSTED_FROM`.
    uint256 internal constant MODEL_DISTRUSTED_FROM = 88;

    /// @notice uint40, of an approval: 0 where there never was one.
    uint256 internal constant APPROVED_FROM = 0;
    /// @notice uint40, of an approval: inclusive; `type(uint40).max` while it stands.
    uint256 internal constant APPROVED_UNTIL = 40;
}
