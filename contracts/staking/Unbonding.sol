// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IOPGStaking, UnbondingRequest} from "../interfaces/IOPGStaking.sol";
import {SharePool} from "./SharePool.sol";

/// @title Unbonding
/// @notice Stake on its way out: a short queue of requests for each holder, every one a share in what unbonds of a
/// pool, so that a slash reaches it until the moment it is paid (R12).
library Unbonding {
    using SafeCast for uint256;
    using SharePool for SharePool.Pool;

    /// @notice From the request to the withdrawal: MAX_DELAY + MAX_PAUSE + MAX_FREEZE + the dispute window (R12).
    uint256 internal constant PERIOD = 21 days;
    /// @notice Open requests of a holder in a pool: bounds every loop (R8). Only the holder itself opens them.
    uint256 internal constant MAX_REQUESTS = 16;

    struct Request {
        uint128 shares;
        uint32 generation;
        uint40 maturesAt;
    }

    /// @dev Who holds part of a pool: bonded shares, and requests numbered from `first` to before `next`. All wait
    /// equally long, so they mature in order. An operator's own stake has no bonded shares: it is the only holder.
    struct Holder {
        uint128 shares;
        uint32 generation;
        uint32 first;
        uint32 next;
        mapping(uint256 number => Request) requests;
    }

    /// @notice Puts `amount` into what unbonds, for one more request.
    function open(
        Holder storage holder,
        SharePool.Pool storage unbonding,
        uint256 amount
    ) internal returns (uint256 shares, uint256 maturesAt) {
        (uint32 first, uint32 next) = (holder.first, holder.next);
        if (next - first == MAX_REQUESTS)
            revert IOPGStaking.OPGStaking_TooManyRequests(holder.requests[first].maturesAt);
        shares = unbonding.join(amount);
        maturesAt = block.timestamp + PERIOD;
        holder.requests[next] = Request(shares.toUint128(), unbonding.generation, uint40(maturesAt));
        holder.next = next + 1;
    }

    /// @notice Takes every matured request out of what unbonds.
    /// @return count How many there were; at least one.
    /// @return amount What they are worth; 0 where slashes took it.
    function close(
        Holder storage holder,
        SharePool.Pool storage unbonding
    ) internal returns (uint256 count, uint256 amount) {
        (uint32 first, uint32 next) = (holder.first, holder.next);
        uint32 i = first;
        for (; i != next && holder.requests[i].maturesAt <= block.timestamp; ++i) {
            Request storage request = holder.requests[i];
            if (request.generation == unbonding.generation) amount += unbonding.leave(request.shares);
            delete holder.requests[i];
        }
        if (i == first) revert IOPGStaking.OPGStaking_NothingMatured(holder.requests[first].maturesAt);
        holder.first = i;
        count = i - first;
    }

    /// @notice The open requests, oldest first.
    function list(
        Holder storage holder,
        SharePool.Pool storage unbonding
    ) internal view returns (UnbondingRequest[] memory found) {
        found = new UnbondingRequest[](holder.next - holder.first);
        for (uint256 i = 0; i < found.length; ++i) {
            Request storage request = holder.requests[holder.first + i];
            found[i].maturesAt = request.maturesAt;
            if (request.generation == unbonding.generation) found[i].amount = unbonding.worth(request.shares);
        }
    }
}
