// SPDX-License-Identifier: GPL-3.0-or-later
import { Field } from "@noble/curves/abstract/modular.js";
import { grainGenConstants, poseidon, type PoseidonFn } from "@noble/curves/abstract/poseidon.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { R } from "./setup/field.ts";

/** Separates commitments to inputs from every other use of Poseidon. */
export const COMMITMENT_TAG =
  BigInt(`0x${bytesToHex(keccak_256(utf8ToBytes("OpenGradient input commitment v1")))}`) % R;

/** Values of 8 bits in one field element: 248 bits, below the 253 that any element can hold. */
export const VALUES_PER_ELEMENT = 31;

/** Partial rounds by number of inputs, 1 to 16, for 128 bits of security (table of the Poseidon paper, as circomlib). */
const PARTIAL_ROUNDS = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];

const field = Field(R);
const permutations = new Map<number, PoseidonFn>();

/**
 * Poseidon of 1 to 16 field elements, with round constants made here by the paper's own generator: circomlib carries
 * them as tables, so agreement of the two is evidence for both.
 */
export function poseidonHash(inputs: readonly bigint[]): bigint {
  const roundsPartial = PARTIAL_ROUNDS[inputs.length - 1];
  if (roundsPartial === undefined) throw new RangeError(`Poseidon takes 1 to 16 inputs, got ${inputs.length}`);
  let permutation = permutations.get(inputs.length);
  if (permutation === undefined) {
    const options = { Fp: field, t: inputs.length + 1, roundsFull: 8, roundsPartial, sboxPower: 5 };
    permutation = poseidon({ ...options, ...grainGenConstants(options) });
    permutations.set(inputs.length, permutation);
  }
  return permutation([0n, ...inputs])[0]!;
}

/** Values of 8 bits, `perElement` to a field element, the first in the lowest byte. */
export function packBytes(values: ArrayLike<number>, perElement: number): bigint[] {
  const elements: bigint[] = [];
  for (let start = 0; start < values.length; start += perElement) {
    let element = 0n;
    for (let i = Math.min(start + perElement, values.length) - 1; i >= start; i--) {
      element = (element << 8n) | BigInt(values[i]!);
    }
    elements.push(element);
  }
  return elements;
}

/**
 * The commitment that circuits compute: Poseidon(tag, number of values, salt, 13 elements), then, while elements are
 * left, Poseidon(previous, 15 elements).
 *
 * @param values bytes.
 * @param salt a uniformly random field element; without it small inputs could be guessed.
 */
export function saltedCommitment(values: ArrayLike<number>, salt: bigint): bigint {
  const elements = packBytes(values, VALUES_PER_ELEMENT);
  let state = poseidonHash([COMMITMENT_TAG, BigInt(values.length), salt, ...elements.slice(0, 13)]);
  for (let start = 13; start < elements.length; start += 15) {
    state = poseidonHash([state, ...elements.slice(start, start + 15)]);
  }
  return state;
}
