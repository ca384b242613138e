// SPDX-License-Identifier: GPL-3.0-or-later
import { readFileSync } from "node:fs";
import { groth16, type Groth16Proof } from "snarkjs";
import type { CircuitModel, ModelInput } from "./model.ts";
import { WitnessCalculator, wtnsFile } from "./witness.ts";

/** A proof as snarkjs gives it. `publicSignals` are decimal strings in the order input, outputs, binding. */
export interface Proven {
  readonly proof: Groth16Proof;
  readonly publicSignals: string[];
}

/** Makes proofs of one model. */
export interface Prover {
  /** @throws ModelError or WitnessError for an input that the circuit does not take. */
  prove(input: ModelInput, binding: bigint): Promise<Proven>;
  /** Ends what keeps the process alive. */
  close(): Promise<void>;
}

/**
 * A prover in this process. The key is read and the witness code compiled once.
 *
 * It occupies all cores while it proves and does not work inside `worker_threads`; see `createProverPool` for proofs
 * beside other work. `close` ends the threads that snarkjs shares among all its users in this process.
 */
export async function createProver(model: CircuitModel): Promise<Prover> {
  const zkey = new Uint8Array(readFileSync(model.zkey));
  const calculator = await WitnessCalculator.create(readFileSync(model.wasm));
  return {
    async prove(input, binding) {
      const witness = calculator.calculate(model.witnessInput(input, binding));
      const { proof, publicSignals } = await groth16.prove(zkey, wtnsFile(witness));
      return { proof, publicSignals };
    },
    close: endSnarkjs,
  };
}

/** Ends snarkjs's threads, which otherwise keep a process from exiting; the next use starts them again. */
export async function endSnarkjs(): Promise<void> {
  const shared = globalThis as { curve_bn128?: { terminate(): Promise<void> } | null };
  await shared.curve_bn128?.terminate();
}
