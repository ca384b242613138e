// SPDX-License-Identifier: GPL-3.0-or-later
import { existsSync, readFileSync } from "node:fs";
import { buildFiles } from "./build.ts";
import { packBytes, saltedCommitment } from "./commitment.ts";
import { definition, type ModelDefinition, type ModelName } from "./models/definitions.ts";
import { argmax, run } from "./network.ts";
import { R } from "./setup/field.ts";
import { phase1Id, type VerificationKey, verifyingKeyBytes } from "./setup/verifying-key.ts";
import type { WitnessInput } from "./witness.ts";

/** What a model is asked: bytes and, for a model whose input is a commitment, the salt that hides them. */
export interface ModelInput {
  /** Integers from 0 to 255, as many as the model takes. */
  readonly values: ArrayLike<number>;
  /** A uniformly random field element; only and always with models that commit to their input. */
  readonly salt?: bigint;
}

/** An answer computed without the circuit. */
export interface Evaluation {
  /** The public signal that stands for the input. */
  readonly inputSignal: bigint;
  /** The output signals. */
  readonly outputs: readonly bigint[];
  /** Values of the network's last layer, before argmax where there is one. */
  readonly lastLayer: readonly number[];
}

/** A request that a model cannot take, or a model that is not built; `code` is stable. */
export class ModelError extends Error {
  readonly code:
    "not_built" | "wrong_value_count" | "value_out_of_range" | "salt_missing" | "salt_unused" | "not_a_field_element";

  constructor(code: ModelError["code"], message: string) {
    super(message);
    this.name = "ModelError";
    this.code = code;
  }
}

/** A built model: its files, its key, and an evaluation that is independent of the circuit. */
export interface CircuitModel {
  readonly name: ModelName;
  readonly title: string;
  /** Absolute paths. */
  readonly r1cs: string;
  readonly wasm: string;
  readonly zkey: string;
  readonly verificationKey: VerificationKey;
  /** α ‖ β ‖ γ ‖ δ ‖ IC in EVM order, 0x hex: what a model registry stores. */
  readonly verifyingKeyBytes: string;
  /** Names the phase 1 of the key, 0x hex. */
  readonly phase1Id: string;
  /** True for a key whose secrets are public. */
  readonly development: boolean;
  /** Public signals of a proof, binding included. */
  readonly signalCount: number;
  /** One text for each signal, in their order: input, outputs, binding. */
  readonly signals: readonly string[];
  /** Bytes that `values` must have. */
  readonly valueCount: number;
  /** True where `salt` is required. */
  readonly salted: boolean;
  /** Runs the quantised network in plain integers, bit for bit what the circuit computes. */
  evaluate(input: ModelInput): Evaluation;
  /** The packed values, or the salted commitment. */
  inputSignal(input: ModelInput): bigint;
  /** All public signals of a proof, in their order. */
  publicSignals(input: ModelInput, binding: bigint): bigint[];
  /** Input signals of the circuit. */
  witnessInput(input: ModelInput, binding: bigint): WitnessInput;
}

/** The circuit's `binding` for a receipt: its id without the lowest 8 bits, so that it fits the field. */
export function bindingOf(receiptId: string): bigint {
  return BigInt(receiptId) >> 8n;
}

/**
 * Loads a built model.
 *
 * @param keys paths of the keys of a ceremony, instead of the development keys.
 * @throws ModelError `not_built` until `npm run circuits` has run.
 */
export async function loadModel(
  name: ModelName,
  keys?: { readonly zkey: string; readonly verificationKey: string },
): Promise<CircuitModel> {
  const files = { ...buildFiles(name), ...keys };
  const missing = Object.values(files).find((path) => !existsSync(path));
  if (missing !== undefined) {
    throw new ModelError("not_built", `${missing} does not exist: run \`npm run circuits\` first`);
  }
  const model = definition(name);
  const verificationKey = JSON.parse(readFileSync(files.verificationKey, "utf8")) as VerificationKey;
  const inputSignal = (input: ModelInput): bigint => {
    checkInput(model, input);
    return model.input === "packed" ? packBytes(input.values, 31)[0]! : saltedCommitment(input.values, input.salt!);
  };
  const evaluate = (input: ModelInput): Evaluation => {
    const signal = inputSignal(input);
    const lastLayer = run(model.network, input.values);
    const output = model.output === "argmax" ? argmax(lastLayer) : lastLayer[0]!;
    return { inputSignal: signal, outputs: [BigInt(output)], lastLayer };
  };
  return {
    name,
    title: model.title,
    r1cs: files.r1cs,
    wasm: files.wasm,
    zkey: files.zkey,
    verificationKey,
    verifyingKeyBytes: verifyingKeyBytes(verificationKey),
    phase1Id: phase1Id(verificationKey),
    development: verificationKey.development !== undefined,
    signalCount: model.signals.length,
    signals: model.signals,
    valueCount: model.network.inputs,
    salted: model.input === "commitment",
    evaluate,
    inputSignal,
    publicSignals: (input, binding) => {
      checkFieldElement("binding", binding);
      const { inputSignal: signal, outputs } = evaluate(input);
      return [signal, ...outputs, binding];
    },
    witnessInput: (input, binding) => {
      checkInput(model, input);
      checkFieldElement("binding", binding);
      const values = Array.from(input.values, BigInt);
      return { [model.values]: values, ...(input.salt === undefined ? {} : { salt: input.salt }), binding };
    },
  };
}

function checkInput({ name, network, input: kind }: ModelDefinition, { values, salt }: ModelInput): void {
  if (values.length !== network.inputs) {
    throw new ModelError("wrong_value_count", `${name} takes ${network.inputs} values, got ${values.length}`);
  }
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isInteger(value) || value < 0 || value > 255) {
      throw new ModelError(
        "value_out_of_range",
        `Value ${i} of ${name} is ${value}; it must be an integer from 0 to 255`,
      );
    }
  }
  if (kind === "packed" && salt !== undefined) {
    throw new ModelError("salt_unused", `The input of ${name} is public, a salt would hide nothing: leave it out`);
  }
  if (kind === "commitment") {
    if (salt === undefined) throw new ModelError("salt_missing", `${name} commits to its input: give a random salt`);
    checkFieldElement("salt", salt);
  }
}

function checkFieldElement(name: string, value: bigint): void {
  if (value < 0n || value >= R) {
    throw new ModelError("not_a_field_element", `${name} must be in [0, r), r being the order of bn254`);
  }
}
