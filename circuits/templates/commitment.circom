// SPDX-License-Identifier: GPL-3.0-or-later
pragma circom 2.1.6;

include "circomlib/circuits/poseidon.circom";

// A hiding commitment to `count` field elements. Poseidon takes 16 inputs at most, so it is chained: the first hash
// takes the tag, the length, the salt and 13 elements, each further one its predecessor and 15 elements.
// The tag separates it from other uses of Poseidon, the length makes the chain free of prefixes, and the salt keeps
// guessable inputs secret.
template SaltedCommitment(count, tag, length) {
    assert(count > 0);
    signal input in[count];
    signal input salt;
    signal output out;

    var first = count < 13 ? count : 13;
    var hashes = 1 + (count - first + 14) \ 15;
    component hash[hashes];
    hash[0] = Poseidon(3 + first);
    hash[0].inputs[0] <== tag;
    hash[0].inputs[1] <== length;
    hash[0].inputs[2] <== salt;
    for (var i = 0; i < first; i++) {
        hash[0].inputs[3 + i] <== in[i];
    }
    for (var h = 1; h < hashes; h++) {
        var start = first + 15 * (h - 1);
        var taken = count - start < 15 ? count - start : 15;
        hash[h] = Poseidon(1 + taken);
        hash[h].inputs[0] <== hash[h - 1].out;
        for (var i = 0; i < taken; i++) {
            hash[h].inputs[1 + i] <== in[start + i];
        }
    }
    out <== hash[hashes - 1].out;
}
