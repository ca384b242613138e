// SPDX-License-Identifier: GPL-3.0-or-later
pragma circom 2.1.6;

include "templates/argmax.circom";
include "templates/binding.circom";
include "templates/commitment.circom";
include "templates/dense.circom";
include "templates/pack.circom";
include "templates/range.circom";
include "templates/relu.circom";

// One of each template at small size. Compiled with equal signals merged and nothing else simplified, so that a test
// can forge any of them by name.
template Templates() {
    signal input values[3];
    signal input salt;
    signal input binding;
    signal output packed;
    signal output committed;
    signal output activation;
    signal output greatest;

    RangeCheck(3, 8)(values);
    packed <== Pack(3, 8)(values);
    committed <== SaltedCommitment(3, 7, 3)(values, salt);
    var weights[3][3] = [[1, -2, 3], [-4, 5, 6], [7, 8, -9]];
    var bias[3] = [-10, 20, 30];
    signal sum[3] <== Dense(3, 3, weights, bias)(values);
    activation <== RequantisingReLU(14, 1)(sum[0]);
    greatest <== ArgMax(3, 14)(sum);
    Binding()(binding);
}

component main {public [binding]} = Templates();
