// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice The few cheat codes that these tests use.
interface Vm {
    function warp(uint256 newTimestamp) external;
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function addr(uint256 privateKey) external pure returns (address);
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
