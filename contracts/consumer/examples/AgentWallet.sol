// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";
import {PolicyEntry, UncheckedFunction} from "../../interfaces/IInferencePolicies.sol";
import {IInferenceRegistry} from "../../interfaces/IInferenceRegistry.sol";
import {Artifact, Opening} from "../../interfaces/InferenceTypes.sol";
import {ReceiptLib} from "../../verification/ReceiptLib.sol";
import {ArtifactHash, ArtifactKinds} from "../ArtifactHash.sol";
import {Accept, InferenceConsumer, Policies, StatedConsumer} from "../StatedConsumer.sol";

/// @title AgentWallet
/// @notice A wallet that a model acts through. The wallet asks; the answer commits to the hash of one action; exactly that
/// action is carried out, once, by whoever brings the receipt. A small action takes the word of an attested enclave
/// (TEE), a large one a proof (ZKML). An operator's signature alone (VANILLA) never moves anything.
///
/// An action is measured by what it moves: native coin by plain transfer, or a token that the owner listed by its
/// `transfer`, the only function of a listed token that an action may call. Every other call needs the owner's leave for
/// that function of that contract, and as nothing here can measure it, it counts as large, whatever it moves. What all
/// actions move of an asset within any period is limited.
///
/// What is trusted: with small actions the enclave's vendor and image, with large ones the circuit; and who asks, the
/// owner or the agent, for the question (R11). What is not: nodes, relayers, whoever brings a receipt. The owner may
/// withdraw everything and stop the agent at any time, and nobody else can.
/// @dev An example. Compiles from 0.8.27 on, as OpenZeppelin's RateLimiter does. Receipts that rest on a memory snapshot
/// are refused.
contract AgentWallet is StatedConsumer {
    using RateLimiter for RateLimiter.SlidingWindow;
    using SafeERC20 for IERC20;

    /// @notice What is carried out.
    /// @param target Who is called or paid.
    /// @param value Native coin that goes with it, in wei.
    /// @param data Calldata, to the byte; empty for a plain transfer.
    /// @param nonce Number of the request that it answers.
    struct Action {
        address target;
        uint256 value;
        bytes data;
        uint256 nonce;
    }

    /// @notice What actions may move of an asset, in base units.
    /// @param listed Whether actions may move it.
    /// @param small Up to this, an enclave's word is enough.
    /// @param most More than this, no single action may move.
    struct Limit {
        bool listed;
        uint120 small;
        uint120 most;
    }

    /// @notice The native coin, among assets.
    address public constant NATIVE = address(0);
    bytes32 public constant ACTION_TYPEHASH = keccak256(
        "Action(uint256 chainId,address wallet,address target,uint256 value,bytes32 dataHash,uint256 nonce)"
    );

    address public immutable owner;
    /// @notice May ask, and nothing else.
    address public immutable agent;
    /// @notice Answers for small actions, in an enclave: one tool call, whose bytes are the encoded action.
    bytes32 public immutable enclaveModel;
    /// @notice Answers for actions of any size, proved: its last two outputs are the action's hash, 128 bits each.
    bytes32 public immutable provedModel;
    /// @notice Seconds an answer counts, and a request stays open.
    uint256 public immutable maxAge;
    /// @notice Seconds a proved answer must have been settled for: time for the owner, and for a compromise to be known.
    uint256 public immutable largeRest;
    /// @notice Seconds within any of which the limits hold.
    uint48 public immutable period;

    /// @notice Whether the agent is stopped.
    bool public stopped;
    /// @notice Requests before this one are void.
    uint256 public firstNonce;
    mapping(uint256 nonce => uint256) public openUntil;
    mapping(address asset => Limit) public limits;
    mapping(address target => mapping(bytes4 selector => bool)) public isAllowed;

    /// @dev A window of its own for each asset, as each has its own limit.
    mapping(address asset => RateLimiter.SlidingWindow) private _spent;

    event Asked(uint256 indexed nonce, bytes32 indexed requestId, uint256 openUntil);
    event Cancelled(uint256 indexed nonce);
    event Executed(
        uint256 indexed nonce,
        bytes32 indexed actionHash,
        address indexed target,
        address asset,
        uint256 amount,
        uint256 stillAvailable
    );
    event LimitSet(address indexed asset, uint256 small, uint256 most, uint256 perPeriod);
    event CallAllowed(address indexed target, bytes4 indexed selector, bool allowed);
    event Stopped(uint256 firstNonce);
    event Resumed();
    event Withdrawn(address indexed asset, address indexed to, uint256 amount);

    error AgentWallet_BadTerms();
    error AgentWallet_NotAllowed(address caller);
    error AgentWallet_IsStopped();
    /// @notice The next request has another number: somebody asked in between, and the question names the wrong one.
    error AgentWallet_WrongNonce(uint256 expected, uint256 given);
    /// @notice There is no such request, or it was cancelled, or it is too late.
    error AgentWallet_NotOpen(uint256 nonce);
    error AgentWallet_BadLimit(uint256 small, uint256 most, uint256 perPeriod);
    /// @notice The owner did not list the asset.
    error AgentWallet_NotListed(address asset);
    /// @notice The owner did not allow this function of this contract, or nobody may.
    error AgentWallet_ForbiddenCall(address target, bytes4 selector);
    /// @notice More than one action may move.
    error AgentWallet_OverLimit(address asset, uint256 amount, uint256 most);
    /// @notice More than is left of the period.
    error AgentWallet_OverPeriod(address asset, uint256 amount, uint256 available);
    /// @notice An enclave's word is not enough for this.
    error AgentWallet_NeedsProof(address asset, uint256 amount);
    /// @notice The proved answer is another action, or none.
    error AgentWallet_OtherAction(bytes32 answered, bytes32 given);

    modifier onlyOwner() {
        if (msg.sender != owner) revert AgentWallet_NotAllowed(msg.sender);
        _;
    }

    constructor(
        IInferenceRegistry registry,
        address owner_,
        address agent_,
        bytes32 enclaveModel_,
        bytes32 provedModel_,
        uint256 maxAge_,
        uint256 largeRest_,
        uint48 period_
    ) InferenceConsumer(registry) {
        bool bad = owner_ == address(0) || maxAge_ == 0 || maxAge_ > 30 days || largeRest_ >= maxAge_ || period_ == 0;
        if (bad) revert AgentWallet_BadTerms();
        owner = owner_;
        agent = agent_;
        enclaveModel = enclaveModel_;
        provedModel = provedModel_;
        maxAge = maxAge_;
        largeRest = largeRest_;
        period = period_;
    }

    /// @notice Whoever wants may add to it.
    receive() external payable {}

    // ------------------------------------------------------------------------------------------------ acting

    /// @notice Asks the model what to do. Owner or agent only.
    /// @param nonce The number that the question names, as the action must: {inferenceRequestCount} at this moment.
    /// @param inputHash Hash of the question.
    function ask(uint256 nonce, bytes32 inputHash) external returns (bytes32 requestId) {
        if (msg.sender != owner && msg.sender != agent) revert AgentWallet_NotAllowed(msg.sender);
        if (stopped) revert AgentWallet_IsStopped();
        if (nonce != inferenceRequestCount) revert AgentWallet_WrongNonce(inferenceRequestCount, nonce);
        requestId = _openRequest(inputHash);
        openUntil[nonce] = block.timestamp + maxAge;
        emit Asked(nonce, requestId, openUntil[nonce]);
    }

    /// @notice Carries out a small action on an enclave's word. Open to anyone.
    /// @param artifacts All that was answered: the action is its only tool call (R6).
    function executeAttested(Action calldata action, Opening calldata opening, Artifact[] calldata artifacts) external {
        (address asset, uint256 amount, bool isSmall) = sizeOf(action);
        if (!isSmall) revert AgentWallet_NeedsProof(asset, amount);
        bytes32 hash = actionHash(action);
        _consumeVerified(opening, _statedPolicy().onRequest(_openRequestOf(action.nonce)));
        ArtifactHash.requireOnly(opening.receipt, artifacts, ArtifactKinds.TOOL_CALLS, hash);
        _execute(action, hash, asset, amount);
    }

    /// @notice Carries out an action of any size within the limits on a proof. Open to anyone.
    /// @param outputs The model's outputs. A model that decides against acting ends them otherwise.
    function executeProved(Action calldata action, Opening calldata opening, uint256[] calldata outputs) external {
        (address asset, uint256 amount, ) = sizeOf(action);
        bytes32 hash = actionHash(action);
        _consumeVerified(opening, _statedPolicy().onRequest(_openRequestOf(action.nonce)));
        _requireCircuitOutputs(opening.receipt, outputs);
        uint256 n = outputs.length;
        bool halves = n > 1 && outputs[n - 2] <= type(uint128).max && outputs[n - 1] <= type(uint128).max;
        bytes32 answered = halves ? bytes32((outputs[n - 2] << 128) | outputs[n - 1]) : bytes32(0);
        if (answered != hash) revert AgentWallet_OtherAction(answered, hash);
        _execute(action, hash, asset, amount);
    }

    /// @notice Hash of an action of this wallet on this chain: keccak256 of {encodedAction}.
    function actionHash(Action calldata action) public view returns (bytes32) {
        return keccak256(encodedAction(action));
    }

    /// @notice The bytes that an enclave's model answers with as its tool call.
    function encodedAction(Action calldata action) public view returns (bytes memory) {
        return
            abi.encode(
                ACTION_TYPEHASH,
                block.chainid,
                address(this),
                action.target,
                action.value,
                keccak256(action.data),
                action.nonce
            );
    }

    /// @notice What an action moves, and whether an enclave's word is enough for it. Reverts if it may not be at all.
    function sizeOf(Action calldata action) public view returns (address asset, uint256 amount, bool isSmall) {
        if (action.data.length == 0) {
            (asset, amount) = (NATIVE, action.value);
            return (asset, amount, amount <= _limitOf(asset, amount).small);
        }
        bytes4 selector = action.data.length < 4 ? bytes4(0) : bytes4(action.data[:4]);
        if (limits[action.target].listed) {
            bool plain = selector == IERC20.transfer.selector && action.data.length == 68 && action.value == 0;
            if (!plain) revert AgentWallet_ForbiddenCall(action.target, selector);
            (, amount) = abi.decode(action.data[4:], (address, uint256));
            asset = action.target;
            return (asset, amount, amount <= _limitOf(asset, amount).small);
        }
        bool allowed = action.data.length >= 4 && isAllowed[action.target][selector];
        // Itself has no function that it could use, and must not get one by inheritance.
        if (!allowed || action.target == address(this)) revert AgentWallet_ForbiddenCall(action.target, selector);
        if (action.value != 0) _limitOf(NATIVE, action.value);
        return (NATIVE, action.value, false);
    }

    /// @notice What is left of an asset's limit for the period that ends now.
    function available(address asset) public view returns (uint256) {
        return _spent[asset].available(0);
    }

    function _openRequestOf(uint256 nonce) private view returns (bytes32) {
        if (stopped) revert AgentWallet_IsStopped();
        if (nonce < firstNonce || block.timestamp > openUntil[nonce]) revert AgentWallet_NotOpen(nonce);
        return ReceiptLib.onChainRequestId(address(this), nonce);
    }

    function _limitOf(address asset, uint256 amount) private view returns (Limit memory limit) {
        limit = limits[asset];
        if (!limit.listed) revert AgentWallet_NotListed(asset);
        if (amount > limit.most) revert AgentWallet_OverLimit(asset, amount, limit.most);
    }

    /// @dev The request is marked as used and the amount as spent before anybody is called: who calls back in finds
    /// another request's action or nothing.
    function _execute(Action calldata action, bytes32 hash, address asset, uint256 amount) private {
        if (!_spent[asset].tryConsume(0, amount)) revert AgentWallet_OverPeriod(asset, amount, available(asset));
        emit Executed(action.nonce, hash, action.target, asset, amount, available(asset));
        if (action.data.length == 0) {
            Address.sendValue(payable(action.target), action.value);
        } else if (limits[action.target].listed) {
            (address to, uint256 sent) = abi.decode(action.data[4:], (address, uint256));
            // The same bytes, and a token that says false has not paid.
            IERC20(action.target).safeTransfer(to, sent);
        } else {
            Address.functionCallWithValue(action.target, action.data, action.value);
        }
    }

    // ------------------------------------------------------------------------------------------------ the owner

    /// @notice Takes out any asset, stopped or not.
    function withdraw(address asset, address to, uint256 amount) external onlyOwner {
        emit Withdrawn(asset, to, amount);
        if (asset == NATIVE) Address.sendValue(payable(to), amount);
        else IERC20(asset).safeTransfer(to, amount);
    }

    /// @notice Stops the agent, and voids every request that is open.
    function stop() external onlyOwner {
        stopped = true;
        firstNonce = inferenceRequestCount;
        emit Stopped(firstNonce);
    }

    /// @notice Lets the agent ask again.
    function resume() external onlyOwner {
        stopped = false;
        emit Resumed();
    }

    /// @notice Voids a request.
    function cancel(uint256 nonce) external onlyOwner {
        if (openUntil[nonce] == 0) revert AgentWallet_NotOpen(nonce);
        openUntil[nonce] = 0;
        emit Cancelled(nonce);
    }

    /// @notice Lists an asset and says how much of it may move. What moved before still counts.
    function setLimit(address asset, uint120 small, uint120 most, uint208 perPeriod) external onlyOwner {
        if (small > most || most > perPeriod) revert AgentWallet_BadLimit(small, most, perPeriod);
        limits[asset] = Limit(true, small, most);
        _spent[asset].updateSettings(period, perPeriod);
        emit LimitSet(asset, small, most, perPeriod);
    }

    /// @notice Lets proved actions call a function of a contract, or no longer. Whatever that function can do with what the
    /// wallet has there, a proved answer can do then, and the limits do not see it.
    function allowCall(address target, bytes4 selector, bool allowed) external onlyOwner {
        isAllowed[target][selector] = allowed;
        emit CallAllowed(target, selector, allowed);
    }

    // ------------------------------------------------------------------------------------------------ what it states

    /// @inheritdoc StatedConsumer
    function _policies() internal view override returns (PolicyEntry[] memory entries) {
        entries = new PolicyEntry[](2);
        entries[0] = PolicyEntry(
            this.executeAttested.selector,
            Policies.accept(Accept.TEE, enclaveModel, maxAge).statesRequest()
        );
        entries[1] = PolicyEntry(
            this.executeProved.selector,
            Policies.accept(Accept.ZKML, provedModel, maxAge).statesRequest().settledFor(largeRest)
        );
    }

    /// @inheritdoc StatedConsumer
    function _unchecked() internal pure override returns (UncheckedFunction[] memory list) {
        list = new UncheckedFunction[](7);
        list[0].selector = this.ask.selector;
        list[1].selector = this.withdraw.selector;
        list[2].selector = this.stop.selector;
        list[3].selector = this.resume.selector;
        list[4].selector = this.cancel.selector;
        list[5].selector = this.setLimit.selector;
        list[6].selector = this.allowCall.selector;
    }
}
