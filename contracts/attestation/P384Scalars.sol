// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @title P384Scalars
/// @notice What `P384` requires of scalars, modulo the order n of the group: a few products, each reduced by the modexp
/// precompile with exponent 1, as their number is too small for more.
library P384Scalars {
    /// @notice This chain has no modexp precompile, or too little gas was left for it.
    error P384Scalars_NoModexp();

    /// @dev 2²⁵⁶ − 1.
    uint256 private constant M = 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff;
    /// @dev n in two words.
    uint256 internal constant N1 = 0xffffffffffffffffffffffffffffffff;
    uint256 internal constant N0 = 0xffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973;
    /// @dev Memory behind all that `P384` keeps.
    uint256 private constant SCRATCH = 0xaa0;

    /// @dev a·s = −b·r and c·s = −b·e modulo n, and b ≠ 0, for the sums at `sums`, which the walk left.
    function hold(uint256 e1, uint256 e0, uint256 signature, uint256 sums) internal view returns (bool) {
        (bool aMinus, uint256 a) = _sum(sums);
        (bool bMinus, uint256 b) = _sum(sums + 0x20);
        // |b| < 2²⁵⁶ < n, so it is zero modulo n only as itself.
        if (b == 0) return false;
        (uint256 r1, uint256 r0) = _word384(signature);
        (r1, r0) = _mulModN(0, b, r1, r0);
        (e1, e0) = _mulModN(0, b, e1, e0);
        if (!_cancel(aMinus == bMinus, 0, a, r1, r0, signature + 48)) return false;
        bool cMinus;
        (cMinus, r1, r0) = _generatorSum(sums);
        return _cancel(cMinus == bMinus, r1, r0, e1, e0, signature + 48);
    }

    /// @dev Whether u·s and v cancel out, having the same sign or not; s is at an offset of calldata.
    function _cancel(
        bool sameSign,
        uint256 u1,
        uint256 u0,
        uint256 v1,
        uint256 v0,
        uint256 s
    ) private view returns (bool) {
        (uint256 s1, uint256 s0) = _word384(s);
        (u1, u0) = _mulModN(u1, u0, s1, s0);
        return _isZeroTogether(sameSign, u1, u0, v1, v0);
    }

    /// @dev u + v = 0 modulo n if the signs are the same, else u − v = 0; u and v are below n.
    function _isZeroTogether(
        bool sameSign,
        uint256 u1,
        uint256 u0,
        uint256 v1,
        uint256 v0
    ) private pure returns (bool) {
        if (!sameSign) return u1 == v1 && u0 == v0;
        unchecked {
            u0 += v0;
            u1 += v1 + (u0 < v0 ? 1 : 0);
        }
        return (u1 | u0) == 0 || (u1 == N1 && u0 == N0);
    }

    /// @dev A sum's sign and size.
    function _sum(uint256 at) private pure returns (bool minus, uint256 size) {
        int256 value;
        assembly {
            value := mload(at)
        }
        unchecked {
            return (value < 0, uint256(value < 0 ? -value : value));
        }
    }

    /// @dev (sum over 2¹⁹²·G)·2¹⁹² + (sum over G), by sign and size.
    function _generatorSum(uint256 sums) private pure returns (bool minus, uint256 c1, uint256 c0) {
        assembly {
            let low := mload(add(sums, 0x40))
            let high := mload(add(sums, 0x60))
            c0 := add(shl(192, high), low)
            c1 := add(add(sar(64, high), sar(255, low)), lt(c0, low))
            minus := shr(255, c1)
            if minus {
                c0 := sub(0, c0)
                c1 := add(not(c1), iszero(c0))
            }
        }
    }

    /// @dev 48 bytes of calldata as a number.
    function _word384(uint256 at) private pure returns (uint256 high, uint256 low) {
        assembly {
            high := shr(128, calldataload(at))
            low := calldataload(add(at, 16))
        }
    }

    /// @dev a·b mod n for a, b < 2⁵¹² with a·b < 2¹⁰²⁴: the product by hand, its remainder by modexp with exponent 1.
    function _mulModN(uint256 a1, uint256 a0, uint256 b1, uint256 b0) private view returns (uint256 r1, uint256 r0) {
        bool ok;
        assembly {
            function high(x, y) -> h {
                let low := mul(x, y)
                h := mulmod(x, y, M)
                h := sub(sub(h, low), lt(h, low))
            }
            let at := SCRATCH
            mstore(at, 128)
            mstore(add(at, 0x20), 1)
            mstore(add(at, 0x40), 48)
            let w1 := high(a0, b0)
            let w2 := high(a1, b0)
            let w3 := high(a1, b1)
            let t := mul(a1, b0)
            w1 := add(w1, t)
            let carry := lt(w1, t)
            t := mul(a0, b1)
            w1 := add(w1, t)
            carry := add(carry, lt(w1, t))
            w2 := add(w2, carry)
            w3 := add(w3, lt(w2, carry))
            t := high(a0, b1)
            w2 := add(w2, t)
            w3 := add(w3, lt(w2, t))
            t := mul(a1, b1)
            w2 := add(w2, t)
            w3 := add(w3, lt(w2, t))
            mstore(add(at, 0x60), w3)
            mstore(add(at, 0x80), w2)
            mstore(add(at, 0xa0), w1)
            mstore(add(at, 0xc0), mul(a0, b0))
            mstore8(add(at, 0xe0), 1)
            mstore(add(at, 0xe1), shl(128, N1))
            mstore(add(at, 0xf1), N0)
            ok := staticcall(gas(), 0x05, at, 0x111, SCRATCH, 48)
            ok := and(ok, eq(returndatasize(), 48))
            r1 := shr(128, mload(SCRATCH))
            r0 := mload(add(SCRATCH, 16))
        }
        if (!ok) revert P384Scalars_NoModexp();
    }
}
