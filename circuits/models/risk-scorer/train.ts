// SPDX-License-Identifier: GPL-3.0-or-later
import type { IntegerNetwork } from "../../network.ts";
import { toFloat32, writeModel } from "../../training/files.ts";
import { type Example, type FloatNetwork, train } from "../../training/perceptron.ts";
import { Random } from "../../training/random.ts";
import { quantise, scaleInputs } from "../../training/quantise.ts";
import { rows, split } from "./data.ts";

/** A feature of 128 is a return of zero; 32 steps are 1.6 %, about a standard deviation. */
export const INPUT_SCALE = { zero: 128, divisor: 32 } as const;

/** Chosen on 2007 to 2009 and on 2010 to 2012, each after fitting on the years before; held-out rows took no part. */
const OPTIONS = { seed: 2, hidden: 16, outputs: 1, epochs: 6, batch: 128, learningRate: 0.004, weightDecay: 0.2 };

/** Copies of each row with its days in another order, and the seed of those orders. */
const SHUFFLED_COPIES = 15;
const SHUFFLE_SEED = 5;

/**
 * Trains on all rows up to the split date. Each row is also shown with its days shuffled and with its returns negated:
 * what precedes a large loss is the size of recent moves far more than their order or sign, and three thousand rows
 * are too few to learn that by themselves.
 */
export function trainRiskScorer(): { float: FloatNetwork; integer: IntegerNetwork } {
  const { training } = split(rows());
  const random = new Random(SHUFFLE_SEED);
  const examples = training.flatMap(({ features, largeLoss }): Example[] => {
    const inputs = scaleInputs(features, INPUT_SCALE);
    const orders = Array.from({ length: SHUFFLED_COPIES }, () => Float64Array.from(random.shuffle(Array.from(inputs))));
    const label = largeLoss ? 1 : 0;
    return [inputs, ...orders].flatMap((order) => [
      { inputs: order, label },
      { inputs: order.map((value) => -value), label },
    ]);
  });
  const float = toFloat32(train(examples, OPTIONS));
  const calibration = training.map(({ features }) => features);
  return { float, integer: quantise(float, INPUT_SCALE, calibration, "byte") };
}

if (process.argv[1] === import.meta.filename) {
  const { float, integer } = trainRiskScorer();
  await writeModel(import.meta.dirname, float, integer);
}
