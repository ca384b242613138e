// SPDX-License-Identifier: GPL-3.0-or-later
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { generateCircuit } from "../../circuits/generate.ts";
import { definition, MODEL_NAMES } from "../../circuits/models/definitions.ts";
import { accumulatorBits, checkNetwork } from "../../circuits/network.ts";
import { ROOT } from "../../circuits/paths.ts";

const TEMPLATES = join(ROOT, "circuits/templates");

/** Code without its comments. */
const code = (text: string): string => text.replaceAll(/\/\/.*$/gm, "").replaceAll(/\/\*[\s\S]*?\*\//g, "");

describe("circuit sources", () => {
  const sources = [
    ...readdirSync(TEMPLATES).map((file) => [file, readFileSync(join(TEMPLATES, file), "utf8")] as const),
    ...MODEL_NAMES.map((name) => [name, generateCircuit(definition(name))] as const),
  ];

  it("assign no signal without a constraint, and compare or decompose nothing unranged [ZK4]", () => {
    for (const [file, text] of sources) {
      expect(code(text), file).not.to.match(/<--|-->|Num2Bits\(254\)|\bLessThan\b|\bGreaterThan\b|\bLessEqThan\b/);
    }
  });

  it("carry their licence [ZK11]", () => {
    for (const [file, text] of sources)
      expect(text, file).to.match(/^\/\/ SPDX-License-Identifier: GPL-3\.0-or-later\n/);
  });

  it("are generated with the proven bit widths and the committed weights written in", () => {
    for (const name of MODEL_NAMES) {
      const model = definition(name);
      const text = generateCircuit(model);
      const [hidden] = model.network.layers;
      expect(text).to.contain(`(16, ${accumulatorBits(hidden!)}, `.replace("16", String(hidden!.weights.length)));
      expect(text).to.contain(`[${hidden!.weights[0]!.join(", ")}]`);
      expect(text).to.contain("main {public [binding]}");
      expect(generateCircuit(model)).to.equal(text);
    }
  });

  it("refuse weights that are no int8, biases out of range and layers that do not fit", () => {
    const layer = { weights: [[1, 2]], bias: [3], shift: 4 };
    const refused =
      (change: object, inputs = 2) =>
      () =>
        checkNetwork({ inputs, layers: [{ ...layer, ...change }] });
    expect(refused({})).not.to.throw();
    expect(refused({ weights: [[1, 128]] })).to.throw(RangeError, "int8");
    expect(refused({ weights: [[1, 0.5]] })).to.throw(RangeError, "int8");
    expect(refused({ bias: [2 ** 41] })).to.throw(RangeError, "bias");
    expect(refused({ bias: [] })).to.throw(RangeError, "biases");
    expect(refused({ shift: -1 })).to.throw(RangeError, "shift");
    expect(refused({}, 3)).to.throw(RangeError, "3 inputs");
  });
});
