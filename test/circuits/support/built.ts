// SPDX-License-Identifier: GPL-3.0-or-later
import { buildCircuit } from "../../../circuits/build.ts";
import { type CircuitModel, loadModel } from "../../../circuits/model.ts";
import type { ModelName } from "../../../circuits/models/definitions.ts";

/** A model, built first where it is not. */
export async function builtModel(name: ModelName): Promise<CircuitModel> {
  await buildCircuit(name);
  return loadModel(name);
}
