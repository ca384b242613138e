// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {PolicyEntry, UncheckedFunction} from "../../interfaces/IInferencePolicies.sol";
import {IInferenceRegistry} from "../../interfaces/IInferenceRegistry.sol";
import {Opening, SignedReceipt} from "../../interfaces/InferenceTypes.sol";
import {ProvisionalConsumer} from "../ProvisionalConsumer.sol";
import {Accept, InferenceConsumer, Policies, Policy, StatedConsumer} from "../StatedConsumer.sol";

/// @title FastClaims
/// @notice Insurance that pays a claim the moment a model has assessed it, and has the proof afterwards. The insurer opens
/// a claim over the input that is to be assessed; the claimant, or whom it named, brings the signed assessment, puts up a
/// bond for it, and the claim is paid in that transaction. The proof frees the bond; without one, it replaces what was
/// paid. With the proof in hand a claim is paid without any bond, whoever brings it.
///
/// What is trusted: the insurer, with the input of a claim and with money being there; the model version and its
/// circuit. What is not: nodes, relayers, claimants. Unproved assessments cost the insurer nothing but time.
/// @dev An example of acting provisionally. The token must neither take a fee on transfer nor rebase.
contract FastClaims is ProvisionalConsumer {
    using SafeERC20 for IERC20;

    /// @param claimant Who is insured.
    /// @param cover For how much at most, in base units of the token.
    /// @param submitter Who else may have it paid on a signature; the claimant's choice.
    struct Claim {
        address claimant;
        uint96 cover;
        address submitter;
    }

    address public immutable insurer;
    /// @notice Assesses claims: one input, the first output is what is due in base units.
    bytes32 public immutable model;
    /// @notice Seconds that an assessment counts before it is acted on.
    uint256 public immutable maxAge;

    /// @notice The insurer's money here.
    uint256 public pool;
    mapping(bytes32 requestId => Claim) public claims;

    event PoolChanged(uint256 pool);
    event ClaimOpened(bytes32 indexed requestId, address indexed claimant, uint256 cover);
    event SubmitterNamed(bytes32 indexed requestId, address submitter);
    event ClaimPaid(bytes32 indexed requestId, address indexed claimant, uint256 amount, uint256 pool);

    error FastClaims_NotAllowed(address caller);
    error FastClaims_BadTerms();
    /// @notice There is less than `needed` in the pool.
    error FastClaims_PoolTooSmall(uint256 pool, uint256 needed);

    constructor(
        IInferenceRegistry registry,
        IERC20 token,
        address insurer_,
        bytes32 model_,
        uint256 maxAge_,
        uint256 maxValue_,
        uint256 maxOutstanding_,
        uint256 window_
    ) InferenceConsumer(registry) ProvisionalConsumer(token, maxValue_, maxOutstanding_, window_) {
        if (insurer_ == address(0) || maxAge_ == 0 || maxAge_ > 365 days) revert FastClaims_BadTerms();
        insurer = insurer_;
        model = model_;
        maxAge = maxAge_;
    }

    /// @notice Adds to the pool. Open to anyone.
    function fund(uint256 amount) external {
        pool += amount;
        emit PoolChanged(pool);
        bondToken.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Takes out of the pool; bonds are not in it.
    function withdrawPool(uint256 amount) external {
        _requireInsurer();
        _spend(amount);
        emit PoolChanged(pool);
        bondToken.safeTransfer(insurer, amount);
    }

    /// @notice Takes a claim on. The insurer chooses what is assessed, or a claimant would claim what pays best (R11).
    /// @param inputHash Of the claim's facts, as the receipt will carry it.
    function openClaim(address claimant, uint96 cover, bytes32 inputHash) external returns (bytes32 requestId) {
        _requireInsurer();
        if (claimant == address(0) || cover == 0) revert FastClaims_BadTerms();
        requestId = _openRequest(inputHash);
        claims[requestId] = Claim(claimant, cover, address(0));
        emit ClaimOpened(requestId, claimant, cover);
    }

    /// @notice Lets somebody else put up the bond. The claimant's alone: see {payOnSignature}.
    function nameSubmitter(bytes32 requestId, address submitter) external {
        Claim storage known = claims[requestId];
        if (msg.sender != known.claimant) revert FastClaims_NotAllowed(msg.sender);
        known.submitter = submitter;
        emit SubmitterNamed(requestId, submitter);
    }

    /// @notice Pays a claim on a signed assessment, against the caller's bond. For the claimant and whom it named only: a
    /// claim is paid once, so a stranger with any key's signature could use it up for an amount next to nothing.
    /// @param signed The assessment by an enclave, or by a node that is still proving it.
    /// @param outputs The model's outputs.
    function payOnSignature(SignedReceipt calldata signed, uint256[] calldata outputs) external {
        Claim storage known = claims[signed.receipt.requestId];
        if (msg.sender != known.claimant && msg.sender != known.submitter) revert FastClaims_NotAllowed(msg.sender);
        _requireCircuitOutputs(signed.receipt, outputs);
        uint256 due = _due(signed.receipt.requestId, outputs[0]);
        _actProvisionally(signed, due);
        _pay(signed.receipt.requestId, due);
    }

    /// @notice Pays a claim on a proved assessment; nobody needs a bond for that. Open to anyone.
    function payOnProof(Opening calldata opening, uint256[] calldata outputs) external {
        bytes32 requestId = opening.receipt.requestId;
        _consumeVerified(opening, _statedPolicy().onRequest(requestId));
        _requireCircuitOutputs(opening.receipt, outputs);
        _pay(requestId, _due(requestId, outputs[0]));
    }

    function _due(bytes32 requestId, uint256 assessed) private view returns (uint256) {
        return Math.min(assessed, claims[requestId].cover);
    }

    function _pay(bytes32 requestId, uint256 amount) private {
        address claimant = claims[requestId].claimant;
        _spend(amount);
        emit ClaimPaid(requestId, claimant, amount, pool);
        bondToken.safeTransfer(claimant, amount);
    }

    function _spend(uint256 amount) private {
        if (amount > pool) revert FastClaims_PoolTooSmall(pool, amount);
        pool -= amount;
    }

    function _requireInsurer() private view {
        if (msg.sender != insurer) revert FastClaims_NotAllowed(msg.sender);
    }

    // ---------------------------------------------------------------------------------------------- the waiting

    /// @inheritdoc ProvisionalConsumer
    function _signedPolicy(bytes32 requestId) internal view override returns (Policy memory) {
        return Policies.accept(Accept.TEE | Accept.ZKML, model, maxAge).onRequest(requestId);
    }

    /// @inheritdoc ProvisionalConsumer
    function _finalPolicy(bytes32 requestId) internal view override returns (Policy memory) {
        return Policies.accept(Accept.ZKML, model, type(uint256).max).onRequest(requestId);
    }

    /// @inheritdoc ProvisionalConsumer
    function _onFinal(bytes32) internal override {}

    /// @inheritdoc ProvisionalConsumer
    function _onUnwound(bytes32, uint256 compensation) internal override {
        pool += compensation;
        emit PoolChanged(pool);
    }

    // ---------------------------------------------------------------------------------------------- what it states

    /// @inheritdoc StatedConsumer
    function _policies() internal view override returns (PolicyEntry[] memory entries) {
        entries = new PolicyEntry[](3);
        entries[0] = PolicyEntry(this.payOnProof.selector, Policies.accept(Accept.ZKML, model, maxAge).statesRequest());
        Policy memory end = Policies.accept(Accept.ZKML, model, type(uint256).max).statesRequest();
        entries[1] = PolicyEntry(this.finalise.selector, end);
        entries[2] = PolicyEntry(this.contradict.selector, end);
    }

    /// @inheritdoc StatedConsumer
    function _unchecked() internal pure override returns (UncheckedFunction[] memory list) {
        list = new UncheckedFunction[](8);
        list[0].selector = this.fund.selector;
        list[1].selector = this.withdrawPool.selector;
        list[2].selector = this.openClaim.selector;
        list[3].selector = this.claim.selector;
        // Acts on a signature within the bond; what decides is the proof that {finalise} asks for, or its absence.
        list[4] = UncheckedFunction(this.payOnSignature.selector, this.finalise.selector);
        list[5] = UncheckedFunction(this.unwind.selector, this.finalise.selector);
        list[7].selector = this.nameSubmitter.selector;
        list[6] = UncheckedFunction(this.postpone.selector, this.finalise.selector);
    }
}
