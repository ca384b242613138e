// SPDX-License-Identifier: GPL-3.0-or-later
pragma circom 2.1.6;

// out[j] = bias[j] + sum over i of weights[j][i] * in[i], weights being constants of the circuit: linear, so it costs
// no constraint of its own. Negative results are field elements r - |x|; the bound that keeps them apart from the
// positive ones is computed from the weights by the generator and checked where bits are taken.
template Dense(inputs, outputs, weights, bias) {
    signal input in[inputs];
    signal output out[outputs];

    for (var j = 0; j < outputs; j++) {
        var sum = bias[j];
        for (var i = 0; i < inputs; i++) {
            sum += weights[j][i] * in[i];
        }
        out[j] <== sum;
    }
}
