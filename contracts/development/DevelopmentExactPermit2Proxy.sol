// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {DevelopmentOnly} from "./DevelopmentOnly.sol";

/// @notice What a payer lets a spender take: `permitted` of a token, once under `nonce`, until `deadline` (unix seconds).
struct PermitTransferFrom {
    TokenPermissions permitted;
    uint256 nonce;
    uint256 deadline;
}

/// @notice `amount` in the smallest unit of `token`.
struct TokenPermissions {
    address token;
    uint256 amount;
}

/// @title IPermit2Witness
/// @notice The one function of Permit2 that a payment needs.
interface IPermit2Witness {
    /// @notice Where it goes, and how much.
    struct SignatureTransferDetails {
        address to;
        uint256 requestedAmount;
    }

    /// @notice Moves what `owner` signed for, with `witness` signed beside it; the caller is the spender that was signed for.
    function permitWitnessTransferFrom(
        PermitTransferFrom calldata permit,
        SignatureTransferDetails calldata transferDetails,
        address owner,
        bytes32 witness,
        string calldata witnessTypeString,
        bytes calldata signature
    ) external;
}

/// @title DevelopmentExactPermit2Proxy
/// @notice Stands in for x402's proxy of the scheme `exact` over Permit2, of which no package has the code: written from its
/// published ABI and specification, so that a stock client's signature holds before the real Permit2. Chain id 31337 only.
contract DevelopmentExactPermit2Proxy is DevelopmentOnly, ReentrancyGuardTransient {
    /// @notice Signed beside the permit: whom it pays, and from when on (unix seconds).
    struct Witness {
        address to;
        uint256 validAfter;
    }

    /// @notice An EIP-2612 permit to Permit2.
    struct EIP2612Permit {
        uint256 value;
        uint256 deadline;
        bytes32 r;
        bytes32 s;
        uint8 v;
    }

    /// @notice EIP-712 type of the witness.
    bytes32 public constant WITNESS_TYPEHASH = keccak256("Witness(address to,uint256 validAfter)");
    /// @notice How Permit2 completes its own type with the witness's.
    string public constant WITNESS_TYPE_STRING =
        "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)";
    /// @notice The contract that payers allow to take their tokens.
    IPermit2Witness public immutable PERMIT2;

    /// @notice `settle` paid.
    event Settled();
    /// @notice `settleWithPermit` paid.
    event SettledWithPermit();

    /// @notice A payment of nothing.
    error InvalidAmount();
    /// @notice A payment to nobody.
    error InvalidDestination();
    /// @notice A payment by nobody.
    error InvalidOwner();
    /// @notice There is no Permit2 at zero.
    error InvalidPermit2Address();
    /// @notice It is not to be made yet.
    error PaymentTooEarly();
    /// @notice The EIP-2612 permit is for another amount than the payment.
    error Permit2612AmountMismatch();

    constructor(IPermit2Witness permit2) {
        if (address(permit2) == address(0)) revert InvalidPermit2Address();
        PERMIT2 = permit2;
    }

    /// @notice Pays what `owner` signed for to whom `owner` signed for, whoever calls.
    function settle(
        PermitTransferFrom calldata permit,
        address owner,
        Witness calldata witness,
        bytes calldata signature
    ) external nonReentrant {
        _settle(permit, owner, witness, signature);
        emit Settled();
    }

    /// @notice The same, after letting Permit2 take the tokens by `permit2612`; where that fails, an allowance may be there.
    function settleWithPermit(
        EIP2612Permit calldata permit2612,
        PermitTransferFrom calldata permit,
        address owner,
        Witness calldata witness,
        bytes calldata signature
    ) external nonReentrant {
        if (permit2612.value != permit.permitted.amount) revert Permit2612AmountMismatch();
        (uint256 value, uint256 deadline) = (permit2612.value, permit2612.deadline);
        // solhint-disable-next-line no-empty-blocks
        try
            IERC20Permit(permit.permitted.token).permit(
                owner,
                address(PERMIT2),
                value,
                deadline,
                permit2612.v,
                permit2612.r,
                permit2612.s
            )
        {} catch {}
        _settle(permit, owner, witness, signature);
        emit SettledWithPermit();
    }

    function _settle(
        PermitTransferFrom calldata permit,
        address owner,
        Witness calldata witness,
        bytes calldata signature
    ) private {
        if (permit.permitted.amount == 0) revert InvalidAmount();
        if (owner == address(0)) revert InvalidOwner();
        if (witness.to == address(0)) revert InvalidDestination();
        if (block.timestamp < witness.validAfter) revert PaymentTooEarly();
        PERMIT2.permitWitnessTransferFrom(
            permit,
            IPermit2Witness.SignatureTransferDetails({to: witness.to, requestedAmount: permit.permitted.amount}),
            owner,
            keccak256(abi.encode(WITNESS_TYPEHASH, witness)),
            WITNESS_TYPE_STRING,
            signature
        );
    }
}
