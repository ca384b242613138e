// SPDX-License-Identifier: GPL-3.0-or-later
import { join } from "node:path";
import type { IntegerNetwork } from "../network.ts";
import { ROOT } from "../paths.ts";
import { readWeights } from "../training/files.ts";

/** Names of the models, which are also their folders. */
export const MODEL_NAMES = ["risk-scorer", "digits"] as const;
export type ModelName = (typeof MODEL_NAMES)[number];

/** What a circuit is generated from, besides the templates. */
export interface ModelDefinition {
  readonly name: ModelName;
  readonly title: string;
  /** Name of the private input array in the circuit. */
  readonly values: string;
  /** "packed": the public signal holds the values themselves; "commitment": a salted hash of them. */
  readonly input: "packed" | "commitment";
  /** "byte": the last layer's one requantised value; "argmax": the index of the greatest logit. */
  readonly output: "byte" | "argmax";
  /** Name of the output signal in the circuit. */
  readonly outputName: string;
  /** One text for each public signal, in their order: input, output, binding. */
  readonly signals: readonly string[];
  readonly network: IntegerNetwork;
}

const BINDING = "binding: the receipt id without its lowest 8 bits; ties the proof to one receipt";

/** Definition of a model, with its committed weights. */
export function definition(name: ModelName): ModelDefinition {
  const network = readWeights(join(ROOT, "circuits/models", name, "weights.json"));
  switch (name) {
    case "risk-scorer":
      return {
        name,
        title: "Risk of a loss of 1.5 % or more on the next trading day, from 16 daily returns",
        values: "features",
        input: "packed",
        output: "byte",
        outputName: "score",
        signals: [
          "features: 16 daily returns of 8 bits each, the oldest in the lowest byte; feature = clamp(r + 128, 0, 255), r = (p1 - p0) * 2000 / p0 truncated",
          "score: 0 (calm) to 255 (a large loss is most likely), a monotone function of the model's logit",
          BINDING,
        ],
        network,
      };
    case "digits":
      return {
        name,
        title: "Handwritten digit in an image of 28 x 28 pixels",
        values: "pixels",
        input: "commitment",
        output: "argmax",
        outputName: "digit",
        signals: [
          "commitment: salted Poseidon commitment to 784 pixels of 8 bits, row by row, packed 31 a field element",
          "digit: 0 to 9",
          BINDING,
        ],
        network,
      };
  }
}
