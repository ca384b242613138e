// SPDX-License-Identifier: GPL-3.0-or-later
import type { IntegerNetwork } from "../../network.ts";
import { toFloat32, writeModel } from "../../training/files.ts";
import { type Example, type FloatNetwork, train } from "../../training/perceptron.ts";
import { quantise, scaleInputs } from "../../training/quantise.ts";
import { rows, split } from "./data.ts";

/** A feature of 128 is a return of zero; 32 steps are 1.6 %, about a standard deviation. */
export const INPUT_SCALE = { zero: 128, divisor: 32 } as const;

/** Chosen on 2010 to 2012 after fitting on the years before; the held-out rows took no part. */
const OPTIONS = { seed: 2, hidden: 16, outputs: 1, epochs: 40, batch: 64, learningRate: 0.003, weightDecay: 0.3 };

/**
 * Trains on all rows up to the split date. Each row is also shown with its returns negated: large moves of either
 * sign precede large losses, and the rows are too few to learn that by themselves.
 */
export function trainRiskScorer(): { float: FloatNetwork; integer: IntegerNetwork } {
  const { training } = split(rows());
  const examples = training.flatMap(({ features, largeLoss }): Example[] => {
    const inputs = scaleInputs(features, INPUT_SCALE);
    const label = largeLoss ? 1 : 0;
    return [
      { inputs, label },
      { inputs: inputs.map((value) => -value), label },
    ];
  });
  const float = toFloat32(train(examples, OPTIONS));
  const calibration = training.map(({ features }) => features);
  return { float, integer: quantise(float, INPUT_SCALE, calibration, "byte") };
}

if (process.argv[1] === import.meta.filename) {
  const { float, integer } = trainRiskScorer();
  await writeModel(import.meta.dirname, float, integer);
}
