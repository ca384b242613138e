// SPDX-License-Identifier: GPL-3.0-or-later
import { buildBn128 } from "ffjavascript";
import { writeLittleEndian } from "./field.ts";

const WINDOWS = 32;
const DIGITS = 255;

type Exports = Record<string, (...pointers: number[]) => void>;

/**
 * Multiplies the generators of G1 and G2 by many scalars, with tables of all 8-bit digits.
 *
 * It works on a WebAssembly instance of its own, because ffjavascript's thread manager copies each call between
 * threads, which costs more than a point addition.
 */
export class FixedBase {
  readonly #exports: Exports;
  readonly #memory: WebAssembly.Memory;
  #free: number;

  private constructor(exports: Exports, memory: WebAssembly.Memory, free: number) {
    this.#exports = exports;
    this.#memory = memory;
    this.#free = free;
  }

  readonly #generators: { g1: number; g2: number } = { g1: 0, g2: 0 };
  readonly #tables: { g1?: number; g2?: number } = {};

  static async create(): Promise<FixedBase> {
    const curve = await buildBn128(true);
    const memory = new WebAssembly.Memory({ initial: 64 });
    const { instance } = await WebAssembly.instantiate(curve.tm.code, { env: { memory } });
    const free = new Uint32Array(memory.buffer)[0]!;
    const base = new FixedBase(instance.exports as unknown as Exports, memory, free);
    base.#generators.g1 = curve.tm.pG1gen;
    base.#generators.g2 = curve.tm.pG2gen;
    return base;
  }

  /** Affine points scalar · generator in Montgomery little-endian form, the form of .zkey files; zero is all zeros. */
  multiples(group: "g1" | "g2", scalars: readonly bigint[]): Uint8Array {
    const { field, affine, jacobian } = sizes(group);
    const table = (this.#tables[group] ??= this.#buildTable(group));
    const start = this.#free;
    const points = this.#allocate(scalars.length * jacobian);
    const zero = this.#call(group, "zero");
    const add = this.#call(group, "addMixed");
    const digits = new Uint8Array(32);
    scalars.forEach((scalar, index) => {
      const point = points + index * jacobian;
      zero(point);
      writeLittleEndian(digits, 0, scalar);
      for (let window = 0; window < WINDOWS; window++) {
        const digit = digits[window]!;
        if (digit > 0) add(point, table + (window * DIGITS + digit - 1) * affine, point);
      }
    });
    this.#call(group, "batchToAffine")(points, scalars.length, points);
    const result = new Uint8Array(this.#memory.buffer).slice(points, points + scalars.length * 2 * field);
    this.#free = start;
    return result;
  }

  /** Table row w, entry d − 1 holds d · 2^(8w) · generator. */
  #buildTable(group: "g1" | "g2"): number {
    const { affine, jacobian } = sizes(group);
    const table = this.#allocate(WINDOWS * DIGITS * affine);
    const start = this.#free;
    const row = this.#allocate((DIGITS + 1) * jacobian);
    const base = this.#allocate(jacobian);
    const add = this.#call(group, "addMixed");
    const toAffine = this.#call(group, "batchToAffine");
    toAffine(this.#generators[group], 1, base);
    for (let window = 0; window < WINDOWS; window++) {
      this.#call(group, "zero")(row);
      add(row, base, row);
      for (let digit = 1; digit <= DIGITS; digit++) add(row + (digit - 1) * jacobian, base, row + digit * jacobian);
      toAffine(row, DIGITS + 1, row);
      const memory = new Uint8Array(this.#memory.buffer);
      memory.copyWithin(table + window * DIGITS * affine, row, row + DIGITS * affine);
      memory.copyWithin(base, row + DIGITS * affine, row + (DIGITS + 1) * affine);
    }
    this.#free = start;
    return table;
  }

  #call(group: "g1" | "g2", name: string): (...pointers: number[]) => void {
    return this.#exports[`${group}m_${name}`]!;
  }

  /** A bump allocator; batchToAffine takes scratch space at the module's own free pointer, so that stays ahead. */
  #allocate(bytes: number): number {
    const pointer = (this.#free + 31) & ~31;
    this.#free = pointer + bytes;
    const scratch = bytes + (1 << 16);
    const missing = this.#free + scratch - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / 65536));
    new Uint32Array(this.#memory.buffer)[0] = (this.#free + 31) & ~31;
    return pointer;
  }
}

function sizes(group: "g1" | "g2"): { field: number; affine: number; jacobian: number } {
  const field = group === "g1" ? 32 : 64;
  return { field, affine: 2 * field, jacobian: 3 * field };
}
