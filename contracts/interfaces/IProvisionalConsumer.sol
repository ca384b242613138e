// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IInferenceConsumer} from "./IInferenceConsumer.sol";
import {Opening, Reason, Receipt} from "./InferenceTypes.sol";

/// @notice How far an effect is. Final and Unwound are ends; a request that reached one is never acted on again (R9).
enum ProvisionalState {
    None,
    Provisional,
    Final,
    Unwound
}

/// @notice An effect that was had before its receipt was verified. Amounts in base units of the bond token.
/// @param submitter Who brought the receipt and put up the bond.
/// @param value What the effect can cost at most.
/// @param state See {ProvisionalState}.
/// @param postponed Whether a freeze moved the deadline; it does so once.
/// @param actedAt Unix seconds.
/// @param deadline Unix seconds up to which it cannot be unwound for want of evidence, pauses aside.
/// @param bond What is held for it: the value and a surplus.
/// @param receiptId The receipt that was acted on.
struct ProvisionalEffect {
    address submitter;
    uint96 value;
    ProvisionalState state;
    bool postponed;
    uint40 actedAt;
    uint40 deadline;
    uint96 bond;
    bytes32 receiptId;
}

/// @title IProvisionalConsumer
/// @notice Acts at once on a signed receipt, against a bond, and makes up its mind when the evidence is there.
///
/// A receipt's signature is there with the answer; its proof, or its batch, comes later. Whoever brings the signed
/// receipt answers for its signer with a bond of more than the effect can cost. The effect becomes final when an equal
/// answer to the request reads as verified in the required mode, and the bond is free again. If none does by the
/// deadline, or the answer is contradicted, anyone unwinds it, and the bond pays for it.
interface IProvisionalConsumer is IInferenceConsumer {
    /// @notice An effect was had on a signature alone. `outstanding` is the value of all that are provisional now.
    event ActedProvisionally(
        bytes32 indexed requestId,
        bytes32 indexed receiptId,
        address indexed submitter,
        uint256 value,
        uint256 bond,
        uint256 deadline,
        uint256 outstanding
    );
    /// @notice The answer is verified; the bond is its submitter's again. `receiptId` is the verified receipt's.
    event BecameFinal(bytes32 indexed requestId, bytes32 indexed receiptId, uint256 outstanding);
    /// @notice The bond paid: `compensation` to whom the effect cost something, `reward` to `unwinder`.
    event Unwound(
        bytes32 indexed requestId,
        address indexed unwinder,
        uint256 compensation,
        uint256 reward,
        uint256 outstanding
    );
    /// @notice What the receipt rests on is frozen, so that it cannot read as verified: more time, once.
    event Postponed(bytes32 indexed requestId, uint256 deadline);
    /// @notice An account has `total` to claim now.
    event Credited(address indexed account, uint256 total);
    /// @notice An account was paid what it had.
    event Claimed(address indexed account, uint256 amount);

    /// @notice Limits are not zero and in order, the window is between 1 s and MAX_WINDOW.
    error ProvisionalConsumer_BadLimits(uint256 maxValue, uint256 maxOutstanding, uint256 window);
    /// @notice The effect would cost nothing, or more than one may.
    error ProvisionalConsumer_BadValue(uint256 value, uint256 maxValue);
    /// @notice All provisional effects together would cost more than they may.
    error ProvisionalConsumer_TooMuchOutstanding(uint256 outstanding, uint256 maxOutstanding);
    /// @notice The registry closes before the deadline: the evidence could not settle any more.
    error ProvisionalConsumer_RegistryCloses(uint256 closesAt);
    /// @notice The signature is not, or not now, one that could settle, for this reason.
    error ProvisionalConsumer_NotSigned(bytes32 receiptId, Reason reason);
    /// @notice The token moved another amount than the bond.
    error ProvisionalConsumer_TokenTookFee(uint256 expected, uint256 received);
    /// @notice The effect is not provisional.
    error ProvisionalConsumer_NotProvisional(bytes32 requestId, ProvisionalState state);
    /// @notice This is not the receipt that was acted on.
    error ProvisionalConsumer_NotTheReceipt(bytes32 expected, bytes32 found);
    /// @notice The verified receipt answers otherwise, or another question.
    error ProvisionalConsumer_OtherAnswer(bytes32 actedOn, bytes32 verified);
    /// @notice The verified receipt does not contradict the one acted on.
    error ProvisionalConsumer_NoContradiction(bytes32 actedOn, bytes32 verified);
    /// @notice There is time until `deadline`.
    error ProvisionalConsumer_StillTime(uint256 deadline);
    /// @notice The receipt has not settled, is not frozen, or had its time before.
    error ProvisionalConsumer_NothingToPostpone(bytes32 requestId);
    /// @notice The account has nothing to claim.
    error ProvisionalConsumer_NothingToClaim(address account);

    /// @notice An effect; all zero for none.
    function provisionalEffect(bytes32 requestId) external view returns (ProvisionalEffect memory);

    /// @notice none, provisional, final or unwound.
    function provisionalState(bytes32 requestId) external view returns (ProvisionalState);

    /// @notice Until when an effect cannot be unwound for want of evidence. A pause of settlement that falls into the
    /// time gives a whole window from its end (R8). Zero for none.
    function deadlineOf(bytes32 requestId) external view returns (uint256);

    /// @notice What must be put up for an effect of this value: the value and a tenth more, rounded up.
    function bondFor(uint256 value) external pure returns (uint256);

    /// @notice Ends an effect well: a receipt of the same request, input, context and output reads as verified under the
    /// contract's policy for that, in the required mode. Open to anyone, also after the deadline while nobody unwound it.
    /// Its age is not asked again: that was judged when it was acted on.
    /// @param acted The receipt that was acted on.
    /// @param opening A verified one; usually the same.
    function finalise(Receipt calldata acted, Opening calldata opening) external;

    /// @notice Ends an effect at the deadline. Open to anyone, who gets half of the surplus.
    function unwind(bytes32 requestId) external;

    /// @notice Ends an effect before the deadline, because a verified receipt contradicts it: the same key answered the
    /// request twice, or a proof shows that the model answers this very input otherwise. Another key's other answer is no
    /// contradiction where models draw lots: anybody could get one, and take the bond of an honest submitter.
    /// @param acted The receipt that was acted on.
    /// @param opening The verified receipt of the same request.
    function contradict(Receipt calldata acted, Opening calldata opening) external;

    /// @notice Gives the acted-on receipt time until a freeze has lifted: it settled, and reads as frozen and not as
    /// distrusted. Once an effect, open to anyone.
    function postpone(Opening calldata opening) external;

    /// @notice Pays the caller's credit: bonds that are free again and rewards. Nothing pauses it.
    function claim() external;

    /// @notice What an account may claim.
    function creditOf(address account) external view returns (uint256);

    /// @notice Token of bonds, and of the values that they cover.
    function bondToken() external view returns (IERC20);

    /// @notice What one effect may cost at most.
    function maxValue() external view returns (uint256);

    /// @notice What all effects that are provisional at a time may cost at most.
    function maxOutstanding() external view returns (uint256);

    /// @notice Seconds for the evidence to come.
    function window() external view returns (uint256);

    /// @notice Value of all effects that are provisional now.
    function outstanding() external view returns (uint256);

    /// @notice What of this contract's tokens is others': bonds held and credit not claimed.
    function obligations() external view returns (uint256);
}
