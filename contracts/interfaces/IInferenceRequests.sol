// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IFeeSplitter} from "./IFeeSplitter.sol";
import {IInferenceRegistry} from "./IInferenceRegistry.sol";
import {IKeyRegistry} from "./IKeyRegistry.sol";
import {INodeLoad} from "./INodeLoad.sol";
import {INodeRegistry} from "./INodeRegistry.sol";
import {Opening, Reason} from "./InferenceTypes.sol";

/// @notice What is asked, and for what. Never changes once it is asked.
/// @param modelId The model version that is to answer.
/// @param inputHash What is asked, as the receipt will carry it (R11). {requestWithInput} computes it.
/// @param contextHash The memory that the answer is to be computed with; zero for none.
/// @param nodeId The node that is asked; zero for whichever accepts first.
/// @param maxFee Most that the answer may cost, in wei; taken now, and what it did not cost comes back.
/// @param deadline Last second in which it can be accepted and fulfilled; fulfilling has longer after a pause, see
/// {IInferenceRequests-deadlineOf}.
/// @param modeMask Mask of `1 << mode` that the answer may be evidenced in. With VANILLA in it, name a node: without, any
/// staked operator's word counts.
/// @param callbackGas Gas that the caller is called back with; 0 for no callback.
struct RequestTerms {
    bytes32 modelId;
    bytes32 inputHash;
    bytes32 contextHash;
    bytes32 nodeId;
    uint96 maxFee;
    uint40 deadline;
    uint8 modeMask;
    uint32 callbackGas;
}

/// @notice How far a request is. From Open to Accepted or an end, from Accepted to an end; an end is for ever.
enum RequestStatus {
    None,
    // Anyone who qualifies may accept, the requester may cancel.
    Open,
    // A node is at it, with a bond.
    Accepted,
    // Answered and paid.
    Fulfilled,
    // Taken back before anybody accepted.
    Cancelled,
    // Not answered in time: fee refunded, with the bond where a node had accepted.
    TimedOut,
    // Answered in time under something that is frozen: fee refunded, bond returned.
    Excused
}

/// @notice A request as it is kept; its terms, and what became of it.
/// @param requester Who asked: pays, is the receipt's payer, is refunded and called back.
/// @param maxFee See {RequestTerms}, like the hashes.
/// @param node Number of the node that is asked or has accepted; 0 while any may. `bytes32(uint256(node))` is its id.
/// @param deadline As asked; {IInferenceRequests-deadlineOf} adds pauses.
/// @param since When it was asked; once accepted, when that was.
/// @param callbackGas See {RequestTerms}, like the mask.
/// @param status See {RequestStatus}.
struct InferenceRequest {
    address requester;
    uint96 maxFee;
    bytes32 modelId;
    bytes32 inputHash;
    bytes32 contextHash;
    uint40 node;
    uint40 deadline;
    uint40 since;
    uint32 callbackGas;
    uint8 modeMask;
    RequestStatus status;
}

/// @notice The first thing in which a receipt is no answer to a request.
enum Mismatch {
    None,
    Request,
    Payer,
    Model,
    Input,
    Context,
    // Requests on chain have no channel: sequence 0.
    Sequence,
    // The mode is not in the mask.
    Mode,
    // It costs more than the maximum.
    Fee,
    // The key is of another node than the one that accepted.
    Node
}

/// @title IInferenceRequests
/// @notice Requests that are asked on chain, answered off chain and brought back: with a fee that is here before anybody
/// works, a bond of whoever accepts, and a callback. Nobody owns it, nobody can stop it (R8); anyone may carry an answer,
/// as the chain checks it (R1). Amounts are in wei of {token}.
/// @dev Every fee goes, once, to the splitter, back to its requester, or, as far as it was higher than the answer cost,
/// to both (R7, R9). The life of a request: docs/requests.md.
interface IInferenceRequests is INodeLoad {
    /// @notice A request was asked. Its input follows in {InputGiven} or {InputAt}.
    /// @param requestId keccak256(abi.encode(chainId, this contract, counter)) (R5).
    event Requested(bytes32 indexed requestId, address indexed requester, bytes32 indexed modelId, RequestTerms terms);
    /// @notice The input itself: the request's input hash was computed from it here.
    event InputGiven(bytes32 indexed requestId, bytes32 salt, bytes input);
    /// @notice Where the input is: the requester's word, which the chain has not looked at.
    event InputAt(bytes32 indexed requestId, bytes pointer);
    /// @notice A node took the request.
    /// @param keyId The key that it showed it can answer with; it may answer with another one of its own.
    /// @param bond What it loses by not answering in time.
    /// @param load Requests for the model version that it now has, this included.
    event Accepted(
        bytes32 indexed requestId,
        bytes32 indexed nodeId,
        address indexed operator,
        bytes32 keyId,
        uint256 bond,
        uint256 load
    );
    /// @notice A request was answered and paid.
    /// @param fee What the answer cost.
    /// @param rest What is credited to the requester.
    /// @param load Requests for the model version that the node still has.
    event Fulfilled(
        bytes32 indexed requestId,
        bytes32 indexed nodeId,
        bytes32 indexed receiptId,
        uint256 fee,
        uint256 rest,
        uint256 load
    );
    /// @notice The requester was called back and took the answer.
    event CallbackSucceeded(bytes32 indexed requestId);
    /// @notice The requester was called back and failed. The node is paid all the same; the requester can ask for the
    /// answer by {retryCallback}.
    event CallbackFailed(bytes32 indexed requestId, bytes32 indexed receiptId);
    /// @notice The requester took the request back.
    event Cancelled(bytes32 indexed requestId, uint256 refund);
    /// @notice Nobody answered in time.
    /// @param nodeId Who had accepted; zero for nobody, whatever node was asked.
    /// @param refund What the requester got back, the penalty included.
    /// @param penalty The bond of whoever had accepted; 0 for nobody.
    /// @param load Requests for the model version that the node still has.
    event TimedOut(bytes32 indexed requestId, bytes32 indexed nodeId, uint256 refund, uint256 penalty, uint256 load);
    /// @notice A node answered in time, and cannot be believed for now: everybody got back what they put in.
    event Excused(
        bytes32 indexed requestId,
        bytes32 indexed nodeId,
        Reason reason,
        uint256 refund,
        uint256 bond,
        uint256 load
    );
    /// @notice An account's credit changed: what it may {claim}, ask or accept with.
    event CreditChanged(address indexed account, uint256 credit);
    /// @notice An account was paid its credit.
    event Claimed(address indexed account, uint256 amount);
    /// @notice An operator lets an account accept in its name, or no longer.
    event AgentSet(address indexed operator, address indexed agent, bool allowed);
    /// @notice A fee came to those that wait for {forward}.
    /// @param settler Who brought the batch; zero for a receipt that settled alone.
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
    /// @notice Fees went to the splitter.
    event Forwarded(
        bytes32 indexed nodeId,
        bytes32 indexed modelId,
        address indexed settler,
        uint256 epoch,
        uint256 amount
    );

    /// @notice A contract that is not there.
    error InferenceRequests_ZeroAddress();
    /// @notice An amount of nothing.
    error InferenceRequests_ZeroAmount();
    /// @notice The token moved something else than it was told to.
    error InferenceRequests_TokenTookFee(uint256 asked, uint256 got);
    /// @notice A request needs a mask of known modes.
    error InferenceRequests_BadModes(uint8 modeMask);
    /// @notice A deadline is after now, at most MAX_LIFE away, and before the registry closes, if it does.
    error InferenceRequests_BadDeadline(uint256 deadline);
    /// @notice At most MAX_CALLBACK_GAS, and only a contract is called back.
    error InferenceRequests_BadCallback(uint256 callbackGas);
    /// @notice There is no such node.
    error InferenceRequests_UnknownNode(bytes32 nodeId);
    /// @notice The request is not where it would have to be for this.
    error InferenceRequests_WrongStatus(bytes32 requestId, RequestStatus status);
    /// @notice Only who asked may do this.
    error InferenceRequests_NotRequester(address requester, address caller);
    /// @notice Only the node's operator may do this, or an agent of it.
    error InferenceRequests_NotOperator(address operator, address caller);
    /// @notice It had to be done by `last`.
    error InferenceRequests_TooLate(uint256 last);
    /// @notice The request may still be fulfilled until `last`.
    error InferenceRequests_NotTimedOut(uint256 last);
    /// @notice Another node is asked.
    error InferenceRequests_OtherNode(bytes32 asked, bytes32 nodeId);
    /// @notice Not a key that can answer now: unknown, ended, distrusted or frozen.
    error InferenceRequests_KeyNotLive(bytes32 keyId);
    /// @notice The node is paused or retired.
    error InferenceRequests_NodeNotActive(bytes32 nodeId);
    /// @notice Not enough stake stands behind the node (R12).
    error InferenceRequests_StakeTooLow(bytes32 nodeId);
    /// @notice The node does not offer this model version in a mode that the request allows and the key has.
    error InferenceRequests_NotOffered(bytes32 nodeId, bytes32 modelId);
    /// @notice The node has as many requests as its offer says it takes.
    error InferenceRequests_AtCapacity(bytes32 nodeId, uint256 capacity);
    /// @notice An agent accepts from the operator's credit only, and it is smaller.
    error InferenceRequests_CreditTooSmall(address operator, uint256 credit, uint256 bond);
    /// @notice The receipt does not read as verified, or for {excuse} not as frozen.
    error InferenceRequests_NotVerified(Reason reason);
    /// @notice The receipt answers another request, or this one otherwise than asked.
    error InferenceRequests_WrongReceipt(Mismatch mismatch);
    /// @notice What was handed in is not what the receipt says was answered.
    error InferenceRequests_WrongOutput(bytes32 outputHash);
    /// @notice The gas left does not let the requester have what its request named: send more.
    error InferenceRequests_NotEnoughGas(uint256 left, uint256 callbackGas);
    /// @notice No answer to this request waits to be delivered, or another one does.
    error InferenceRequests_NothingToDeliver(bytes32 requestId);
    /// @notice The requester failed again.
    error InferenceRequests_CallbackFailed(bytes32 requestId);
    /// @notice Agents live on this account's credit: it alone has it paid out.
    error InferenceRequests_NotAccount(address account, address caller);
    /// @notice Nothing is credited to this account.
    error InferenceRequests_NothingToClaim(address account);
    /// @notice No fees wait under these.
    error InferenceRequests_NothingToForward();
    /// @notice The splitter took something else than the fees.
    error InferenceRequests_SplitterTookOther(uint256 fees, uint256 taken);

    // --------------------------------------------------------------------------------------------------- asking

    /// @notice Asks over an input that is named by its hash. Takes `maxFee` from the caller: from its credit, and what
    /// that lacks from its tokens, by an allowance.
    /// @param pointer Where nodes find the input, in any form they understand; emitted, and looked at by nobody here.
    /// @return requestId Of the receipt that will answer (R5).
    function request(RequestTerms calldata terms, bytes calldata pointer) external returns (bytes32 requestId);

    /// @notice The same over an input that is given here, as VANILLA and TEE hash it: `terms.inputHash` is ignored and
    /// computed. A node that answers can see what it is asked.
    /// @param salt Any 32 bytes. It hides nothing here: the input is public.
    function requestWithInput(
        RequestTerms calldata terms,
        bytes32 salt,
        bytes calldata input
    ) external returns (bytes32 requestId);

    /// @notice Takes a request back that nobody accepted. Requester only; it is paid at once.
    function cancel(bytes32 requestId) external;

    /// @notice Ends a request that nobody answered in time and pays the requester at once: its fee, and the bond of
    /// whoever had accepted. Open to anyone.
    /// @dev A requester that the token refuses to pay is credited.
    function timeOut(bytes32 requestId) external;

    /// @notice Has an answer delivered that the requester failed to take, with all the gas there is. Requester only, so
    /// that it alone says when an old answer still counts; the receipt must read as verified now.
    /// @param opening Of the receipt that fulfilled the request.
    function retryCallback(bytes32 requestId, Opening calldata opening, bytes calldata output) external;

    // ------------------------------------------------------------------------------------------------- answering

    /// @notice Takes a request for a node, and puts up {bondOf} its fee: from the operator's credit, and what that lacks
    /// from its tokens. Operator or agent only; an agent spends credit alone.
    /// @dev The node is active, has stake, offers the model version in a mode that the request allows and the key has, and
    /// has capacity left; and the deadline is before the registry closes, if it does.
    /// @param keyId A live key of the node: an operator key for VANILLA and ZKML, an enclave key for TEE.
    /// @param latest Last second in which this may happen: protects a transaction that waits from accepting too late.
    function accept(bytes32 requestId, bytes32 keyId, uint256 latest) external;

    /// @notice Pays for a verified answer, once (R9): its fee waits for {forward}, the rest is credited to the requester,
    /// the bond to the operator. Then calls the requester back, whose failure undoes none of it. Open to anyone.
    /// @dev Everything has happened when the requester is called; it may ask again from there. Reverts where the gas
    /// left would not give it what its request named.
    /// @param opening A verified receipt with the request's id, model version, input, context and payer, sequence 0, a mode
    /// in the mask, a fee up to the maximum, and a key of the node that accepted.
    /// @param output The answer in the form of `AnswerOutput`.
    /// @return delivered Whether the requester was called back and took it.
    function fulfil(
        bytes32 requestId,
        Opening calldata opening,
        bytes calldata output
    ) external returns (bool delivered);

    /// @notice Ends an accepted request without payment or penalty, where the node shows that it answered in time and only
    /// a freeze keeps that from being verified: a guardian's freeze costs nobody a bond (R8). Operator or agent only.
    /// @param opening A receipt that would fulfil the request and reads as frozen.
    function excuse(bytes32 requestId, Opening calldata opening) external;

    /// @notice Lets an account accept requests in the caller's name, from the caller's credit.
    function setAgent(address agent, bool allowed) external;

    // ---------------------------------------------------------------------------------------------------- money

    /// @notice Adds to an account's credit, from the caller, who has approved it. For anyone, by anyone.
    function deposit(address account, uint256 amount) external;

    /// @notice Pays an account its credit. Open to anyone, except for an account that has an agent, which calls itself; it
    /// alone is paid.
    /// @return amount What was paid; never 0.
    function claim(address account) external returns (uint256 amount);

    /// @notice Sends what waits under these to the fee splitter. Open to anyone.
    /// @param settler Zero for receipts that settled alone, and for batches without a settler.
    /// @param epoch Fee epoch of the settlement; its rates apply.
    /// @return amount What was sent; never 0.
    function forward(bytes32 nodeId, bytes32 modelId, address settler, uint256 epoch) external returns (uint256 amount);

    // -------------------------------------------------------------------------------------------------- reading

    /// @notice A request; status None where there is none.
    function inferenceRequest(bytes32 requestId) external view returns (InferenceRequest memory);

    /// @notice Last second in which a request can be fulfilled: its deadline, and later where settlement was paused since
    /// it was accepted (R8). Never less than the paused time is added, and never more than a day.
    /// @dev The registry keeps when its last pause ends, not when it began: a pause that was ended early counts as if it had
    /// begun a day before its end. Since a pause begins 8 days after the one before, at the earliest, a request of at most
    /// {MAX_LIFE} meets one.
    function deadlineOf(bytes32 requestId) external view returns (uint256);

    /// @notice What a node puts up for a request of this maximum: BOND_BPS of it, rounded up, and at least BOND_FLOOR.
    function bondOf(uint256 maxFee) external view returns (uint256);

    /// @notice Receipt of an answer that the requester failed to take; 0 where none waits.
    function undelivered(bytes32 requestId) external view returns (bytes32 receiptId);

    /// @notice How many requests were asked; their counters begin with 0.
    function requestCount() external view returns (uint256);

    /// @notice What an account may {claim}, ask or accept with.
    function credit(address account) external view returns (uint256);

    /// @notice Whether an account may accept in an operator's name.
    function isAgent(address operator, address agent) external view returns (bool);

    /// @notice What waits for {forward}.
    function fees(bytes32 nodeId, bytes32 modelId, address settler, uint256 epoch) external view returns (uint256);

    /// @notice The token that is held here.
    function token() external view returns (IERC20);

    /// @notice Who says whether a receipt is verified.
    function inferenceRegistry() external view returns (IInferenceRegistry);

    /// @notice Who says what a node is, offers and signs with.
    function nodeRegistry() external view returns (INodeRegistry);

    /// @notice Who says which enclave keys a node has.
    function enclaveRegistry() external view returns (IKeyRegistry);

    /// @notice Where fees go.
    function feeSplitter() external view returns (IFeeSplitter);

    /// @notice Most seconds from asking to the deadline: 7 days.
    function MAX_LIFE() external view returns (uint256);

    /// @notice Most gas that a callback is given: 2,000,000.
    function MAX_CALLBACK_GAS() external view returns (uint256);

    /// @notice Part of the maximum fee that a bond is, in basis points: 1,000.
    function BOND_BPS() external view returns (uint256);

    /// @notice Least bond: 1 OPG.
    function BOND_FLOOR() external view returns (uint256);
}
