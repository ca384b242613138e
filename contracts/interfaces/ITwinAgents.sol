// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Opening, Verification} from "./InferenceTypes.sol";

/// @title ITwinAgents
/// @notice Which model version and node key answer for a twin, and so which settled receipts back it. A link needs two
/// sides: the twin's owner says it, and the operator of the key's node agrees, so that nobody adorns a twin with the
/// receipts of somebody else. A twin may have any number of links, as keys are short-lived.
/// @dev Apart from {ITwinMarket}: the market holds money and depends on nothing, and a new set of registries (R10)
/// takes a new contract of this kind beside the same market.
interface ITwinAgents {
    /// @notice How far a link is.
    enum LinkStatus {
        None,
        Proposed,
        Confirmed
    }

    /// @notice A link was proposed, confirmed or dissolved (None).
    event AgentLinkChanged(
        bytes16 indexed digitalTwinId,
        bytes32 indexed modelId,
        bytes32 indexed keyId,
        LinkStatus status,
        address by
    );

    /// @notice An address of the deployment is zero.
    error TwinAgents_ZeroAddress();
    /// @notice This account does not own the twin: the caller, or who proposed a link and has given the twin away since.
    error TwinAgents_NotOwner(bytes16 digitalTwinId, address account);
    /// @notice The caller does not operate this key's node, or there is no such key.
    error TwinAgents_NotOperator(bytes32 keyId, address caller);
    /// @notice No such model version is registered.
    error TwinAgents_UnknownModel(bytes32 modelId);
    /// @notice Neither the node registry nor the enclave registry knows this key.
    error TwinAgents_UnknownKey(bytes32 keyId);
    /// @notice The link is not in the state this needs: a new one None, one to confirm Proposed, one to dissolve not None.
    error TwinAgents_BadStatus(bytes16 digitalTwinId, bytes32 modelId, bytes32 keyId, LinkStatus status);

    /// @notice Names a model version and a node key that answer for a twin. Twin's owner only. Confirmed at once where
    /// the owner operates the key's node.
    /// @param keyId Of an operator key or an enclave key.
    function link(bytes16 digitalTwinId, bytes32 modelId, bytes32 keyId) external;

    /// @notice Agrees to a proposed link. Operator of the key's node only, and while the proposer owns the twin: a new
    /// owner's twin is not linked by the word of the one before. To propose the same anew, the new owner unlinks first.
    function confirm(bytes16 digitalTwinId, bytes32 modelId, bytes32 keyId) external;

    /// @notice Dissolves a link. The twin's owner or the operator of the key's node.
    function unlink(bytes16 digitalTwinId, bytes32 modelId, bytes32 keyId) external;

    /// @notice State of a link. One that is confirmed outlives a change of the twin's owner until somebody dissolves it;
    /// who takes a twin over looks for them in AgentLinkChanged.
    function linkStatus(bytes16 digitalTwinId, bytes32 modelId, bytes32 keyId) external view returns (LinkStatus);

    /// @notice Whether a receipt reads as verified at the registry now (R3) and was made by a model version and key that
    /// are linked to the twin with both sides' word. Nothing is copied: what the registry stops believing stops backing.
    /// @return backed Both of it.
    /// @return verification The registry's own answer: mode, time of settlement, and the reason if it is a no.
    function isBackedBy(
        bytes16 digitalTwinId,
        Opening calldata opening
    ) external view returns (bool backed, Verification memory verification);
}
