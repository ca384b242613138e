// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Distrustable} from "../governance/Distrustable.sol";
import {IKeyRegistry, SigningKey} from "../interfaces/IKeyRegistry.sol";

/// @title KeyRegistry
/// @notice What operator keys and enclave keys have in common: a node for ever, a validity, an orderly end, distrust.
abstract contract KeyRegistry is Distrustable, IKeyRegistry {
    /// @notice Keys of a node that have not ended: bounds the loop that ends them all (R8, R12).
    uint256 public constant MAX_LIVE_KEYS = 4;

    /// @dev The kind lives in the tag of the key's standing.
    struct Key {
        address signer;
        uint40 validFrom;
        uint40 validUntil;
        bytes32 nodeId;
    }

    mapping(bytes32 keyId => Key) private _keys;
    mapping(bytes32 nodeId => bytes32[]) private _live;

    /// @inheritdoc IKeyRegistry
    function retireKey(bytes32 keyId, uint64 validUntil) external {
        bytes32 nodeId = _requireOperatorOfKey(keyId);
        Key storage key = _keys[keyId];
        if (validUntil < block.timestamp || validUntil > key.validUntil) revert KeyRegistry_BadValidity(validUntil);
        key.validUntil = uint40(validUntil);
        emit KeyRetired(keyId, nodeId, validUntil);
    }

    /// @inheritdoc IKeyRegistry
    function distrustOwnKey(bytes32 keyId) external {
        _requireOperatorOfKey(keyId);
        _distrust(keyId, uint40(block.timestamp));
    }

    /// @inheritdoc IKeyRegistry
    function endKeysForStake(bytes32 nodeId) external {
        if (_hasStake(nodeId)) revert KeyRegistry_StakeSuffices(nodeId);
        _endKeys(nodeId);
    }

    /// @inheritdoc IKeyRegistry
    function signingKey(bytes32 keyId) external view returns (SigningKey memory result) {
        Key storage key = _keys[keyId];
        result.signer = key.signer;
        if (result.signer == address(0)) return result;
        result.validFrom = key.validFrom;
        result.validUntil = key.validUntil;
        Standing memory state = _standing[keyId];
        result.kind = uint8(state.tag);
        result.distrustedFrom = _widen(state.distrustedFrom);
        result.frozenUntil = state.frozenUntil;
    }

    /// @inheritdoc IKeyRegistry
    function nodeOf(bytes32 keyId) external view returns (bytes32) {
        return _keys[keyId].nodeId;
    }

    /// @inheritdoc IKeyRegistry
    function liveKeys(bytes32 nodeId) external view returns (bytes32[] memory) {
        return _live[nodeId];
    }

    /// @dev Adds a key that is valid from now on. The caller has checked operator, stake and possession.
    function _addKey(
        bytes32 keyId,
        uint8 kind,
        bytes memory publicKey,
        address signer,
        bytes32 nodeId,
        uint64 validUntil
    ) internal {
        if (_isEnrolled(keyId)) revert KeyRegistry_KeyTaken(keyId, _keys[keyId].nodeId);
        if (validUntil <= block.timestamp || validUntil >= NEVER) revert KeyRegistry_BadValidity(validUntil);
        _clearEnded(nodeId);
        if (_live[nodeId].length == MAX_LIVE_KEYS) revert KeyRegistry_TooManyKeys(nodeId);

        _live[nodeId].push(keyId);
        _enroll(keyId, kind);
        _keys[keyId] = Key({
            signer: signer,
            validFrom: uint40(block.timestamp),
            validUntil: uint40(validUntil),
            nodeId: nodeId
        });
        emit KeyAdded(keyId, nodeId, kind, signer, uint64(block.timestamp), validUntil, publicKey);
    }

    /// @dev Ends every key of a node now.
    function _endKeys(bytes32 nodeId) internal {
        bytes32[] storage live = _live[nodeId];
        for (uint256 i = live.length; i > 0; --i) {
            Key storage key = _keys[live[i - 1]];
            if (key.validUntil > block.timestamp) {
                key.validUntil = uint40(block.timestamp);
                emit KeyRetired(live[i - 1], nodeId, uint64(block.timestamp));
            }
            live.pop();
        }
    }

    function _clearEnded(bytes32 nodeId) private {
        bytes32[] storage live = _live[nodeId];
        for (uint256 i = live.length; i > 0; --i) {
            if (_keys[live[i - 1]].validUntil < block.timestamp) {
                live[i - 1] = live[live.length - 1];
                live.pop();
            }
        }
    }

    function _requireOperatorOfKey(bytes32 keyId) private view returns (bytes32 nodeId) {
        nodeId = _keys[keyId].nodeId;
        _requireOperator(nodeId);
    }

    function _requireOperator(bytes32 nodeId) internal view {
        if (msg.sender != _operatorOf(nodeId)) revert KeyRegistry_NotOperator(nodeId, msg.sender);
    }

    /// @dev Zero where there is no such node.
    function _operatorOf(bytes32 nodeId) internal view virtual returns (address);

    /// @dev Whether the operator's own stake reaches the minimum of the node's kind.
    function _hasStake(bytes32 nodeId) internal view virtual returns (bool);
}
