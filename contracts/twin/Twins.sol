// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ITwinMarket} from "../interfaces/ITwinMarket.sol";

/// @title Twins
/// @notice Who owns which twin, see {ITwinMarket}. An owner changes by its own signature only: no role exists here.
abstract contract Twins is EIP712, ITwinMarket {
    bytes32 private constant TRANSFER_TWIN_TYPEHASH = keccak256(
        "TransferTwin(bytes16 digitalTwinId,address newOwner,uint256 nonce,uint256 deadline)"
    );

    /// @dev One of owner and claimant is set, and only one.
    struct Identity {
        address owner;
        uint96 nonce;
        address claimant;
        string url;
    }

    mapping(bytes16 digitalTwinId => Identity) private _identities;

    constructor() EIP712("OpenGradient TwinMarket", "1") {}

    /// @inheritdoc ITwinMarket
    function claimOwnership(bytes16 digitalTwinId) external {
        Identity storage identity = _identities[digitalTwinId];
        address claimant = identity.claimant;
        if (claimant == address(0) || msg.sender != claimant)
            revert TwinMarket_NotClaimant(digitalTwinId, claimant, msg.sender);
        identity.claimant = address(0);
        identity.owner = msg.sender;
        // What the twin earned so far waited for its first owner and stays with the twin.
        emit OwnershipClaimed(digitalTwinId, address(0), msg.sender, ++identity.nonce, 0);
    }

    /// @inheritdoc ITwinMarket
    function claimOwnership(bytes16 digitalTwinId, uint256 deadline, bytes calldata signature) external {
        _requireInTime(deadline);
        Identity storage identity = _identities[digitalTwinId];
        address previous = identity.owner;
        if (!_isBy(previous, consentDigest(digitalTwinId, msg.sender, deadline), signature))
            revert TwinMarket_BadConsent(digitalTwinId, previous, identity.nonce);
        identity.owner = msg.sender;
        uint256 credited = _keepFeesFor(digitalTwinId, previous);
        emit OwnershipClaimed(digitalTwinId, previous, msg.sender, ++identity.nonce, credited);
    }

    /// @inheritdoc ITwinMarket
    function cancelConsents(bytes16 digitalTwinId) external {
        Identity storage identity = _identities[digitalTwinId];
        if (msg.sender != identity.owner) revert TwinMarket_NotOwner(digitalTwinId, msg.sender);
        emit ConsentsCancelled(digitalTwinId, msg.sender, ++identity.nonce);
    }

    /// @inheritdoc ITwinMarket
    function consentDigest(bytes16 digitalTwinId, address newOwner, uint256 deadline) public view returns (bytes32) {
        uint256 nonce = _identities[digitalTwinId].nonce;
        return
            _hashTypedDataV4(keccak256(abi.encode(TRANSFER_TWIN_TYPEHASH, digitalTwinId, newOwner, nonce, deadline)));
    }

    /// @inheritdoc ITwinMarket
    function twinOwner(bytes16 digitalTwinId) public view returns (address) {
        return _identities[digitalTwinId].owner;
    }

    function _nameTwin(bytes16 digitalTwinId, string calldata url, address claimant) internal {
        if (claimant == address(0)) revert TwinMarket_ZeroAddress();
        Identity storage identity = _identities[digitalTwinId];
        if (identity.owner != address(0) || identity.claimant != address(0))
            revert TwinMarket_TwinExists(digitalTwinId);
        if (claimant == msg.sender) identity.owner = msg.sender;
        else identity.claimant = claimant;
        identity.url = url;
    }

    function _identityOf(bytes16 digitalTwinId) internal view returns (Identity storage) {
        return _identities[digitalTwinId];
    }

    function _requireInTime(uint256 deadline) internal view {
        if (block.timestamp > deadline) revert TwinMarket_Expired(deadline);
    }

    /// @dev Moves what the twin earned to its former owner's account.
    function _keepFeesFor(bytes16 digitalTwinId, address formerOwner) internal virtual returns (uint256 amount);

    /// @dev An account's key is asked before its code, as an account with code by EIP-7702 goes on signing with its key.
    /// Nobody's signature is never good: a twin without owner cannot be taken this way.
    function _isBy(address account, bytes32 digest, bytes calldata signature) private view returns (bool) {
        if (account == address(0)) return false;
        (address signer, , ) = ECDSA.tryRecoverCalldata(digest, signature);
        return signer == account || SignatureChecker.isValidERC1271SignatureNow(account, digest, signature);
    }
}
