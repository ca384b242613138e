// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IKeyRegistry} from "./IKeyRegistry.sol";

/// @title INodeRegistry
/// @notice Who may answer: nodes, their operator keys, and what they offer. Only what a settled receipt rests on is
/// enforced here; an offer is the operator's own word.
interface INodeRegistry is IKeyRegistry {
    /// @notice What a node does in the network.
    enum NodeKind {
        LocalInference,
        LlmProxy,
        Full,
        Data
    }

    /// @notice Whether a node takes requests. Settlement of what it answered does not depend on it.
    enum NodeStatus {
        None,
        Active,
        Paused,
        Retired
    }

    /// @param operator Who controls the node; never changes.
    /// @param kind See {NodeKind}.
    /// @param status See {NodeStatus}.
    /// @param endpoint Where requests go.
    struct Node {
        address operator;
        NodeKind kind;
        NodeStatus status;
        string endpoint;
    }

    /// @param modes Mask of `1 << mode` the node answers this model in; 0 for no offer.
    /// @param capacity Requests it takes at the same time.
    struct Offer {
        uint8 modes;
        uint32 capacity;
    }

    /// @notice A node was registered.
    event NodeRegistered(bytes32 indexed nodeId, address indexed operator, NodeKind kind, string endpoint);
    /// @notice Status or endpoint changed.
    event NodeUpdated(bytes32 indexed nodeId, NodeStatus status, string endpoint);
    /// @notice What the node offers for a model version changed.
    event OfferChanged(bytes32 indexed nodeId, bytes32 indexed modelId, uint8 modes, uint32 capacity);
    /// @notice A retired node stays retired.
    error NodeRegistry_NodeRetired(bytes32 nodeId);
    /// @notice A node is set to Active, Paused or Retired.
    error NodeRegistry_BadStatus(NodeStatus status);
    /// @notice An offer names a mask of known modes; capacity is zero exactly where modes are.
    error NodeRegistry_BadOffer(uint8 modes, uint32 capacity);
    /// @notice An offer is cleared for its operator only where the node retired.
    error NodeRegistry_NodeNotRetired(bytes32 nodeId);
    /// @notice The node offers nothing for this model version.
    error NodeRegistry_NoOffer(bytes32 nodeId, bytes32 modelId);
    /// @notice Full and data nodes do not answer requests: they make no offers and hold no keys for receipts.
    error NodeRegistry_KindDoesNotServe(NodeKind kind);
    /// @notice The operator's own stake is below the minimum for this kind (R12).
    error NodeRegistry_StakeTooLow(address operator, NodeKind kind);
    /// @notice An operator has at most MAX_LIVE_NODES nodes of a kind that are not retired.
    error NodeRegistry_TooManyNodes(address operator, NodeKind kind);
    /// @notice Expected 64 bytes x ‖ y of a point on secp256k1.
    error NodeRegistry_BadPublicKey();
    /// @notice The signature over `keyRegistrationDigest` is not by the key itself.
    error NodeRegistry_BadKeySignature(address recovered, address expected);

    /// @notice Registers a node with the caller as its operator. Needs the stake of its kind.
    /// @return nodeId Nodes are numbered from 1 as they come: with every key goes its node's number, in the one slot
    /// that opening a receipt reads anyway.
    function registerNode(NodeKind kind, string calldata endpoint) external returns (bytes32 nodeId);

    /// @notice Sets status and endpoint. Operator only. Retiring is final and ends all keys of the node now, enclave
    /// keys too: no stake stands behind it from then on (R12).
    function updateNode(bytes32 nodeId, NodeStatus status, string calldata endpoint) external;

    /// @notice Declares what the node serves; both zero withdraws it. Operator only; a retired node only withdraws.
    function setOffer(bytes32 nodeId, bytes32 modelId, uint8 modes, uint32 capacity) external;

    /// @notice Withdraws what a retired node still offers. Open to anyone: a node that never answers again must not make
    /// the list of a version longer.
    function clearOffer(bytes32 nodeId, bytes32 modelId) external;

    /// @notice Adds an operator key, valid from now until `validUntil`. Operator only, needs stake, a node
    /// that is not retired and a kind that answers requests.
    /// @param publicKey 64 bytes x ‖ y.
    /// @param signature 65 bytes by that key over {keyRegistrationDigest}: nobody can claim another's key.
    function addOperatorKey(
        bytes32 nodeId,
        bytes calldata publicKey,
        uint64 validUntil,
        bytes calldata signature
    ) external returns (bytes32 keyId);

    /// @notice EIP-712 digest that a new key signs: RegisterKey(bytes32 nodeId,address operator,bytes32 keyId), with the
    /// node's operator, which is zero where there is no such node yet: nobody ever can use that.
    function keyRegistrationDigest(bytes32 nodeId, bytes32 keyId) external view returns (bytes32);

    /// @notice A node; status None where there is none.
    function node(bytes32 nodeId) external view returns (Node memory);

    /// @notice What a node offers for a model version.
    function offer(bytes32 nodeId, bytes32 modelId) external view returns (Offer memory);

    /// @notice The nodes that offer a model version in some mode, of whatever status: `limit` of them from place `from`
    /// on, and at most MAX_OFFERING. A withdrawn offer's place goes to the last in the list: whoever reads several pages
    /// reads them of one block.
    /// @param from Place in the list, from 0 on.
    /// @return found Numbers of nodes.
    /// @return total How many there are in all.
    function offering(
        bytes32 modelId,
        uint256 from,
        uint256 limit
    ) external view returns (bytes32[] memory found, uint256 total);

    /// @notice Who operates a node, what it is and whether it takes requests; zeros where there is none.
    function nodeStatus(bytes32 nodeId) external view returns (address operator, NodeKind kind, NodeStatus status);

    /// @notice Whether the operator's own stake reaches the minimum for this node's kind. Nothing stands behind a
    /// retired node: anyone may then end its enclave keys too.
    function hasStake(bytes32 nodeId) external view returns (bool);

    /// @notice How many nodes were registered, retired ones included: the number of the youngest.
    function nodeCount() external view returns (uint256);

    /// @notice An operator's nodes of a kind that are not retired: whose keys end when its stake falls short (R12). At
    /// most MAX_LIVE_NODES, which bounds the loop (R8).
    function liveNodes(address operator, NodeKind kind) external view returns (bytes32[] memory);
}
