// SPDX-License-Identifier: GPL-3.0-or-later
import { readFileSync } from "node:fs";
import { expect } from "chai";
import fc from "fast-check";
import { bindingOf, type CircuitModel, ModelError, type ModelInput } from "../../circuits/model.ts";
import { definition, MODEL_NAMES } from "../../circuits/models/definitions.ts";
import { digits } from "../../circuits/models/digits/data.ts";
import { accumulate, accumulatorBits, accumulatorBounds, requantise } from "../../circuits/network.ts";
import { R } from "../../circuits/setup/field.ts";
import { brokenConstraints, parseR1cs, type R1cs } from "../../circuits/setup/r1cs.ts";
import { WitnessCalculator } from "../../circuits/witness.ts";
import { builtModel } from "./support/built.ts";
import { mutated, unpinnedWires } from "./support/wires.ts";

for (const name of MODEL_NAMES) {
  describe(`circuit of ${name}`, function () {
    this.timeout(120_000);
    const { network } = definition(name);
    let model: CircuitModel;
    let calculator: WitnessCalculator;
    let r1cs: R1cs;

    before(async () => {
      model = await builtModel(name);
      calculator = await WitnessCalculator.create(readFileSync(model.wasm));
      r1cs = parseR1cs(readFileSync(model.r1cs));
    });

    const request = (values: ArrayLike<number>, salt = 1n): ModelInput => ({
      values,
      ...(model.salted ? { salt } : {}),
    });
    const expectEqual = (input: ModelInput, binding: bigint): void => {
      const witness = calculator.calculate(model.witnessInput(input, binding));
      expect(witness.slice(1, 1 + model.signalCount)).to.deep.equal(model.publicSignals(input, binding));
    };

    it("gives the signals of the independent evaluation bit for bit, on generated inputs [ZK4]", () => {
      const byte = fc.oneof(
        { weight: 3, arbitrary: fc.integer({ min: 0, max: 255 }) },
        { weight: 1, arbitrary: fc.constantFrom(0, 1, 127, 128, 255) },
      );
      const values = fc.array(byte, { minLength: network.inputs, maxLength: network.inputs, size: "max" });
      const element = fc.bigInt({ min: 0n, max: R - 1n });
      fc.assert(
        fc.property(values, element, element, (bytes, salt, binding) => expectEqual(request(bytes, salt), binding)),
        { numRuns: name === "digits" ? 12 : 200 },
      );
    });

    it("gives the same where every accumulator is at an extreme, positive and negative [ZK4]", () => {
      for (const fill of [0, 1, 128, 255]) expectEqual(request(new Uint8Array(network.inputs).fill(fill)), 0n);
      // Inputs that drive one hidden unit to its exact bound: 255 where its weights are of one sign, 0 elsewhere.
      const [hidden] = network.layers;
      const units = name === "digits" ? [0, 31] : hidden!.weights.keys();
      for (const unit of units) {
        const weights = hidden!.weights[unit]!;
        for (const sign of [1, -1]) {
          const values = weights.map((weight) => (weight * sign > 0 ? 255 : 0));
          expectEqual(request(values, R - 1n), R - 1n);
        }
      }
    });

    it("takes as many bits as the exact accumulator bound needs [ZK4]", () => {
      for (const layer of network.layers) {
        const { min, max } = accumulatorBounds(layer);
        const bits = accumulatorBits(layer);
        const reached = layer.weights.map((row, output) => ({
          max: accumulate(
            layer,
            row.map((weight) => (weight > 0 ? 255 : 0)),
          )[output]!,
          min: accumulate(
            layer,
            row.map((weight) => (weight < 0 ? 255 : 0)),
          )[output]!,
        }));
        expect(Math.max(0, ...reached.map((unit) => unit.max))).to.equal(max);
        expect(Math.min(0, ...reached.map((unit) => unit.min))).to.equal(min);
        expect(min).to.be.at.least(-(2 ** (bits - 1)));
        expect(max).to.be.below(2 ** (bits - 1));
        if (layer.shift === undefined) expect(Math.max(-min, max + 1)).to.be.above(2 ** (bits - 2));
      }
    });

    it("is simplified as far as Groth16 gains from it: no linear constraint is left [ZK9]", () => {
      expect(r1cs.constraints.filter(({ a, b }) => a.wires.length === 0 || b.wires.length === 0)).to.deep.equal([]);
    });

    it("leaves no wire free: any one changed alone breaks the circuit [ZK4]", () => {
      const values = name === "digits" ? digits().heldOut[0]!.pixels : Array.from({ length: 16 }, (_, i) => 16 * i);
      const witness = calculator.calculate(model.witnessInput(request(values), 99n));
      expect(brokenConstraints(r1cs, witness)).to.deep.equal([]);
      // The hint of a zero test whose operand is zero is free and means nothing; the outcome of the test is not free.
      let expected = 0;
      let inputs: ArrayLike<number> = values;
      for (const layer of network.layers) {
        const { shift } = layer;
        if (shift === undefined) break;
        const half = 2 ** (accumulatorBits(layer) - 1);
        const sums = accumulate(layer, inputs);
        expected += sums.filter((sum) => Math.floor(((sum + half) % half) / 2 ** (shift + 8)) === 0).length;
        inputs = sums.map((sum) => requantise(sum, shift));
      }
      for (const change of [() => 1n, () => R - 1n, (wire: number) => BigInt(wire) ** 9n % R]) {
        const free = unpinnedWires(r1cs, witness, change);
        expect(free.length).to.equal(expected);
        expect(Math.min(r1cs.wires, ...free)).to.be.above(model.signalCount);
      }
    });

    it("has no witness with another output, input signal or binding [ZK4][ZK2]", () => {
      const input = request(new Uint8Array(network.inputs).fill(77));
      const witness = calculator.calculate(model.witnessInput(input, 5n));
      const [signal, output] = model.publicSignals(input, 5n);
      for (const value of [signal! + 1n, 0n, R - 1n])
        expect(brokenConstraints(r1cs, mutated(witness, [[1, value]]))).not.to.deep.equal([]);
      for (let value = 0n; value < 10n; value++) {
        if (value !== output) expect(brokenConstraints(r1cs, mutated(witness, [[2, value]]))).not.to.deep.equal([]);
      }
      expect(brokenConstraints(r1cs, mutated(witness, [[3, 6n]]))).not.to.deep.equal([]);
    });

    it("refuses malformed inputs with an error of their own", () => {
      const good = Array.from<number>({ length: network.inputs }).fill(1);
      const code = (input: ModelInput, binding = 1n): string => {
        try {
          model.witnessInput(input, binding);
        } catch (error) {
          return (error as ModelError).code;
        }
        return "accepted";
      };
      expect(code(request(good))).to.equal("accepted");
      expect(code(request(good.slice(1)))).to.equal("wrong_value_count");
      for (const bad of [-1, 256, 1.5, NaN])
        expect(code(request([bad, ...good.slice(1)]))).to.equal("value_out_of_range");
      expect(code(model.salted ? { values: good } : { values: good, salt: 1n })).to.equal(
        model.salted ? "salt_missing" : "salt_unused",
      );
      if (model.salted) expect(code({ values: good, salt: R })).to.equal("not_a_field_element");
      expect(code(request(good), R)).to.equal("not_a_field_element");
      expect(code(request(good), -1n)).to.equal("not_a_field_element");
    });
  });
}

describe("binding of a receipt", () => {
  it("is the receipt id without its lowest 8 bits, so it always fits the field [FM:signal-range]", () => {
    expect(bindingOf(`0x${"ff".repeat(32)}`)).to.equal(2n ** 248n - 1n);
    expect(bindingOf(`0x${"00".repeat(30)}01ff`)).to.equal(1n);
  });
});
