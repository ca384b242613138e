// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title ReturnFeatures
/// @notice The risk model's input: sixteen returns of 8 bits each, packed into one word. The model was trained on
/// exactly this arithmetic, so it is part of the model and not a matter of taste.
library ReturnFeatures {
    /// @notice Prices that sixteen returns take.
    uint256 internal constant PRICES = 17;
    /// @notice Units of a return: a step of a feature is 1/2000, so features span −6.40 % to +6.35 %.
    int256 internal constant SCALE = 2000;

    /// @notice clamp(r + 128, 0, 255) with r = (price − previous) · SCALE / previous, the remainder dropped.
    /// @param previous Earlier price, not zero, below 2^128 like the other: their unit cancels out.
    function feature(uint256 previous, uint256 price) internal pure returns (uint256) {
        int256 shifted = ((int256(price) - int256(previous)) * SCALE) / int256(previous) + 128;
        if (shifted < 0) return 0;
        return shifted > 255 ? 255 : uint256(shifted);
    }

    /// @notice Input hash of the model for 17 prices, oldest first: the packed word itself, the oldest return lowest.
    function inputHash(uint256[] memory prices) internal pure returns (bytes32) {
        uint256 packed;
        for (uint256 i = 1; i < PRICES; ++i) {
            packed |= feature(prices[i - 1], prices[i]) << (8 * (i - 1));
        }
        return bytes32(packed);
    }
}
