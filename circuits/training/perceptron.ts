// SPDX-License-Identifier: GPL-3.0-or-later
import { Random } from "./random.ts";

/** One dense layer of floats: `weights` in rows of `inputs`, one row for each output. */
export interface FloatLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly weights: Float64Array;
  readonly bias: Float64Array;
}

/** A perceptron with ReLU between its layers. */
export type FloatNetwork = readonly FloatLayer[];

/** A labelled row; the label is a class, or 0 or 1. `inputs` are scaled to about one. */
export interface Example {
  readonly inputs: Float64Array;
  readonly label: number;
}

/** Everything that decides the outcome of training, the data apart. */
export interface TrainingOptions {
  readonly seed: number;
  readonly hidden: number;
  /** Classes, told apart by softmax. */
  readonly outputs: number;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly weightDecay: number;
}

/** Logits of the last layer, and the activations on the way, first the inputs. */
export function forward(network: FloatNetwork, inputs: Float64Array): Float64Array[] {
  const activations = [inputs];
  network.forEach((layer, index) => {
    const from = activations[index]!;
    const to = Float64Array.from(layer.bias);
    for (let o = 0; o < layer.outputs; o++) {
      let sum = to[o]!;
      for (let i = 0, at = o * layer.inputs; i < layer.inputs; i++, at++) sum += layer.weights[at]! * from[i]!;
      to[o] = index < network.length - 1 && sum < 0 ? 0 : sum;
    }
    activations.push(to);
  });
  return activations;
}

/** The derivative of softmax cross entropy by the logits. */
function lossGradient(logits: Float64Array, label: number): Float64Array {
  const greatest = logits.reduce((a, b) => Math.max(a, b));
  const powers = logits.map((logit) => Math.exp(logit - greatest));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power, index) => power / total - (index === label ? 1 : 0));
}

/** Trains one hidden layer with Adam on shuffled mini batches. Same seed and rows, same network, bit for bit. */
export function train(examples: readonly Example[], options: TrainingOptions): FloatNetwork {
  const random = new Random(options.seed);
  const inputs = examples[0]!.inputs.length;
  const network = [layer(inputs, options.hidden, random), layer(options.hidden, options.outputs, random)];
  const optimisers = network.flatMap(({ weights, bias }) => [
    new Adam(weights, options.weightDecay),
    new Adam(bias, 0),
  ]);
  const gradients = network.map(({ weights, bias }) => ({
    weights: new Float64Array(weights.length),
    bias: new Float64Array(bias.length),
  }));
  const order = examples.map((_, index) => index);
  const steps = options.epochs * Math.ceil(order.length / options.batch);
  let step = 0;
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    random.shuffle(order);
    for (let start = 0; start < order.length; start += options.batch) {
      const batch = order.slice(start, start + options.batch);
      for (const gradient of gradients) {
        gradient.weights.fill(0);
        gradient.bias.fill(0);
      }
      for (const index of batch) backward(network, gradients, examples[index]!);
      // The rate falls linearly to zero, so the last steps settle.
      const rate = options.learningRate * (1 - step++ / steps);
      gradients.forEach((gradient, index) => {
        optimisers[2 * index]!.step(gradient.weights, batch.length, rate);
        optimisers[2 * index + 1]!.step(gradient.bias, batch.length, rate);
      });
    }
  }
  return network;
}

function layer(inputs: number, outputs: number, random: Random): FloatLayer {
  const spread = Math.sqrt(2 / inputs);
  return {
    inputs,
    outputs,
    weights: Float64Array.from({ length: inputs * outputs }, () => random.normal() * spread),
    bias: new Float64Array(outputs),
  };
}

function backward(
  network: FloatNetwork,
  gradients: readonly { weights: Float64Array; bias: Float64Array }[],
  example: Example,
): void {
  const activations = forward(network, example.inputs);
  let delta = lossGradient(activations[network.length]!, example.label);
  for (let index = network.length - 1; index >= 0; index--) {
    const { inputs, outputs, weights } = network[index]!;
    const from = activations[index]!;
    const gradient = gradients[index]!;
    const previous = new Float64Array(inputs);
    for (let o = 0; o < outputs; o++) {
      const error = delta[o]!;
      if (error === 0) continue;
      gradient.bias[o] = gradient.bias[o]! + error;
      for (let i = 0, at = o * inputs; i < inputs; i++, at++) {
        const value = from[i]!;
        if (value === 0) continue; // a dark pixel or a silent unit: neither gradient nor way back
        gradient.weights[at] = gradient.weights[at]! + error * value;
        previous[i] = previous[i]! + error * weights[at]!;
      }
    }
    delta = previous;
  }
}

class Adam {
  readonly #values: Float64Array;
  readonly #decay: number;
  readonly #mean: Float64Array;
  readonly #square: Float64Array;
  #correction1 = 1;
  #correction2 = 1;

  constructor(values: Float64Array, decay: number) {
    this.#values = values;
    this.#decay = decay;
    this.#mean = new Float64Array(values.length);
    this.#square = new Float64Array(values.length);
  }

  step(gradient: Float64Array, count: number, rate: number): void {
    this.#correction1 *= 0.9;
    this.#correction2 *= 0.999;
    const scale1 = 1 / (1 - this.#correction1);
    const scale2 = 1 / (1 - this.#correction2);
    for (let i = 0; i < gradient.length; i++) {
      const g = gradient[i]! / count;
      const mean = (this.#mean[i] = 0.9 * this.#mean[i]! + 0.1 * g);
      const square = (this.#square[i] = 0.999 * this.#square[i]! + 0.001 * g * g);
      const value = this.#values[i]!;
      this.#values[i] = value - rate * ((mean * scale1) / (Math.sqrt(square * scale2) + 1e-8) + this.#decay * value);
    }
  }
}
