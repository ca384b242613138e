// SPDX-License-Identifier: GPL-3.0-or-later
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { packageFile, ROOT } from "../../../circuits/paths.ts";
import { parseR1cs, type R1cs } from "../../../circuits/setup/r1cs.ts";
import { WitnessCalculator } from "../../../circuits/witness.ts";

/** The circuit of templates.circom, with the wire of every signal by its name. */
export interface TemplatesCircuit {
  readonly r1cs: R1cs;
  readonly calculator: WitnessCalculator;
  /** @throws where no signal has that name. */
  wire(name: string): number;
}

export async function compileTemplates(): Promise<TemplatesCircuit> {
  const folder = mkdtempSync(join(tmpdir(), "templates-"));
  try {
    const source = relative(ROOT, join(import.meta.dirname, "templates.circom"));
    const options = ["--r1cs", "--wasm", "--sym", "--O1", "-l", "circuits", "-l", "node_modules"];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [packageFile("circom2", "cli.js"), source, ...options, "-o", relative(ROOT, folder)],
      { cwd: ROOT, encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`circom failed:\n${stdout}${stderr}`);
    const wires = new Map(
      readFileSync(join(folder, "templates.sym"), "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split(","))
        .map(([, wire, , name]) => [name!.replace(/^main\./, "").replace(/_\d+_\d+/g, ""), Number(wire)] as const),
    );
    return {
      r1cs: parseR1cs(readFileSync(join(folder, "templates.r1cs"))),
      calculator: await WitnessCalculator.create(readFileSync(join(folder, "templates_js/templates.wasm"))),
      wire: (name) => {
        const wire = wires.get(name);
        if (wire === undefined) throw new Error(`No signal ${name} among:\n${[...wires.keys()].join("\n")}`);
        return wire;
      },
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
