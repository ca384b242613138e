// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Distrustable} from "../governance/Distrustable.sol";
import {IKeyRegistry, KeyState} from "../interfaces/IKeyRegistry.sol";
import {StandingLayout} from "./StandingLayout.sol";

/// @title KeyRegistry
/// @notice What operator keys and enclave keys have in common: a node for ever, a validity, an orderly end, distrust.
abstract contract KeyRegistry is Distrustable, IKeyRegistry {
    /// @notice Keys of a node that have not ended: bounds the loop that ends them all (R8, R12).
    uint256 public constant MAX_LIVE_KEYS = 4;

    /// @dev Everything that opening a receipt asks of a key lives in the tag of its standing and costs one slot:
    /// `note 40 ‖ node number 40 ‖ validUntil 40 ‖ validFrom 40 ‖ kind 8`, as `StandingLayout` has it.
    mapping(bytes32 keyId => address) internal _signers;
    mapping(bytes32 nodeId => bytes32[]) private _live;

    /// @inheritdoc IKeyRegistry
    function retireKey(bytes32 keyId, uint64 validUntil) external {
        _retire(keyId, _requireOperatorOfKey(keyId), validUntil);
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
    function signingKey(bytes32 keyId) external view returns (address signer, KeyState memory state) {
        return (_signers[keyId], keyState(keyId));
    }

    /// @inheritdoc IKeyRegistry
    function packedKeyState(bytes32 keyId) external view returns (uint256) {
        return _packedStanding(keyId);
    }

    /// @inheritdoc IKeyRegistry
    function packedSigningKey(bytes32 keyId) external view returns (address signer, uint256 key) {
        return (_signers[keyId], _packedStanding(keyId));
    }

    /// @inheritdoc IKeyRegistry
    function nodeOf(bytes32 keyId) public view returns (bytes32) {
        return _nodeOf(_standing[keyId].tag);
    }

    /// @inheritdoc IKeyRegistry
    function liveKeys(bytes32 nodeId) external view returns (bytes32[] memory) {
        return _live[nodeId];
    }

    /// @inheritdoc IKeyRegistry
    function keyState(bytes32 keyId) public view returns (KeyState memory state) {
        return _keyState(_packedStanding(keyId));
    }

    function _keyState(uint256 word) internal pure returns (KeyState memory state) {
        state.validFrom = uint40(word >> StandingLayout.KEY_VALID_FROM);
        // Other targets of distrust (measurements) have no validity: they are no keys.
        if (state.validFrom == 0) return state;
        state.kind = uint8(word >> StandingLayout.KEY_KIND);
        state.validUntil = uint40(word >> StandingLayout.KEY_VALID_UNTIL);
        state.distrustedFrom = _widen(uint40(word >> StandingLayout.DISTRUSTED_FROM));
        state.frozenUntil = uint40(word >> StandingLayout.FROZEN_UNTIL);
        state.nodeId = bytes32(uint256(uint40(word >> StandingLayout.KEY_NODE)));
    }

    /// @dev Adds a key that is valid from now on. The caller has checked operator, stake and possession.
    function _addKey(
        bytes32 keyId,
        uint8 kind,
        bytes memory publicKey,
        address signer,
        bytes32 nodeId,
        uint64 validUntil,
        uint40 note
    ) internal {
        if (_isEnrolled(keyId)) revert KeyRegistry_KeyTaken(keyId, nodeOf(keyId));
        if (validUntil <= block.timestamp || validUntil >= NEVER) revert KeyRegistry_BadValidity(validUntil);
        _clearEnded(nodeId);
        if (_live[nodeId].length == MAX_LIVE_KEYS) revert KeyRegistry_TooManyKeys(nodeId);

        _live[nodeId].push(keyId);
        _enroll(
            keyId,
            (uint168(note) << 128) |
                (uint168(uint256(nodeId)) << 88) |
                (uint168(validUntil) << 48) |
                (uint168(block.timestamp) << 8) |
                kind
        );
        _signers[keyId] = signer;
        emit KeyAdded(keyId, nodeId, kind, signer, uint64(block.timestamp), validUntil, publicKey);
    }

    /// @dev Ends a key at a moment that is not before now and not after its end. The caller has checked who may.
    function _retire(bytes32 keyId, bytes32 nodeId, uint64 validUntil) internal {
        if (validUntil < block.timestamp || validUntil > _validUntil(keyId)) revert KeyRegistry_BadValidity(validUntil);
        _setValidUntil(keyId, uint40(validUntil));
        emit KeyRetired(keyId, nodeId, validUntil);
    }

    /// @dev Ends every key of a node now.
    function _endKeys(bytes32 nodeId) internal {
        bytes32[] storage live = _live[nodeId];
        for (uint256 i = live.length; i > 0; --i) {
            if (_validUntil(live[i - 1]) > block.timestamp) {
                _setValidUntil(live[i - 1], uint40(block.timestamp));
                emit KeyRetired(live[i - 1], nodeId, uint64(block.timestamp));
            }
            live.pop();
        }
    }

    function _clearEnded(bytes32 nodeId) private {
        bytes32[] storage live = _live[nodeId];
        for (uint256 i = live.length; i > 0; --i) {
            if (_validUntil(live[i - 1]) < block.timestamp) {
                live[i - 1] = live[live.length - 1];
                live.pop();
            }
        }
    }

    /// @dev Zero for what is no key: other targets of distrust have no node in their tag.
    function _nodeOf(uint168 tag) private pure returns (bytes32) {
        return bytes32(uint256(uint40(tag >> 88)));
    }

    function _validUntil(bytes32 keyId) private view returns (uint40) {
        return uint40(_standing[keyId].tag >> 48);
    }

    function _setValidUntil(bytes32 keyId, uint40 validUntil) private {
        uint168 tag = _standing[keyId].tag;
        _standing[keyId].tag = (tag & ~(uint168(NEVER) << 48)) | (uint168(validUntil) << 48);
    }

    function _requireOperatorOfKey(bytes32 keyId) private view returns (bytes32 nodeId) {
        nodeId = nodeOf(keyId);
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
