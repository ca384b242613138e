// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IOPGToken} from "../interfaces/IOPGToken.sol";

/// @title SignedTransfers
/// @notice EIP-3009 for an ERC-20, see {IOPGToken}.
/// @dev OpenZeppelin's `ERC3009` reverts with custom errors, which x402 clients cannot read, and offers bytes
/// signatures only with sequential nonces: hence our own. Strings are those of the reference implementation
/// (CoinbaseStablecoin/eip-3009), "used or canceled" is Circle's.
// solhint-disable gas-custom-errors
abstract contract SignedTransfers is ERC20, EIP712, IOPGToken {
    /// @inheritdoc IOPGToken
    bytes32 public constant TRANSFER_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    /// @inheritdoc IOPGToken
    bytes32 public constant RECEIVE_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    /// @inheritdoc IOPGToken
    bytes32 public constant CANCEL_AUTHORIZATION_TYPEHASH = keccak256(
        "CancelAuthorization(address authorizer,bytes32 nonce)"
    );

    /// @dev Everything that a transfer's signature covers, in the order of its EIP-712 type.
    struct Authorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    /// @inheritdoc IOPGToken
    mapping(address authorizer => mapping(bytes32 nonce => bool spent)) public authorizationState;

    /// @inheritdoc IOPGToken
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        _transferAuthorized(
            TRANSFER_WITH_AUTHORIZATION_TYPEHASH,
            Authorization(from, to, value, validAfter, validBefore, nonce),
            signature
        );
    }

    /// @inheritdoc IOPGToken
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        _transferAuthorized(
            TRANSFER_WITH_AUTHORIZATION_TYPEHASH,
            Authorization(from, to, value, validAfter, validBefore, nonce),
            abi.encodePacked(r, s, v)
        );
    }

    /// @inheritdoc IOPGToken
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        require(to == _msgSender(), "EIP3009: caller must be the payee");
        _transferAuthorized(
            RECEIVE_WITH_AUTHORIZATION_TYPEHASH,
            Authorization(from, to, value, validAfter, validBefore, nonce),
            signature
        );
    }

    /// @inheritdoc IOPGToken
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        require(to == _msgSender(), "EIP3009: caller must be the payee");
        _transferAuthorized(
            RECEIVE_WITH_AUTHORIZATION_TYPEHASH,
            Authorization(from, to, value, validAfter, validBefore, nonce),
            abi.encodePacked(r, s, v)
        );
    }

    /// @inheritdoc IOPGToken
    function cancelAuthorization(address authorizer, bytes32 nonce, bytes calldata signature) external {
        _cancel(authorizer, nonce, signature);
    }

    /// @inheritdoc IOPGToken
    function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external {
        _cancel(authorizer, nonce, abi.encodePacked(r, s, v));
    }

    function _transferAuthorized(bytes32 typeHash, Authorization memory signed, bytes memory signature) private {
        require(block.timestamp > signed.validAfter, "EIP3009: authorization is not yet valid");
        require(block.timestamp < signed.validBefore, "EIP3009: authorization is expired");
        _spend(signed.from, signed.nonce, keccak256(abi.encode(typeHash, signed)), signature);
        // Asked here only for the string: `_transfer` has an error of its own, which clients cannot decode.
        require(balanceOf(signed.from) >= signed.value, "ERC20: transfer amount exceeds balance");
        emit AuthorizationUsed(signed.from, signed.nonce);
        _transfer(signed.from, signed.to, signed.value);
    }

    function _cancel(address authorizer, bytes32 nonce, bytes memory signature) private {
        _spend(authorizer, nonce, keccak256(abi.encode(CANCEL_AUTHORIZATION_TYPEHASH, authorizer, nonce)), signature);
        emit AuthorizationCanceled(authorizer, nonce);
    }

    /// @dev An account's key is asked before its code: an account with code by EIP-7702 goes on signing with its key,
    /// and no key is known for the address of a contract. EIP-1271 is asked by a static call.
    function _spend(address authorizer, bytes32 nonce, bytes32 structHash, bytes memory signature) private {
        require(!authorizationState[authorizer][nonce], "EIP3009: authorization is used or canceled");
        bytes32 digest = _hashTypedDataV4(structHash);
        (address signer, , ) = ECDSA.tryRecover(digest, signature);
        require(
            (signer != address(0) && signer == authorizer) ||
                SignatureChecker.isValidERC1271SignatureNow(authorizer, digest, signature),
            "EIP3009: invalid signature"
        );
        authorizationState[authorizer][nonce] = true;
    }
}
