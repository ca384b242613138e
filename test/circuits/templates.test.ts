// SPDX-License-Identifier: GPL-3.0-or-later
import { expect } from "chai";
import fc from "fast-check";
import { poseidonHash } from "../../circuits/commitment.ts";
import { accumulate, argmax, requantise } from "../../circuits/network.ts";
import { inverse, R } from "../../circuits/setup/field.ts";
import { brokenConstraints } from "../../circuits/setup/r1cs.ts";
import { WitnessError } from "../../circuits/witness.ts";
import { compileTemplates, type TemplatesCircuit } from "./support/templates.ts";
import { mutated } from "./support/wires.ts";

const LAYER = {
  weights: [
    [1, -2, 3],
    [-4, 5, 6],
    [7, 8, -9],
  ],
  bias: [-10, 20, 30],
};

describe("circuit templates", function () {
  this.timeout(60_000);
  let circuit: TemplatesCircuit;

  const honest = (values: number[], salt = 5n): bigint[] =>
    circuit.calculator.calculate({ values: values.map(BigInt), salt, binding: 6n });
  const forged = (witness: bigint[], changes: Record<string, bigint>): number[] =>
    brokenConstraints(
      circuit.r1cs,
      mutated(
        witness,
        Object.entries(changes).map(([name, value]) => [circuit.wire(name), value] as const),
      ),
    );
  /** Bits of a value as forged values of an array signal. */
  const bits = (name: string, value: bigint, count: number): Record<string, bigint> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}[${i}]`, (value >> BigInt(i)) & 1n]));

  before(async () => {
    circuit = await compileTemplates();
  });

  it("computes what plain integers compute, extremes included [ZK4]", () => {
    const byte = fc.oneof(fc.constantFrom(0, 1, 127, 128, 254, 255), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.tuple(byte, byte, byte), fc.bigInt({ min: 0n, max: R - 1n }), (values, salt) => {
        const sums = accumulate(LAYER, values);
        expect(honest(values, salt).slice(1, 6)).to.deep.equal([
          BigInt(values[0] + 256 * values[1] + 65536 * values[2]),
          poseidonHash([7n, 3n, salt, ...values.map(BigInt)]),
          BigInt(requantise(sums[0]!, 1)),
          BigInt(argmax(sums)),
          6n,
        ]);
      }),
      { numRuns: 60 },
    );
  });

  it("has no witness for a value of more than 8 bits, nor for a negative one [ZK4]", () => {
    for (const value of [256n, 2n ** 64n, R - 1n]) {
      expect(() => circuit.calculator.calculate({ values: [value, 0n, 0n], salt: 1n, binding: 1n }))
        .to.throw(WitnessError)
        .with.property("code", "unsatisfied");
    }
  });

  it("refuses inputs at or above the field's order instead of reducing them [ZK4][FM:signal-range]", () => {
    for (const inputs of [
      { values: [R, 0n, 0n], salt: 1n, binding: 1n },
      { values: [0n, 0n, 0n], salt: R, binding: 1n },
      { values: [0n, 0n, 0n], salt: 1n, binding: R + 1n },
      { values: [0n, 0n, 0n], salt: -1n, binding: 1n },
    ]) {
      expect(() => circuit.calculator.calculate(inputs))
        .to.throw(WitnessError)
        .with.property("code", "value_out_of_field");
    }
    expect(honest([0, 0, 0], R - 1n)).to.have.length(circuit.r1cs.wires);
  });

  it("refuses unknown, missing and surplus signals by name", () => {
    const call = (inputs: Record<string, bigint | bigint[]>) => () => circuit.calculator.calculate(inputs);
    expect(call({ vaules: [1n, 2n, 3n], salt: 1n, binding: 1n })).to.throw(WitnessError, '"vaules"');
    expect(call({ values: [1n, 2n, 3n], salt: 1n })).to.throw(WitnessError, "takes 5 values, got 4");
    expect(call({ values: [1n, 2n], salt: 1n, binding: 1n })).to.throw(WitnessError, '"values" takes 3 values, got 2');
  });

  it("range check: an out-of-range value cannot be hidden in bits that are not bits [ZK4]", () => {
    const witness = honest([255, 1, 2]);
    // 256 = 2 · 128: the sum of the bits fits, one bit is 2.
    const changes = { "values[0]": 256n, ...bits("RangeCheck.Num2Bits[0].out", 0n, 7) };
    expect(forged(witness, { ...changes, "RangeCheck.Num2Bits[0].out[7]": 2n })).not.to.deep.equal([]);
    expect(forged(witness, { ...changes, "RangeCheck.Num2Bits[0].out[7]": 1n })).not.to.deep.equal([]);
    expect(forged(witness, {})).to.deep.equal([]);
  });

  it("packing: no other packed signal fits the values [ZK4]", () => {
    const witness = honest([9, 8, 7]);
    for (const packed of [0n, witness[1]! + 1n, witness[1]! + 256n, R - 1n]) {
      expect(forged(witness, { packed })).not.to.deep.equal([]);
    }
  });

  it("commitment: neither another value, nor another salt, nor another commitment opens it [ZK6]", () => {
    const witness = honest([9, 8, 7]);
    const other = honest([9, 8, 7], 6n);
    expect(witness[2]).not.to.equal(other[2]);
    expect(forged(witness, { committed: other[2]! })).not.to.deep.equal([]);
    expect(forged(witness, { salt: 6n })).not.to.deep.equal([]);
    expect(forged(witness, { committed: other[2]!, salt: 6n })).not.to.deep.equal([]);
    expect(forged(witness, { "values[1]": 9n })).not.to.deep.equal([]);
  });

  it("ReLU: a negative sum cannot claim the sign of a positive one, nor the reverse [ZK4]", () => {
    const negative = honest([0, 255, 0]); // 0 − 510 − 10
    expect(negative[3]).to.equal(0n);
    expect(forged(negative, { "RequantisingReLU.bit[13]": 1n, activation: 255n })).not.to.deep.equal([]);
    // −520 as the field element r − 520 has no decomposition of 14 bits at all; the nearest one claims +1.
    const one = 2n ** 13n + 1n;
    expect(forged(negative, { ...bits("RequantisingReLU.bit", one, 14), activation: 0n })).not.to.deep.equal([]);
    const positive = honest([10, 0, 50]); // 10 + 150 − 10
    expect(positive[3]).to.equal(75n);
    expect(forged(positive, { "RequantisingReLU.bit[13]": 0n, activation: 0n })).not.to.deep.equal([]);
  });

  it("ReLU: a saturated sum cannot claim to fit, nor a fitting one to be saturated [ZK4]", () => {
    const saturated = honest([255, 0, 255]); // 1010 >> 1
    expect(saturated[3]).to.equal(255n);
    const claims = { "RequantisingReLU.fits": 1n, "RequantisingReLU.saturated": 505n & 255n, activation: 505n & 255n };
    expect(forged(saturated, claims)).not.to.deep.equal([]);
    expect(forged(saturated, { ...claims, "RequantisingReLU.IsZero.inv": 0n })).not.to.deep.equal([]);
    const fitting = honest([10, 0, 50]);
    for (const inv of [0n, 1n, inverse(2n), R - 1n]) {
      expect(
        forged(fitting, {
          "RequantisingReLU.fits": 0n,
          "RequantisingReLU.saturated": 255n,
          "RequantisingReLU.IsZero.inv": inv,
          activation: 255n,
        }),
      ).not.to.deep.equal([]);
    }
  });

  it("ReLU: the remainder that the shift drops is not free [ZK4]", () => {
    const witness = honest([10, 0, 50]);
    expect(forged(witness, { "RequantisingReLU.bit[0]": 1n })).not.to.deep.equal([]);
    expect(forged(witness, { "RequantisingReLU.bit[0]": 2n, "RequantisingReLU.bit[1]": 0n })).not.to.deep.equal([]);
  });

  it("argmax: no other class has a witness, not even with the comparison's bits forged along [ZK4]", () => {
    const witness = honest([0, 0, 200]);
    const sums = accumulate(LAYER, [0, 0, 200]);
    expect(witness[4]).to.equal(1n);
    for (const claim of [0n, 2n, 3n, R - 1n]) expect(forged(witness, { greatest: claim })).not.to.deep.equal([]);
    // Claim that the last class wins: flip the last comparison and carry the consequences through.
    const claim = { greatest: 2n, "ArgMax.best[2]": BigInt(sums[2]!), "ArgMax.difference[1][14]": 1n };
    expect(forged(witness, claim)).not.to.deep.equal([]);
    // The same with the bits of a difference that would justify it.
    const difference = BigInt(sums[1]! - sums[2]!) + 2n ** 14n;
    const compared = { ...bits("ArgMax.difference[1]", difference, 15), "ArgMax.Num2Bits[1].in": difference };
    expect(forged(witness, { ...claim, ...compared })).not.to.deep.equal([]);
  });

  it("argmax: the greatest value so far cannot be understated to let a later class win [ZK4]", () => {
    const values = [0, 0, 200];
    const last = BigInt(accumulate(LAYER, values)[2]!);
    const understated = last - 1n;
    // Everything else is consistent with the lie: the last comparison is won by exactly one.
    const claim = {
      greatest: 2n,
      "ArgMax.best[1]": understated,
      "ArgMax.best[2]": last,
      "ArgMax.Num2Bits[1].in": 2n ** 14n,
      ...bits("ArgMax.difference[1]", 2n ** 14n, 15),
    };
    expect(forged(honest(values), claim)).not.to.deep.equal([]);
  });

  it("argmax: of equal values the first wins, and no witness says otherwise [ZK4]", () => {
    const values = ties();
    const witness = honest(values);
    const sums = accumulate(LAYER, values);
    expect(sums[0]).to.equal(sums[1]);
    expect(witness[4]).to.equal(0n);
    expect(forged(witness, { greatest: 1n, "ArgMax.index[1]": 1n, "ArgMax.difference[0][14]": 1n })).not.to.deep.equal(
      [],
    );
  });

  it("binding: the signal is constrained, so a proof cannot be moved to another receipt [ZK2]", () => {
    expect(forged(honest([1, 2, 3]), { binding: 7n })).not.to.deep.equal([]);
  });
});

/** Values whose first two sums are equal and greater than the third: 5a = 7b + 3c + 30. */
function ties(): number[] {
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b++) {
      for (let c = 0; c < 256; c++) {
        const [x, y, z] = accumulate(LAYER, [a, b, c]) as [number, number, number];
        if (x === y && x > z) return [a, b, c];
      }
    }
  }
  throw new Error("No tie among bytes");
}
