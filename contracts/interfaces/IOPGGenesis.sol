// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Allocation, IOPGVesting} from "./IOPGVesting.sol";
import {IOPGToken} from "./IOPGToken.sol";

/// @title IOPGGenesis
/// @notice Makes the token, holds all of it for the moments until its beneficiaries exist, and passes all of it into
/// the vesting schedule. Contracts that are beneficiaries themselves (the rewards of stakers) need the token's address
/// first: that is why this is two steps. The deployer's one power is to name the beneficiaries, once.
interface IOPGGenesis {
    /// @notice The whole supply went into the schedule.
    event Launched(address indexed token, address indexed vesting);

    /// @notice Only who deployed this may name the beneficiaries.
    error OPGGenesis_NotDeployer(address caller);
    /// @notice It was done already.
    error OPGGenesis_AlreadyLaunched(address vesting);

    /// @notice The token, made at deployment.
    function token() external view returns (IOPGToken);

    /// @notice The schedule; zero until {launch}.
    function vesting() external view returns (IOPGVesting);

    /// @notice Makes the schedule and gives it the whole supply. Once, by the deployer; there is nothing left to do or
    /// to hold here afterwards.
    /// @param beneficiaries By {Allocation}.
    function launch(address[7] calldata beneficiaries) external returns (IOPGVesting);
}
