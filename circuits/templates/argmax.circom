// SPDX-License-Identifier: GPL-3.0-or-later
pragma circom 2.1.6;

include "circomlib/circuits/bitify.circom";

// The index of the greatest value, the lowest such index where several are equal.
// Requires -2^(bits - 1) <= in[i] < 2^(bits - 1), which the generator proves from the weights. Differences then fit
// bits + 1 bits, so one decomposition tells their sign; LessThan on unchecked values would not.
template ArgMax(count, bits) {
    assert(count > 1);
    assert(bits < 64);
    signal input in[count];
    signal output out;

    signal best[count];
    signal index[count];
    best[0] <== in[0];
    index[0] <== 0;
    signal difference[count - 1][bits + 1];
    for (var i = 1; i < count; i++) {
        // in[i] - best - 1 >= 0 exactly where in[i] > best
        difference[i - 1] <== Num2Bits(bits + 1)(in[i] - best[i - 1] - 1 + (1 << bits));
        best[i] <== best[i - 1] + difference[i - 1][bits] * (in[i] - best[i - 1]);
        index[i] <== index[i - 1] + difference[i - 1][bits] * (i - index[i - 1]);
    }
    out <== index[count - 1];
}
