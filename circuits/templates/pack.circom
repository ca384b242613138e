// SPDX-License-Identifier: GPL-3.0-or-later
pragma circom 2.1.6;

// out = sum of in[i] * 2^(bits * i): the first value is in the lowest bits.
// Injective only over values that are range checked to `bits`, and below the field modulus, hence the 253.
template Pack(count, bits) {
    assert(count * bits <= 253);
    signal input in[count];
    signal output out;

    var sum = 0;
    for (var i = 0; i < count; i++) {
        sum += in[i] * (1 << (bits * i));
    }
    out <== sum;
}
