// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {PolicyEntry, UncheckedFunction} from "../../interfaces/IInferencePolicies.sol";
import {IInferenceRegistry} from "../../interfaces/IInferenceRegistry.sol";
import {Opening, Verification} from "../../interfaces/InferenceTypes.sol";
import {Accept, InferenceConsumer, Policies, StatedConsumer} from "../StatedConsumer.sol";
import {ReturnFeatures} from "./ReturnFeatures.sol";

/// @title VolatilityFeePool
/// @notice A constant-product pool of two tokens whose swap fee follows a volatility model. The model's input is the pool's
/// own price history, time-weighted, which the pool builds itself (R11); its answer is read from a receipt that is proved
/// (ZKML) or attested (TEE). The reading moves the fee between two bounds and nothing else, and it counts for a time:
/// without one, the fee is a stated one. No swap, deposit or withdrawal asks the registry anything, so nothing that
/// happens to nodes, keys or models ever stops one.
///
/// What is trusted: the model version, that its score says something about volatility; for TEE the hardware vendor and
/// the approved image. What a wrong score costs is bounded by the two fees.
/// @dev An example: one fee for both directions, no flash swaps. Plain ERC-20 only; a token that takes a fee on transfer
/// is refused when it does. Reserves change before tokens move.
contract VolatilityFeePool is ERC20, StatedConsumer {
    using SafeERC20 for IERC20;

    /// @notice What the pool is made of; it never changes. Fees in millionths of what is swapped in.
    /// @param token0 One token.
    /// @param token1 The other; prices are of `token0` in this one.
    /// @param model The volatility model version: one input of {ReturnFeatures}, one output from 0 (calm) to 255.
    /// @param minFee At score 0.
    /// @param maxFee At score 255; at most FEE_CAP.
    /// @param safeFee Without a reading that counts; between the two.
    /// @param maxAge Seconds a reading counts, from the earlier of its completion and settlement.
    /// @param interval Seconds between samples of the price.
    struct Terms {
        IERC20 token0;
        IERC20 token1;
        bytes32 model;
        uint256 minFee;
        uint256 maxFee;
        uint256 safeFee;
        uint256 maxAge;
        uint256 interval;
    }

    /// @notice The reading in use.
    /// @param expiresAt Unix seconds up to which it counts, inclusive.
    /// @param sample Number of samples known when it was made.
    /// @param score 0 (calm) to 255.
    /// @param receiptId What it rests on.
    struct Reading {
        uint64 expiresAt;
        uint64 sample;
        uint8 score;
        bytes32 receiptId;
    }

    /// @notice A fee is a part of so many.
    uint256 public constant FEE_UNITS = 1_000_000;
    /// @notice 5 %: no terms go beyond.
    uint256 public constant FEE_CAP = 50_000;
    /// @notice Shares that nobody has, so that a share never becomes too dear to buy one.
    uint256 public constant LOCKED_SHARES = 1_000;

    address private constant NOBODY = address(0xdead);
    uint256 private constant PRICE_SHIFT = 64;

    IERC20 public immutable token0;
    IERC20 public immutable token1;
    bytes32 public immutable model;
    uint256 public immutable minFee;
    uint256 public immutable maxFee;
    uint256 public immutable safeFee;
    uint256 public immutable maxAge;
    uint256 public immutable interval;

    uint112 public reserve0;
    uint112 public reserve1;
    uint32 private _accruedAt;
    /// @dev Σ price · seconds, price as reserve1 · 2^64 / reserve0 at the end of each block.
    uint256 private _cumulative;

    uint64 public sampleCount;
    uint64 public sampledAt;
    uint256 private _cumulativeAtSample;
    uint128[17] private _samples;

    Reading public reading;

    event PriceSampled(uint256 indexed sample, uint128 price);
    event ReadingApplied(
        uint256 indexed sample,
        uint256 score,
        uint256 fee,
        uint256 expiresAt,
        bytes32 indexed receiptId
    );
    event ReadingDropped(bytes32 indexed receiptId);
    event Swapped(
        address indexed sender,
        address indexed to,
        IERC20 tokenIn,
        uint256 amountIn,
        uint256 amountOut,
        uint256 fee
    );
    event LiquidityChanged(address indexed account, uint256 reserve0, uint256 reserve1, uint256 shares);

    error VolatilityFeePool_BadTerms();
    error VolatilityFeePool_TooEarly(uint256 from);
    error VolatilityFeePool_NotEnoughSamples(uint256 known, uint256 needed);
    /// @notice The reading in use is of the same prices and counts at least as long.
    error VolatilityFeePool_NotNewer(uint256 expiresAt);
    /// @notice The receipt is not the one in use, or it is still believed.
    error VolatilityFeePool_NothingToDrop(bytes32 receiptId);
    error VolatilityFeePool_UnknownToken(IERC20 token);
    error VolatilityFeePool_Expired(uint256 deadline);
    /// @notice The caller would get less than it asked for.
    error VolatilityFeePool_TooLittle(uint256 amount, uint256 least);
    /// @notice The token holds less for the pool than was to be paid in.
    error VolatilityFeePool_TokenTookFee(IERC20 token, uint256 held, uint256 expected);

    constructor(
        IInferenceRegistry registry,
        Terms memory terms
    ) ERC20("Volatility Fee Pool Share", "VFP") InferenceConsumer(registry) {
        if (
            address(terms.token0).code.length == 0 ||
            address(terms.token1).code.length == 0 ||
            address(terms.token0) == address(terms.token1) ||
            terms.minFee > terms.safeFee ||
            terms.safeFee > terms.maxFee ||
            terms.maxFee > FEE_CAP ||
            terms.maxAge == 0 ||
            terms.maxAge > 365 days ||
            terms.interval == 0
        ) revert VolatilityFeePool_BadTerms();
        token0 = terms.token0;
        token1 = terms.token1;
        model = terms.model;
        minFee = terms.minFee;
        maxFee = terms.maxFee;
        safeFee = terms.safeFee;
        maxAge = terms.maxAge;
        interval = terms.interval;
    }

    // ------------------------------------------------------------------------------------------------ the fee

    /// @notice Fee of a swap now, in millionths.
    function fee() public view returns (uint256) {
        Reading storage known = reading;
        if (known.expiresAt == 0 || block.timestamp > known.expiresAt) return safeFee;
        return _feeAt(known.score);
    }

    /// @notice Writes down the mean price since the last sample. Open to anyone, once an interval.
    function sample() external {
        if (sampledAt == 0) revert VolatilityFeePool_NotEnoughSamples(0, 1);
        if (block.timestamp < sampledAt + interval) revert VolatilityFeePool_TooEarly(sampledAt + interval);
        _accrue();
        uint256 mean = (_cumulative - _cumulativeAtSample) / (block.timestamp - sampledAt);
        uint128 price = uint128(Math.max(1, Math.min(mean, type(uint128).max)));
        _samples[sampleCount % _samples.length] = price;
        ++sampleCount;
        sampledAt = uint64(block.timestamp);
        _cumulativeAtSample = _cumulative;
        emit PriceSampled(sampleCount, price);
    }

    /// @notice The input the model must be asked about now: the last sixteen returns, packed.
    function currentInput() public view returns (bytes32) {
        uint256 known = sampleCount;
        if (known < ReturnFeatures.PRICES) revert VolatilityFeePool_NotEnoughSamples(known, ReturnFeatures.PRICES);
        uint256[] memory prices = new uint256[](ReturnFeatures.PRICES);
        for (uint256 i = 0; i < prices.length; ++i) prices[i] = _samples[(known + i) % _samples.length];
        return ReturnFeatures.inputHash(prices);
    }

    /// @notice Takes over a reading of the present samples. Open to anyone: the receipt decides, not who brings it.
    /// @param outputs The model's outputs: the score alone.
    function applyReading(Opening calldata opening, uint256[] calldata outputs) external {
        Verification memory verified = _consumeVerified(opening, _statedPolicy().onInput(currentInput()));
        _requireCircuitOutputs(opening.receipt, outputs);
        uint256 expiresAt = _ageFrom(opening.receipt, verified) + maxAge;
        // Or anybody could shorten the life of a reading by bringing an older one of the same prices.
        if (reading.sample == sampleCount && expiresAt <= reading.expiresAt)
            revert VolatilityFeePool_NotNewer(reading.expiresAt);
        // What is beyond the scale reads as the highest.
        uint8 score = uint8(Math.min(outputs[0], type(uint8).max));
        reading = Reading(uint64(expiresAt), sampleCount, score, verified.receiptId);
        emit ReadingApplied(sampleCount, score, _feeAt(score), expiresAt, verified.receiptId);
    }

    /// @notice Drops the reading in use once something behind it was found to be compromised, or is frozen. Open to anyone.
    function dropReading(Opening calldata opening) external {
        Verification memory now_ = inferenceRegistry.verification(opening);
        // Not merely "unverified": anyone can spoil an opening.
        bool doubted = now_.distrusted || now_.frozen;
        if (!doubted || now_.receiptId != reading.receiptId) revert VolatilityFeePool_NothingToDrop(now_.receiptId);
        delete reading;
        emit ReadingDropped(now_.receiptId);
    }

    function _feeAt(uint256 score) private view returns (uint256) {
        return minFee + Math.ceilDiv((maxFee - minFee) * score, type(uint8).max);
    }

    // ------------------------------------------------------------------------------------------------ the pool

    /// @notice Swaps an exact amount in.
    /// @param least What the receiver must get at least.
    /// @param deadline Unix seconds after which it must not happen.
    function swap(
        IERC20 tokenIn,
        uint256 amountIn,
        uint256 least,
        address to,
        uint256 deadline
    ) external returns (uint256 amountOut) {
        if (block.timestamp > deadline) revert VolatilityFeePool_Expired(deadline);
        bool zeroIn = address(tokenIn) == address(token0);
        if (!zeroIn && address(tokenIn) != address(token1)) revert VolatilityFeePool_UnknownToken(tokenIn);
        _accrue();
        uint256 rate = fee();
        (uint256 reserveIn, uint256 reserveOut) = zeroIn ? (reserve0, reserve1) : (reserve1, reserve0);
        uint256 counted = (amountIn * (FEE_UNITS - rate)) / FEE_UNITS;
        amountOut = counted == 0 ? 0 : Math.mulDiv(reserveOut, counted, reserveIn + counted);
        if (amountOut == 0 || amountOut < least) revert VolatilityFeePool_TooLittle(amountOut, least);

        (uint256 newIn, uint256 newOut) = (reserveIn + amountIn, reserveOut - amountOut);
        if (zeroIn) _setReserves(newIn, newOut);
        else _setReserves(newOut, newIn);
        emit Swapped(msg.sender, to, tokenIn, amountIn, amountOut, rate);
        _pull(tokenIn, amountIn, newIn);
        (zeroIn ? token1 : token0).safeTransfer(to, amountOut);
    }

    /// @notice Adds liquidity in the pool's proportion, out of what the caller offers of each; the first sets the price.
    /// @param leastShares What the caller must get at least.
    function deposit(uint256 offer0, uint256 offer1, uint256 leastShares) external returns (uint256 shares) {
        _accrue();
        uint256 supply = totalSupply();
        (uint256 amount0, uint256 amount1) = (offer0, offer1);
        if (supply == 0) {
            shares = Math.saturatingSub(Math.sqrt(offer0 * offer1), LOCKED_SHARES);
        } else {
            shares = Math.min(Math.mulDiv(offer0, supply, reserve0), Math.mulDiv(offer1, supply, reserve1));
            amount0 = Math.mulDiv(shares, reserve0, supply, Math.Rounding.Ceil);
            amount1 = Math.mulDiv(shares, reserve1, supply, Math.Rounding.Ceil);
        }
        if (shares == 0 || shares < leastShares) revert VolatilityFeePool_TooLittle(shares, leastShares);
        if (supply == 0) {
            _mint(NOBODY, LOCKED_SHARES);
            sampledAt = uint64(block.timestamp);
        }
        (uint256 new0, uint256 new1) = (reserve0 + amount0, reserve1 + amount1);
        _setReserves(new0, new1);
        _mint(msg.sender, shares);
        emit LiquidityChanged(msg.sender, new0, new1, totalSupply());
        _pull(token0, amount0, new0);
        _pull(token1, amount1, new1);
    }

    /// @notice Takes liquidity out. Nothing but the shares is needed for it.
    /// @param least0 What the caller must get at least of `token0`; `least1` of the other.
    function withdraw(
        uint256 shares,
        uint256 least0,
        uint256 least1
    ) external returns (uint256 amount0, uint256 amount1) {
        _accrue();
        uint256 supply = totalSupply();
        _burn(msg.sender, shares);
        amount0 = Math.mulDiv(shares, reserve0, supply);
        amount1 = Math.mulDiv(shares, reserve1, supply);
        if (amount0 < least0) revert VolatilityFeePool_TooLittle(amount0, least0);
        if (amount1 < least1) revert VolatilityFeePool_TooLittle(amount1, least1);
        _setReserves(reserve0 - amount0, reserve1 - amount1);
        emit LiquidityChanged(msg.sender, reserve0, reserve1, totalSupply());
        token0.safeTransfer(msg.sender, amount0);
        token1.safeTransfer(msg.sender, amount1);
    }

    /// @dev Counts the price that stood until now, before anything in this block changes it.
    function _accrue() private {
        uint256 passed;
        unchecked {
            // Around the end of 32 bits, in 2106: checked, it would stop withdrawals too.
            passed = uint32(block.timestamp) - _accruedAt;
        }
        if (passed != 0 && reserve0 != 0) _cumulative += ((uint256(reserve1) << PRICE_SHIFT) / reserve0) * passed;
        _accruedAt = uint32(block.timestamp);
    }

    function _setReserves(uint256 new0, uint256 new1) private {
        reserve0 = SafeCast.toUint112(new0);
        reserve1 = SafeCast.toUint112(new1);
    }

    /// @dev Whoever swaps or deposits out of the token's own call finds reserves that are not paid for yet, and fails here.
    function _pull(IERC20 token, uint256 amount, uint256 expected) private {
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 held = token.balanceOf(address(this));
        if (held < expected) revert VolatilityFeePool_TokenTookFee(token, held, expected);
    }

    // ------------------------------------------------------------------------------------------------ what it states

    /// @inheritdoc StatedConsumer
    function _policies() internal view override returns (PolicyEntry[] memory entries) {
        entries = new PolicyEntry[](1);
        entries[0] = PolicyEntry(
            this.applyReading.selector,
            Policies.accept(Accept.TEE | Accept.ZKML, model, maxAge).statesInput()
        );
    }

    /// @inheritdoc StatedConsumer
    function _unchecked() internal pure override returns (UncheckedFunction[] memory list) {
        list = new UncheckedFunction[](8);
        list[0].selector = this.sample.selector;
        list[1].selector = this.deposit.selector;
        list[2].selector = this.withdraw.selector;
        list[3].selector = this.approve.selector;
        list[4].selector = this.transfer.selector;
        list[5].selector = this.transferFrom.selector;
        // At the fee that the reading says, or the safe one.
        list[6] = UncheckedFunction(this.swap.selector, this.applyReading.selector);
        list[7] = UncheckedFunction(this.dropReading.selector, this.applyReading.selector);
    }
}
