// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IInferenceRegistry} from "../../interfaces/IInferenceRegistry.sol";
import {Opening, Verification} from "../../interfaces/InferenceTypes.sol";
import {PolicyEntry, UncheckedFunction} from "../../interfaces/IInferencePolicies.sol";
import {Accept, InferenceConsumer, Policies, StatedConsumer} from "../StatedConsumer.sol";
import {ReturnFeatures} from "./ReturnFeatures.sol";

/// @title RiskVault
/// @notice Lends one ERC-20 against another, and lends more or less of the collateral's value as a model judges its
/// risk. The model is proved (ZKML), and it is proved over the price history that this vault keeps: the vault builds
/// the model's input itself, so a perfect proof over invented prices changes nothing (R11).
///
/// What is trusted: the price feed, for one true price a trading day; the model version, that its score says something
/// about risk, and the circuit and setup behind it. What is not: nodes, relayers and whoever hands in a score.
///
/// A borrower is never locked in: repaying needs nothing but the tokens, and withdrawing collateral never needs a score.
/// Without a current score the vault counts with the worst one. A score counts until the next price, its end, or until
/// anybody shows that something behind it is doubted by now ({revokeScore}).
/// @dev An example of acting on an inference. It charges no interest and liquidates nobody, and its tokens must neither
/// take a fee on transfer nor rebase. Balances change before tokens move.
contract RiskVault is StatedConsumer {
    using SafeERC20 for IERC20;

    /// @notice What the parties agree on; it never changes.
    /// @param collateral Token that is deposited.
    /// @param loan Token that is lent.
    /// @param collateralUnit Base units of collateral that a price is for, usually 10 ** decimals.
    /// @param lender Takes back what is not lent out; anybody supplies by sending the loan token here.
    /// @param priceFeed Writes the prices.
    /// @param model The risk model version: one input of {ReturnFeatures}, one output from 0 (calm) to 255.
    /// @param calmLimit Share of the collateral's value that is lent at score 0, in basis points.
    /// @param riskyLimit The same at score 255, and while there is no current score.
    /// @param maxScoreAge Seconds a score counts, from the earlier of its completion and settlement.
    /// @param minSettled Seconds a score must have been settled for before it counts.
    /// @param maxPriceAge Seconds after which the newest price is too old to lend or release collateral by.
    struct Terms {
        IERC20 collateral;
        IERC20 loan;
        uint256 collateralUnit;
        address lender;
        address priceFeed;
        bytes32 model;
        uint256 calmLimit;
        uint256 riskyLimit;
        uint256 maxScoreAge;
        uint256 minSettled;
        uint256 maxPriceAge;
    }

    /// @notice Collateral and debt of a borrower, in base units.
    struct Position {
        uint256 collateral;
        uint256 debt;
    }

    /// @notice The score in use.
    /// @param round Number of prices known when it was made; older ones do not count.
    /// @param expiresAt Unix seconds up to which it counts, inclusive.
    /// @param value 0 (calm) to 255 (a large loss is most likely).
    /// @param receiptId What it rests on.
    struct Score {
        uint64 round;
        uint64 expiresAt;
        uint8 value;
        bytes32 receiptId;
    }

    uint256 private constant BASIS_POINTS = 10_000;
    uint256 private constant WORST = type(uint8).max;

    IERC20 public immutable collateralToken;
    IERC20 public immutable loanToken;
    uint256 public immutable collateralUnit;
    address public immutable lender;
    address public immutable priceFeed;
    bytes32 public immutable model;
    uint256 public immutable calmLimit;
    uint256 public immutable riskyLimit;
    uint256 public immutable maxScoreAge;
    uint256 public immutable minSettled;
    uint256 public immutable maxPriceAge;

    /// @notice All prices so far, oldest first: loan base units per `collateralUnit` of collateral.
    uint128[] public prices;
    /// @notice When the newest price was written, unix seconds.
    uint256 public pricedAt;
    Score public score;
    mapping(address borrower => Position) public positions;

    event PricesPosted(uint256 round, uint128 newest);
    event ScoreApplied(uint256 indexed round, uint256 score, bytes32 indexed receiptId);
    event ScoreRevoked(bytes32 indexed receiptId);
    event PositionChanged(address indexed borrower, uint256 collateral, uint256 debt);

    error RiskVault_BadTerms();
    error RiskVault_NotAllowed(address caller);
    error RiskVault_ZeroPrice(uint256 index);
    error RiskVault_NotEnoughPrices(uint256 known, uint256 needed);
    /// @notice The newest price is older than `maxPriceAge`.
    error RiskVault_StalePrice(uint256 pricedAt);
    /// @notice There is no score over the present prices, or it expired: apply one first.
    error RiskVault_NoCurrentScore(uint256 round, uint256 expiresAt);
    /// @notice The score in use is of the same prices and counts at least as long.
    error RiskVault_NotNewer(uint256 expiresAt);
    /// @notice The position would owe more than `limit`, in base units of the loan token.
    error RiskVault_OverLimit(uint256 debt, uint256 limit);
    /// @notice More than the caller owes or has in the vault.
    error RiskVault_TooMuch(uint256 amount, uint256 available);
    /// @notice The receipt is not the one in use, or it is still believed.
    error RiskVault_NothingToRevoke(bytes32 receiptId);

    constructor(IInferenceRegistry registry, Terms memory terms) InferenceConsumer(registry) {
        if (
            address(terms.collateral) == address(terms.loan) ||
            terms.collateralUnit == 0 ||
            terms.lender == address(0) ||
            terms.priceFeed == address(0) ||
            terms.calmLimit >= BASIS_POINTS ||
            terms.riskyLimit > terms.calmLimit ||
            terms.maxScoreAge == 0 ||
            terms.maxScoreAge > 365 days ||
            terms.minSettled >= terms.maxScoreAge
        ) revert RiskVault_BadTerms();
        collateralToken = terms.collateral;
        loanToken = terms.loan;
        collateralUnit = terms.collateralUnit;
        lender = terms.lender;
        priceFeed = terms.priceFeed;
        model = terms.model;
        calmLimit = terms.calmLimit;
        riskyLimit = terms.riskyLimit;
        maxScoreAge = terms.maxScoreAge;
        minSettled = terms.minSettled;
        maxPriceAge = terms.maxPriceAge;
    }

    // -------------------------------------------------------------------------------------------------- the score

    /// @notice Appends prices, oldest first. Any new price ends the score in use, which knew nothing of it.
    function postPrices(uint128[] calldata newer) external {
        if (msg.sender != priceFeed) revert RiskVault_NotAllowed(msg.sender);
        if (newer.length == 0) revert RiskVault_NotEnoughPrices(0, 1);
        for (uint256 i = 0; i < newer.length; ++i) {
            if (newer[i] == 0) revert RiskVault_ZeroPrice(i);
            prices.push(newer[i]);
        }
        pricedAt = block.timestamp;
        emit PricesPosted(prices.length, prices[prices.length - 1]);
    }

    /// @notice The input the model must be asked about now: the last sixteen returns, packed.
    function currentInput() public view returns (bytes32) {
        uint256 round = prices.length;
        if (round < ReturnFeatures.PRICES) revert RiskVault_NotEnoughPrices(round, ReturnFeatures.PRICES);
        uint256[] memory window = new uint256[](ReturnFeatures.PRICES);
        for (uint256 i = 0; i < window.length; ++i) window[i] = prices[round - window.length + i];
        return ReturnFeatures.inputHash(window);
    }

    /// @notice Takes over a proved score of the present prices. Open to anyone: the receipt decides, not who brings it.
    /// @param opening The receipt of the score and its place among the settled ones.
    /// @param outputs The model's outputs: the score alone.
    function applyScore(Opening calldata opening, uint256[] calldata outputs) external {
        Verification memory verified = _consumeVerified(opening, _statedPolicy().onInput(currentInput()));
        _requireCircuitOutputs(opening.receipt, outputs);
        uint256 expiresAt = _ageFrom(opening.receipt, verified) + maxScoreAge;
        // Or anybody could shorten the life of a score by bringing an older one of the same prices.
        if (isScoreCurrent() && expiresAt <= score.expiresAt) revert RiskVault_NotNewer(score.expiresAt);
        uint256 round = prices.length;
        // The circuit holds its output to 8 bits; should a model not, it reads as the worst.
        uint256 value = Math.min(outputs[0], WORST);
        score = Score({
            round: uint64(round),
            expiresAt: uint64(expiresAt),
            value: uint8(value),
            receiptId: verified.receiptId
        });
        emit ScoreApplied(round, value, verified.receiptId);
    }

    /// @notice Drops the score in use once something behind it was found to be compromised, or is frozen. Open to anyone.
    function revokeScore(Opening calldata opening) external {
        Verification memory now_ = inferenceRegistry.verification(opening);
        // Not merely "unverified": anyone can spoil an opening.
        bool doubted = now_.distrusted || now_.frozen;
        if (!doubted || now_.receiptId != score.receiptId) revert RiskVault_NothingToRevoke(now_.receiptId);
        delete score;
        emit ScoreRevoked(now_.receiptId);
    }

    /// @notice Whether the score was made of the present prices and has not expired.
    function isScoreCurrent() public view returns (bool) {
        return score.round != 0 && score.round == prices.length && block.timestamp <= score.expiresAt;
    }

    // ---------------------------------------------------------------------------------------------- the positions

    /// @notice Adds collateral. Needs neither price nor score.
    function deposit(uint256 amount) external {
        positions[msg.sender].collateral += amount;
        _emitPosition();
        collateralToken.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Borrows against the caller's collateral, on a current score only.
    function borrow(uint256 amount) external {
        if (!isScoreCurrent()) revert RiskVault_NoCurrentScore(score.round, score.expiresAt);
        positions[msg.sender].debt += amount;
        _requireWithinLimit();
        loanToken.safeTransfer(msg.sender, amount);
    }

    /// @notice Pays back. Needs neither price nor score.
    function repay(uint256 amount) external {
        Position storage position = positions[msg.sender];
        if (amount > position.debt) revert RiskVault_TooMuch(amount, position.debt);
        position.debt -= amount;
        _emitPosition();
        loanToken.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Takes out collateral that the debt does not need. Never needs a score, and without debt no price either.
    function withdraw(uint256 amount) external {
        Position storage position = positions[msg.sender];
        if (amount > position.collateral) revert RiskVault_TooMuch(amount, position.collateral);
        position.collateral -= amount;
        _requireWithinLimit();
        collateralToken.safeTransfer(msg.sender, amount);
    }

    /// @notice What is left to be lent returns to the lender.
    function withdrawLiquidity(uint256 amount) external {
        if (msg.sender != lender) revert RiskVault_NotAllowed(msg.sender);
        loanToken.safeTransfer(lender, amount);
    }

    /// @notice What a borrower may owe at most now, in base units of the loan token.
    function borrowLimit(address borrower) public view returns (uint256) {
        if (block.timestamp - pricedAt > maxPriceAge) revert RiskVault_StalePrice(pricedAt);
        uint256 risk = isScoreCurrent() ? score.value : WORST;
        uint256 limit = calmLimit - ((calmLimit - riskyLimit) * risk) / WORST;
        uint256 worth = Math.mulDiv(positions[borrower].collateral, prices[prices.length - 1], collateralUnit);
        return Math.mulDiv(worth, limit, BASIS_POINTS);
    }

    // ------------------------------------------------------------------------------------------------ what it states

    /// @inheritdoc StatedConsumer
    function _policies() internal view override returns (PolicyEntry[] memory entries) {
        entries = new PolicyEntry[](1);
        entries[0].selector = this.applyScore.selector;
        entries[0].policy = Policies.accept(Accept.ZKML, model, maxScoreAge).statesInput().settledFor(minSettled);
    }

    /// @inheritdoc StatedConsumer
    function _unchecked() internal pure override returns (UncheckedFunction[] memory list) {
        list = new UncheckedFunction[](7);
        list[0].selector = this.postPrices.selector;
        list[1].selector = this.deposit.selector;
        list[2].selector = this.repay.selector;
        list[3].selector = this.withdrawLiquidity.selector;
        // Both count with the score that was applied, or with the worst.
        list[4] = UncheckedFunction(this.borrow.selector, this.applyScore.selector);
        list[5] = UncheckedFunction(this.withdraw.selector, this.applyScore.selector);
        // Drops a score, on the registry's word alone.
        list[6] = UncheckedFunction(this.revokeScore.selector, this.applyScore.selector);
    }

    function _requireWithinLimit() private {
        uint256 debt = positions[msg.sender].debt;
        if (debt != 0) {
            uint256 limit = borrowLimit(msg.sender);
            if (debt > limit) revert RiskVault_OverLimit(debt, limit);
        }
        _emitPosition();
    }

    function _emitPosition() private {
        Position storage position = positions[msg.sender];
        emit PositionChanged(msg.sender, position.collateral, position.debt);
    }
}
