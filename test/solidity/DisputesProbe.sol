// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {DisputedChannel, Flaw, IDisputes, SignedStatement} from "../../contracts/interfaces/IDisputes.sol";

/// @notice Holds one statement against all others, in every way there is.
contract DisputesProbe {
    /// @notice A statement is not even one: whoever probes with it learns nothing.
    error DisputesProbe_NotAStatement(uint256 place, Flaw flaw);

    /// @return found Faults between the statement at `place` and the others, by kind.
    function faultsOf(
        IDisputes disputes,
        DisputedChannel[] calldata channels,
        SignedStatement[] calldata all,
        uint256 place
    ) external view returns (uint256[3] memory found) {
        SignedStatement calldata one = all[place];
        (Flaw flaw, , ) = disputes.statement(one);
        // A foreign leaf is no statement of the key it names, and may be a fault of the batch's.
        bool isForeign = flaw == Flaw.KeyMismatch || flaw == Flaw.ModeMismatch;
        if (flaw != Flaw.None && !isForeign) revert DisputesProbe_NotAStatement(place, flaw);
        for (uint256 i = 0; i < all.length; ++i) {
            (flaw, ) = disputes.equivocation(one, all[i]);
            if (flaw == Flaw.None) ++found[0];
            for (uint256 c = 0; c < channels.length; ++c) {
                (flaw, ) = disputes.channelFault(channels[c], one, all[i]);
                if (flaw == Flaw.None) ++found[1];
            }
        }
        (flaw, ) = disputes.foreignLeaf(one);
        if (flaw == Flaw.None) ++found[2];
    }
}
