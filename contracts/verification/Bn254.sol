// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

// The numbers of the curve BN254, and what its precompiles cost (EIP-196, EIP-197, prices of EIP-1108). Constants of
// the file, because assembly cannot name a library's.
//
// Calls forward exactly these prices: a precompile burns all it is given when a point is malformed, so a generous
// caller would pay millions for a bad proof. A chain that raised the prices would make every proof fail; a new
// verifier for new model versions is the way out of that.

/// @dev Base field: coordinates lie below it.
uint256 constant BN254_P = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

/// @dev Group order: signals and multipliers lie below it.
uint256 constant BN254_R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

/// @dev x coordinate of the generator of G2, imaginary and real part.
uint256 constant BN254_G2_X1 = 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2;
uint256 constant BN254_G2_X0 = 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed;

uint256 constant BN254_ADD_GAS = 150;
uint256 constant BN254_MUL_GAS = 6000;
uint256 constant BN254_PAIRING_BASE_GAS = 45000;
uint256 constant BN254_PAIRING_GAS = 34000;
