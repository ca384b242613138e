// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {P384Scalars} from "./P384Scalars.sol";

/// @title P384
/// @notice ECDSA over P-384 by checked hints: the caller supplies what is dear to find (slopes, a short form of the
/// scalars) and every hint is verified by the multiplication that defines it. A wrong hint can only make a true
/// signature fail, never a false one pass.
///
/// @dev **What is checked.** With R the point whose x is r (its y is a hint, checked on the curve), a signature holds iff
/// e·G + r·Q − s·R = O. Multiplying by v = −b/s gives c·G + a·Q + b·R = O, where a lattice makes a and b half as long
/// as n. The caller gives a, b and c as signed windows; the contract adds up what the windows say and requires, modulo
/// n, a·s = −b·r, c·s = −b·e and b ≠ 0. As n is prime and the cofactor is one, that is the same statement. It costs 192
/// doublings instead of 384.
///
/// **Points** are affine, each step by a slope hint λ: doubling requires 2λy = 3x² − 3, addition λ(x₂ − x₁) = y₂ − y₁
/// with x₁ ≠ x₂; the sum then follows by computation. The point at infinity never occurs: the last addition is not
/// done but found to be one of opposites.
///
/// **Field.** Elements are Montgomery residues x·2²⁵⁶ mod p as two words (128 and 256 bits), not necessarily below p but
/// with a high word of at most `BOUND`, which is checked wherever one is made and fails for 1 in 2⁶⁴. A product T is
/// never written out: V = (T + m·p)/2²⁵⁶ is determined by its residues modulo 2²⁵⁶ and 2²⁵⁶ − 1, since
/// 0 ≤ V < 2⁵¹² − 2²⁵⁶ (operands below 2³⁸⁴ − 2³²⁰ give T/2²⁵⁶ < 2⁵¹² − 2⁴⁴⁸ + 2³⁸⁴; m·p/2²⁵⁶ and what is added linearly
/// stay below 2³⁸⁷). Both residues come from a few `mulmod`, without carries; the top 128 bits of V are then folded
/// down by 2³⁸⁴ ≡ DELTA (mod p).
library P384 {
    /// @notice r or s is zero, or not below the group's order.
    error P384_ScalarOutOfRange();
    /// @notice The public key is not a point of the curve: a coordinate of p or more, or the equation fails.
    error P384_NotOnCurve();
    /// @notice The hints do not prove the signature: either they are wrong or it is.
    error P384_NotProved();
    /// @notice The table is not the one that this code was made for.
    error P384_WrongTable(bytes32 codehash);

    /// @notice Code hash of the contract that holds the multiples of the generator ({P384Table}).
    bytes32 internal constant TABLE_CODEHASH = 0xb0fac29de200c000ad8b1b0a441e6d5908fe8f08187204ce3ac1e75782792607;

    uint256 private constant MASK = 0xffffffffffffffffffffffffffffffff;
    /// @dev 2²⁵⁶ − 1, the second modulus.
    uint256 private constant M = 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff;
    /// @dev p = 2³⁸⁴ − DELTA; its words, and p mod M.
    uint256 private constant P1 = 0xffffffffffffffffffffffffffffffff;
    uint256 private constant P0 = 0xfffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff;
    uint256 private constant PM = 0xffffffffffffffffffffffffffffffffffffffff0000000000000000fffffffe;
    uint256 private constant DELTA = 0x100000000ffffffffffffffff00000001;
    /// @dev DELTA − 2¹²⁸.
    uint256 private constant DELTA_LOW = 0xffffffffffffffff00000001;
    /// @dev −p mod M.
    uint256 private constant MINUS_PM = 0xffffffffffffffff00000001;
    /// @dev −p⁻¹ = DELTA⁻¹ mod 2²⁵⁶, and p⁻¹.
    uint256 private constant K = 0xfffffffcfffffffafffffffbfffffffe00000000000000010000000100000001;
    uint256 private constant P0_INVERSE = 0x3000000050000000400000001fffffffffffffffefffffffeffffffff;
    /// @dev 2p and 4p, modulo 2²⁵⁶ and modulo M: what is added before something is taken away.
    uint256 private constant P0_2 = 0xfffffffffffffffffffffffffffffffdfffffffe0000000000000001fffffffe;
    uint256 private constant PM_2 = 0xfffffffffffffffffffffffffffffffffffffffe0000000000000001fffffffd;
    uint256 private constant P0_4 = 0xfffffffffffffffffffffffffffffffbfffffffc0000000000000003fffffffc;
    uint256 private constant PM_4 = 0xfffffffffffffffffffffffffffffffffffffffc0000000000000003fffffffb;
    /// @dev (2¹³⁰ + 4)·p mod 2²⁵⁶, and (2¹³⁰ + 4)·p + 3·2²⁵⁶ mod M.
    uint256 private constant TANGENT_0 = 0xfffffffc0000000000000003fffffff7fffffffc0000000000000003fffffffc;
    uint256 private constant TANGENT_M = 0xfffffffc0000000000000003fffffffbfffffffc0000000000000003fffffffe;
    uint256 private constant TWO_130 = 0x400000000000000000000000000000000;
    /// @dev 2¹²⁸ − 2⁶⁴.
    uint256 private constant BOUND = 0xffffffffffffffff0000000000000000;
    /// @dev 2⁵¹² mod p: turns a number into its residue.
    uint256 private constant R2_1 = 1;
    uint256 private constant R2_0 = 0x00000000ffffffffffffffff0000000100000000000000000000000000000000;
    /// @dev The curve's b as a residue.
    uint256 private constant B_1 = 0x798769361f9ee929a552b63d9d412dcc;
    uint256 private constant B_0 = 0xcd08114b604fbff9b62b21f41f02209469afe2b7fb6d3882b30081345013875b;

    // Memory. The caller holds nothing there.
    uint256 private constant ACC = 0x80; // x1 x0 y1 y0 of the accumulator
    uint256 private constant BAD = 0x100;
    uint256 private constant SUMS = 0x120; // what the windows of Q, R, G and 2¹⁹²·G add up to
    uint256 private constant ENTRY = 0x1a0; // x1 x0 y1 y0 of what is added
    uint256 private constant COPY = 0x220; // 96 bytes of the table
    uint256 private constant POINTS = 0x2a0; // 1, 3 … 15 times Q, then R; up to 0xaa0

    // Hints: 1 byte that says whether x of R is r + n, 1 byte zero, 2 bytes number of steps, 48 bytes y of R as a residue,
    // 2 bytes a step, then the slopes as residues, 48 bytes each.
    // A step: 5 bits number of doublings before it, 1 bit minus, 10 bits entry: 0–7 odd multiples of Q, 8–15 of R, 16–143
    // of G, 144–270 of 2¹⁹²·G, 1023 none.
    uint256 private constant STEPS = 52;

    /// @notice Reverts unless (r, s) signs the digest under the key.
    /// @dev Uses memory from 0x80 up as its own. All offsets are of calldata.
    /// @param e1 High 128 bits of the digest.
    /// @param e0 Low 256 bits of the digest.
    /// @param signature Offset of r ‖ s, 48 bytes each.
    /// @param key Offset of x ‖ y, 48 bytes each.
    /// @param hints As above; nothing may be left over.
    /// @param table Contract with code hash TABLE_CODEHASH.
    function verify(
        uint256 e1,
        uint256 e0,
        uint256 signature,
        uint256 key,
        bytes calldata hints,
        address table
    ) internal view {
        if (!_isScalar(signature) || !_isScalar(signature + 48)) revert P384_ScalarOutOfRange();
        if (!_loadKey(key)) revert P384_NotOnCurve();
        if (hints.length < STEPS || !_loadR(signature, hints) || !_walk(hints, table)) revert P384_NotProved();
        if (!P384Scalars.hold(e1, e0, signature, SUMS)) revert P384_NotProved();
    }

    /// @dev In [1, n).
    function _isScalar(uint256 at) private pure returns (bool) {
        (uint256 high, uint256 low) = _word384(at);
        return (high | low) != 0 && (high < P384Scalars.N1 || low < P384Scalars.N0);
    }

    /// @dev 48 bytes of calldata as a number.
    function _word384(uint256 at) private pure returns (uint256 high, uint256 low) {
        assembly {
            high := shr(128, calldataload(at))
            low := calldataload(add(at, 16))
        }
    }

    /// @dev Puts the key's residues at POINTS.
    function _loadKey(uint256 key) private pure returns (bool ok) {
        (uint256 x1, uint256 x0) = _word384(key);
        (uint256 y1, uint256 y0) = _word384(key + 48);
        if ((x1 == P1 && x0 >= P0) || (y1 == P1 && y0 >= P0)) return false;
        (x1, x0) = _mul(x1, x0, R2_1, R2_0);
        (y1, y0) = _mul(y1, y0, R2_1, R2_0);
        return _store(POINTS, x1, x0, y1, y0);
    }

    /// @dev Puts R's residues behind the key's eight places.
    function _loadR(uint256 signature, bytes calldata hints) private pure returns (bool) {
        (uint256 x1, uint256 x0) = _word384(signature);
        uint256 head;
        uint256 hintsAt;
        assembly {
            hintsAt := hints.offset
            head := shr(240, calldataload(hintsAt))
        }
        (uint256 y1, uint256 y0) = _word384(hintsAt + 4);
        if (head == 0x0100) {
            unchecked {
                // x of R may be r + n where that is below p; the sum's carry tells when it is not.
                uint256 low = x0 + P384Scalars.N0;
                x1 += P384Scalars.N1 + (low < x0 ? 1 : 0);
                x0 = low;
            }
            if (x1 > P1 || (x1 == P1 && x0 >= P0)) return false;
        } else if (head != 0) {
            return false;
        }
        if (y1 > BOUND) return false;
        (x1, x0) = _mul(x1, x0, R2_1, R2_0);
        return _store(POINTS + 0x400, x1, x0, y1, y0);
    }

    /// @dev Writes a point if it is one: y² = x³ − 3x + b, and within the bound.
    function _store(uint256 at, uint256 x1, uint256 x0, uint256 y1, uint256 y0) private pure returns (bool) {
        if (x1 > BOUND || y1 > BOUND) return false;
        assembly {
            mstore(at, x1)
            mstore(add(at, 0x20), x0)
            mstore(add(at, 0x40), y1)
            mstore(add(at, 0x60), y0)
        }
        (uint256 l1, uint256 l0) = _mul(y1, y0, y1, y0);
        (uint256 c1, uint256 c0) = _mul(x1, x0, x1, x0);
        if (l1 > BOUND || c1 > BOUND) return false;
        // x·(x² − 3): the 3 as a residue is the word 3 in the high place, borrowed as 3 + p where it does not fit.
        (c1, c0) = _sub(c1, c0, 3, 0);
        if (c1 > BOUND) return false;
        (c1, c0) = _mul(c1, c0, x1, x0);
        (l1, l0) = _sub(l1, l0, c1, c0);
        (l1, l0) = _sub(l1, l0, B_1, B_0);
        return (l1 | l0) == 0 || (l1 == P1 && l0 == P0);
    }

    /// @dev a − b, plus p where that is negative: in [0, max(a, p)].
    function _sub(uint256 a1, uint256 a0, uint256 b1, uint256 b0) private pure returns (uint256 r1, uint256 r0) {
        assembly {
            r0 := sub(a0, b0)
            r1 := sub(sub(a1, b1), lt(a0, b0))
            if slt(r1, 0) {
                let low := r0
                r0 := add(r0, P0)
                r1 := add(add(r1, P1), lt(r0, low))
            }
        }
    }

    /// @dev a·b/2²⁵⁶ mod p, below 2³⁸⁴ + 2²⁵⁷. The same lines stand unfolded in {_walk}.
    function _mul(uint256 a1, uint256 a0, uint256 b1, uint256 b0) private pure returns (uint256 r1, uint256 r0) {
        assembly {
            let low := mul(a0, b0)
            let t := mulmod(a0, b0, M)
            let m := mul(low, K)
            let q := mulmod(m, DELTA, M)
            let v := add(add(sub(t, q), sub(lt(q, low), lt(t, low))), shl(128, m))
            v := add(v, add(mul(a1, b0), mul(a0, b1)))
            let s := mulmod(addmod(a1, a0, M), addmod(b1, b0, M), M)
            s := addmod(s, mulmod(m, PM, M), M)
            t := sub(sub(s, v), lt(s, v))
            // The top half of t folds down.
            q := add(v, and(t, not(MASK)))
            r0 := add(q, mul(shr(128, t), DELTA_LOW))
            r1 := add(and(t, MASK), add(lt(q, v), lt(r0, q)))
        }
    }

    /// @dev Builds the multiples of Q and R and follows the steps. True iff everything hinted was right and the steps end
    /// in opposites; the sums of the windows are then at SUMS.
    // solhint-disable-next-line function-max-lines
    function _walk(bytes calldata hints, address table) private view returns (bool ok) {
        assembly {
            // Doubles the accumulator once for every slope between `at` and `end`.
            function double(at, end) {
                let bad := 0
                let x1 := mload(ACC)
                let x0 := mload(add(ACC, 0x20))
                for {} lt(at, end) {
                    at := add(at, 48)
                } {
                    let xs := addmod(x1, x0, M)
                    // d0, d1: residues of 2·λy − 3·x² + 3 + 4p, reduced to a few p; f collects what is folded.
                    let d0
                    let d1
                    let l1
                    let l0
                    let ls
                    {
                        let f
                        {
                            let low := mul(x0, x0)
                            let t := mulmod(x0, x0, M)
                            let m := mul(low, K)
                            let q := mulmod(m, DELTA, M)
                            let v := add(add(sub(t, q), sub(lt(q, low), lt(t, low))), shl(128, m))
                            v := add(v, shl(1, mul(x1, x0)))
                            let s := addmod(mulmod(xs, xs, M), mulmod(m, PM, M), M)
                            f := sub(TWO_130, mul(3, shr(128, sub(sub(s, v), lt(s, v)))))
                            d0 := sub(TANGENT_0, mul(3, v))
                            d1 := addmod(TANGENT_M, mulmod(s, sub(M, 3), M), M)
                        }
                        l1 := shr(128, calldataload(at))
                        l0 := calldataload(add(at, 16))
                        ls := addmod(l1, l0, M)
                        {
                            let y0 := mload(add(ACC, 0x60))
                            let y1 := mload(add(ACC, 0x40))
                            let low := mul(l0, y0)
                            let t := mulmod(l0, y0, M)
                            let m := mul(low, K)
                            let q := mulmod(m, DELTA, M)
                            let v := add(add(sub(t, q), sub(lt(q, low), lt(t, low))), shl(128, m))
                            v := add(v, add(mul(l1, y0), mul(l0, y1)))
                            let s := addmod(mulmod(ls, addmod(y1, y0, M), M), mulmod(m, PM, M), M)
                            f := add(f, shl(1, shr(128, sub(sub(s, v), lt(s, v)))))
                            d0 := add(d0, shl(1, v))
                            d1 := addmod(d1, addmod(s, s, M), M)
                        }
                        // As a number it is j·p for a small j, iff it is so modulo both.
                        d0 := mul(add(d0, mul(f, DELTA)), P0_INVERSE)
                        d1 := xor(addmod(d1, mulmod(f, MINUS_PM, M), M), mulmod(d0, PM, M))
                        bad := or(bad, or(or(gt(d0, 7), d1), gt(l1, BOUND)))
                    }
                    // λ² − 2x
                    xs := addmod(PM_4, mulmod(xs, sub(M, 2), M), M)
                    d0 := sub(P0_4, shl(1, x0))
                    {
                        let low := mul(l0, l0)
                        let t := mulmod(l0, l0, M)
                        let m := mul(low, K)
                        let q := mulmod(m, DELTA, M)
                        let v := add(add(sub(t, q), sub(lt(q, low), lt(t, low))), shl(128, m))
                        v := add(v, add(shl(1, mul(l1, l0)), d0))
                        let s := addmod(addmod(mulmod(ls, ls, M), xs, M), mulmod(m, PM, M), M)
                        t := sub(sub(s, v), lt(s, v))
                        q := add(v, and(t, not(MASK)))
                        d0 := add(q, mul(shr(128, t), DELTA_LOW))
                        d1 := add(and(t, MASK), add(lt(q, v), lt(d0, q)))
                    }
                    // x − x₃
                    x1 := sub(sub(x1, d1), lt(x0, d0))
                    x0 := sub(x0, d0)
                    if slt(x1, 0) {
                        let before := x0
                        x0 := add(x0, P0)
                        x1 := add(add(x1, P1), lt(x0, before))
                    }
                    bad := or(bad, or(gt(d1, BOUND), gt(x1, BOUND)))
                    // λ(x − x₃) − y
                    xs := addmod(x1, x0, M)
                    {
                        let y0 := mload(add(ACC, 0x60))
                        let low := mul(l0, x0)
                        let t := mulmod(l0, x0, M)
                        let m := mul(low, K)
                        let q := mulmod(m, DELTA, M)
                        let v := add(add(sub(t, q), sub(lt(q, low), lt(t, low))), shl(128, m))
                        v := add(v, add(add(mul(l1, x0), mul(l0, x1)), sub(P0_2, y0)))
                        let s := addmod(mulmod(ls, xs, M), mulmod(m, PM, M), M)
                        s := addmod(s, addmod(PM_2, not(addmod(mload(add(ACC, 0x40)), y0, M)), M), M)
                        t := sub(sub(s, v), lt(s, v))
                        q := add(v, and(t, not(MASK)))
                        y0 := add(q, mul(shr(128, t), DELTA_LOW))
                        mstore(add(ACC, 0x60), y0)
                        t := add(and(t, MASK), add(lt(q, v), lt(y0, q)))
                        mstore(add(ACC, 0x40), t)
                        bad := or(bad, gt(t, BOUND))
                    }
                    x1 := d1
                    x0 := d0
                }
                mstore(ACC, x1)
                mstore(add(ACC, 0x20), x0)
                mstore(BAD, or(mload(BAD), bad))
            }

            // Adds what is at ENTRY.
            function increase(at) {
                let l1 := shr(128, calldataload(at))
                let l0 := calldataload(add(at, 16))
                let ls := addmod(l1, l0, M)
                let bad := gt(l1, BOUND)
                let u1 := mload(ENTRY)
                let u0 := mload(add(ENTRY, 0x20))
                let x1 := mload(ACC)
                let x0 := mload(add(ACC, 0x20))
                {
                    // λ(u − x) + y − w must be 0 or p; it is below 2p.
                    let d0 := sub(u0, x0)
                    let d1 := sub(sub(u1, x1), lt(u0, x0))
                    if slt(d1, 0) {
                        let before := d0
                        d0 := add(d0, P0)
                        d1 := add(add(d1, P1), lt(d0, before))
                    }
                    // With equal x the slope would be free: p is beyond the bound, zero is looked for.
                    bad := or(bad, or(gt(d1, BOUND), iszero(or(d1, d0))))
                    let low := mul(l0, d0)
                    let t := mulmod(l0, d0, M)
                    let m := mul(low, K)
                    let q := mulmod(m, DELTA, M)
                    let v := add(add(sub(t, q), sub(lt(q, low), lt(t, low))), shl(128, m))
                    v := add(v, add(mul(l1, d0), mul(l0, d1)))
                    v := add(v, add(P0_2, sub(mload(add(ACC, 0x60)), mload(add(ENTRY, 0x60)))))
                    let s := addmod(mulmod(ls, addmod(d1, d0, M), M), mulmod(m, PM, M), M)
                    s := addmod(s, addmod(mload(add(ACC, 0x40)), mload(add(ACC, 0x60)), M), M)
                    s := addmod(s, not(addmod(mload(add(ENTRY, 0x40)), mload(add(ENTRY, 0x60)), M)), M)
                    s := addmod(s, PM_2, M)
                    t := sub(sub(s, v), lt(s, v))
                    d0 := add(v, and(t, not(MASK)))
                    d1 := add(and(t, MASK), lt(d0, v))
                    v := add(d0, mul(shr(128, t), DELTA_LOW))
                    d1 := add(d1, lt(v, d0))
                    if or(v, d1) {
                        bad := or(bad, or(xor(v, P0), xor(d1, P1)))
                    }
                }
                {
                    // λ² − x − u
                    let low := mul(l0, l0)
                    let t := mulmod(l0, l0, M)
                    let m := mul(low, K)
                    let q := mulmod(m, DELTA, M)
                    let v := add(add(sub(t, q), sub(lt(q, low), lt(t, low))), shl(128, m))
                    v := add(v, add(shl(1, mul(l1, l0)), sub(P0_4, add(x0, u0))))
                    let s := addmod(mulmod(ls, ls, M), mulmod(m, PM, M), M)
                    s := addmod(s, PM_4, M)
                    s := addmod(s, not(addmod(x1, x0, M)), M)
                    s := addmod(s, not(addmod(u1, u0, M)), M)
                    t := sub(sub(s, v), lt(s, v))
                    q := add(v, and(t, not(MASK)))
                    u1 := add(and(t, MASK), lt(q, v))
                    u0 := add(q, mul(shr(128, t), DELTA_LOW))
                    u1 := add(u1, lt(u0, q))
                }
                mstore(ACC, u1)
                mstore(add(ACC, 0x20), u0)
                bad := or(bad, gt(u1, BOUND))
                // x − x₃
                x1 := sub(sub(x1, u1), lt(x0, u0))
                x0 := sub(x0, u0)
                if slt(x1, 0) {
                    let before := x0
                    x0 := add(x0, P0)
                    x1 := add(add(x1, P1), lt(x0, before))
                }
                bad := or(bad, gt(x1, BOUND))
                {
                    // λ(x − x₃) − y
                    u0 := mload(add(ACC, 0x60))
                    let low := mul(l0, x0)
                    let t := mulmod(l0, x0, M)
                    let m := mul(low, K)
                    let q := mulmod(m, DELTA, M)
                    let v := add(add(sub(t, q), sub(lt(q, low), lt(t, low))), shl(128, m))
                    v := add(v, add(add(mul(l1, x0), mul(l0, x1)), sub(P0_2, u0)))
                    let s := addmod(mulmod(ls, addmod(x1, x0, M), M), mulmod(m, PM, M), M)
                    s := addmod(s, addmod(PM_2, not(addmod(mload(add(ACC, 0x40)), u0, M)), M), M)
                    t := sub(sub(s, v), lt(s, v))
                    q := add(v, and(t, not(MASK)))
                    u0 := add(q, mul(shr(128, t), DELTA_LOW))
                    u1 := add(and(t, MASK), add(lt(q, v), lt(u0, q)))
                }
                mstore(add(ACC, 0x40), u1)
                mstore(add(ACC, 0x60), u0)
                mstore(BAD, or(mload(BAD), or(bad, gt(u1, BOUND))))
            }

            function copyPoint(from, to) {
                mcopy(to, from, 0x80)
            }

            // 3, 5 … 15 times the point at `from`, behind it.
            function multiples(from, at) -> next {
                next := add(at, 48)
                copyPoint(from, ACC)
                double(at, next)
                copyPoint(ACC, ENTRY)
                copyPoint(from, ACC)
                for {
                    let to := add(from, 0x80)
                } lt(to, add(from, 0x400)) {
                    to := add(to, 0x80)
                } {
                    increase(next)
                    next := add(next, 48)
                    copyPoint(ACC, to)
                }
            }

            // Puts a step's point at ENTRY, and adds its window, at this place, to its scalar's sum.
            function enter(step, place, from) -> good {
                let id := and(step, 1023)
                let sum := SUMS
                good := 1
                switch lt(id, 16)
                case 1 {
                    copyPoint(add(POINTS, shl(7, id)), ENTRY)
                    sum := add(sum, shl(5, shr(3, id)))
                    id := and(id, 7)
                }
                default {
                    good := lt(id, 271)
                    id := sub(id, 16)
                    extcodecopy(from, COPY, add(1, mul(id, 96)), 96)
                    mstore(ENTRY, shr(128, mload(COPY)))
                    mstore(add(ENTRY, 0x20), mload(add(COPY, 16)))
                    mstore(add(ENTRY, 0x40), shr(128, mload(add(COPY, 48))))
                    mstore(add(ENTRY, 0x60), mload(add(COPY, 64)))
                    sum := add(sum, add(0x40, shl(5, shr(7, id))))
                    id := and(id, 127)
                }
                id := shl(place, add(shl(1, id), 1))
                if and(step, 1024) {
                    // Its opposite: p − y, where y is within the bound and so below p.
                    let y0 := mload(add(ENTRY, 0x60))
                    mstore(add(ENTRY, 0x60), sub(P0, y0))
                    mstore(add(ENTRY, 0x40), sub(sub(P1, mload(add(ENTRY, 0x40))), lt(P0, y0)))
                    id := sub(0, id)
                }
                mstore(sum, add(mload(sum), id))
            }

            mstore(BAD, 0)
            calldatacopy(SUMS, calldatasize(), 0x80)
            let here := add(hints.offset, STEPS)
            let end := add(here, shl(1, and(shr(224, calldataload(hints.offset)), 0xffff)))
            let at := multiples(add(POINTS, 0x400), multiples(POINTS, end))

            // Doublings still to come tell what a window is worth.
            let place := 0
            for {
                let i := here
            } lt(i, end) {
                i := add(i, 2)
            } {
                place := add(place, shr(251, calldataload(i)))
            }
            // Sums stay far from the word's end: a window has 8 bits, and there are fewer steps than 2⁹.
            ok := and(and(lt(place, 220), lt(add(here, 2), end)), lt(sub(end, here), 1024))
            if ok {
                let step := shr(240, calldataload(here))
                // The first entry is where the walk begins.
                ok := and(iszero(shr(11, step)), enter(step, place, table))
                copyPoint(ENTRY, ACC)
                mstore(BAD, or(mload(BAD), gt(mload(add(ACC, 0x40)), BOUND)))
                end := sub(end, 2)
                for {
                    here := add(here, 2)
                } lt(here, end) {
                    here := add(here, 2)
                } {
                    step := shr(240, calldataload(here))
                    let count := shr(11, step)
                    if count {
                        place := sub(place, count)
                        count := add(at, mul(count, 48))
                        double(at, count)
                        at := count
                    }
                    if lt(and(step, 1023), 1023) {
                        ok := and(ok, enter(step, place, table))
                        increase(at)
                        at := add(at, 48)
                    }
                }
                // The last is opposite to what was reached, so that the sum is the point at infinity. All coordinates
                // are below p here, so that equal residues are equal words.
                step := shr(240, calldataload(here))
                place := add(at, mul(shr(11, step), 48))
                double(at, place)
                at := place
                ok := and(ok, enter(step, 0, table))
                let y0 := mload(add(ENTRY, 0x60))
                let apart := xor(mload(add(ACC, 0x60)), sub(P0, y0))
                y0 := sub(sub(P1, mload(add(ENTRY, 0x40))), lt(P0, y0))
                apart := or(apart, xor(mload(add(ACC, 0x40)), y0))
                apart := or(apart, xor(mload(ACC), mload(ENTRY)))
                apart := or(apart, xor(mload(add(ACC, 0x20)), mload(add(ENTRY, 0x20))))
                apart := or(apart, xor(at, add(hints.offset, hints.length)))
                ok := and(ok, iszero(or(apart, mload(BAD))))
            }
        }
    }
}
