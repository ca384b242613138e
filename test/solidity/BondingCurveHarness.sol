// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {BondingCurve} from "../../contracts/twin/BondingCurve.sol";

/// @notice Opens the curve's library to tests.
contract BondingCurveHarness {
    function unit(uint256 divisor) external pure returns (uint256) {
        return BondingCurve.unit(divisor);
    }

    function sumOfSquares(uint256 n) external pure returns (uint256) {
        return BondingCurve.sumOfSquares(n);
    }

    function price(uint256 unit_, uint256 supply, uint256 amount) external pure returns (uint256) {
        return BondingCurve.price(unit_, supply, amount);
    }

    function worth(uint256 unit_, uint256 supply) external pure returns (uint256) {
        return BondingCurve.worth(unit_, supply);
    }

    function largestSupply(uint256 unit_) external pure returns (uint256) {
        return BondingCurve.largestSupply(unit_);
    }
}
