// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title SharePool
/// @notice Tokens that many hold together, by shares, in one storage slot. What arrives without new shares raises the
/// price of all, what is taken lowers it; nothing but the four functions here moves either number.
/// @dev Products fit: 96 bits of tokens times 128 of shares. Rounding is down for whoever joins or leaves, so the price
/// of those who stay never falls by it.
library SharePool {
    using SafeCast for uint256;

    /// @dev Shares of an earlier generation are void: a pool that lost all it had starts anew, and neither dilutes nor
    /// locks out who comes next.
    struct Pool {
        uint96 tokens;
        uint128 shares;
        uint32 generation;
    }

    /// @dev Shares a wei beyond which they are void. It keeps shares within their 128 bits: 2^96 wei at this price.
    uint256 private constant MOST_SHARES_A_WEI = 1e9;

    /// @notice Adds `amount` for new shares; the first are a wei each.
    function join(Pool storage pool, uint256 amount) internal returns (uint256 shares) {
        (uint256 tokens, uint256 existing) = (pool.tokens, pool.shares);
        shares = existing == 0 ? amount : (amount * existing) / tokens;
        pool.tokens = (tokens + amount).toUint96();
        pool.shares = (existing + shares).toUint128();
    }

    /// @notice Takes out what `shares` are worth. The last to leave gets everything.
    function leave(Pool storage pool, uint256 shares) internal returns (uint256 amount) {
        amount = worth(pool, shares);
        pool.tokens -= uint96(amount);
        pool.shares -= uint128(shares);
    }

    /// @notice Adds `amount` to the shares there are.
    function reward(Pool storage pool, uint256 amount) internal {
        pool.tokens = (pool.tokens + amount).toUint96();
    }

    /// @notice Takes `amount`, at most all, from the shares there are; where they are void then, the dust too.
    /// @return taken What was taken in all.
    function slash(Pool storage pool, uint256 amount) internal returns (uint256 taken) {
        (uint256 rest, uint256 shares) = (pool.tokens - amount, pool.shares);
        if (rest * MOST_SHARES_A_WEI >= shares) {
            pool.tokens = uint96(rest);
            return amount;
        }
        taken = amount + rest;
        (pool.tokens, pool.shares) = (0, 0);
        ++pool.generation;
    }

    /// @notice What shares of the present generation are worth.
    function worth(Pool storage pool, uint256 shares) internal view returns (uint256 amount) {
        return shares == 0 ? 0 : (shares * pool.tokens) / pool.shares;
    }
}
