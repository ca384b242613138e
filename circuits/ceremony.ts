// SPDX-License-Identifier: GPL-3.0-or-later
import { Command } from "commander";
import { buildFiles } from "./build.ts";
import { MODEL_NAMES, type ModelName } from "./models/definitions.ts";
import { endSnarkjs } from "./prover.ts";
import { applyBeacon, CeremonyError, contribute, finishCeremony, startCeremony } from "./setup/ceremony.ts";

const program = new Command("ceremony").description(
  "Phase 2 of a Groth16 setup for a public deployment; see docs/ceremony.md",
);

const modelOf = (text: string): ModelName => {
  const name = MODEL_NAMES.find((candidate) => candidate === text);
  if (name === undefined) return program.error(`Unknown model ${text}; models: ${MODEL_NAMES.join(", ")}`);
  return name;
};

program
  .command("start <folder>")
  .description("derive the initial key of a model from a public powers-of-tau file")
  .requiredOption("--model <name>", `one of ${MODEL_NAMES.join(", ")}`)
  .requiredOption("--ptau <file>", "powers of tau, prepared for phase 2")
  .requiredOption("--ptau-hash <hex>", "published SHA-256 or BLAKE2b-512 of that file")
  .action(async (folder: string, options: { model: string; ptau: string; ptauHash: string }) => {
    const log = await startCeremony(folder, buildFiles(modelOf(options.model)).r1cs, options.ptau, options.ptauHash);
    console.log(`Initial key ${log.initialKey.file}, sha256 ${log.initialKey.sha256}. Next: contribute`);
  });

program
  .command("contribute <folder>")
  .description("add secret randomness of this machine")
  .requiredOption("--name <text>", "who contributes")
  .action(async (folder: string, { name }: { name: string }) => {
    const { hash, file } = await contribute(folder, name);
    console.log(`Wrote ${file}. Publish this contribution hash where others can see it:\n${hash}`);
  });

program
  .command("beacon <folder>")
  .description("end the contributions with public randomness that was announced before it existed")
  .requiredOption("--value <hex>", "the beacon's value")
  .option("--power <n>", "hash it 2^n times", Number, 10)
  .option("--name <text>", "which beacon, at which height or round", "final beacon")
  .action(async (folder: string, { value, power, name }: { value: string; power: number; name: string }) => {
    const { file } = await applyBeacon(folder, name, value, power);
    console.log(`Wrote ${file}. Next: finish`);
  });

program
  .command("finish <folder>")
  .description("verify everything and export the keys")
  .requiredOption("--model <name>", "the model it was started for")
  .requiredOption("--ptau <file>", "the same powers of tau")
  .action(async (folder: string, { model, ptau }: { model: string; ptau: string }) => {
    const { result } = await finishCeremony(folder, buildFiles(modelOf(model)).r1cs, ptau);
    console.log(`Verified. phase 1 id ${result!.phase1Id}\nverifying key ${result!.verifyingKeyBytes}`);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CeremonyError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await endSnarkjs();
}
