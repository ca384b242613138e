// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title ITwinHoldings
/// @notice What another contract asks of a key market, to let holders of a twin's keys in.
interface ITwinHoldings {
    /// @notice Whether an account holds at least `minimum` keys of a twin **now**. Keys can be bought, shown and sold in
    /// one transaction for no more than the fees: where that matters, ask {holdsSince}.
    function holds(bytes16 digitalTwinId, address account, uint256 minimum) external view returns (bool);

    /// @notice Whether an account holds at least `minimum` keys and bought none of this twin after `since`, in unix
    /// seconds. With `since` in the past, nobody passes who bought for the occasion. A purchase in a block of time
    /// `since` itself passes: where the occasion became known in that block, ask for a second less. Buying
    /// more starts the time anew; nobody can buy for another account, so nobody else can restart it.
    function holdsSince(
        bytes16 digitalTwinId,
        address account,
        uint256 minimum,
        uint256 since
    ) external view returns (bool);
}
