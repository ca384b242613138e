// SPDX-License-Identifier: GPL-3.0-or-later
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { checkNetwork, type IntegerNetwork } from "../network.ts";
import type { FloatLayer, FloatNetwork } from "./perceptron.ts";

/** Rounds a network to float32, the precision it is kept in. */
export function toFloat32(network: FloatNetwork): FloatNetwork {
  const round = (values: Float64Array): Float64Array => Float64Array.from(Float32Array.from(values));
  return network.map((layer) => ({ ...layer, weights: round(layer.weights), bias: round(layer.bias) }));
}

/** The text of float.json: little-endian float32 in base64. */
export async function floatText(network: FloatNetwork): Promise<string> {
  const encode = (values: Float64Array): string => {
    const view = new DataView(new ArrayBuffer(values.length * 4));
    values.forEach((value, index) => view.setFloat32(index * 4, value, true));
    return Buffer.from(view.buffer).toString("base64");
  };
  const layers = network.map((layer) => ({
    inputs: layer.inputs,
    outputs: layer.outputs,
    weights: encode(layer.weights),
    bias: encode(layer.bias),
  }));
  return formatted({ layers });
}

/** Reads float.json. */
export function readFloatNetwork(path: string): FloatNetwork {
  const decode = (text: string): Float64Array => {
    const bytes = Buffer.from(text, "base64");
    return Float64Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
  };
  const { layers } = JSON.parse(readFileSync(path, "utf8")) as {
    layers: { inputs: number; outputs: number; weights: string; bias: string }[];
  };
  return layers.map((layer): FloatLayer => ({ ...layer, weights: decode(layer.weights), bias: decode(layer.bias) }));
}

/** The text of weights.json. */
export async function weightsText({ inputs, layers }: IntegerNetwork): Promise<string> {
  return formatted({ inputs, layers });
}

/** As the repository's formatter leaves it, so that training again and formatting agree byte for byte. */
async function formatted(content: unknown): Promise<string> {
  return format(JSON.stringify(content), { parser: "json", printWidth: 120 });
}

/** Reads and checks weights.json. */
export function readWeights(path: string): IntegerNetwork {
  const network = JSON.parse(readFileSync(path, "utf8")) as IntegerNetwork;
  checkNetwork(network);
  return network;
}

/** Writes both files of a trained model into its folder. */
export async function writeModel(folder: string, float: FloatNetwork, integer: IntegerNetwork): Promise<void> {
  checkNetwork(integer);
  writeFileSync(join(folder, "float.json"), await floatText(float));
  writeFileSync(join(folder, "weights.json"), await weightsText(integer));
}
