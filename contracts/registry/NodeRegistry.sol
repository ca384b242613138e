// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Governed} from "../governance/Governed.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IOperatorStake} from "../interfaces/IOperatorStake.sol";
import {KeyKinds, Modes} from "../interfaces/InferenceTypes.sol";
import {ReceiptLib} from "../verification/ReceiptLib.sol";
import {KeyRegistry} from "./KeyRegistry.sol";

/// @title NodeRegistry
/// @notice See {INodeRegistry}, where every function, event and error is documented.
contract NodeRegistry is KeyRegistry, EIP712, INodeRegistry {
    bytes32 private constant REGISTER_KEY_TYPEHASH = keccak256(
        "RegisterKey(bytes32 nodeId,address operator,bytes32 keyId)"
    );

    /// @notice Where an operator's stake is asked for.
    IOperatorStake public immutable stake;

    /// @notice Offers that {offering} gives at a time, at most (R8).
    uint256 public constant MAX_OFFERING = 256;
    /// @notice An operator's nodes of one kind that are not retired, at most.
    uint256 public constant MAX_LIVE_NODES = 8;

    /// @inheritdoc INodeRegistry
    uint256 public nodeCount;

    mapping(address operator => mapping(NodeKind kind => bytes32[])) private _liveNodes;
    mapping(bytes32 nodeId => Node) private _nodes;
    mapping(bytes32 nodeId => mapping(bytes32 modelId => Listing)) private _offers;
    mapping(bytes32 modelId => bytes32[]) private _offering;

    /// @param place Where the node stands in the version's list, from 1 on; 0 where it offers nothing.
    struct Listing {
        uint8 modes;
        uint32 capacity;
        uint40 place;
    }

    constructor(
        address admin_,
        address guardian_,
        IOperatorStake stake_
    ) Governed(admin_, guardian_) EIP712("OpenGradient NodeRegistry", "1") {
        if (address(stake_) == address(0)) revert Governed_ZeroAddress();
        stake = stake_;
    }

    /// @inheritdoc INodeRegistry
    function registerNode(NodeKind kind, string calldata endpoint) external returns (bytes32 nodeId) {
        if (!stake.isSufficient(msg.sender, uint8(kind))) revert NodeRegistry_StakeTooLow(msg.sender, kind);
        bytes32[] storage live = _liveNodes[msg.sender][kind];
        if (live.length == MAX_LIVE_NODES) revert NodeRegistry_TooManyNodes(msg.sender, kind);
        nodeId = bytes32(++nodeCount);
        live.push(nodeId);
        _nodes[nodeId] = Node({operator: msg.sender, kind: kind, status: NodeStatus.Active, endpoint: endpoint});
        emit NodeRegistered(nodeId, msg.sender, kind, endpoint);
    }

    /// @inheritdoc INodeRegistry
    function updateNode(bytes32 nodeId, NodeStatus status, string calldata endpoint) external {
        _requireOperator(nodeId);
        Node storage found = _nodes[nodeId];
        if (found.status == NodeStatus.Retired) revert NodeRegistry_NodeRetired(nodeId);
        if (status == NodeStatus.None) revert NodeRegistry_BadStatus(status);
        found.status = status;
        found.endpoint = endpoint;
        emit NodeUpdated(nodeId, status, endpoint);
        if (status == NodeStatus.Retired) {
            _removeLive(msg.sender, found.kind, nodeId);
            _endKeys(nodeId);
            // Staking knows the other registry of keys.
            stake.endKeys(nodeId);
        }
    }

    /// @inheritdoc INodeRegistry
    function setOffer(bytes32 nodeId, bytes32 modelId, uint8 modes, uint32 capacity) external {
        _requireOperator(nodeId);
        _requireServes(nodeId);
        if (modes > Modes.ALL || (modes == 0) != (capacity == 0)) revert NodeRegistry_BadOffer(modes, capacity);
        // What a retired node offers would stay in the way of whoever looks for one that answers.
        if (modes != 0 && _nodes[nodeId].status == NodeStatus.Retired) revert NodeRegistry_NodeRetired(nodeId);
        _setOffer(nodeId, modelId, modes, capacity);
    }

    /// @inheritdoc INodeRegistry
    function clearOffer(bytes32 nodeId, bytes32 modelId) external {
        if (_nodes[nodeId].status != NodeStatus.Retired) revert NodeRegistry_NodeNotRetired(nodeId);
        if (_offers[nodeId][modelId].modes == 0) revert NodeRegistry_NoOffer(nodeId, modelId);
        _setOffer(nodeId, modelId, 0, 0);
    }

    /// @inheritdoc INodeRegistry
    function addOperatorKey(
        bytes32 nodeId,
        bytes calldata publicKey,
        uint64 validUntil,
        bytes calldata signature
    ) external returns (bytes32 keyId) {
        _requireOperator(nodeId);
        if (_nodes[nodeId].status == NodeStatus.Retired) revert NodeRegistry_NodeRetired(nodeId);
        _requireServes(nodeId);
        if (!_hasStake(nodeId)) revert KeyRegistry_StakeTooLow(nodeId);
        if (publicKey.length != 64) revert NodeRegistry_BadPublicKey();

        keyId = ReceiptLib.keyId(KeyKinds.OPERATOR, publicKey);
        address signer = ReceiptLib.signerOf(publicKey);
        // A signature that recovers to the hash of these 64 bytes shows both that the point is on the curve and that
        // whoever registers the key holds it.
        (address recovered, , ) = ECDSA.tryRecover(keyRegistrationDigest(nodeId, keyId), signature);
        if (recovered != signer) revert NodeRegistry_BadKeySignature(recovered, signer);
        _addKey(keyId, KeyKinds.OPERATOR, publicKey, signer, nodeId, validUntil, 0);
    }

    /// @inheritdoc INodeRegistry
    function node(bytes32 nodeId) external view returns (Node memory) {
        return _nodes[nodeId];
    }

    /// @inheritdoc INodeRegistry
    function offer(bytes32 nodeId, bytes32 modelId) external view returns (Offer memory) {
        Listing storage found = _offers[nodeId][modelId];
        return Offer({modes: found.modes, capacity: found.capacity});
    }

    /// @inheritdoc INodeRegistry
    function offering(
        bytes32 modelId,
        uint256 from,
        uint256 limit
    ) external view returns (bytes32[] memory found, uint256 total) {
        bytes32[] storage all = _offering[modelId];
        total = all.length;
        uint256 length = from < total ? total - from : 0;
        if (length > limit) length = limit;
        if (length > MAX_OFFERING) length = MAX_OFFERING;
        found = new bytes32[](length);
        for (uint256 i = 0; i < length; ++i) found[i] = all[from + i];
    }

    /// @inheritdoc INodeRegistry
    function liveNodes(address operator, NodeKind kind) external view returns (bytes32[] memory) {
        return _liveNodes[operator][kind];
    }

    /// @inheritdoc INodeRegistry
    function nodeStatus(bytes32 nodeId) external view returns (address operator, NodeKind kind, NodeStatus status) {
        Node storage found = _nodes[nodeId];
        return (found.operator, found.kind, found.status);
    }

    /// @inheritdoc INodeRegistry
    function hasStake(bytes32 nodeId) external view returns (bool) {
        return _hasStake(nodeId);
    }

    /// @inheritdoc INodeRegistry
    function keyRegistrationDigest(bytes32 nodeId, bytes32 keyId) public view returns (bytes32) {
        // A number says nothing of who gets it: whoever registers first, or after a reorganisation.
        return _hashTypedDataV4(keccak256(abi.encode(REGISTER_KEY_TYPEHASH, nodeId, _operatorOf(nodeId), keyId)));
    }

    function _setOffer(bytes32 nodeId, bytes32 modelId, uint8 modes, uint32 capacity) private {
        bytes32[] storage all = _offering[modelId];
        Listing storage own = _offers[nodeId][modelId];
        uint40 place = own.place;
        if (modes != 0 && place == 0) {
            all.push(nodeId);
            place = uint40(all.length);
        } else if (modes == 0 && place != 0) {
            // The last one takes the place that is left, so that a list is as long as there are offers.
            bytes32 last = all[all.length - 1];
            all[place - 1] = last;
            _offers[last][modelId].place = place;
            all.pop();
            place = 0;
        }
        (own.modes, own.capacity, own.place) = (modes, capacity, place);
        emit OfferChanged(nodeId, modelId, modes, capacity);
    }

    function _removeLive(address operator, NodeKind kind, bytes32 nodeId) private {
        bytes32[] storage live = _liveNodes[operator][kind];
        uint256 i = 0;
        while (live[i] != nodeId) ++i;
        live[i] = live[live.length - 1];
        live.pop();
    }

    /// @dev A key that signs receipts needs the stake of a kind that answers requests, not that of a cheaper one.
    function _requireServes(bytes32 nodeId) private view {
        NodeKind kind = _nodes[nodeId].kind;
        if (kind != NodeKind.LocalInference && kind != NodeKind.LlmProxy) revert NodeRegistry_KindDoesNotServe(kind);
    }

    function _operatorOf(bytes32 nodeId) internal view override returns (address operator) {
        return _nodes[nodeId].operator;
    }

    function _hasStake(bytes32 nodeId) internal view override returns (bool) {
        Node storage found = _nodes[nodeId];
        return found.status != NodeStatus.Retired && stake.isSufficient(found.operator, uint8(found.kind));
    }
}
