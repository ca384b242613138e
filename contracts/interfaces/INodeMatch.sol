// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Reason} from "./InferenceTypes.sol";

/// @notice Whether a node can serve a request now, or the first thing that stands in the way.
enum Fit {
    // It can.
    Fits,
    // It offers the model version not at all, or not in this mode.
    NoModel,
    // Its operator paused or retired it.
    NotActive,
    // The operator's own stake is below the minimum of the node's kind (R12).
    StakeTooLow,
    // A receipt that it completed now would not read as verified, by the rules of opening (R4, R8).
    NoVerificationPath,
    // As many on-chain requests are open with it as it takes at the same time.
    NoCapacity
}

/// @notice A node that can serve a request.
/// @param nodeId Its number.
/// @param keyId Of its keys that can sign for the mode now, the one that ends last.
/// @param free How many more on-chain requests it takes.
struct NodeCandidate {
    bytes32 nodeId;
    bytes32 keyId;
    uint256 free;
}

/// @notice Part of the answer to "who can serve this?".
/// @param candidates Those of the examined nodes that can.
/// @param counts How many of the examined nodes fit or do not, by {Fit}.
/// @param paths Of those with NoVerificationPath, how many for which {Reason}.
/// @param next Place to go on from; equal to `total` when all were examined.
/// @param total How many nodes offer the version in some mode.
/// @param without How many nodes were registered that do not, retired ones included. Part of no count: the same on each
/// page.
struct NodeMatches {
    NodeCandidate[] candidates;
    uint256[] counts;
    uint256[] paths;
    uint256 next;
    uint256 total;
    uint256 without;
}

/// @title INodeMatch
/// @notice Which nodes can serve a model version in a mode now, and if none can, why: asked of the registries, with the
/// rules by which receipts are opened. It keeps nothing and nobody has power over it.
/// @dev An offer's capacity is the operator's own word. What runs off chain (channels) does not show here: the relayer's
/// router knows more, and starts from the same answer.
interface INodeMatch {
    /// @notice Modes are 0 to 2, see `Modes`.
    error NodeMatch_UnknownMode(uint8 mode);

    /// @notice Examines nodes that offer a version, from place `from` of their list on.
    /// @dev Pages belong together when they are of one block, see `INodeRegistry.offering`.
    /// @param limit How many to examine; at most MAX_EXAMINED are (R8).
    function matchNodes(
        bytes32 modelId,
        uint8 mode,
        uint256 from,
        uint256 limit
    ) external view returns (NodeMatches memory);

    /// @notice The same for one node.
    /// @return fit Whether it can, or the first thing in the way, in the order of {Fit}.
    /// @return path With NoVerificationPath, why: of its first live key; UnknownKey where it has none for the mode.
    /// @return candidate The node with key and free capacity, each zero where it was not come to.
    function fitOf(
        bytes32 nodeId,
        bytes32 modelId,
        uint8 mode
    ) external view returns (Fit fit, Reason path, NodeCandidate memory candidate);
}
