// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @title BondingCurve
/// @notice Price of keys by supply: the k-th key, counted from 0, costs k² · 1e18 / divisor wei. Pure; what the formula
/// means is in {ITwinMarket}.
/// @dev Everything is counted in units of 1e18 / divisor wei, which is whole, so no price is ever rounded: the price of
/// any keys is a difference of two worths, and buying and selling in whatever steps ends at the same wei.
library BondingCurve {
    /// @dev Above every {largestSupply}: at a unit of 2 wei that is below 2^43. Loops are bounded by its logarithm.
    uint256 private constant BEYOND = 1 << 44;
    /// @dev With 10 % of fees on top it still fits 128 bits.
    uint256 private constant LARGEST_WORTH = (type(uint128).max / 11) * 10;

    /// @notice See {ITwinMarket-BondingCurve_BadDivisor}.
    error BondingCurve_BadDivisor(uint256 divisor);

    /// @notice Wei that a sum of squares is counted in.
    function unit(uint256 divisor) internal pure returns (uint256) {
        if (divisor == 0 || divisor >= 1e18 || 1e18 % divisor != 0) revert BondingCurve_BadDivisor(divisor);
        return 1e18 / divisor;
    }

    /// @notice 0² + 1² + … + (n − 1)².
    /// @param n At most 2^44.
    function sumOfSquares(uint256 n) internal pure returns (uint256) {
        // Below 2^134 by what n is; and one of three numbers in a row is even and one a multiple of three, so that
        // dividing by 6 leaves nothing.
        unchecked {
            return n == 0 ? 0 : ((n - 1) * n * (2 * n - 1)) / 6;
        }
    }

    /// @notice Wei that all keys of a supply are worth together.
    /// @param supply At most {largestSupply}.
    function worth(uint256 unit_, uint256 supply) internal pure returns (uint256) {
        return sumOfSquares(supply) * unit_;
    }

    /// @notice Wei for `amount` keys on top of `supply`. Both together at most {largestSupply}.
    function price(uint256 unit_, uint256 supply, uint256 amount) internal pure returns (uint256) {
        return (sumOfSquares(supply + amount) - sumOfSquares(supply)) * unit_;
    }

    /// @notice The largest supply whose worth, and 10 % of it, fits 128 bits; below 2^44.
    function largestSupply(uint256 unit_) internal pure returns (uint256 least) {
        uint256 beyond = BEYOND;
        while (beyond - least > 1) {
            uint256 middle = (least + beyond) / 2;
            if (worth(unit_, middle) <= LARGEST_WORTH) least = middle;
            else beyond = middle;
        }
    }
}
