// SPDX-License-Identifier: GPL-3.0-or-later
pragma circom 2.1.6;

// Ties a proof to one receipt. A public input that no constraint uses leaves its point of the verifying key free, and
// whoever holds the proof could then change it, so it is squared.
template Binding() {
    signal input in;
    signal square <== in * in;
}
