// SPDX-License-Identifier: GPL-3.0-or-later
import type { IntegerNetwork } from "../../network.ts";
import { toFloat32, writeModel } from "../../training/files.ts";
import { fitLogistic } from "../../training/logistic.ts";
import { type FloatLayer, type FloatNetwork, forward } from "../../training/perceptron.ts";
import { quantise, scaleInputs } from "../../training/quantise.ts";
import { type Row, rows, split } from "./data.ts";
import { FEATURES } from "./features.ts";

/** A feature of 128 is a return of zero; 32 steps are 1.6 %, about a standard deviation. */
export const INPUT_SCALE = { zero: 128, divisor: 32 } as const;

/** Chosen by folds.ts, inside the training years. */
export const RIDGE = 100;

/**
 * One unit for the gain and one for the loss of each day: relu(+r) and relu(−r). What precedes a large loss is the size
 * of recent moves, more so of recent losses, so a day's two sides get a weight each and nothing else is left to learn:
 * a few hundred large losses cannot carry a free first layer; tuning this one further did worse on the folds of folds.ts.
 */
function gainsAndLosses(): FloatLayer {
  const outputs = 2 * FEATURES;
  const weights = new Float64Array(outputs * FEATURES);
  for (let day = 0; day < FEATURES; day++) {
    weights[day * FEATURES + day] = 1;
    weights[(FEATURES + day) * FEATURES + day] = -1;
  }
  return { inputs: FEATURES, outputs, weights, bias: new Float64Array(outputs) };
}

/** Fits the second layer to the rows given. Same rows, same network. */
export function fitRiskScorer(training: readonly Row[], ridge: number): FloatNetwork {
  const hidden = gainsAndLosses();
  const silent = {
    inputs: hidden.outputs,
    outputs: 1,
    weights: new Float64Array(hidden.outputs),
    bias: Float64Array.of(0),
  };
  const examples = training.map(({ features, largeLoss }) => ({
    inputs: forward([hidden, silent], scaleInputs(features, INPUT_SCALE))[1]!,
    label: largeLoss ? 1 : 0,
  }));
  const { weights, bias } = fitLogistic(examples, ridge);
  return [hidden, { ...silent, weights, bias: Float64Array.of(bias) }];
}

/** The logit of a row. */
export function riskLogit(network: FloatNetwork, { features }: Row): number {
  return forward(network, scaleInputs(features, INPUT_SCALE)).at(-1)![0]!;
}

/** Trains on all rows up to the split date. */
export function trainRiskScorer(): { float: FloatNetwork; integer: IntegerNetwork } {
  const { training } = split(rows());
  const float = toFloat32(fitRiskScorer(training, RIDGE));
  const calibration = training.map(({ features }) => features);
  return { float, integer: quantise(float, INPUT_SCALE, calibration, "byte") };
}

if (process.argv[1] === import.meta.filename) {
  const { float, integer } = trainRiskScorer();
  await writeModel(import.meta.dirname, float, integer);
}
