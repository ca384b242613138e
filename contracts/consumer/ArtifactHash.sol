// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Artifact, OutputSchemes, Receipt} from "../interfaces/InferenceTypes.sol";
import {ReceiptLib} from "../verification/ReceiptLib.sol";

/// @notice What an artifact can be.
library ArtifactKinds {
    uint8 internal constant TEXT = 0;
    uint8 internal constant TOOL_CALLS = 1;
    uint8 internal constant IMAGE = 2;
    uint8 internal constant FILE = 3;
}

/// @title ArtifactHash
/// @notice A whole answer under one output hash (R6): texts, tool calls, images and files as an ordered list of
/// {Artifact}, committed by output scheme 0. What is not in the list is not part of the answer. The same in TypeScript:
/// `artifactsHash` and `contentHash` of relayer/protocol/hashes.ts.
library ArtifactHash {
    /// @notice The list is not the answer of the receipt, or the receipt commits to its answer in another way.
    error ArtifactHash_NotTheAnswer(bytes32 expected, bytes32 found);
    /// @notice The answer has no artifact of this kind with this content.
    error ArtifactHash_NotCovered(uint8 kind, bytes32 hash);
    /// @notice The answer has `count` artifacts of the kind where it must have one: which one is meant would be the
    /// caller's choice.
    error ArtifactHash_NotTheOnly(uint8 kind, uint256 count);

    /// @notice The output hash of an answer.
    function compute(Artifact[] memory artifacts) internal pure returns (bytes32) {
        return ReceiptLib.artifactsHash(artifacts);
    }

    /// @notice An artifact by its bytes.
    function artifact(
        uint8 kind,
        string memory mediaType,
        bytes memory content
    ) internal pure returns (Artifact memory) {
        return Artifact({kind: kind, mediaType: mediaType, hash: keccak256(content)});
    }

    /// @notice Whether the list is the whole answer of the receipt. A receipt of another output scheme has no artifacts:
    /// scheme 1, as OpenGradient hashes texts, covers no image.
    function isAnswer(Receipt calldata receipt, Artifact[] memory artifacts) internal pure returns (bool) {
        return receipt.outputScheme == OutputSchemes.ARTIFACTS && receipt.outputHash == compute(artifacts);
    }

    /// @notice Whether artifact `index` of the list is this content; false beyond the end.
    function coversAt(
        Artifact[] memory artifacts,
        uint256 index,
        uint8 kind,
        bytes32 hash
    ) internal pure returns (bool) {
        return index < artifacts.length && artifacts[index].kind == kind && artifacts[index].hash == hash;
    }

    /// @notice The first place of a content of a kind; the same bytes as another kind are not found.
    /// @return found Whether it is there.
    /// @return index Its place; meaningless unless found.
    function find(
        Artifact[] memory artifacts,
        uint8 kind,
        bytes32 hash
    ) internal pure returns (bool found, uint256 index) {
        for (; index < artifacts.length; ++index) {
            if (coversAt(artifacts, index, kind, hash)) return (true, index);
        }
        return (false, 0);
    }

    /// @notice Reverts unless the list is the receipt's whole answer and has this content in it.
    /// @return index The first place of it.
    function requireCovered(
        Receipt calldata receipt,
        Artifact[] memory artifacts,
        uint8 kind,
        bytes32 hash
    ) internal pure returns (uint256 index) {
        requireAnswer(receipt, artifacts);
        bool found;
        (found, index) = find(artifacts, kind, hash);
        if (!found) revert ArtifactHash_NotCovered(kind, hash);
    }

    /// @notice Reverts unless the list is the receipt's whole answer and this is its only artifact of the kind.
    function requireOnly(
        Receipt calldata receipt,
        Artifact[] memory artifacts,
        uint8 kind,
        bytes32 hash
    ) internal pure {
        requireCovered(receipt, artifacts, kind, hash);
        uint256 count;
        for (uint256 i = 0; i < artifacts.length; ++i) {
            if (artifacts[i].kind == kind) ++count;
        }
        if (count != 1) revert ArtifactHash_NotTheOnly(kind, count);
    }

    /// @notice Reverts unless the list is the receipt's whole answer.
    function requireAnswer(Receipt calldata receipt, Artifact[] memory artifacts) internal pure {
        if (!isAnswer(receipt, artifacts)) revert ArtifactHash_NotTheAnswer(receipt.outputHash, compute(artifacts));
    }
}
