// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @dev keccak256(alpha ‖ beta ‖ gamma) of the development phase 1. Its secrets are published on purpose:
/// keccak256("OpenGradient development phase 1: alpha"), and so on for beta and tau, each modulo the group order;
/// gamma is the generator. So anyone can forge any proof under it, and it must work nowhere but on a development
/// chain.
bytes32 constant DEVELOPMENT_PHASE1_ID = 0xd2da25398014dc2e4b3c7649dc93d576de7e3d58e8fd5076de9d93f62976abe4;

/// @dev The one chain id on which development parts may live.
uint256 constant DEVELOPMENT_CHAIN_ID = 31337;
