// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IFeeSplitter} from "./IFeeSplitter.sol";
import {IInferenceRegistry} from "./IInferenceRegistry.sol";
import {Batch, Opening, Reason} from "./InferenceTypes.sol";
import {INodeRegistry} from "./INodeRegistry.sol";

/// @notice A way to pay one node for answers of one model version. Its id is keccak256(abi.encode(chainId, escrow,
/// payer, signer, nodeId, modelId, modeMask, lane)); one request at a time in each lane.
/// @param payer Whose balance pays.
/// @param signer Who signs vouchers by ECDSA: the payer itself, or a session signer that the payer has opened it for.
/// @param nodeId The node that is paid.
/// @param modelId The model version that answers.
/// @param modeMask Mask of `1 << mode` that answers may be evidenced in.
/// @param lane Any number; tells channels apart that agree in all else.
struct Channel {
    address payer;
    address signer;
    bytes32 nodeId;
    bytes32 modelId;
    uint8 modeMask;
    uint64 lane;
}

/// @notice What one request of a channel is collected with: what tells its channel from others of the node and model
/// version, the voucher, and of the receipt what does not follow from these and from the batch. Four words hold several
/// fields each, as calldata is what a claim mostly costs; `ClaimWords` packs and reads them.
/// @param payer From the highest bit: index 32 (place of the receipt in its batch) ‖ sequence 64 (of voucher and receipt,
/// from 1) ‖ payer 160 (see {Channel}).
/// @param signer zero 24 ‖ modeMask 8 ‖ lane 64 ‖ signer 160 (see {Channel}; signer 0 where the payer signs itself).
/// @param fees maxCumulative 128 (of the voucher: most that the channel may have cost after this request, in wei) ‖
/// cumulativeFee 128 (of the receipt: what the channel has cost after this request, in wei).
/// @param answer zero 184 ‖ outputScheme 8 ‖ completedAt 64 (of the receipt, in unix seconds).
/// @param inputHash Of voucher and receipt.
/// @param outputHash Of the receipt.
/// @param contextHash Of the receipt.
/// @param r Of the voucher's signature.
/// @param vs Of the voucher's signature: `s`, and `v − 27` in its highest bit (EIP-2098).
struct Claim {
    uint256 payer;
    uint256 signer;
    uint256 fees;
    uint256 answer;
    bytes32 inputHash;
    bytes32 outputHash;
    bytes32 contextHash;
    bytes32 r;
    bytes32 vs;
}

/// @notice Claims on receipts of one batch, or on receipts that settled alone, under one key, node and model version.
/// @param batch The batch they settled in. Of count 0 where each settled alone: only key and mode count then.
/// @param nodeId The node of the key, as the channels name it.
/// @param modelId The model version, as the channels name it.
/// @param claims By ascending index where they are in a batch.
/// @param proof What `IInferenceRegistry.settledReceipts` takes: one proof for all of them.
struct ClaimGroup {
    Batch batch;
    bytes32 nodeId;
    bytes32 modelId;
    Claim[] claims;
    bytes32[] proof;
}

/// @notice Money set aside for one request that a contract asks on chain.
/// @param payer Whose balance it came from, and to whose balance the rest returns.
/// @param amount In wei; 0 once it is collected or returned.
/// @param nodeId The node that is to answer.
/// @param modelId The model version that is to answer.
/// @param inputHash What is asked.
/// @param modeMask Mask of `1 << mode` that the answer may be evidenced in.
/// @param expiry Last second in which the answer may be completed. Who reserved may return it after that, anyone THAW
/// after it.
struct Reservation {
    address payer;
    uint96 amount;
    bytes32 nodeId;
    bytes32 modelId;
    bytes32 inputHash;
    uint8 modeMask;
    uint40 expiry;
}

/// @notice Why a claim is not paid.
enum Refusal {
    None,
    // The receipt does not read as verified; the `Reason` beside says why.
    NotVerified,
    // The receipt's key belongs to another node.
    OtherNode,
    // Channels begin with sequence 1, requests on chain have 0.
    WrongSequence,
    // The receipt's mode is not in the mask that the payer chose.
    ModeNotAllowed,
    // The voucher is not signed by the channel's signer.
    BadVoucher,
    // The payer has not opened the channel for this signer.
    NotOpened,
    // The answer was completed after the session's expiry.
    SessionExpired,
    // The channel has paid this much or more.
    NothingDue,
    // The session has spent its limit.
    LimitReached,
    // Nothing is left in the payer's balance for this node; what is due stays so.
    EscrowEmpty,
    // Not the model version, input, payer or request of the reservation.
    OtherRequest
}

/// @title IInferenceEscrow
/// @notice Holds what payers set aside for nodes, and pays it out against verified receipts: never without one, never
/// more than was signed (R7), and never twice for one request (R9). Anyone may carry vouchers and receipts here: money
/// only moves along what was signed (R1). Nobody owns it, nobody can stop it (R8).
/// @dev All amounts are in wei of {token}. A voucher is EIP-712, domain "OpenGradient InferenceEscrow" / "1":
/// Voucher(bytes32 channelId,uint64 sequence,bytes32 inputHash,uint128 maxCumulative).
interface IInferenceEscrow {
    /// @notice A balance grew by a deposit.
    /// @param balance The payer's for this node, this included.
    event Deposited(
        address indexed payer,
        bytes32 indexed nodeId,
        address indexed from,
        uint256 amount,
        uint256 balance
    );
    /// @notice A payer asked for its money back; replaces what it asked before. 0 takes it back.
    /// @param amount What can be withdrawn from `readyAt` on, if it was not collected until then.
    event Thawing(address indexed payer, bytes32 indexed nodeId, uint256 amount, uint256 readyAt);
    /// @notice Thawed money went back to its payer.
    event Withdrawn(address indexed payer, bytes32 indexed nodeId, uint256 amount, uint256 balance);
    /// @notice A channel was opened for a session signer, or pays for the first time by its payer's own key: then limit
    /// and expiry are the largest numbers there are.
    event ChannelOpened(
        bytes32 indexed channelId,
        address indexed payer,
        bytes32 indexed nodeId,
        address signer,
        bytes32 modelId,
        uint8 modeMask,
        uint64 lane,
        uint96 limit,
        uint40 expiry
    );
    /// @notice A session ends at `expiry`, for ever.
    event SignerWithdrawn(bytes32 indexed channelId, uint40 expiry);
    /// @notice A channel paid for a request. Its five numbers are in two words, as words are what an event mostly costs.
    /// @param payment From the highest bit: sequence 64 (of voucher and receipt) ‖ amount 96 (paid now) ‖ paid 96 (what
    /// the channel has paid so far, this included).
    /// @param totals zero 64 ‖ owed 96 (what of `paid` waits in the channel for {release}: by {collect} this fee too,
    /// unless it went on at once, by {collectBatch} not) ‖ balance 96 (what is left in the payer's balance for this node).
    event Collected(bytes32 indexed channelId, uint256 payment, uint256 totals);
    /// @notice What waited in a channel went to where fees wait for {forward}; nothing waits in it now.
    event Released(bytes32 indexed channelId, uint256 amount);
    /// @notice Fees came to those that wait for {forward}.
    /// @param settler Who brought the batch; zero for receipts that settled alone.
    /// @param epoch Fee epoch of the settlement.
    /// @param amount Come now.
    /// @param fees What waits under (node, model version, settler, epoch), this included.
    event FeesAccrued(
        bytes32 indexed nodeId,
        bytes32 indexed modelId,
        address indexed settler,
        uint256 epoch,
        uint256 amount,
        uint256 fees
    );
    /// @notice A claim of {collectBatch} was left out and harmed no other (R2). Names its place and why only: nothing
    /// that a caller chose freely is repeated as if it were verified (R1).
    event ClaimSkipped(uint256 indexed group, uint256 indexed index, Refusal indexed refusal, Reason reason);
    /// @notice Fees went to the splitter.
    event Forwarded(
        bytes32 indexed nodeId,
        bytes32 indexed modelId,
        address indexed settler,
        uint256 epoch,
        uint256 amount
    );
    /// @notice What a contract may still reserve of a payer's balances; the largest number means without end.
    event ReserverApproved(address indexed payer, address indexed reserver, uint256 allowance);
    /// @notice Money was set aside for a request.
    /// @param balance What is left in the payer's balance for this node.
    event Reserved(bytes32 indexed requestId, address indexed reserver, Reservation reservation, uint256 balance);
    /// @notice A reserved request was paid.
    /// @param amount Paid to the node.
    /// @param returned The rest, back in the payer's balance.
    /// @param balance That balance.
    event ReservationCollected(bytes32 indexed requestId, uint256 amount, uint256 returned, uint256 balance);
    /// @notice A reserved request was not answered: everything is back in the payer's balance.
    event ReservationReturned(bytes32 indexed requestId, uint256 amount, uint256 balance);

    /// @notice A contract that is not there.
    error InferenceEscrow_ZeroAddress();
    /// @notice A payer must be somebody.
    error InferenceEscrow_ZeroPayer();
    /// @notice An amount of nothing.
    error InferenceEscrow_ZeroAmount();
    /// @notice There is no such node: nobody could ever collect.
    error InferenceEscrow_UnknownNode(bytes32 nodeId);
    /// @notice The token moved something else than it was told to.
    error InferenceEscrow_TokenTookFee(uint256 asked, uint256 got);
    /// @notice More than this contract can keep account of, 2^90 − 1.
    error InferenceEscrow_TooMuch(uint256 held);
    /// @notice The balance is smaller.
    error InferenceEscrow_InsufficientBalance(uint256 balance, uint256 asked);
    /// @notice Nothing is thawing, or nothing of it was left.
    error InferenceEscrow_NothingToWithdraw();
    /// @notice Thawing ends at `readyAt`.
    error InferenceEscrow_StillThawing(uint256 readyAt);
    /// @notice Only the payer of the channel may do this.
    error InferenceEscrow_NotPayer(address payer, address caller);
    /// @notice A payer signs for itself without opening anything, and cannot take that from itself.
    error InferenceEscrow_OwnSigner();
    /// @notice This session was opened before, or withdrawn: take another lane.
    error InferenceEscrow_AlreadyOpened(bytes32 channelId);
    /// @notice A session needs a mask of known modes, a signer, a limit, and an expiry after now.
    error InferenceEscrow_BadSession();
    /// @notice The signature to open a channel with had to be used by `deadline`.
    error InferenceEscrow_SignatureExpired(uint256 deadline);
    /// @notice The signature to open a channel with is not the payer's.
    error InferenceEscrow_BadSignature();
    /// @notice This session ends at `expiry` already.
    error InferenceEscrow_AlreadyWithdrawn(uint256 expiry);
    /// @notice The claim is not paid.
    /// @param reason Why the receipt does not read as verified, where that is why.
    error InferenceEscrow_Refused(Refusal refusal, Reason reason);
    /// @notice No fees wait under these.
    error InferenceEscrow_NothingToForward();
    /// @notice The splitter took something else than the fees.
    error InferenceEscrow_SplitterTookOther(uint256 fees, uint256 taken);
    /// @notice The payer lets this contract reserve less.
    error InferenceEscrow_NotApproved(address reserver, uint256 allowance, uint256 asked);
    /// @notice A request is reserved for once.
    error InferenceEscrow_AlreadyReserved(bytes32 requestId);
    /// @notice A reservation needs a mask of known modes and an expiry between MIN_RESERVATION and MAX_RESERVATION
    /// from now.
    error InferenceEscrow_BadReservation();
    /// @notice Nothing is reserved for this request, or no longer.
    error InferenceEscrow_NotReserved(bytes32 requestId);
    /// @notice The answer may still be collected; the caller may return the reservation from `returnsAt` on.
    error InferenceEscrow_StillReserved(uint256 returnsAt);

    // ------------------------------------------------------------------------------------------------- balances

    /// @notice Adds to a payer's balance for a node, from the caller, who has approved it. For anyone, by anyone.
    /// @param payer Whose balance; it alone can withdraw it.
    /// @param amount Must arrive in full: a token that takes a fee is refused.
    function deposit(address payer, bytes32 nodeId, uint256 amount) external;

    /// @notice The same with a permit (EIP-2612) of the caller. A permit that somebody used before is no obstacle.
    function depositWithPermit(
        address payer,
        bytes32 nodeId,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice The same by a signed transfer (EIP-3009 `receiveWithAuthorization`) of `from`, sent by anyone.
    /// @dev The authorization's nonce is {authorizationNonce}: whoever relays it can direct it nowhere else.
    /// @param salt Any 32 bytes; tells deposits apart that agree in all else.
    /// @param signature 65 bytes r ‖ s ‖ v, or whatever the account at `from` accepts by EIP-1271.
    function depositWithAuthorization(
        address from,
        address payer,
        bytes32 nodeId,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 salt,
        bytes calldata signature
    ) external;

    /// @notice Asks for money back: after {THAW} it can be withdrawn, as far as it is not collected by then. Replaces
    /// what was asked before, its time included; 0 takes it back. What a node can count on is the balance less this.
    /// @param amount At most the balance.
    function thaw(bytes32 nodeId, uint256 amount) external;

    /// @notice Pays the caller what it asked back and what was not collected since.
    /// @return amount What was paid; never 0.
    function withdraw(bytes32 nodeId) external returns (uint256 amount);

    // ------------------------------------------------------------------------------------------------- channels

    /// @notice Lets a session signer sign vouchers for the caller's channel. Once: a session that ended is not revived.
    /// @param channel `payer` is the caller, `signer` somebody else.
    /// @param limit Most that the channel pays, ever; none pays more than 2^90 − 1.
    /// @param expiry Last second in which an answer may be completed.
    function openChannel(Channel calldata channel, uint96 limit, uint40 expiry) external;

    /// @notice The same by the payer's signature over OpenChannel(bytes32 channelId,uint96 limit,uint40 expiry,uint256
    /// deadline), sent by anyone.
    /// @param deadline Last second in which it may be used.
    /// @param signature 65 bytes r ‖ s ‖ v, or whatever the payer accepts by EIP-1271.
    function openChannelBySignature(
        Channel calldata channel,
        uint96 limit,
        uint40 expiry,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Ends a session {THAW} from now, unless it ends before: what it signed so far stays good. A session that
    /// was not opened ends at once and cannot be opened any more. Payer only.
    function withdrawSigner(Channel calldata channel) external;

    // ---------------------------------------------------------------------------------------------- collecting

    /// @notice Pays for one request: min(maxCumulative, cumulativeFee) − what the channel has paid, at most what is
    /// left of the session's limit and of the balance; what the balance lacks stays due. Open to anyone. Gaps between
    /// sequences are fine. The fee waits in the channel for {release}, with others of the same settler and epoch and 2^70
    /// − 1 of them at most: what cannot wait with it goes on before it, and a fee that is larger alone goes on at once.
    /// @param batch The batch the receipt settled in; of count 0 where it settled alone: only key and mode count then.
    /// @param nodeId See {Channel}.
    /// @param modelId See {Channel}.
    /// @param proof Siblings from the leaf up.
    /// @return amount What was paid; never 0.
    function collect(
        Batch calldata batch,
        bytes32 nodeId,
        bytes32 modelId,
        Claim calldata claim,
        bytes32[] calldata proof
    ) external returns (uint256 amount);

    /// @notice The same for many; their fees wait for {forward} at once. A bad claim is skipped with an event; in a group
    /// whose receipts are not in its batch each is (R2).
    /// @return amount What was paid for all together.
    function collectBatch(ClaimGroup[] calldata groups) external returns (uint256 amount);

    /// @notice What {collect} would pay now, or why nothing.
    /// @return amount 0 unless `refusal` is None.
    /// @return refusal Why nothing; None where something.
    /// @return reason Why the receipt does not read as verified, where `refusal` is NotVerified.
    function collectable(
        Batch calldata batch,
        bytes32 nodeId,
        bytes32 modelId,
        Claim calldata claim,
        bytes32[] calldata proof
    ) external view returns (uint256 amount, Refusal refusal, Reason reason);

    /// @notice Moves what waits in channels to where fees wait for {forward}; channels in which nothing waits are passed
    /// over. Open to anyone.
    /// @return amount What was moved of all together.
    function release(Channel[] calldata channels) external returns (uint256 amount);

    /// @notice Sends what waits under these to the fee splitter. Open to anyone.
    /// @param settler Zero for receipts that settled alone, and for batches without a settler.
    /// @param epoch Fee epoch of the settlement; its rates apply.
    /// @return amount What was sent; never 0.
    function forward(bytes32 nodeId, bytes32 modelId, address settler, uint256 epoch) external returns (uint256 amount);

    // -------------------------------------------------------------------------------------------- reservations

    /// @notice Lets a contract reserve the caller's money for requests, in all, and withdraws what it was let before.
    /// @param allowance The largest number means without end.
    function approveReserver(address reserver, uint256 allowance) external;

    /// @notice Sets money aside for one request that the caller, a contract, asks on chain. The caller is the payer,
    /// or the payer approved it.
    /// @param counter The caller's number of the request; its id is keccak256(abi.encode(chainId, caller, counter)) (R5).
    /// @param reservation `amount` is not 0.
    function reserve(uint256 counter, Reservation calldata reservation) external returns (bytes32 requestId);

    /// @notice Pays for a reserved request: min(cumulativeFee, amount). The rest returns to the payer's balance. Once
    /// (R9), and open to anyone.
    /// @param opening A verified receipt with that request id, payer, model version and input, sequence 0, a mode in
    /// the mask, a key of that node, completed by the expiry.
    /// @return amount What was paid.
    function collectReserved(bytes32 requestId, Opening calldata opening) external returns (uint256 amount);

    /// @notice Returns a reservation to the payer's balance, from {THAW} after its expiry on. Open to anyone.
    /// @return amount What returned; never 0.
    function returnReservation(bytes32 requestId) external returns (uint256 amount);

    /// @notice The same for the contract that reserved, from the second after the expiry on: it alone knows when its
    /// request is over. Whoever answers for it relies on its rules for what was answered and not collected by then; the
    /// event {Reserved} names it.
    /// @param counter The caller's number of the request, as in {reserve}.
    /// @return amount What returned to the payer's balance; never 0.
    function returnOwnReservation(uint256 counter) external returns (uint256 amount);

    // -------------------------------------------------------------------------------------------------- reading

    /// @notice A payer's balance for a node.
    /// @return balance All of it.
    /// @return thawing What of it is asked back; a node can count on the difference.
    /// @return readyAt When that can be withdrawn, in unix seconds.
    function account(
        address payer,
        bytes32 nodeId
    ) external view returns (uint256 balance, uint256 thawing, uint256 readyAt);

    /// @notice A channel's state.
    /// @return paid What it has paid so far.
    /// @return owed What of that waits for {release}.
    /// @return limit Most that it pays, ever; 0 where no session was opened.
    /// @return expiry Last second in which an answer may be completed; 0 where no session was opened.
    function session(
        bytes32 channelId
    ) external view returns (uint256 paid, uint256 owed, uint256 limit, uint256 expiry);

    /// @notice See {Channel}.
    function channelIdOf(Channel calldata channel) external view returns (bytes32);

    /// @notice EIP-712 digest of a voucher.
    function voucherDigest(
        bytes32 channelId,
        uint64 sequence,
        bytes32 inputHash,
        uint128 maxCumulative
    ) external view returns (bytes32);

    /// @notice What waits for {forward}.
    function fees(bytes32 nodeId, bytes32 modelId, address settler, uint256 epoch) external view returns (uint256);

    /// @notice A reservation; all zero where there never was one, `amount` 0 where it ended.
    function reservation(bytes32 requestId) external view returns (Reservation memory);

    /// @notice What a contract may still reserve of a payer's balances.
    function reserverAllowance(address payer, address reserver) external view returns (uint256);

    /// @notice Nonce of an EIP-3009 authorization for {depositWithAuthorization}: keccak256(abi.encode(payer, nodeId,
    /// salt)).
    function authorizationNonce(address payer, bytes32 nodeId, bytes32 salt) external pure returns (bytes32);

    /// @notice The token that is held here.
    function token() external view returns (IERC20);

    /// @notice Who says whether a receipt is verified.
    function inferenceRegistry() external view returns (IInferenceRegistry);

    /// @notice Who says which nodes there are.
    function nodeRegistry() external view returns (INodeRegistry);

    /// @notice Where fees go.
    function feeSplitter() external view returns (IFeeSplitter);

    /// @notice Seconds until money that is asked back can be withdrawn and a withdrawn session ends: 14 days, so that
    /// what was answered until then can be settled and collected even through a pause and a freeze (R7).
    function THAW() external view returns (uint256);

    /// @notice Least seconds that a reservation is made for: 10 minutes.
    function MIN_RESERVATION() external view returns (uint256);

    /// @notice Most seconds that a reservation is made for: 30 days.
    function MAX_RESERVATION() external view returns (uint256);
}
