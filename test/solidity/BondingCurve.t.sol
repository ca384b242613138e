// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {BondingCurve} from "../../contracts/twin/BondingCurve.sol";

/// @notice The curve with generated supplies and amounts, at every size that fits.
contract BondingCurveTest {
    uint256 private constant UNIT = 625e9;

    /// @notice The sum of squares is the one that is built square by square.
    function testFuzz_sumOfSquares(uint16 n) external pure {
        uint256 sum = 0;
        for (uint256 k = 0; k < n; ++k) sum += k * k;
        require(BondingCurve.sumOfSquares(n) == sum, "sum");
    }

    /// @notice One more key is one more square, anywhere: nothing wraps and nothing is rounded.
    function testFuzz_step(uint256 n) external pure {
        n = n % (1 << 44);
        require(BondingCurve.sumOfSquares(n + 1) - BondingCurve.sumOfSquares(n) == n * n, "step");
    }

    /// @notice Prices add up whatever the steps, never fall with the supply, and a worth is the price from nothing.
    function testFuzz_pricesAddUp(uint64 supply, uint64 a, uint64 b) external pure {
        uint256 largest = BondingCurve.largestSupply(UNIT);
        uint256 s = supply % (largest + 1);
        uint256 x = a % (largest - s + 1);
        uint256 y = b % (largest - s - x + 1);
        uint256 whole = BondingCurve.price(UNIT, s, x + y);
        require(BondingCurve.price(UNIT, s, x) + BondingCurve.price(UNIT, s + x, y) == whole, "steps");
        require(BondingCurve.price(UNIT, s, y) <= BondingCurve.price(UNIT, s + x, y), "falls");
        require(BondingCurve.price(UNIT, 0, s) == BondingCurve.worth(UNIT, s), "worth");
    }

    /// @notice The published formula, with its division at the end, gives the same wei for every divisor that is taken.
    function testFuzz_publishedFormula(uint8 twos, uint8 fives, uint64 supply, uint64 amount) external pure {
        uint256 divisor = (2 ** (twos % 19)) * (5 ** (fives % 18));
        uint256 unit = BondingCurve.unit(divisor);
        uint256 largest = BondingCurve.largestSupply(unit);
        uint256 s = supply % (largest + 1);
        uint256 a = amount % (largest - s + 1);
        uint256 sum1 = s == 0 ? 0 : ((s - 1) * s * (2 * s - 1)) / 6;
        uint256 sum2 = s + a == 0 ? 0 : ((s + a - 1) * (s + a) * (2 * (s + a) - 1)) / 6;
        require(BondingCurve.price(unit, s, a) == ((sum2 - sum1) * 1e18) / divisor, "formula");
    }

    /// @notice The largest supply fits with its fees, and the next does not.
    function testFuzz_largestSupply(uint8 twos, uint8 fives) external pure {
        uint256 unit = BondingCurve.unit((2 ** (twos % 19)) * (5 ** (fives % 18)));
        uint256 largest = BondingCurve.largestSupply(unit);
        uint256 worth = BondingCurve.worth(unit, largest);
        require(worth + worth / 10 <= type(uint128).max, "fits");
        uint256 next = BondingCurve.worth(unit, largest + 1);
        require(next + next / 10 + 11 > type(uint128).max, "largest");
    }

    /// @notice A divisor is taken exactly where it divides 1e18 and is less.
    function testFuzz_divisors(uint256 divisor, bool small) external view {
        if (small) divisor = divisor % 2_000_000;
        bool exact = divisor != 0 && divisor < 1e18 && 1e18 % divisor == 0;
        (bool ok, ) = address(this).staticcall(abi.encodeCall(this.unitOf, (divisor)));
        require(ok == exact, "divisor");
    }

    function unitOf(uint256 divisor) external pure returns (uint256) {
        return BondingCurve.unit(divisor);
    }
}
