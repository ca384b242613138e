// SPDX-License-Identifier: GPL-3.0-or-later
import { readBinaryFile, section } from "./binary-file.ts";
import { R, readLittleEndian } from "./field.ts";

/** Σ coefficients[i] · witness[wires[i]]. */
export interface LinearCombination {
  readonly wires: Uint32Array;
  readonly coefficients: readonly bigint[];
}

/** a · b = c. */
export interface Constraint {
  readonly a: LinearCombination;
  readonly b: LinearCombination;
  readonly c: LinearCombination;
}

/** A compiled circuit. Wire 0 is the constant one, then outputs, public inputs, private inputs, the rest. */
export interface R1cs {
  readonly wires: number;
  readonly publicOutputs: number;
  readonly publicInputs: number;
  readonly privateInputs: number;
  readonly constraints: readonly Constraint[];
}

/** Reads the .r1cs format, version 1, of circom. */
export function parseR1cs(file: Uint8Array): R1cs {
  const sections = readBinaryFile(file, "r1cs");
  const header = section(sections, 1);
  const headerView = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (headerView.getUint32(0, true) !== 32 || readLittleEndian(header, 4) !== R) {
    throw new Error("The circuit is not compiled for bn254: compile with circom's default prime");
  }
  const constraintCount = headerView.getUint32(60, true);

  const data = section(sections, 2);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let offset = 0;
  const combination = (): LinearCombination => {
    const length = view.getUint32(offset, true);
    offset += 4;
    const wires = new Uint32Array(length);
    const coefficients: bigint[] = [];
    for (let i = 0; i < length; i++, offset += 36) {
      wires[i] = view.getUint32(offset, true);
      coefficients.push(readLittleEndian(data, offset + 4));
    }
    return { wires, coefficients };
  };
  const constraints: Constraint[] = [];
  for (let i = 0; i < constraintCount; i++) constraints.push({ a: combination(), b: combination(), c: combination() });

  return {
    wires: headerView.getUint32(36, true),
    publicOutputs: headerView.getUint32(40, true),
    publicInputs: headerView.getUint32(44, true),
    privateInputs: headerView.getUint32(48, true),
    constraints,
  };
}

/** The value of a linear combination under a witness. */
export function evaluate({ wires, coefficients }: LinearCombination, witness: readonly bigint[]): bigint {
  let sum = 0n;
  for (let i = 0; i < wires.length; i++) sum += coefficients[i]! * witness[wires[i]!]!;
  return sum % R;
}

/** Indices of the constraints that a witness breaks; empty means that it satisfies the circuit. */
export function brokenConstraints(r1cs: R1cs, witness: readonly bigint[]): number[] {
  if (witness.length !== r1cs.wires) throw new RangeError(`Witness of ${witness.length} wires for ${r1cs.wires}`);
  const broken: number[] = [];
  r1cs.constraints.forEach(({ a, b, c }, index) => {
    if ((evaluate(a, witness) * evaluate(b, witness) - evaluate(c, witness)) % R !== 0n) broken.push(index);
  });
  return broken;
}
