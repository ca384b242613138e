// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {PolicyEntry, UncheckedFunction} from "../../interfaces/IInferencePolicies.sol";
import {IInferenceRegistry} from "../../interfaces/IInferenceRegistry.sol";
import {InferenceConsumer, StatedConsumer} from "../StatedConsumer.sol";
import {LendingHealthCheck} from "./LendingHealthCheck.sol";
import {ReturnFeatures} from "./ReturnFeatures.sol";

/// @title HealthCheckedMarket
/// @notice The smallest market around a {LendingHealthCheck}. Owing more takes the model's word that the position would
/// be healthy; a position that the model calls unhealthy may be liquidated early. Two lines need no model: below
/// SAFE_LTV nobody is liquidated and collateral comes out freely, above HARD_LTV everybody may be. Without nodes the
/// market is an ordinary one with these two lines.
/// @dev An example: no interest, one lender, one price feed. Plain ERC-20 only.
contract HealthCheckedMarket is LendingHealthCheck {
    using SafeERC20 for IERC20;

    /// @notice Loan-to-values in hundredths.
    uint256 public constant SAFE_LTV = 30;
    uint256 public constant HARD_LTV = 85;
    /// @notice A liquidator pays at most this part of a debt in one go, and gets this much more than it paid.
    uint256 public constant CLOSE_PERCENT = 50;
    uint256 public constant BONUS_PERCENT = 5;

    struct Position {
        uint256 collateral;
        uint256 debt;
    }

    IERC20 public immutable collateralToken;
    IERC20 public immutable loanToken;
    /// @notice Base units of collateral that a price is for.
    uint256 public immutable collateralUnit;
    address public immutable lender;
    address public immutable priceFeed;
    /// @notice Seconds after which the newest price judges nobody.
    uint256 public immutable maxPriceAge;

    uint128[] public prices;
    uint256 public pricedAt;
    mapping(address borrower => Position) public positions;

    event PricePosted(uint256 round, uint128 price);
    event PositionChanged(address indexed borrower, uint256 collateral, uint256 debt);
    event Liquidated(address indexed borrower, address indexed liquidator, uint256 repaid, uint256 seized);

    error HealthCheckedMarket_NotAllowed(address caller);
    error HealthCheckedMarket_BadTerms();
    error HealthCheckedMarket_ZeroPrice();
    error HealthCheckedMarket_StalePrice(uint256 pricedAt);
    error HealthCheckedMarket_NotEnoughPrices(uint256 known);
    /// @notice More than there is, is owed, or may be repaid in one go.
    error HealthCheckedMarket_TooMuch(uint256 amount, uint256 available);
    /// @notice The position would be at `ltv`, and the model's word on that is this.
    error HealthCheckedMarket_NotHealthy(uint256 ltv, Health health);
    /// @notice The position is at `ltv`, and nothing lets anybody liquidate it.
    error HealthCheckedMarket_NotLiquidatable(uint256 ltv, Health health);

    constructor(
        IInferenceRegistry registry,
        bytes32 model,
        uint256 maxAge,
        uint256 unhealthyFrom_,
        IERC20 collateral,
        IERC20 loan,
        uint256 unit,
        address lender_,
        address feed,
        uint256 maxPriceAge_
    ) InferenceConsumer(registry) LendingHealthCheck(model, maxAge, 0, unhealthyFrom_) {
        if (address(collateral) == address(loan) || unit == 0 || lender_ == address(0) || feed == address(0))
            revert HealthCheckedMarket_BadTerms();
        collateralToken = collateral;
        loanToken = loan;
        collateralUnit = unit;
        lender = lender_;
        priceFeed = feed;
        maxPriceAge = maxPriceAge_;
    }

    /// @notice Appends a price: loan base units for `collateralUnit`.
    function postPrice(uint128 price) external {
        if (msg.sender != priceFeed) revert HealthCheckedMarket_NotAllowed(msg.sender);
        if (price == 0) revert HealthCheckedMarket_ZeroPrice();
        prices.push(price);
        pricedAt = block.timestamp;
        emit PricePosted(prices.length, price);
    }

    /// @notice Adds collateral.
    function deposit(uint256 amount) external {
        positions[msg.sender].collateral += amount;
        _emit(msg.sender);
        collateralToken.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Borrows, if the position is healthy afterwards.
    function borrow(uint256 amount) external {
        positions[msg.sender].debt += amount;
        uint256 ltv = currentLtv(msg.sender);
        Health health = healthOf(ltv);
        if (ltv > HARD_LTV || health != Health.Healthy) revert HealthCheckedMarket_NotHealthy(ltv, health);
        _emit(msg.sender);
        loanToken.safeTransfer(msg.sender, amount);
    }

    /// @notice Pays back. Needs neither price nor model.
    function repay(uint256 amount) external {
        Position storage own = positions[msg.sender];
        if (amount > own.debt) revert HealthCheckedMarket_TooMuch(amount, own.debt);
        own.debt -= amount;
        _emit(msg.sender);
        loanToken.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Takes collateral out: without debt freely, down to SAFE_LTV without the model, beyond on its word.
    function withdraw(uint256 amount) external {
        Position storage own = positions[msg.sender];
        if (amount > own.collateral) revert HealthCheckedMarket_TooMuch(amount, own.collateral);
        own.collateral -= amount;
        if (own.debt != 0) {
            uint256 ltv = currentLtv(msg.sender);
            if (ltv > SAFE_LTV) {
                Health health = healthOf(ltv);
                if (ltv > HARD_LTV || health != Health.Healthy) revert HealthCheckedMarket_NotHealthy(ltv, health);
            }
        }
        _emit(msg.sender);
        collateralToken.safeTransfer(msg.sender, amount);
    }

    /// @notice Repays part of a debt for collateral, if the model calls the position unhealthy or it is past the hard line.
    function liquidate(address borrower, uint256 amount) external {
        Position storage position = positions[borrower];
        uint256 ltv = currentLtv(borrower);
        // Past the hard line the model is not asked.
        Health health = ltv > HARD_LTV ? Health.Unknown : healthOf(ltv);
        if (ltv <= HARD_LTV && (ltv <= SAFE_LTV || health != Health.Unhealthy))
            revert HealthCheckedMarket_NotLiquidatable(ltv, health);
        // Rounded up, or a debt of one could never be closed.
        uint256 most = Math.ceilDiv(position.debt * CLOSE_PERCENT, 100);
        if (amount > most) revert HealthCheckedMarket_TooMuch(amount, most);
        uint256 seized = Math.mulDiv(
            amount * (100 + BONUS_PERCENT),
            collateralUnit,
            100 * uint256(prices[prices.length - 1])
        );
        seized = Math.min(seized, position.collateral);
        position.debt -= amount;
        position.collateral -= seized;
        _emit(borrower);
        emit Liquidated(borrower, msg.sender, amount, seized);
        loanToken.safeTransferFrom(msg.sender, address(this), amount);
        collateralToken.safeTransfer(msg.sender, seized);
    }

    /// @notice What is not lent out is the lender's.
    function withdrawLiquidity(uint256 amount) external {
        if (msg.sender != lender) revert HealthCheckedMarket_NotAllowed(msg.sender);
        loanToken.safeTransfer(lender, amount);
    }

    /// @notice Loan-to-value of a position by the newest price.
    function currentLtv(address borrower) public view returns (uint256) {
        if (prices.length == 0 || block.timestamp - pricedAt > maxPriceAge)
            revert HealthCheckedMarket_StalePrice(pricedAt);
        Position storage position = positions[borrower];
        return ltvOf(position.debt, Math.mulDiv(position.collateral, prices[prices.length - 1], collateralUnit));
    }

    /// @inheritdoc LendingHealthCheck
    function _healthPrices() internal view override returns (uint256[] memory last) {
        uint256 known = prices.length;
        if (known < ReturnFeatures.PRICES) revert HealthCheckedMarket_NotEnoughPrices(known);
        last = new uint256[](ReturnFeatures.PRICES);
        for (uint256 i = 0; i < last.length; ++i) last[i] = prices[known - last.length + i];
    }

    /// @inheritdoc StatedConsumer
    function _policies() internal view override returns (PolicyEntry[] memory entries) {
        entries = new PolicyEntry[](1);
        entries[0] = _healthPolicy();
    }

    /// @inheritdoc StatedConsumer
    function _unchecked() internal pure override returns (UncheckedFunction[] memory list) {
        list = new UncheckedFunction[](8);
        list[0].selector = this.postPrice.selector;
        list[1].selector = this.deposit.selector;
        list[2].selector = this.repay.selector;
        list[3].selector = this.withdrawLiquidity.selector;
        list[4] = UncheckedFunction(this.borrow.selector, this.recordHealth.selector);
        list[5] = UncheckedFunction(this.withdraw.selector, this.recordHealth.selector);
        list[6] = UncheckedFunction(this.liquidate.selector, this.recordHealth.selector);
        list[7] = UncheckedFunction(this.withdrawHealth.selector, this.recordHealth.selector);
    }

    function _emit(address borrower) private {
        Position storage position = positions[borrower];
        emit PositionChanged(borrower, position.collateral, position.debt);
    }
}
