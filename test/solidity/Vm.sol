// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @dev The cheatcodes that the tests here use.
interface Vm {
    function chainId(uint256 id) external;
    function expectRevert(bytes calldata reason) external;
    function assume(bool condition) external pure;
}

address constant VM_ADDRESS = 0x7109709ECfa91a80626fF3989D68f67F5b1DD12D;
