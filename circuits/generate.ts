// SPDX-License-Identifier: GPL-3.0-or-later
import { COMMITMENT_TAG, VALUES_PER_ELEMENT } from "./commitment.ts";
import type { ModelDefinition } from "./models/definitions.ts";
import { accumulatorBits, type IntegerLayer } from "./network.ts";

/**
 * The circom source of a model: templates put together, weights and proven bit widths written in as constants.
 * Deterministic: the same definition gives the same text.
 */
export function generateCircuit(model: ModelDefinition): string {
  const { inputs, layers } = model.network;
  const templates = ["range", "pack", "dense", "relu", "binding"];
  if (model.input === "commitment") templates.push("commitment");
  if (model.output === "argmax") templates.push("argmax");
  const name = model.name.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
  const lines = [
    "// SPDX-License-Identifier: GPL-3.0-or-later",
    `// Generated from circuits/models/${model.name}/weights.json by circuits/generate.ts: do not edit.`,
    "pragma circom 2.1.6;",
    "",
    ...templates.sort().map((template) => `include "templates/${template}.circom";`),
    "",
    `// ${model.title}.`,
    `template ${name}() {`,
    `    signal input ${model.values}[${inputs}];`,
    ...(model.input === "commitment" ? ["    signal input salt;"] : []),
    "    signal input binding;",
    "    signal output inputSignal;",
    `    signal output ${model.outputName};`,
    "",
    `    RangeCheck(${inputs}, 8)(${model.values});`,
    ...(model.input === "packed" ? packed(model) : commitment(model)),
    "",
    ...layers.flatMap((layer, index) => layerLines(layer, index, index === 0 ? model.values : `hidden${index - 1}`)),
    model.output === "argmax"
      ? `    ${model.outputName} <== ArgMax(${last(layers).weights.length}, ${accumulatorBits(last(layers))})(sum${layers.length - 1});`
      : `    ${model.outputName} <== hidden${layers.length - 1}[0];`,
    "    Binding()(binding);",
    "}",
    "",
    `component main {public [binding]} = ${name}();`,
    "",
  ];
  return lines.join("\n");
}

function packed({ network, values }: ModelDefinition): string[] {
  return [`    inputSignal <== Pack(${network.inputs}, 8)(${values});`];
}

function commitment({ network, values }: ModelDefinition): string[] {
  const elements = Math.ceil(network.inputs / VALUES_PER_ELEMENT);
  const lines = [`    signal packed[${elements}];`];
  for (let element = 0; element < elements; element++) {
    const start = element * VALUES_PER_ELEMENT;
    const taken = Math.min(VALUES_PER_ELEMENT, network.inputs - start);
    const items = Array.from({ length: taken }, (_, i) => `${values}[${start + i}]`).join(", ");
    lines.push(`    packed[${element}] <== Pack(${taken}, 8)([${items}]);`);
  }
  const tag = `0x${COMMITMENT_TAG.toString(16)}`;
  lines.push(`    inputSignal <== SaltedCommitment(${elements}, ${tag}, ${network.inputs})(packed, salt);`);
  return lines;
}

function layerLines(layer: IntegerLayer, index: number, from: string): string[] {
  const { weights, bias, shift } = layer;
  const inputs = weights[0]!.length;
  const rows = weights.map((row) => `        [${row.join(", ")}]`).join(",\n");
  const lines = [
    `    var weights${index}[${weights.length}][${inputs}] = [\n${rows}\n    ];`,
    `    var bias${index}[${bias.length}] = [${bias.join(", ")}];`,
    `    signal sum${index}[${weights.length}] <== Dense(${inputs}, ${weights.length}, weights${index}, bias${index})(${from});`,
  ];
  if (shift !== undefined) {
    lines.push(
      `    signal hidden${index}[${weights.length}] <== RequantisingReLULayer(${weights.length}, ${accumulatorBits(layer)}, ${shift})(sum${index});`,
    );
  }
  return lines;
}

function last<T>(items: readonly T[]): T {
  return items[items.length - 1]!;
}
