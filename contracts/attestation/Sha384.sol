// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @title Sha384
/// @notice SHA-384 (FIPS 180-4), which the EVM has no precompile for.
/// @dev A state word is kept twice in 128 bits, x ‖ x, so that a right shift by n leaves its rotation in the low 64
/// bits; what is above them is rubbish and masked only where a new word is made. The message schedule makes two words
/// at a time, each in 128 bits of one EVM word: 16 bytes apart in memory, a load at any of them yields a pair.
library Sha384 {
    // Memory. The caller holds nothing there.
    uint256 private constant CONSTANTS = 0x80; // 80 round constants, 16 bytes each
    uint256 private constant SCHEDULE = 0x580; // 80 words, 16 bytes each
    uint256 private constant ADDENDS = 0xa80; // word + constant, 16 bytes each
    uint256 private constant STATE = 0xf80; // 8 words, 32 bytes each
    uint256 private constant MESSAGE = 0x1080;

    uint256 private constant WORD = 0xffffffffffffffff;
    /// @dev The low 64 bits of both halves.
    uint256 private constant PAIR = 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff;
    /// @dev A multiplication by it writes a word twice.
    uint256 private constant TWICE = 0x10000000000000001;

    /// @notice The digest of a message: its high 128 and its low 256 bits.
    /// @dev Uses memory from 0x80 up as its own.
    // solhint-disable-next-line function-max-lines
    function hash(bytes calldata message) internal pure returns (uint256 e1, uint256 e0) {
        assembly {
            mstore(add(CONSTANTS, 0x0), 0x0000000000000000428a2f98d728ae2200000000000000007137449123ef65cd)
            mstore(add(CONSTANTS, 0x20), 0x0000000000000000b5c0fbcfec4d3b2f0000000000000000e9b5dba58189dbbc)
            mstore(add(CONSTANTS, 0x40), 0x00000000000000003956c25bf348b538000000000000000059f111f1b605d019)
            mstore(add(CONSTANTS, 0x60), 0x0000000000000000923f82a4af194f9b0000000000000000ab1c5ed5da6d8118)
            mstore(add(CONSTANTS, 0x80), 0x0000000000000000d807aa98a3030242000000000000000012835b0145706fbe)
            mstore(add(CONSTANTS, 0xa0), 0x0000000000000000243185be4ee4b28c0000000000000000550c7dc3d5ffb4e2)
            mstore(add(CONSTANTS, 0xc0), 0x000000000000000072be5d74f27b896f000000000000000080deb1fe3b1696b1)
            mstore(add(CONSTANTS, 0xe0), 0x00000000000000009bdc06a725c712350000000000000000c19bf174cf692694)
            mstore(add(CONSTANTS, 0x100), 0x0000000000000000e49b69c19ef14ad20000000000000000efbe4786384f25e3)
            mstore(add(CONSTANTS, 0x120), 0x00000000000000000fc19dc68b8cd5b50000000000000000240ca1cc77ac9c65)
            mstore(add(CONSTANTS, 0x140), 0x00000000000000002de92c6f592b027500000000000000004a7484aa6ea6e483)
            mstore(add(CONSTANTS, 0x160), 0x00000000000000005cb0a9dcbd41fbd4000000000000000076f988da831153b5)
            mstore(add(CONSTANTS, 0x180), 0x0000000000000000983e5152ee66dfab0000000000000000a831c66d2db43210)
            mstore(add(CONSTANTS, 0x1a0), 0x0000000000000000b00327c898fb213f0000000000000000bf597fc7beef0ee4)
            mstore(add(CONSTANTS, 0x1c0), 0x0000000000000000c6e00bf33da88fc20000000000000000d5a79147930aa725)
            mstore(add(CONSTANTS, 0x1e0), 0x000000000000000006ca6351e003826f0000000000000000142929670a0e6e70)
            mstore(add(CONSTANTS, 0x200), 0x000000000000000027b70a8546d22ffc00000000000000002e1b21385c26c926)
            mstore(add(CONSTANTS, 0x220), 0x00000000000000004d2c6dfc5ac42aed000000000000000053380d139d95b3df)
            mstore(add(CONSTANTS, 0x240), 0x0000000000000000650a73548baf63de0000000000000000766a0abb3c77b2a8)
            mstore(add(CONSTANTS, 0x260), 0x000000000000000081c2c92e47edaee6000000000000000092722c851482353b)
            mstore(add(CONSTANTS, 0x280), 0x0000000000000000a2bfe8a14cf103640000000000000000a81a664bbc423001)
            mstore(add(CONSTANTS, 0x2a0), 0x0000000000000000c24b8b70d0f897910000000000000000c76c51a30654be30)
            mstore(add(CONSTANTS, 0x2c0), 0x0000000000000000d192e819d6ef52180000000000000000d69906245565a910)
            mstore(add(CONSTANTS, 0x2e0), 0x0000000000000000f40e35855771202a0000000000000000106aa07032bbd1b8)
            mstore(add(CONSTANTS, 0x300), 0x000000000000000019a4c116b8d2d0c800000000000000001e376c085141ab53)
            mstore(add(CONSTANTS, 0x320), 0x00000000000000002748774cdf8eeb99000000000000000034b0bcb5e19b48a8)
            mstore(add(CONSTANTS, 0x340), 0x0000000000000000391c0cb3c5c95a6300000000000000004ed8aa4ae3418acb)
            mstore(add(CONSTANTS, 0x360), 0x00000000000000005b9cca4f7763e3730000000000000000682e6ff3d6b2b8a3)
            mstore(add(CONSTANTS, 0x380), 0x0000000000000000748f82ee5defb2fc000000000000000078a5636f43172f60)
            mstore(add(CONSTANTS, 0x3a0), 0x000000000000000084c87814a1f0ab7200000000000000008cc702081a6439ec)
            mstore(add(CONSTANTS, 0x3c0), 0x000000000000000090befffa23631e280000000000000000a4506cebde82bde9)
            mstore(add(CONSTANTS, 0x3e0), 0x0000000000000000bef9a3f7b2c679150000000000000000c67178f2e372532b)
            mstore(add(CONSTANTS, 0x400), 0x0000000000000000ca273eceea26619c0000000000000000d186b8c721c0c207)
            mstore(add(CONSTANTS, 0x420), 0x0000000000000000eada7dd6cde0eb1e0000000000000000f57d4f7fee6ed178)
            mstore(add(CONSTANTS, 0x440), 0x000000000000000006f067aa72176fba00000000000000000a637dc5a2c898a6)
            mstore(add(CONSTANTS, 0x460), 0x0000000000000000113f9804bef90dae00000000000000001b710b35131c471b)
            mstore(add(CONSTANTS, 0x480), 0x000000000000000028db77f523047d84000000000000000032caab7b40c72493)
            mstore(add(CONSTANTS, 0x4a0), 0x00000000000000003c9ebe0a15c9bebc0000000000000000431d67c49c100d4c)
            mstore(add(CONSTANTS, 0x4c0), 0x00000000000000004cc5d4becb3e42b60000000000000000597f299cfc657e2a)
            mstore(add(CONSTANTS, 0x4e0), 0x00000000000000005fcb6fab3ad6faec00000000000000006c44198c4a475817)
            mstore(add(STATE, 0x0), 0xcbbb9d5dc1059ed8)
            mstore(add(STATE, 0x20), 0x629a292a367cd507)
            mstore(add(STATE, 0x40), 0x9159015a3070dd17)
            mstore(add(STATE, 0x60), 0x152fecd8f70e5939)
            mstore(add(STATE, 0x80), 0x67332667ffc00b31)
            mstore(add(STATE, 0xa0), 0x8eb44a8768581511)
            mstore(add(STATE, 0xc0), 0xdb0c2e0d64f98fa7)
            mstore(add(STATE, 0xe0), 0x47b5481dbefa4fa4)

            // The message, a 1 bit, zeros, and its length in bits in the last 16 bytes of a whole number of blocks.
            let end := add(MESSAGE, and(add(message.length, 144), not(127)))
            calldatacopy(MESSAGE, message.offset, message.length)
            calldatacopy(add(MESSAGE, message.length), calldatasize(), 144)
            mstore8(add(MESSAGE, message.length), 0x80)
            mstore(sub(end, 32), or(mload(sub(end, 32)), shl(3, message.length)))

            for {
                let at := MESSAGE
            } lt(at, end) {
                at := add(at, 128)
            } {
                {
                    let to := SCHEDULE
                    for {
                        let from := at
                    } lt(to, add(SCHEDULE, 0x100)) {
                        from := add(from, 32)
                    } {
                        let w := mload(from)
                        let pair := or(shl(128, shr(192, w)), and(shr(128, w), WORD))
                        mstore(to, pair)
                        mstore(add(to, 0x500), add(pair, mload(sub(to, 0x500))))
                        pair := or(shl(128, and(shr(64, w), WORD)), and(w, WORD))
                        mstore(add(to, 0x20), pair)
                        mstore(add(to, 0x520), add(pair, mload(sub(to, 0x4e0))))
                        to := add(to, 0x40)
                    }
                    for {} lt(to, ADDENDS) {} {
                        {
                            let w := mload(sub(to, 0xf0))
                            let x := mul(w, TWICE)
                            let sum := and(xor(xor(shr(1, x), shr(8, x)), shr(7, w)), PAIR)
                            w := mload(sub(to, 0x20))
                            x := mul(w, TWICE)
                            sum := add(sum, and(xor(xor(shr(19, x), shr(61, x)), shr(6, w)), PAIR))
                            sum := and(add(add(sum, mload(sub(to, 0x70))), mload(sub(to, 0x100))), PAIR)
                            mstore(to, sum)
                            mstore(add(to, 0x500), add(sum, mload(sub(to, 0x500))))
                        }
                        {
                            let w := mload(sub(to, 0xd0))
                            let x := mul(w, TWICE)
                            let sum := and(xor(xor(shr(1, x), shr(8, x)), shr(7, w)), PAIR)
                            w := mload(to)
                            x := mul(w, TWICE)
                            sum := add(sum, and(xor(xor(shr(19, x), shr(61, x)), shr(6, w)), PAIR))
                            sum := and(add(add(sum, mload(sub(to, 0x50))), mload(sub(to, 0xe0))), PAIR)
                            mstore(add(to, 0x20), sum)
                            mstore(add(to, 0x520), add(sum, mload(sub(to, 0x4e0))))
                        }
                        {
                            let w := mload(sub(to, 0xb0))
                            let x := mul(w, TWICE)
                            let sum := and(xor(xor(shr(1, x), shr(8, x)), shr(7, w)), PAIR)
                            w := mload(add(to, 0x20))
                            x := mul(w, TWICE)
                            sum := add(sum, and(xor(xor(shr(19, x), shr(61, x)), shr(6, w)), PAIR))
                            sum := and(add(add(sum, mload(sub(to, 0x30))), mload(sub(to, 0xc0))), PAIR)
                            mstore(add(to, 0x40), sum)
                            mstore(add(to, 0x540), add(sum, mload(sub(to, 0x4c0))))
                        }
                        {
                            let w := mload(sub(to, 0x90))
                            let x := mul(w, TWICE)
                            let sum := and(xor(xor(shr(1, x), shr(8, x)), shr(7, w)), PAIR)
                            w := mload(add(to, 0x40))
                            x := mul(w, TWICE)
                            sum := add(sum, and(xor(xor(shr(19, x), shr(61, x)), shr(6, w)), PAIR))
                            sum := and(add(add(sum, mload(sub(to, 0x10))), mload(sub(to, 0xa0))), PAIR)
                            mstore(add(to, 0x60), sum)
                            mstore(add(to, 0x560), add(sum, mload(sub(to, 0x4a0))))
                        }
                        {
                            let w := mload(sub(to, 0x70))
                            let x := mul(w, TWICE)
                            let sum := and(xor(xor(shr(1, x), shr(8, x)), shr(7, w)), PAIR)
                            w := mload(add(to, 0x60))
                            x := mul(w, TWICE)
                            sum := add(sum, and(xor(xor(shr(19, x), shr(61, x)), shr(6, w)), PAIR))
                            sum := and(add(add(sum, mload(add(to, 0x10))), mload(sub(to, 0x80))), PAIR)
                            mstore(add(to, 0x80), sum)
                            mstore(add(to, 0x580), add(sum, mload(sub(to, 0x480))))
                        }
                        {
                            let w := mload(sub(to, 0x50))
                            let x := mul(w, TWICE)
                            let sum := and(xor(xor(shr(1, x), shr(8, x)), shr(7, w)), PAIR)
                            w := mload(add(to, 0x80))
                            x := mul(w, TWICE)
                            sum := add(sum, and(xor(xor(shr(19, x), shr(61, x)), shr(6, w)), PAIR))
                            sum := and(add(add(sum, mload(add(to, 0x30))), mload(sub(to, 0x60))), PAIR)
                            mstore(add(to, 0xa0), sum)
                            mstore(add(to, 0x5a0), add(sum, mload(sub(to, 0x460))))
                        }
                        {
                            let w := mload(sub(to, 0x30))
                            let x := mul(w, TWICE)
                            let sum := and(xor(xor(shr(1, x), shr(8, x)), shr(7, w)), PAIR)
                            w := mload(add(to, 0xa0))
                            x := mul(w, TWICE)
                            sum := add(sum, and(xor(xor(shr(19, x), shr(61, x)), shr(6, w)), PAIR))
                            sum := and(add(add(sum, mload(add(to, 0x50))), mload(sub(to, 0x40))), PAIR)
                            mstore(add(to, 0xc0), sum)
                            mstore(add(to, 0x5c0), add(sum, mload(sub(to, 0x440))))
                        }
                        {
                            let w := mload(sub(to, 0x10))
                            let x := mul(w, TWICE)
                            let sum := and(xor(xor(shr(1, x), shr(8, x)), shr(7, w)), PAIR)
                            w := mload(add(to, 0xc0))
                            x := mul(w, TWICE)
                            sum := add(sum, and(xor(xor(shr(19, x), shr(61, x)), shr(6, w)), PAIR))
                            sum := and(add(add(sum, mload(add(to, 0x70))), mload(sub(to, 0x20))), PAIR)
                            mstore(add(to, 0xe0), sum)
                            mstore(add(to, 0x5e0), add(sum, mload(sub(to, 0x420))))
                        }
                        to := add(to, 0x100)
                    }
                }

                let a := mul(mload(STATE), TWICE)
                let b := mul(mload(add(STATE, 0x20)), TWICE)
                let c := mul(mload(add(STATE, 0x40)), TWICE)
                let d := mul(mload(add(STATE, 0x60)), TWICE)
                let e := mul(mload(add(STATE, 0x80)), TWICE)
                let f := mul(mload(add(STATE, 0xa0)), TWICE)
                let g := mul(mload(add(STATE, 0xc0)), TWICE)
                let h := mul(mload(add(STATE, 0xe0)), TWICE)
                let y := xor(b, c)
                // A load 16 bytes before a word has it in the low half.
                for {
                    let w := sub(ADDENDS, 16)
                } lt(w, sub(STATE, 16)) {
                    w := add(w, 128)
                } {
                    let z
                    h := add(
                        add(add(h, mload(w)), xor(g, and(e, xor(f, g)))),
                        xor(xor(shr(14, e), shr(18, e)), shr(41, e))
                    )
                    d := mul(and(add(d, h), WORD), TWICE)
                    z := xor(a, b)
                    h := add(add(h, xor(b, and(z, y))), xor(xor(shr(28, a), shr(34, a)), shr(39, a)))
                    h := mul(and(h, WORD), TWICE)
                    g := add(
                        add(add(g, mload(add(w, 16))), xor(f, and(d, xor(e, f)))),
                        xor(xor(shr(14, d), shr(18, d)), shr(41, d))
                    )
                    c := mul(and(add(c, g), WORD), TWICE)
                    y := xor(h, a)
                    g := add(add(g, xor(a, and(y, z))), xor(xor(shr(28, h), shr(34, h)), shr(39, h)))
                    g := mul(and(g, WORD), TWICE)
                    f := add(
                        add(add(f, mload(add(w, 32))), xor(e, and(c, xor(d, e)))),
                        xor(xor(shr(14, c), shr(18, c)), shr(41, c))
                    )
                    b := mul(and(add(b, f), WORD), TWICE)
                    z := xor(g, h)
                    f := add(add(f, xor(h, and(z, y))), xor(xor(shr(28, g), shr(34, g)), shr(39, g)))
                    f := mul(and(f, WORD), TWICE)
                    e := add(
                        add(add(e, mload(add(w, 48))), xor(d, and(b, xor(c, d)))),
                        xor(xor(shr(14, b), shr(18, b)), shr(41, b))
                    )
                    a := mul(and(add(a, e), WORD), TWICE)
                    y := xor(f, g)
                    e := add(add(e, xor(g, and(y, z))), xor(xor(shr(28, f), shr(34, f)), shr(39, f)))
                    e := mul(and(e, WORD), TWICE)
                    d := add(
                        add(add(d, mload(add(w, 64))), xor(c, and(a, xor(b, c)))),
                        xor(xor(shr(14, a), shr(18, a)), shr(41, a))
                    )
                    h := mul(and(add(h, d), WORD), TWICE)
                    z := xor(e, f)
                    d := add(add(d, xor(f, and(z, y))), xor(xor(shr(28, e), shr(34, e)), shr(39, e)))
                    d := mul(and(d, WORD), TWICE)
                    c := add(
                        add(add(c, mload(add(w, 80))), xor(b, and(h, xor(a, b)))),
                        xor(xor(shr(14, h), shr(18, h)), shr(41, h))
                    )
                    g := mul(and(add(g, c), WORD), TWICE)
                    y := xor(d, e)
                    c := add(add(c, xor(e, and(y, z))), xor(xor(shr(28, d), shr(34, d)), shr(39, d)))
                    c := mul(and(c, WORD), TWICE)
                    b := add(
                        add(add(b, mload(add(w, 96))), xor(a, and(g, xor(h, a)))),
                        xor(xor(shr(14, g), shr(18, g)), shr(41, g))
                    )
                    f := mul(and(add(f, b), WORD), TWICE)
                    z := xor(c, d)
                    b := add(add(b, xor(d, and(z, y))), xor(xor(shr(28, c), shr(34, c)), shr(39, c)))
                    b := mul(and(b, WORD), TWICE)
                    a := add(
                        add(add(a, mload(add(w, 112))), xor(h, and(f, xor(g, h)))),
                        xor(xor(shr(14, f), shr(18, f)), shr(41, f))
                    )
                    e := mul(and(add(e, a), WORD), TWICE)
                    y := xor(b, c)
                    a := add(add(a, xor(c, and(y, z))), xor(xor(shr(28, b), shr(34, b)), shr(39, b)))
                    a := mul(and(a, WORD), TWICE)
                }
                mstore(STATE, and(add(mload(STATE), a), WORD))
                mstore(add(STATE, 0x20), and(add(mload(add(STATE, 0x20)), b), WORD))
                mstore(add(STATE, 0x40), and(add(mload(add(STATE, 0x40)), c), WORD))
                mstore(add(STATE, 0x60), and(add(mload(add(STATE, 0x60)), d), WORD))
                mstore(add(STATE, 0x80), and(add(mload(add(STATE, 0x80)), e), WORD))
                mstore(add(STATE, 0xa0), and(add(mload(add(STATE, 0xa0)), f), WORD))
                mstore(add(STATE, 0xc0), and(add(mload(add(STATE, 0xc0)), g), WORD))
                mstore(add(STATE, 0xe0), and(add(mload(add(STATE, 0xe0)), h), WORD))
            }

            e1 := or(shl(64, mload(STATE)), mload(add(STATE, 0x20)))
            e0 := or(shl(192, mload(add(STATE, 0x40))), shl(128, mload(add(STATE, 0x60))))
            e0 := or(e0, or(shl(64, mload(add(STATE, 0x80))), mload(add(STATE, 0xa0))))
        }
    }
}
