// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {TwinMarket} from "../../contracts/twin/TwinMarket.sol";
import {TwinHandler} from "./TwinHandler.t.sol";
import {vm} from "./Vm.sol";

/// @notice Creating, trading, claiming, handing over, forcing ether in and changing fees in any order, among accounts
/// that refuse ether or come back in.
contract TwinMarketInvariantTest {
    TwinHandler private handler;

    function setUp() external {
        handler = new TwinHandler();
    }

    /// @notice Where calls go; a name the runner asks for.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice Which of its functions; a name the runner asks for.
    function targetSelectors() external view returns (FuzzSelector[] memory selected) {
        selected = new FuzzSelector[](1);
        selected[0] = FuzzSelector(address(handler), handler.whatCanHappen());
    }

    /// @notice What the market owes is the worth of all keys and the fees that wait, and it has that to the wei beside
    /// what was forced in; a sale that meets its bounds went through, and buying and selling never paid. [R8]
    function invariant_books() external view {
        handler.checkBooks();
    }

    /// @notice Fees are as announced, to the second, and never above 5 % and 5 %. [R8]
    function invariant_fees() external {
        handler.checkFees();
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }
}

/// @notice What a reader was told of fees holds, with generated fees and moments.
contract TwinFeesTest {
    TwinMarket private market;

    function setUp() external {
        vm.warp(1_800_000_000);
        market = new TwinMarket(address(this), 1_600_000, 0.01e18, 0.01e18);
    }

    /// @notice Whatever is done after a look at {feesAt}, a trade less than 48 hours ahead pays no more than it said.
    function testFuzz_nobodyRaisesWhatWasRead(
        uint64[4] calldata percents,
        uint32[4] calldata waits,
        uint32 ahead
    ) external {
        uint256 now_ = 1_800_000_000;
        market.setProtocolFeePercent(percents[0] % 0.05e18);
        now_ += waits[0] % 49 hours;
        vm.warp(now_);
        uint256 at = now_ + (ahead % 48 hours);
        (uint256 promised, ) = market.feesAt(at);
        for (uint256 i = 1; i < 4; ++i) {
            market.setProtocolFeePercent(percents[i] % 0.05e18);
            now_ += waits[i] % 20 hours;
            if (now_ > at) break;
            vm.warp(now_);
        }
        vm.warp(at);
        require(market.protocolFeePercent() <= promised, "raised");
    }
}
