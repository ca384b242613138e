// SPDX-License-Identifier: GPL-3.0-or-later
pragma circom 2.1.6;

include "circomlib/circuits/bitify.circom";

// 0 <= in[i] < 2^bits for each i. bits stays far below 253, where a decomposition stops being unique.
template RangeCheck(count, bits) {
    assert(bits > 0 && bits < 253);
    signal input in[count];
    for (var i = 0; i < count; i++) {
        _ <== Num2Bits(bits)(in[i]);
    }
}
