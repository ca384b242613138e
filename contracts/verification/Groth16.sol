// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {BN254_ADD_GAS, BN254_MUL_GAS, BN254_P, BN254_PAIRING_BASE_GAS} from "./Bn254.sol";
import {BN254_PAIRING_GAS, BN254_R} from "./Bn254.sol";
import {VerifyingKey} from "./VerifyingKey.sol";

/// @title Groth16
/// @notice Checks Groth16 proofs over BN254: one at the price of a plain verifier, or n under one key together.
/// @dev A proof (A, B, C) of signals s holds if e(A, B) = e(alpha, beta) · e(IC_0 + Σ s_j · IC_j, gamma) · e(C, delta).
/// n equations, each raised to the power r^i, are multiplied into one:
///
///   Π e(r^i · A_i, B_i) · e(−Σ r^i · alpha, beta) · e(−Σ_j (Σ_i r^i · s_ij) · IC_j, gamma) · e(−Σ r^i · C_i, delta) = 1
///
/// with s_i0 = 1: n + 3 pairings. If any equation fails, the exponents form a polynomial in r that is not zero and
/// has degree < n, so that fewer than n values of r of some 2^254 hide the failure. r is a hash of everything that is
/// checked, so the proofs are fixed before r is known. That the first power is 1 costs nothing in this argument and
/// saves two multiplications.
///
/// Coordinates need no comparison with the field's modulus where they go to a precompile unchanged: it refuses
/// those that are not below it, and points off the curve or the subgroup.
///
/// Gas: a precompile that is given less than its price fails, exactly as for a malformed point. Rather than look
/// before each call, the result is looked at: false is believed only if more gas is left at the end than any starved
/// call can leave behind (see `_requireBelievable`). A good proof pays nothing for this.
///
/// Memory: a check reserves what it needs and gives it back when it ends, so that many in a row use no more than one.
/// The key comes first, then the input of the pairing, whose unfinished slots serve as work space; nothing else grows
/// with n.
library Groth16 {
    /// @dev A, B and C of one proof.
    uint256 private constant PROOF = 256;
    /// @dev A point of G1 and a point of G2: one pair of the pairing's input.
    uint256 private constant PAIR = 192;
    /// @dev Pairs of a batch that stand for all proofs: with beta, gamma and delta.
    uint256 private constant SHARED_PAIRS = 576;

    /// @notice Bytes of evidence a proof: the proof itself and all signals but the last, which is the binding.
    function stride(uint256 signals) internal pure returns (uint256) {
        unchecked {
            return PROOF + 32 * (signals - 1);
        }
    }

    /// @notice True if one proof holds and is bound to `receiptId`.
    /// @param key Contract whose code is a STOP byte and the key.
    /// @param k The key's number of signals.
    /// @param evidence Exactly `stride(k)` bytes.
    function verifyOne(
        address key,
        uint256 k,
        bytes32 receiptId,
        bytes calldata evidence
    ) internal view returns (bool ok) {
        unchecked {
            uint256 vk = _loadKey(key, k);
            uint256 pairs = vk + VerifyingKey.IC + 64 * (k + 1);
            _setFree(pairs + 4 * PAIR);
            ok = _fillOne(vk, pairs, receiptId, evidence) && _pairing(pairs, 4 * PAIR);
            _setFree(vk);
            if (!ok) _requireBelievable(4);
        }
    }

    /// @notice True if each proof holds and is bound to the receipt of the same place. For two proofs or more.
    /// @param key Contract whose code is a STOP byte and the key.
    /// @param k The key's number of signals.
    /// @param receiptIds One for each proof.
    /// @param evidence Exactly `stride(k)` bytes for each receipt.
    function verifyBatch(
        address key,
        uint256 k,
        bytes32[] calldata receiptIds,
        bytes calldata evidence
    ) internal view returns (bool ok) {
        unchecked {
            uint256 vk = _loadKey(key, k);
            uint256 pairs = vk + VerifyingKey.IC + 96 * (k + 1);
            uint256 shared = pairs + PAIR * receiptIds.length;
            _setFree(shared + SHARED_PAIRS);
            uint256 r = _challenge(pairs, key, receiptIds, evidence);
            ok =
                _combine(k, pairs, r, receiptIds, evidence) &&
                _addShared(vk, k, shared) &&
                _pairing(pairs, shared + SHARED_PAIRS - pairs);
            _setFree(vk);
            if (!ok) _requireBelievable(receiptIds.length + 3);
        }
    }

    /// @dev Writes the pairs (−A, B), (alpha, beta), (IC_0 + Σ s_j · IC_j, gamma), (C, delta).
    /// @param vk The key, which ends where the pairs begin.
    function _fillOne(
        uint256 vk,
        uint256 pairs,
        bytes32 receiptId,
        bytes calldata evidence
    ) private view returns (bool ok) {
        uint256 point = vk + VerifyingKey.IC;

        assembly ("memory-safe") {
            calldatacopy(pairs, evidence.offset, PAIR)
            // Negating an out of field coordinate could bring it into the field: so this one is compared here.
            let y := mload(add(pairs, 0x20))
            ok := lt(y, BN254_P)
            mstore(add(pairs, 0x20), mod(sub(BN254_P, y), BN254_P))
            mcopy(add(pairs, PAIR), vk, PAIR)

            // The sum of the IC points grows at `sum`; beyond it lies the term to add: point, then multiplier.
            let sum := add(pairs, 0x180)
            let term := add(sum, 0x40)
            mcopy(sum, point, 0x40)
            point := add(point, 0x40)
            let s := 0
            for {
                let signal := add(evidence.offset, PROOF)
            } lt(point, pairs) {
                signal := add(signal, 0x20)
            } {
                mcopy(term, point, 0x40)
                point := add(point, 0x40)
                s := calldataload(signal)
                // The last signal is the binding. What was read for it lies behind the evidence.
                if eq(point, pairs) {
                    s := shr(8, receiptId)
                }
                ok := and(ok, lt(s, BN254_R))
                mstore(add(term, 0x40), s)
                ok := and(ok, staticcall(BN254_MUL_GAS, 7, term, 0x60, term, 0x40))
                ok := and(ok, staticcall(BN254_ADD_GAS, 6, sum, 0x80, sum, 0x40))
            }

            mcopy(term, add(vk, PAIR), 0x80)
            calldatacopy(add(sum, PAIR), add(evidence.offset, PAIR), 0x40)
            mcopy(add(term, PAIR), add(vk, 0x140), 0x80)
        }
    }

    /// @dev Moves the free memory pointer: up to reserve, back down to release.
    function _setFree(uint256 pointer) private pure {
        assembly ("memory-safe") {
            mstore(0x40, pointer)
        }
    }

    /// @dev Copies the key out of the pointer's code to memory, and reserves what it takes.
    function _loadKey(address key, uint256 k) private view returns (uint256 vk) {
        uint256 ic = VerifyingKey.IC;
        assembly ("memory-safe") {
            vk := mload(0x40)
            let size := add(ic, shl(6, add(k, 1)))
            extcodecopy(key, vk, 1, size)
            mstore(0x40, add(vk, size))
        }
    }

    /// @dev r = a hash of chain, verifier, key, all receipt ids (the bindings) and all proofs and signals. What is
    /// left out of it could be chosen after r is known, and then false statements pass. The evidence is longer than
    /// the pairing input, so it is hashed in chunks that fit the same memory, each with the hash of what came before.
    /// Chunks cannot be confused: their lengths follow from the number of receipts, which is hashed first.
    function _challenge(
        uint256 buffer,
        address key,
        bytes32[] calldata receiptIds,
        bytes calldata evidence
    ) private view returns (uint256 r) {
        assembly ("memory-safe") {
            mstore(buffer, chainid())
            mstore(add(buffer, 0x20), address())
            mstore(add(buffer, 0x40), extcodehash(key))
            mstore(add(buffer, 0x60), receiptIds.length)
            let size := shl(5, receiptIds.length)
            calldatacopy(add(buffer, 0x80), receiptIds.offset, size)
            r := keccak256(buffer, add(size, 0x80))

            size := add(mul(receiptIds.length, PAIR), sub(SHARED_PAIRS, 0x20))
            for {
                let cursor := evidence.offset
                let left := evidence.length
            } left {} {
                if lt(left, size) {
                    size := left
                }
                mstore(buffer, r)
                calldatacopy(add(buffer, 0x20), cursor, size)
                r := keccak256(buffer, add(size, 0x20))
                cursor := add(cursor, size)
                left := sub(left, size)
            }
            r := mod(r, BN254_R)
        }
    }

    /// @dev Writes the pairs (r^i · A_i, B_i), the sum of r^i · C_i at the place of the last pair, and at `sums` the
    /// k + 1 multipliers of the IC points: Σ r^i and, for each signal, Σ r^i · s_ij. Multipliers are summed over all
    /// proofs before any point is multiplied. Stops at the first proof that is malformed.
    function _combine(
        uint256 k,
        uint256 pairs,
        uint256 r,
        bytes32[] calldata receiptIds,
        bytes calldata evidence
    ) private view returns (bool) {
        unchecked {
            uint256 ids;
            uint256 proofs;
            assembly ("memory-safe") {
                ids := receiptIds.offset
                proofs := evidence.offset
            }
            return _combineAt(pairs - 32 * (k + 1), pairs, pairs + PAIR * receiptIds.length, r, ids, proofs);
        }
    }

    /// @param sums The multipliers end where the pairs begin.
    /// @param slot Where the pairs begin.
    /// @param shared Where the pairs of the proofs end.
    /// @param id Calldata offset of the first receipt id.
    /// @param proof Calldata offset of the evidence.
    function _combineAt(
        uint256 sums,
        uint256 slot,
        uint256 shared,
        uint256 r,
        uint256 id,
        uint256 proof
    ) private view returns (bool ok) {
        assembly ("memory-safe") {
            // C's running sum; beyond it the term to add: point, then multiplier.
            let c := add(shared, 0x180)
            let term := add(c, 0x40)
            let bindings := sub(slot, 0x20)

            // The first proof: its power is one, so nothing is multiplied and the sums begin as copies.
            calldatacopy(slot, proof, PAIR)
            calldatacopy(c, add(proof, PAIR), 0x40)
            proof := add(proof, PROOF)
            mstore(sums, 1)
            ok := 1
            for {
                let sum := add(sums, 0x20)
            } lt(sum, bindings) {
                sum := add(sum, 0x20)
            } {
                let s := calldataload(proof)
                ok := and(ok, lt(s, BN254_R))
                mstore(sum, s)
                proof := add(proof, 0x20)
            }
            mstore(bindings, shr(8, calldataload(id)))

            let power := 1
            for {
                slot := add(slot, PAIR)
            } and(lt(slot, shared), ok) {
                slot := add(slot, PAIR)
            } {
                power := mulmod(power, r, BN254_R)

                // A is multiplied in its place, the multiplier lying where B comes afterwards.
                calldatacopy(slot, proof, 0x40)
                let b := add(slot, 0x40)
                mstore(b, power)
                ok := staticcall(BN254_MUL_GAS, 7, slot, 0x60, slot, 0x40)
                calldatacopy(b, add(proof, 0x40), 0x80)

                calldatacopy(term, add(proof, PAIR), 0x40)
                mstore(add(term, 0x40), power)
                ok := and(ok, staticcall(BN254_MUL_GAS, 7, term, 0x60, term, 0x40))
                ok := and(ok, staticcall(BN254_ADD_GAS, 6, c, 0x80, c, 0x40))

                proof := add(proof, PROOF)
                let sum := sums
                mstore(sum, addmod(mload(sum), power, BN254_R))
                for {
                    sum := add(sum, 0x20)
                } lt(sum, bindings) {
                    sum := add(sum, 0x20)
                } {
                    let s := calldataload(proof)
                    ok := and(ok, lt(s, BN254_R))
                    mstore(sum, addmod(mload(sum), mulmod(s, power, BN254_R), BN254_R))
                    proof := add(proof, 0x20)
                }
                id := add(id, 0x20)
                mstore(sum, addmod(mload(sum), mulmod(shr(8, calldataload(id)), power, BN254_R), BN254_R))
            }
        }
    }

    /// @dev Fills the three pairs at `shared`: (−Σ r^i · alpha, beta), (−Σ_j sums_j · IC_j, gamma), and delta beside
    /// the negated sum of the C points, which is there already.
    function _addShared(uint256 vk, uint256 k, uint256 shared) private view returns (bool ok) {
        uint256 point = vk + VerifyingKey.IC;
        uint256 sums = point + 64 * (k + 1);

        assembly ("memory-safe") {
            let c := add(shared, 0x180)
            mstore(add(c, 0x20), mod(sub(BN254_P, mload(add(c, 0x20))), BN254_P))

            let minusOnes := sub(BN254_R, mload(sums))
            mcopy(shared, vk, 0x40)
            mstore(add(shared, 0x40), minusOnes)
            ok := staticcall(BN254_MUL_GAS, 7, shared, 0x60, shared, 0x40)
            mcopy(add(shared, 0x40), add(vk, 0x40), 0x80)

            let x := add(shared, PAIR)
            mcopy(x, point, 0x40)
            mstore(add(x, 0x40), minusOnes)
            ok := and(ok, staticcall(BN254_MUL_GAS, 7, x, 0x60, x, 0x40))
            for {
                let end := add(point, shl(6, k))
            } lt(point, end) {} {
                point := add(point, 0x40)
                sums := add(sums, 0x20)
                mcopy(add(x, 0x40), point, 0x40)
                mstore(add(x, 0x80), sub(BN254_R, mload(sums)))
                ok := and(ok, staticcall(BN254_MUL_GAS, 7, add(x, 0x40), 0x60, add(x, 0x40), 0x40))
                ok := and(ok, staticcall(BN254_ADD_GAS, 6, x, 0x80, x, 0x40))
            }

            // gamma and delta last: until here their places held terms to add.
            mcopy(add(x, 0x40), add(vk, PAIR), 0x80)
            mcopy(add(c, 0x40), add(vk, 0x140), 0x80)
        }
    }

    /// @dev True if the product of `size` bytes of pairs is one.
    function _pairing(uint256 pairs, uint256 size) private view returns (bool ok) {
        unchecked {
            uint256 price = BN254_PAIRING_BASE_GAS + BN254_PAIRING_GAS * (size / PAIR);
            assembly ("memory-safe") {
                ok := staticcall(price, 8, pairs, size, 0, 0x20)
                ok := and(ok, mload(0))
            }
        }
    }

    /// @dev Reverts unless each precompile call so far was surely given its price. Of the gas left, a call that is
    /// starved takes all but a 64th, which is less than a 63rd of the price; none costs more than the pairing. So
    /// with more left than a 63rd of the pairing's price, and some for the steps in between, no call was starved.
    function _requireBelievable(uint256 pairCount) private view {
        unchecked {
            uint256 dearest = BN254_PAIRING_BASE_GAS + BN254_PAIRING_GAS * pairCount;
            if (gasleft() < dearest / 63 + 1_000) revert IProofVerifier.ProofVerifier_OutOfGas();
        }
    }
}
