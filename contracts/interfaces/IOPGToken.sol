// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title IOPGToken
/// @notice OPG: a fixed supply, permits (EIP-2612), votes by timestamp (ERC-5805, ERC-6372) and transfers by signed
/// authorization (EIP-3009). Nobody owns it, nobody can mint or stop it.
/// @dev The EIP-712 domain is {version} "1" under {IERC20Metadata-name} "OpenGradient": both belong into the `extra`
/// of an x402 offer. Functions of EIP-3009 revert with **strings**, those of its reference implementation: x402's EVM
/// mechanism (npm x402/evm 2.27, `parseEip3009TransferError`) maps their wording to its reasons, and knows no custom error.
interface IOPGToken is IERC20 {
    /// @notice `nonce` of `authorizer` was spent on a transfer.
    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
    /// @notice `nonce` of `authorizer` can no longer be used.
    event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);

    /// @notice Recipients and amounts at deployment must pair up and sum to the supply.
    error OPGToken_WrongAllocation(uint256 sum);

    /// @notice Everything there is and will be, in wei: 1,000,000,000 × 1e18.
    function SUPPLY() external view returns (uint256);

    /// @notice Version of the EIP-712 domain, as x402 facilitators ask for it.
    function version() external view returns (string memory);

    /// @notice EIP-712 type of {transferWithAuthorization}.
    function TRANSFER_WITH_AUTHORIZATION_TYPEHASH() external view returns (bytes32);

    /// @notice EIP-712 type of {receiveWithAuthorization}.
    function RECEIVE_WITH_AUTHORIZATION_TYPEHASH() external view returns (bytes32);

    /// @notice EIP-712 type of {cancelAuthorization}.
    function CANCEL_AUTHORIZATION_TYPEHASH() external view returns (bytes32);

    /// @notice Whether a nonce was used or cancelled; the two look alike, as EIP-3009 has it.
    function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);

    /// @notice Moves `value` wei as `from` signed; anyone may send it.
    /// @dev Reverts with "EIP3009: authorization is not yet valid", "… is expired", "… is used or canceled",
    /// "EIP3009: invalid signature" or "ERC20: transfer amount exceeds balance".
    /// @param validAfter Valid in blocks whose time is greater, in seconds.
    /// @param validBefore Valid in blocks whose time is smaller, in seconds.
    /// @param nonce Any 32 bytes that `from` never signed before.
    /// @param signature 65 bytes r ‖ s ‖ v, or whatever the account at `from` accepts by EIP-1271.
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice The same with a split signature.
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
    ) external;

    /// @notice Like {transferWithAuthorization}, for contracts that act on the arrival: only `to` may send it, so that
    /// nobody can move the tokens without the action.
    /// @dev Reverts as {transferWithAuthorization} does, and with "EIP3009: caller must be the payee".
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice The same with a split signature.
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
    ) external;

    /// @notice Makes a nonce unusable, as `authorizer` signed; anyone may send it.
    function cancelAuthorization(address authorizer, bytes32 nonce, bytes calldata signature) external;

    /// @notice The same with a split signature.
    function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external;
}
