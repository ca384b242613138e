// SPDX-License-Identifier: GPL-3.0-or-later
import type { IntegerLayer, IntegerNetwork } from "../network.ts";
import { type FloatLayer, type FloatNetwork, forward } from "./perceptron.ts";

/** How bytes become inputs of the float network: (byte − zero) / divisor. */
export interface InputScale {
  readonly zero: number;
  readonly divisor: number;
}

/** The float inputs of a row of bytes. */
export function scaleInputs(bytes: ArrayLike<number>, { zero, divisor }: InputScale): Float64Array {
  return Float64Array.from(bytes, (byte) => (byte - zero) / divisor);
}

/**
 * Quantises a network of one hidden layer after training: int8 weights with one scale a layer, activations of 8 bits,
 * powers of two between layers so that the circuit can drop bits. `calibration` decides the shifts.
 *
 * @param lastLayer "logits" leaves the accumulators as they are; "byte" maps the range of logits seen in
 * `calibration` onto 0 … 255, monotonously and saturating.
 */
export function quantise(
  network: FloatNetwork,
  scale: InputScale,
  calibration: readonly ArrayLike<number>[],
  lastLayer: "logits" | "byte",
): IntegerNetwork {
  const [first, second] = network as [FloatLayer, FloatLayer];
  const runs = calibration.map((bytes) => forward(network, scaleInputs(bytes, scale)));
  const hiddenMaximum = Math.max(...runs.map((run) => run[1]!.reduce((a, b) => Math.max(a, b))));
  const logits = runs.flatMap((run) => Array.from(run[2]!));

  const firstWeights = int8(first, scale.divisor);
  const shift = Math.max(0, Math.ceil(Math.log2(hiddenMaximum / firstWeights.unit / 255)));
  // Half a step more makes the dropping of bits round to nearest; the zero of the inputs moves into the bias.
  const firstBias = firstWeights.rows.map((row, output) => {
    const zeroPoint = scale.zero * row.reduce((a, b) => a + b, 0);
    return Math.round(first.bias[output]! / firstWeights.unit) - zeroPoint + halfStep(shift);
  });
  const hiddenUnit = firstWeights.unit * 2 ** shift;

  const hidden: IntegerLayer = { weights: firstWeights.rows, bias: firstBias, shift };
  if (lastLayer === "logits") {
    const { rows, unit } = int8(second, 1);
    const bias = Array.from(second.bias, (value) => Math.round(value / unit / hiddenUnit));
    return network2(first.inputs, hidden, { weights: rows, bias });
  }

  // Shifts are powers of two, so the weights are made coarser, by less than half, until the range fills the byte.
  const low = logits.reduce((a, b) => Math.min(a, b));
  const range = logits.reduce((a, b) => Math.max(a, b)) - low;
  const finest = finestUnit(second.weights);
  const lastShift = Math.max(0, Math.floor(Math.log2(range / hiddenUnit / finest / 255)));
  const { rows, unit } = int8(second, 1, Math.max(finest, range / hiddenUnit / 255 / 2 ** lastShift));
  const bias = Array.from(second.bias, (value) => Math.round((value - low) / unit / hiddenUnit) + halfStep(lastShift));
  return network2(first.inputs, hidden, { weights: rows, bias, shift: lastShift });
}

function network2(inputs: number, ...layers: IntegerLayer[]): IntegerNetwork {
  return { inputs, layers };
}

function halfStep(shift: number): number {
  return shift === 0 ? 0 : 2 ** (shift - 1);
}

/**
 * The least unit that keeps weights within int8. Weights of one size become −1, 0 and 1, which is exact and leaves the
 * fewest bits to the circuit.
 */
function finestUnit(weights: Float64Array): number {
  const greatest = weights.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return weights.every((weight) => weight === 0 || Math.abs(weight) === greatest) ? greatest : greatest / 127;
}

/** Rows of int8 and the value of one unit, for weights that apply to inputs counted in 1/divisor. */
function int8(
  { inputs, outputs, weights }: FloatLayer,
  divisor: number,
  unit = finestUnit(weights),
): { rows: number[][]; unit: number } {
  const rows = Array.from({ length: outputs }, (_, o) =>
    Array.from(weights.subarray(o * inputs, (o + 1) * inputs), (weight) => Math.round(weight / unit) + 0),
  );
  return { rows, unit: unit / divisor };
}
