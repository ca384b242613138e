// SPDX-License-Identifier: GPL-3.0-or-later
import type { IntegerNetwork } from "../../network.ts";
import { toFloat32, writeModel } from "../../training/files.ts";
import { type FloatNetwork, train } from "../../training/perceptron.ts";
import { quantise, scaleInputs } from "../../training/quantise.ts";
import { digits } from "./data.ts";

/** Pixels become 0 to 1. */
export const INPUT_SCALE = { zero: 0, divisor: 255 } as const;

const OPTIONS = { seed: 7, hidden: 32, outputs: 10, epochs: 20, batch: 32, learningRate: 0.002, weightDecay: 0.1 };

/** Trains on four rows in five; the shifts of the quantised network are chosen on a thousand of them. */
export function trainDigits(): { float: FloatNetwork; integer: IntegerNetwork } {
  const { training } = digits();
  const examples = training.map(({ pixels, label }) => ({ inputs: scaleInputs(pixels, INPUT_SCALE), label }));
  const float = toFloat32(train(examples, OPTIONS));
  const calibration = training.slice(0, 1000).map(({ pixels }) => pixels);
  return { float, integer: quantise(float, INPUT_SCALE, calibration, "logits") };
}

if (process.argv[1] === import.meta.filename) {
  const { float, integer } = trainDigits();
  await writeModel(import.meta.dirname, float, integer);
}
