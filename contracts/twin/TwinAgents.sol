// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IEnclaveRegistry} from "../interfaces/IEnclaveRegistry.sol";
import {IInferenceRegistry} from "../interfaces/IInferenceRegistry.sol";
import {Opening, Verification} from "../interfaces/InferenceTypes.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {ITwinAgents} from "../interfaces/ITwinAgents.sol";
import {ITwinMarket} from "../interfaces/ITwinMarket.sol";

/// @title TwinAgents
/// @notice See {ITwinAgents}, where every function, event and error is documented.
contract TwinAgents is ITwinAgents {
    /// @notice Where a twin's owner is asked for.
    ITwinMarket public immutable market;
    /// @notice Where receipts are asked for.
    IInferenceRegistry public immutable inferenceRegistry;
    /// @notice Where model versions are asked for.
    IModelRegistry public immutable modelRegistry;
    /// @notice Where operator keys and operators are asked for.
    INodeRegistry public immutable nodeRegistry;
    /// @notice Where enclave keys are asked for.
    IEnclaveRegistry public immutable enclaveRegistry;

    /// @inheritdoc ITwinAgents
    mapping(bytes16 digitalTwinId => mapping(bytes32 modelId => mapping(bytes32 keyId => LinkStatus)))
        public linkStatus;
    mapping(bytes16 digitalTwinId => mapping(bytes32 modelId => mapping(bytes32 keyId => address))) private _proposer;

    constructor(
        ITwinMarket market_,
        IInferenceRegistry inferenceRegistry_,
        IModelRegistry modelRegistry_,
        INodeRegistry nodeRegistry_,
        IEnclaveRegistry enclaveRegistry_
    ) {
        if (
            address(market_) == address(0) ||
            address(inferenceRegistry_) == address(0) ||
            address(modelRegistry_) == address(0) ||
            address(nodeRegistry_) == address(0) ||
            address(enclaveRegistry_) == address(0)
        ) revert TwinAgents_ZeroAddress();
        market = market_;
        inferenceRegistry = inferenceRegistry_;
        modelRegistry = modelRegistry_;
        nodeRegistry = nodeRegistry_;
        enclaveRegistry = enclaveRegistry_;
    }

    /// @inheritdoc ITwinAgents
    function link(bytes16 digitalTwinId, bytes32 modelId, bytes32 keyId) external {
        if (msg.sender != market.twinOwner(digitalTwinId)) revert TwinAgents_NotOwner(digitalTwinId, msg.sender);
        if (modelRegistry.modelState(modelId, 0).modes == 0) revert TwinAgents_UnknownModel(modelId);
        address operator = _operatorOf(keyId);
        if (operator == address(0)) revert TwinAgents_UnknownKey(keyId);
        LinkStatus next = operator == msg.sender ? LinkStatus.Confirmed : LinkStatus.Proposed;
        _proposer[digitalTwinId][modelId][keyId] = msg.sender;
        _move(digitalTwinId, modelId, keyId, LinkStatus.None, next);
    }

    /// @inheritdoc ITwinAgents
    function confirm(bytes16 digitalTwinId, bytes32 modelId, bytes32 keyId) external {
        if (msg.sender != _operatorOf(keyId)) revert TwinAgents_NotOperator(keyId, msg.sender);
        // Ahead of who proposed it, so that a link that nobody proposed is told as such.
        _move(digitalTwinId, modelId, keyId, LinkStatus.Proposed, LinkStatus.Confirmed);
        address proposer = _proposer[digitalTwinId][modelId][keyId];
        if (proposer != market.twinOwner(digitalTwinId)) revert TwinAgents_NotOwner(digitalTwinId, proposer);
    }

    /// @inheritdoc ITwinAgents
    function unlink(bytes16 digitalTwinId, bytes32 modelId, bytes32 keyId) external {
        if (msg.sender != market.twinOwner(digitalTwinId) && msg.sender != _operatorOf(keyId))
            revert TwinAgents_NotOwner(digitalTwinId, msg.sender);
        LinkStatus present = linkStatus[digitalTwinId][modelId][keyId];
        if (present == LinkStatus.None) revert TwinAgents_BadStatus(digitalTwinId, modelId, keyId, present);
        _move(digitalTwinId, modelId, keyId, present, LinkStatus.None);
    }

    /// @inheritdoc ITwinAgents
    function isBackedBy(
        bytes16 digitalTwinId,
        Opening calldata opening
    ) external view returns (bool backed, Verification memory verification) {
        verification = inferenceRegistry.verification(opening);
        LinkStatus status = linkStatus[digitalTwinId][opening.receipt.modelId][opening.receipt.keyId];
        backed = verification.verified && status == LinkStatus.Confirmed;
    }

    function _move(
        bytes16 digitalTwinId,
        bytes32 modelId,
        bytes32 keyId,
        LinkStatus expected,
        LinkStatus next
    ) private {
        LinkStatus present = linkStatus[digitalTwinId][modelId][keyId];
        if (present != expected) revert TwinAgents_BadStatus(digitalTwinId, modelId, keyId, present);
        linkStatus[digitalTwinId][modelId][keyId] = next;
        emit AgentLinkChanged(digitalTwinId, modelId, keyId, next, msg.sender);
    }

    /// @dev Zero where nobody registered the key. An id commits to the kind of key, so only one registry can know it.
    function _operatorOf(bytes32 keyId) private view returns (address operator) {
        bytes32 nodeId = nodeRegistry.nodeOf(keyId);
        if (nodeId == 0) nodeId = enclaveRegistry.nodeOf(keyId);
        if (nodeId != 0) (operator, , ) = nodeRegistry.nodeStatus(nodeId);
    }
}
