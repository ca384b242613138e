// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @title DevelopmentOnly
/// @notice What stands in for a part that is not real: it cannot be deployed on any chain but a local one.
abstract contract DevelopmentOnly {
    /// @notice Chain id of local development nodes.
    uint256 internal constant LOCAL_CHAIN_ID = 31337;

    /// @notice This contract trusts whoever it is told to; use the real part on chain `chainId`.
    error DevelopmentOnly_PublicChain(uint256 chainId);

    constructor() {
        if (block.chainid != LOCAL_CHAIN_ID) revert DevelopmentOnly_PublicChain(block.chainid);
    }
}
