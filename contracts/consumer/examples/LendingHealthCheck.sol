// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {PolicyEntry} from "../../interfaces/IInferencePolicies.sol";
import {Opening, Verification} from "../../interfaces/InferenceTypes.sol";
import {Accept, Policies, StatedConsumer} from "../StatedConsumer.sol";
import {ReturnFeatures} from "./ReturnFeatures.sol";

/// @title LendingHealthCheck
/// @notice A model's proved word on positions of a lending market, for the market to inherit. ZKML only: a position is
/// lost or saved by it, and no operator's word is worth one.
///
/// The model sees sixteen returns of the collateral's price and how much is lent against it, in hundredths of its value.
/// It does not see whose position it is, so neither does what is kept here: an answer counts for every position of that
/// loan-to-value at these prices. The prices are the market's own (R11). The loan-to-value is the caller's to choose when an
/// answer is brought, and the market's when one is asked for: an answer about a position that nobody has is never read.
/// @dev A market must not hang on it alone. Without nodes there are no answers; let repaying need none, and let a hard
/// line, which needs no model, bound what anybody can owe. See {HealthCheckedMarket}.
abstract contract LendingHealthCheck is StatedConsumer {
    enum Health {
        Unknown,
        Healthy,
        Unhealthy
    }

    /// @notice What the model said about a loan-to-value at some prices.
    /// @param expiresAt Unix seconds up to which it counts, inclusive.
    /// @param risk 0 (healthy) to 255.
    /// @param receiptId What it rests on.
    struct HealthAnswer {
        uint64 expiresAt;
        uint8 risk;
        bytes32 receiptId;
    }

    /// @notice Loan-to-value in hundredths is held to this: more is lost anyway.
    uint256 public constant MAX_LTV = 255;

    /// @notice One input, one output from 0 to 255.
    bytes32 public immutable healthModel;
    /// @notice Seconds an answer counts, from the earlier of its completion and settlement.
    uint256 public immutable maxHealthAge;
    /// @notice Seconds an answer must have been settled for before it counts.
    uint256 public immutable minHealthSettled;
    /// @notice Risk from which a position is unhealthy.
    uint256 public immutable unhealthyFrom;

    /// @notice Answers by the model's input.
    mapping(bytes32 inputHash => HealthAnswer) public healthAnswers;

    event HealthRecorded(
        bytes32 indexed inputHash,
        uint256 ltv,
        uint256 risk,
        uint256 expiresAt,
        bytes32 indexed receiptId
    );
    event HealthWithdrawn(bytes32 indexed inputHash, bytes32 indexed receiptId);

    error LendingHealthCheck_BadTerms();
    /// @notice There is an answer that counts at least as long.
    error LendingHealthCheck_NotNewer(uint256 expiresAt);
    /// @notice The receipt is not the one that is kept, or it is still believed.
    error LendingHealthCheck_NothingToWithdraw(bytes32 receiptId);

    /// @param model See {healthModel}.
    /// @param maxAge See {maxHealthAge}; at most 365 days.
    /// @param minSettled See {minHealthSettled}; below `maxAge`.
    /// @param unhealthyFrom_ See {unhealthyFrom}; 1 to 255.
    constructor(bytes32 model, uint256 maxAge, uint256 minSettled, uint256 unhealthyFrom_) {
        if (
            maxAge == 0 ||
            maxAge > 365 days ||
            minSettled >= maxAge ||
            unhealthyFrom_ == 0 ||
            unhealthyFrom_ > type(uint8).max
        ) revert LendingHealthCheck_BadTerms();
        healthModel = model;
        maxHealthAge = maxAge;
        minHealthSettled = minSettled;
        unhealthyFrom = unhealthyFrom_;
    }

    /// @notice Takes over a proved answer about a loan-to-value at the present prices. Open to anyone.
    /// @param outputs The model's outputs: the risk alone.
    function recordHealth(uint256 ltv, Opening calldata opening, uint256[] calldata outputs) external {
        bytes32 inputHash = healthInput(ltv);
        Verification memory verified = _consumeVerified(opening, _statedPolicy().onInput(inputHash));
        _requireCircuitOutputs(opening.receipt, outputs);
        uint256 expiresAt = _ageFrom(opening.receipt, verified) + maxHealthAge;
        uint256 known = healthAnswers[inputHash].expiresAt;
        // Or anybody could shorten the life of an answer by bringing an older one.
        if (expiresAt <= known) revert LendingHealthCheck_NotNewer(known);
        // The circuit holds its output to 8 bits; should a model not, it reads as the worst.
        uint8 risk = uint8(Math.min(outputs[0], type(uint8).max));
        healthAnswers[inputHash] = HealthAnswer(uint64(expiresAt), risk, verified.receiptId);
        emit HealthRecorded(inputHash, ltv, risk, expiresAt, verified.receiptId);
    }

    /// @notice Drops an answer once something behind it was found to be compromised, or is frozen. Open to anyone.
    function withdrawHealth(Opening calldata opening) external {
        Verification memory now_ = inferenceRegistry.verification(opening);
        bytes32 inputHash = opening.receipt.inputHash;
        // Not merely "unverified": anyone can spoil an opening.
        bool doubted = now_.distrusted || now_.frozen;
        if (!doubted || now_.receiptId != healthAnswers[inputHash].receiptId)
            revert LendingHealthCheck_NothingToWithdraw(now_.receiptId);
        delete healthAnswers[inputHash];
        emit HealthWithdrawn(inputHash, now_.receiptId);
    }

    /// @notice What to ask the model about a loan-to-value now: sixteen returns in the low 128 bits, the loan-to-value in
    /// the eight above.
    /// @param ltv Hundredths of the collateral's value that are owed; more than MAX_LTV counts as that.
    function healthInput(uint256 ltv) public view returns (bytes32) {
        return bytes32((Math.min(ltv, MAX_LTV) << 128) | uint256(ReturnFeatures.inputHash(_healthPrices())));
    }

    /// @notice What the model says about a loan-to-value at the present prices.
    function healthOf(uint256 ltv) public view returns (Health) {
        HealthAnswer storage answer = healthAnswers[healthInput(ltv)];
        if (answer.expiresAt == 0 || block.timestamp > answer.expiresAt) return Health.Unknown;
        return answer.risk < unhealthyFrom ? Health.Healthy : Health.Unhealthy;
    }

    /// @notice Loan-to-value in hundredths, rounded up against the borrower.
    function ltvOf(uint256 debt, uint256 collateralValue) public pure returns (uint256) {
        if (debt == 0) return 0;
        if (collateralValue == 0) return MAX_LTV;
        return Math.min(Math.mulDiv(debt, 100, collateralValue, Math.Rounding.Ceil), MAX_LTV);
    }

    /// @dev The entry of {recordHealth}, for the market's {_policies}.
    function _healthPolicy() internal view returns (PolicyEntry memory) {
        return
            PolicyEntry(
                this.recordHealth.selector,
                Policies.accept(Accept.ZKML, healthModel, maxHealthAge).statesInput().settledFor(minHealthSettled)
            );
    }

    /// @dev The market's last 17 prices of the collateral, oldest first, none zero, each below 2^128.
    function _healthPrices() internal view virtual returns (uint256[] memory);
}
