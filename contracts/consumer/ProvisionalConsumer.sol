// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IEnclaveRegistry, MeasurementState} from "../interfaces/IEnclaveRegistry.sol";
import {IEvidenceRegistries} from "../interfaces/IEvidenceRegistries.sol";
import {IInferenceRegistry} from "../interfaces/IInferenceRegistry.sol";
import {KeyState} from "../interfaces/IKeyRegistry.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IProvisionalConsumer, ProvisionalEffect, ProvisionalState} from "../interfaces/IProvisionalConsumer.sol";
import {KeyKinds, Modes, Opening, Reason, Receipt, SignedReceipt, Verification} from "../interfaces/InferenceTypes.sol";
import {Policy, StatedConsumer} from "./StatedConsumer.sol";

/// @title ProvisionalConsumer
/// @notice Inherit this to act on an answer as soon as it is signed. See {IProvisionalConsumer}; an example is
/// examples/FastClaims.sol, a guide docs/examples.md.
/// @dev A contract that inherits says under which policy a signature is acted on ({_signedPolicy}) and under which a
/// receipt ends the waiting ({_finalPolicy}). Both should depend on nothing that changes while an effect waits. It calls
/// {_actProvisionally} before it has its effect, and is told of the end by {_onFinal} or {_onUnwound}. The effect itself
/// need not be undone: the bond has its value in it, and more. So state the most that an effect can cost, in bond tokens.
/// A request has one effect, so who may submit decides which signed answer it is. Where an answer that is too small harms
/// somebody, let only them submit: the bond covers what an effect costs, not what somebody did not get.
/// State {_finalPolicy} for {finalise} and {contradict}, with any maximum age; the function that acts on a signature
/// belongs in {_unchecked} and rests on {finalise}, as by itself it checks nothing that is proved.
abstract contract ProvisionalConsumer is StatedConsumer, IProvisionalConsumer {
    using SafeERC20 for IERC20;

    /// @notice Evidence that has not settled 3 days after completion never does (R4).
    uint256 public constant MAX_WINDOW = 3 days;
    /// @notice What a bond holds beyond the value, in basis points: half for who unwinds, half for who is harmed, so that
    /// nobody unwinds their own effect for free.
    uint256 public constant SURPLUS_BPS = 1_000;

    uint256 private constant BASIS_POINTS = 10_000;
    /// @dev Of the registry: clocks of signers, and the longest pause and freeze there can be (R4, R8).
    uint256 private constant MAX_SKEW = 5 minutes;
    uint256 private constant MAX_PAUSE = 1 days;
    uint256 private constant MAX_FREEZE = 10 days;

    INodeRegistry private immutable _nodes;
    IEnclaveRegistry private immutable _enclaves;

    /// @inheritdoc IProvisionalConsumer
    IERC20 public immutable bondToken;
    /// @inheritdoc IProvisionalConsumer
    uint256 public immutable maxValue;
    /// @inheritdoc IProvisionalConsumer
    uint256 public immutable maxOutstanding;
    /// @inheritdoc IProvisionalConsumer
    uint256 public immutable window;

    /// @inheritdoc IProvisionalConsumer
    uint256 public outstanding;
    /// @inheritdoc IProvisionalConsumer
    uint256 public obligations;
    /// @inheritdoc IProvisionalConsumer
    mapping(address account => uint256) public creditOf;

    mapping(bytes32 requestId => ProvisionalEffect) private _effects;

    /// @param token Plain ERC-20: no fee on transfer, no rebasing.
    /// @param maxValue_ See {maxValue}; in base units of the token, as is the next.
    /// @param maxOutstanding_ See {maxOutstanding}.
    /// @param window_ See {window}.
    constructor(IERC20 token, uint256 maxValue_, uint256 maxOutstanding_, uint256 window_) {
        if (maxValue_ == 0 || maxOutstanding_ < maxValue_ || window_ == 0 || window_ > MAX_WINDOW)
            revert ProvisionalConsumer_BadLimits(maxValue_, maxOutstanding_, window_);
        bondToken = token;
        maxValue = maxValue_;
        maxOutstanding = maxOutstanding_;
        window = window_;
        IEvidenceRegistries registries = IEvidenceRegistries(address(inferenceRegistry));
        _nodes = registries.nodeRegistry();
        _enclaves = registries.enclaveRegistry();
    }

    // ---------------------------------------------------------------------------------------------- what others see

    /// @inheritdoc IProvisionalConsumer
    function provisionalEffect(bytes32 requestId) external view returns (ProvisionalEffect memory) {
        return _effects[requestId];
    }

    /// @inheritdoc IProvisionalConsumer
    function provisionalState(bytes32 requestId) external view returns (ProvisionalState) {
        return _effects[requestId].state;
    }

    /// @inheritdoc IProvisionalConsumer
    function deadlineOf(bytes32 requestId) public view returns (uint256 deadline) {
        ProvisionalEffect storage effect = _effects[requestId];
        deadline = effect.deadline;
        if (deadline == 0) return 0;
        (uint256 pausedUntil, ) = inferenceRegistry.settlementStatus();
        // A pause that began after the deadline, left to run its time, ends later than this.
        bool fellInto = pausedUntil > effect.actedAt && pausedUntil <= deadline + MAX_PAUSE;
        if (fellInto) deadline = Math.max(deadline, pausedUntil + window);
    }

    /// @inheritdoc IProvisionalConsumer
    function bondFor(uint256 value) public pure returns (uint256) {
        return value + Math.ceilDiv(value * SURPLUS_BPS, BASIS_POINTS);
    }

    // ---------------------------------------------------------------------------------------------- acting

    /// @dev Takes the bond of the caller and lets the effect happen, or reverts. Have the effect after this returns: by
    /// then the request is marked as used.
    /// @param signed The receipt and its signature; its proof is not looked at, as there may be none yet.
    /// @param value What the effect can cost at most, in bond tokens.
    function _actProvisionally(SignedReceipt calldata signed, uint256 value) internal {
        Receipt calldata receipt = signed.receipt;
        bytes32 requestId = receipt.requestId;
        if (value == 0 || value > maxValue) revert ProvisionalConsumer_BadValue(value, maxValue);
        uint256 total = outstanding + value;
        if (total > maxOutstanding) revert ProvisionalConsumer_TooMuchOutstanding(total, maxOutstanding);
        uint256 deadline = block.timestamp + window;
        (, uint256 closesAt) = inferenceRegistry.settlementStatus();
        if (closesAt != 0 && closesAt <= deadline) revert ProvisionalConsumer_RegistryCloses(closesAt);
        _markUsed(requestId);
        bytes32 receiptId = _requireSigned(signed, _signedPolicy(requestId));

        uint256 bond = bondFor(value);
        outstanding = total;
        obligations += bond;
        _effects[requestId] = ProvisionalEffect({
            submitter: msg.sender,
            value: SafeCast.toUint96(value),
            state: ProvisionalState.Provisional,
            postponed: false,
            actedAt: uint40(block.timestamp),
            deadline: uint40(deadline),
            bond: SafeCast.toUint96(bond),
            receiptId: receiptId
        });
        emit InferenceUsed(requestId, receiptId);
        emit ActedProvisionally(requestId, receiptId, msg.sender, value, bond, deadline, total);
        _takeBond(bond);
    }

    /// @notice Reverts unless the receipt would settle now by its signature, and meets the policy. Whether its answer is
    /// true is what the bond is for.
    function _requireSigned(
        SignedReceipt calldata signed,
        Policy memory policy
    ) internal view returns (bytes32 receiptId) {
        Receipt calldata receipt = signed.receipt;
        _requireAcceptable(receipt, policy);
        if (policy.minSettled != 0) revert InferenceConsumer_TooFresh(0, policy.minSettled);
        if (block.timestamp > receipt.completedAt + policy.maxAge)
            revert InferenceConsumer_TooOld(receipt.completedAt, policy.maxAge);
        receiptId = inferenceRegistry.receiptId(receipt);
        Reason reason = _whyNotSigned(receipt, receiptId, signed.signature);
        if (reason != Reason.None) revert ProvisionalConsumer_NotSigned(receiptId, reason);
    }

    function _whyNotSigned(
        Receipt calldata receipt,
        bytes32 receiptId,
        bytes calldata signature
    ) private view returns (Reason) {
        bool enclave = receipt.mode == Modes.TEE;
        (address signer, KeyState memory key) = enclave
            ? _enclaves.signingKey(receipt.keyId)
            : _nodes.signingKey(receipt.keyId);
        if (key.validFrom == 0) return Reason.UnknownKey;
        if ((key.kind != KeyKinds.OPERATOR) != enclave) return Reason.KeyForbidsMode;
        (address recovered, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(receiptId, signature);
        if (problem != ECDSA.RecoverError.NoError || recovered != signer) return Reason.BadSignature;
        if (receipt.completedAt > block.timestamp + MAX_SKEW) return Reason.CompletedInFuture;
        if (receipt.completedAt < key.validFrom || receipt.completedAt > key.validUntil)
            return Reason.OutsideKeyValidity;
        if (block.timestamp >= key.distrustedFrom) return Reason.KeyDistrusted;
        if (block.timestamp < key.frozenUntil) return Reason.KeyFrozen;
        return enclave ? _whyNotMeasured(receipt) : Reason.None;
    }

    function _whyNotMeasured(Receipt calldata receipt) private view returns (Reason) {
        (, MeasurementState memory image) = _enclaves.enclaveState(receipt.keyId, receipt.modelId);
        bool approved =
            image.approvedFrom != 0 &&
                receipt.completedAt >= image.approvedFrom &&
                receipt.completedAt <= image.approvedUntil;
        if (!approved) return Reason.MeasurementNotApproved;
        if (block.timestamp >= image.distrustedFrom) return Reason.MeasurementDistrusted;
        return block.timestamp < image.frozenUntil ? Reason.MeasurementFrozen : Reason.None;
    }

    function _takeBond(uint256 bond) private {
        uint256 before = bondToken.balanceOf(address(this));
        bondToken.safeTransferFrom(msg.sender, address(this), bond);
        uint256 received = bondToken.balanceOf(address(this)) - before;
        if (received != bond) revert ProvisionalConsumer_TokenTookFee(bond, received);
    }

    // ---------------------------------------------------------------------------------------------- the end of it

    /// @inheritdoc IProvisionalConsumer
    function finalise(Receipt calldata acted, Opening calldata opening) external {
        (bytes32 requestId, bytes32 actedOn) = _requireActed(acted);
        bytes32 verified = _requireFinal(opening, requestId);
        Receipt calldata receipt = opening.receipt;
        bool same = receipt.requestId == requestId && _isSameQuestion(acted, receipt) && _isSameAnswer(acted, receipt);
        if (!same) revert ProvisionalConsumer_OtherAnswer(actedOn, verified);

        ProvisionalEffect storage effect = _effects[requestId];
        effect.state = ProvisionalState.Final;
        outstanding -= effect.value;
        // Held for the submitter as it was for the effect, so what is owed does not change.
        _creditHeld(effect.submitter, effect.bond);
        emit BecameFinal(requestId, verified, outstanding);
        _onFinal(requestId);
    }

    /// @inheritdoc IProvisionalConsumer
    function unwind(bytes32 requestId) external {
        _requireProvisional(requestId);
        uint256 deadline = deadlineOf(requestId);
        if (block.timestamp <= deadline) revert ProvisionalConsumer_StillTime(deadline);
        _unwind(requestId);
    }

    /// @inheritdoc IProvisionalConsumer
    function contradict(Receipt calldata acted, Opening calldata opening) external {
        (bytes32 requestId, bytes32 actedOn) = _requireActed(acted);
        Receipt calldata receipt = opening.receipt;
        bytes32 verified;
        bool contradicts;
        if (receipt.keyId == acted.keyId) {
            // Whatever the policies: a key that said two things is not believed in either.
            verified = _requireTrusted(opening);
            contradicts =
                receipt.modelId != acted.modelId ||
                !_isSameQuestion(acted, receipt) ||
                receipt.outputHash != acted.outputHash;
        } else {
            verified = _requireFinal(opening, requestId);
            contradicts =
                receipt.mode == Modes.ZKML &&
                receipt.modelId == acted.modelId &&
                _isSameQuestion(acted, receipt) &&
                receipt.outputScheme == acted.outputScheme &&
                receipt.outputHash != acted.outputHash;
        }
        if (!contradicts || receipt.requestId != requestId)
            revert ProvisionalConsumer_NoContradiction(actedOn, verified);
        _unwind(requestId);
    }

    /// @inheritdoc IProvisionalConsumer
    function postpone(Opening calldata opening) external {
        bytes32 requestId = opening.receipt.requestId;
        ProvisionalEffect storage effect = _effects[requestId];
        _requireProvisional(requestId);
        Verification memory now_ = inferenceRegistry.verification(opening);
        bool waits = now_.frozen && !now_.distrusted && now_.settledAt != 0 && now_.receiptId == effect.receiptId;
        if (!waits || effect.postponed) revert ProvisionalConsumer_NothingToPostpone(requestId);
        effect.postponed = true;
        uint256 deadline = block.timestamp + MAX_FREEZE + window;
        effect.deadline = uint40(deadline);
        emit Postponed(requestId, deadline);
    }

    /// @inheritdoc IProvisionalConsumer
    function claim() external {
        uint256 amount = creditOf[msg.sender];
        if (amount == 0) revert ProvisionalConsumer_NothingToClaim(msg.sender);
        creditOf[msg.sender] = 0;
        obligations -= amount;
        emit Claimed(msg.sender, amount);
        bondToken.safeTransfer(msg.sender, amount);
    }

    /// @dev Adds to what an account may claim. The tokens must be here and be this contract's own.
    function _credit(address account, uint256 amount) internal {
        obligations += amount;
        _creditHeld(account, amount);
    }

    function _creditHeld(address account, uint256 amount) private {
        uint256 total = creditOf[account] + amount;
        creditOf[account] = total;
        emit Credited(account, total);
    }

    function _unwind(bytes32 requestId) private {
        ProvisionalEffect storage effect = _effects[requestId];
        uint256 value = effect.value;
        uint256 bond = effect.bond;
        uint256 reward = (bond - value) / 2;
        uint256 compensation = bond - reward;
        effect.state = ProvisionalState.Unwound;
        outstanding -= value;
        // From here on the compensation is this contract's own, and {_onUnwound} says whose in it.
        obligations -= compensation;
        _creditHeld(msg.sender, reward);
        emit Unwound(requestId, msg.sender, compensation, reward, outstanding);
        _onUnwound(requestId, compensation);
    }

    function _requireProvisional(bytes32 requestId) private view {
        ProvisionalState state = _effects[requestId].state;
        if (state != ProvisionalState.Provisional) revert ProvisionalConsumer_NotProvisional(requestId, state);
    }

    function _requireActed(Receipt calldata acted) private view returns (bytes32 requestId, bytes32 receiptId) {
        requestId = acted.requestId;
        _requireProvisional(requestId);
        receiptId = inferenceRegistry.receiptId(acted);
        bytes32 expected = _effects[requestId].receiptId;
        if (receiptId != expected) revert ProvisionalConsumer_NotTheReceipt(expected, receiptId);
    }

    /// @dev Freshness was judged when it was acted on; a pause or freeze since then makes no answer less true.
    function _requireFinal(Opening calldata opening, bytes32 requestId) private view returns (bytes32) {
        Policy memory policy = _finalPolicy(requestId);
        policy.maxAge = type(uint256).max;
        return _requireVerified(opening, policy).receiptId;
    }

    function _requireTrusted(Opening calldata opening) private view returns (bytes32) {
        Verification memory result = inferenceRegistry.verification(opening);
        if (!result.verified) revert InferenceConsumer_NotVerified(result.receiptId, result.reason);
        return result.receiptId;
    }

    function _isSameQuestion(Receipt calldata a, Receipt calldata b) private pure returns (bool) {
        return a.inputHash == b.inputHash && a.contextHash == b.contextHash;
    }

    function _isSameAnswer(Receipt calldata a, Receipt calldata b) private pure returns (bool) {
        return a.outputScheme == b.outputScheme && a.outputHash == b.outputHash;
    }

    // ---------------------------------------------------------------------------------------------- what to inherit

    /// @dev Under which policy a signed receipt is acted on. Its age is counted from completion.
    function _signedPolicy(bytes32 requestId) internal view virtual returns (Policy memory);

    /// @dev Under which policy a receipt ends the waiting: the required mode. Its age is not asked.
    function _finalPolicy(bytes32 requestId) internal view virtual returns (Policy memory);

    /// @dev The effect stands for good. Must not revert, or the bond stays.
    function _onFinal(bytes32 requestId) internal virtual;

    /// @dev The effect is void; `compensation` bond tokens, at least its value, are this contract's own now. Must not
    /// revert, or nobody is compensated.
    function _onUnwound(bytes32 requestId, uint256 compensation) internal virtual;
}
