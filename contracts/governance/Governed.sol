// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @title Governed
/// @notice The two roles of every contract here, fixed at deployment: the admin is a timelock, the guardian can only
/// do what R8 bounds.
abstract contract Governed {
    /// @notice The timelock that governance acts through.
    address public immutable admin;
    /// @notice May pause settlement and freeze single things, for bounded times (R8).
    address public immutable guardian;

    /// @notice A role cannot be the zero address.
    error Governed_ZeroAddress();

    constructor(address admin_, address guardian_) {
        if (admin_ == address(0) || guardian_ == address(0)) revert Governed_ZeroAddress();
        admin = admin_;
        guardian = guardian_;
    }
}
