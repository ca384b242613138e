// SPDX-License-Identifier: GPL-3.0-or-later
pragma circom 2.1.6;

include "circomlib/circuits/bitify.circom";
include "circomlib/circuits/comparators.circom";

// out = min(max(in >> shift, 0), 255): ReLU, division by 2^shift towards minus infinity, saturation to 8 bits.
// Requires -2^(bits - 1) <= in < 2^(bits - 1), which the generator proves from the weights; a value outside has no
// witness at all, because in + 2^(bits - 1) must decompose into `bits` bits.
template RequantisingReLU(bits, shift) {
    assert(bits < 64);
    assert(bits - 1 > shift + 8);
    signal input in;
    signal output out;

    signal bit[bits] <== Num2Bits(bits)(in + (1 << (bits - 1)));

    // The top bit of the shifted value says that `in` is not negative; the others are then `in` itself.
    var low = 0;
    for (var i = 0; i < 8; i++) {
        low += bit[shift + i] * (1 << i);
    }
    var above = 0;
    for (var i = shift + 8; i < bits - 1; i++) {
        above += bit[i];
    }
    signal fits <== IsZero()(above);
    signal saturated <== fits * (low - 255) + 255;
    out <== bit[bits - 1] * saturated;
}

template RequantisingReLULayer(count, bits, shift) {
    signal input in[count];
    signal output out[count];
    for (var i = 0; i < count; i++) {
        out[i] <== RequantisingReLU(bits, shift)(in[i]);
    }
}
