// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ArtifactHash} from "../../contracts/consumer/ArtifactHash.sol";
import {Artifact, Receipt} from "../../contracts/interfaces/InferenceTypes.sol";

/// @notice Opens the library to tests.
contract ArtifactHashHarness {
    function compute(Artifact[] calldata artifacts) external pure returns (bytes32) {
        return ArtifactHash.compute(artifacts);
    }

    function artifact(
        uint8 kind,
        string calldata mediaType,
        bytes calldata content
    ) external pure returns (Artifact memory) {
        return ArtifactHash.artifact(kind, mediaType, content);
    }

    function isAnswer(Receipt calldata receipt, Artifact[] calldata artifacts) external pure returns (bool) {
        return ArtifactHash.isAnswer(receipt, artifacts);
    }

    function coversAt(
        Artifact[] calldata artifacts,
        uint256 index,
        uint8 kind,
        bytes32 hash
    ) external pure returns (bool) {
        return ArtifactHash.coversAt(artifacts, index, kind, hash);
    }

    function find(
        Artifact[] calldata artifacts,
        uint8 kind,
        bytes32 hash
    ) external pure returns (bool found, uint256 index) {
        return ArtifactHash.find(artifacts, kind, hash);
    }

    function requireCovered(
        Receipt calldata receipt,
        Artifact[] calldata artifacts,
        uint8 kind,
        bytes32 hash
    ) external pure returns (uint256) {
        return ArtifactHash.requireCovered(receipt, artifacts, kind, hash);
    }

    function requireOnly(
        Receipt calldata receipt,
        Artifact[] calldata artifacts,
        uint8 kind,
        bytes32 hash
    ) external pure {
        ArtifactHash.requireOnly(receipt, artifacts, kind, hash);
    }
}
