// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {BN254_G2_X0, BN254_G2_X1, BN254_P, BN254_PAIRING_BASE_GAS, BN254_PAIRING_GAS} from "./Bn254.sol";

/// @title VerifyingKey
/// @notice The byte format of a Groth16 verifying key, and what makes one unacceptable.
/// @dev alpha 64 ‖ beta 128 ‖ gamma 128 ‖ delta 128 ‖ IC_0 … IC_k 64 each; big endian; G2 coordinates imaginary part
/// first, as the precompile takes them. k is the number of signals.
library VerifyingKey {
    /// @notice The key is not 448 + 64 · (k + 1) bytes for a k from MIN_SIGNALS to MAX_SIGNALS.
    error VerifyingKey_Length(uint256 length);
    /// @notice A coordinate is not below the base field's modulus. `word` counts 32-byte words from the start.
    error VerifyingKey_CoordinateOutOfField(uint256 word, uint256 value);
    /// @notice A point is the point at infinity. As an IC point it would leave a signal unchecked.
    error VerifyingKey_PointAtInfinity(uint256 offset);
    /// @notice A point of G1 (alpha or an IC) does not lie on the curve.
    error VerifyingKey_NotOnCurve(uint256 offset);
    /// @notice A point of G2 (beta, gamma or delta) does not lie on the twist, or not in its subgroup.
    error VerifyingKey_NotInSubgroup(uint256 offset);
    /// @notice delta is gamma or its negative: the phase 2 was skipped and anyone can forge.
    error VerifyingKey_DeltaIsGamma();
    /// @notice delta is the generator or its negative: its secret is known to be one, and anyone can forge.
    error VerifyingKey_DeltaIsGenerator();

    /// @dev An input and a binding at least.
    uint256 internal constant MIN_SIGNALS = 2;
    /// @dev Each signal costs every proof calldata and every batch a multiplication; circuits hash what is longer.
    uint256 internal constant MAX_SIGNALS = 16;

    uint256 internal constant BETA = 64;
    uint256 internal constant GAMMA = 192;
    uint256 internal constant DELTA = 320;
    uint256 internal constant IC = 448;

    /// @notice Number of signals of a key of this length; zero where no key has this length.
    function signals(uint256 length) internal pure returns (uint256 k) {
        unchecked {
            // A length below IC + 64 wraps to a number far above MAX_SIGNALS.
            uint256 rest = length - IC - 64;
            if (rest % 64 == 0) k = rest / 64;
            if (k < MIN_SIGNALS || k > MAX_SIGNALS) k = 0;
        }
    }

    /// @notice Which phase 1 the key was made from.
    function phase1Id(bytes calldata key) internal pure returns (bytes32) {
        return keccak256(key[:DELTA]);
    }

    /// @notice Reverts with its own error for each thing that makes a key unacceptable, the phase 1 apart.
    function requireSound(bytes calldata key) internal view {
        if (signals(key.length) == 0) revert VerifyingKey_Length(key.length);
        for (uint256 offset = 0; offset < key.length; offset += 32) {
            uint256 value = uint256(bytes32(key[offset:]));
            if (value >= BN254_P) revert VerifyingKey_CoordinateOutOfField(offset / 32, value);
        }
        _requireG1(key, 0);
        _requireG2(key, BETA);
        _requireG2(key, GAMMA);
        _requireG2(key, DELTA);
        for (uint256 offset = IC; offset < key.length; offset += 64) _requireG1(key, offset);

        // A point and its negative share x, and either lets anyone forge: x alone decides.
        bytes32 x1 = bytes32(key[DELTA:]);
        bytes32 x0 = bytes32(key[DELTA + 32:]);
        if (x1 == bytes32(key[GAMMA:]) && x0 == bytes32(key[GAMMA + 32:])) revert VerifyingKey_DeltaIsGamma();
        if (uint256(x1) == BN254_G2_X1 && uint256(x0) == BN254_G2_X0) revert VerifyingKey_DeltaIsGenerator();
    }

    function _requireG1(bytes calldata key, uint256 offset) private pure {
        uint256 x = uint256(bytes32(key[offset:]));
        uint256 y = uint256(bytes32(key[offset + 32:]));
        if (x | y == 0) revert VerifyingKey_PointAtInfinity(offset);
        uint256 right = addmod(mulmod(mulmod(x, x, BN254_P), x, BN254_P), 3, BN254_P);
        // G1 has cofactor one: on the curve is in the group.
        if (mulmod(y, y, BN254_P) != right) revert VerifyingKey_NotOnCurve(offset);
    }

    function _requireG2(bytes calldata key, uint256 offset) private view {
        bytes calldata point = key[offset:offset + 128];
        if (keccak256(point) == keccak256(new bytes(128))) revert VerifyingKey_PointAtInfinity(offset);
        // Paired with infinity the product is one, if the precompile accepts the point: it checks the subgroup.
        uint256 price = BN254_PAIRING_BASE_GAS + BN254_PAIRING_GAS;
        if ((gasleft() * 63) / 64 < price + 2_000) revert IProofVerifier.ProofVerifier_OutOfGas();
        (bool ok, ) = address(8).staticcall{gas: price}(bytes.concat(new bytes(64), point));
        if (!ok) revert VerifyingKey_NotInSubgroup(offset);
    }
}
