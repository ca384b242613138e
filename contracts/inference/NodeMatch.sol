// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IEnclaveRegistry} from "../interfaces/IEnclaveRegistry.sol";
import {KeyKinds, Modes, Reason} from "../interfaces/InferenceTypes.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {INodeLoad} from "../interfaces/INodeLoad.sol";
import {Fit, INodeMatch, NodeCandidate, NodeMatches} from "../interfaces/INodeMatch.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {StandingLayout as At} from "../registry/StandingLayout.sol";
import {EvidenceRules} from "./EvidenceRules.sol";

/// @title NodeMatch
/// @notice See {INodeMatch}, where every function, type and error is documented.
contract NodeMatch is EvidenceRules, INodeMatch {
    /// @notice Nodes that one call examines, at most (R8).
    uint256 public constant MAX_EXAMINED = 64;

    /// @notice Who knows how many on-chain requests are open; zero where there are none on this chain.
    INodeLoad public immutable load;

    constructor(
        INodeRegistry nodes,
        IEnclaveRegistry enclaves,
        IModelRegistry models,
        INodeLoad load_
    ) EvidenceRules(nodes, enclaves, models) {
        load = load_;
    }

    /// @inheritdoc INodeMatch
    function matchNodes(
        bytes32 modelId,
        uint8 mode,
        uint256 from,
        uint256 limit
    ) external view returns (NodeMatches memory result) {
        if (limit > MAX_EXAMINED) limit = MAX_EXAMINED;
        bytes32[] memory examined;
        (examined, result.total) = nodeRegistry.offering(modelId, from, limit);
        result.next = from < result.total ? from + examined.length : result.total;
        result.without = nodeRegistry.nodeCount() - result.total;
        result.counts = new uint256[](uint256(type(Fit).max) + 1);
        result.paths = new uint256[](uint256(type(Reason).max) + 1);
        NodeCandidate[] memory candidates = new NodeCandidate[](examined.length);
        uint256 found = 0;
        for (uint256 i = 0; i < examined.length; ++i) {
            (Fit fit, Reason path, NodeCandidate memory candidate) = fitOf(examined[i], modelId, mode);
            ++result.counts[uint256(fit)];
            if (fit == Fit.NoVerificationPath) ++result.paths[uint256(path)];
            if (fit == Fit.Fits) candidates[found++] = candidate;
        }
        assembly ("memory-safe") {
            mstore(candidates, found)
        }
        result.candidates = candidates;
    }

    /// @inheritdoc INodeMatch
    function fitOf(
        bytes32 nodeId,
        bytes32 modelId,
        uint8 mode
    ) public view returns (Fit fit, Reason path, NodeCandidate memory candidate) {
        if (mode > Modes.TEE) revert NodeMatch_UnknownMode(mode);
        candidate.nodeId = nodeId;
        INodeRegistry.Offer memory offer = nodeRegistry.offer(nodeId, modelId);
        if (offer.modes & (1 << mode) == 0) return (Fit.NoModel, Reason.None, candidate);
        (, , INodeRegistry.NodeStatus status) = nodeRegistry.nodeStatus(nodeId);
        if (status != INodeRegistry.NodeStatus.Active) return (Fit.NotActive, Reason.None, candidate);
        if (!nodeRegistry.hasStake(nodeId)) return (Fit.StakeTooLow, Reason.None, candidate);
        (candidate.keyId, path) = _bestKey(nodeId, modelId, mode);
        if (candidate.keyId == 0) return (Fit.NoVerificationPath, path, candidate);
        uint256 taken = address(load) == address(0) ? 0 : load.openRequests(nodeId, modelId);
        if (taken >= offer.capacity) return (Fit.NoCapacity, Reason.None, candidate);
        candidate.free = offer.capacity - taken;
    }

    /// @dev At most MAX_LIVE_KEYS keys (R8).
    function _bestKey(bytes32 nodeId, bytes32 modelId, uint8 mode) private view returns (bytes32 best, Reason why) {
        bytes32[] memory keys = _keysFor(mode).liveKeys(nodeId);
        if (keys.length == 0) return (best, Reason.UnknownKey);
        uint256 longest = 0;
        for (uint256 i = 0; i < keys.length; ++i) {
            (Reason reason, uint256 validUntil) = _pathOf(keys[i], modelId, mode);
            if (i == 0) why = reason;
            if (reason == Reason.None && validUntil > longest) (best, longest) = (keys[i], validUntil);
        }
        if (best != 0) why = Reason.None;
    }

    /// @dev What would be said of a receipt that this key signed, completed and settled now.
    function _pathOf(bytes32 keyId, bytes32 modelId, uint8 mode) private view returns (Reason, uint256 validUntil) {
        Evidence memory found;
        _readEvidence(keyId, modelId, mode, found);
        validUntil = uint40(found.key >> At.KEY_VALID_UNTIL);
        Reason reason = _checkKey(found.key, mode);
        // A gateway's RSA key is an enclave's, and can sign no receipt.
        if (reason == Reason.None && uint8(found.key >> At.KEY_KIND) == KeyKinds.ENCLAVE_RSA)
            reason = Reason.KeyForbidsMode;
        if (reason == Reason.None) reason = _checkTimes(block.timestamp, block.timestamp, found.key);
        if (reason == Reason.None && mode == Modes.TEE) reason = _checkApproval(found.approval, block.timestamp);
        if (reason == Reason.None) reason = _checkModel(found.model, mode);
        if (reason == Reason.None) reason = _checkDistrust(found, mode, block.timestamp);
        if (reason == Reason.None) reason = _checkFreeze(found, mode);
        return (reason, validUntil);
    }
}
