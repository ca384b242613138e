// SPDX-License-Identifier: GPL-3.0-or-later

/** A layer of integers: y = W x + b, then, where `shift` is given, min(max(y >> shift, 0), 255). */
export interface IntegerLayer {
  /** One row for each output, int8. */
  readonly weights: readonly (readonly number[])[];
  readonly bias: readonly number[];
  readonly shift?: number;
}

/** A quantised network over inputs of 8 bits: everything that the circuit of a model is generated from. */
export interface IntegerNetwork {
  readonly inputs: number;
  readonly layers: readonly IntegerLayer[];
}

/** Values that a layer's accumulator can take, from its weights and inputs in [0, 255]: exact, not estimated. */
export function accumulatorBounds({ weights, bias }: IntegerLayer): { min: number; max: number } {
  let min = 0;
  let max = 0;
  weights.forEach((row, output) => {
    let low = bias[output]!;
    let high = low;
    for (const weight of row) {
      if (weight < 0) low += 255 * weight;
      else high += 255 * weight;
    }
    min = Math.min(min, low);
    max = Math.max(max, high);
  });
  return { min, max };
}

/** The fewest bits of a two's complement number that holds every accumulator of the layer. */
export function accumulatorBits(layer: IntegerLayer): number {
  const { min, max } = accumulatorBounds(layer);
  let bits = 1;
  while (-(2 ** (bits - 1)) > min || 2 ** (bits - 1) <= max) bits++;
  // ReLU takes 8 bits above the shift, and at least one more to tell saturation.
  return layer.shift === undefined ? bits : Math.max(bits, layer.shift + 10);
}

/** Accumulators of one layer. Plain numbers are exact: bounds stay far below 2^53. */
export function accumulate({ weights, bias }: IntegerLayer, inputs: ArrayLike<number>): number[] {
  return weights.map((row, output) => {
    let sum = bias[output]!;
    for (let i = 0; i < row.length; i++) sum += row[i]! * inputs[i]!;
    return sum;
  });
}

/** min(max(value >> shift, 0), 255), with the shift rounding towards minus infinity. */
export function requantise(value: number, shift: number): number {
  return Math.min(Math.max(Math.floor(value / 2 ** shift), 0), 255);
}

/** Values after the last layer. */
export function run(network: IntegerNetwork, inputs: ArrayLike<number>): number[] {
  let values = Array.from(inputs);
  for (const layer of network.layers) {
    const sums = accumulate(layer, values);
    const { shift } = layer;
    values = shift === undefined ? sums : sums.map((sum) => requantise(sum, shift));
  }
  return values;
}

/** The index of the greatest value, the lowest such index where several are equal. */
export function argmax(values: readonly number[]): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Refuses weights that the circuit's templates would not represent; names the first offence. */
export function checkNetwork({ inputs, layers }: IntegerNetwork): void {
  let width = inputs;
  layers.forEach(({ weights, bias, shift }, index) => {
    const fail = (what: string): never => {
      throw new RangeError(`Layer ${index}: ${what}`);
    };
    if (weights.length !== bias.length || weights.length === 0) fail(`${weights.length} rows, ${bias.length} biases`);
    for (const row of weights) {
      if (row.length !== width) fail(`a row of ${row.length} weights for ${width} inputs`);
      if (!row.every((weight) => Number.isInteger(weight) && weight >= -128 && weight <= 127))
        fail("a weight is no int8");
    }
    if (!bias.every((value) => Number.isSafeInteger(value) && Math.abs(value) < 2 ** 40)) fail("a bias is too large");
    if (shift !== undefined && (!Number.isInteger(shift) || shift < 0 || shift > 32)) fail(`shift ${shift}`);
    if (shift === undefined && index < layers.length - 1) fail("only the last layer may go without requantisation");
    width = weights.length;
  });
}
