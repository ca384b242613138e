// SPDX-License-Identifier: MIT
// keccak256, the cost of nearly everything that is checked at a relayer's door. JavaScript has no 64-bit integers that are
// fast, so the permutation is WebAssembly, written out here from the sponge's own definition; a property test holds it
// against @noble/hashes, which is used itself where there is no WebAssembly.
import { keccak_256 as portable } from "@noble/hashes/sha3.js";

/** Bytes that one permutation takes in. */
const RATE = 136;
const ROUNDS = 24;
// Memory: the state's 25 lanes, the rounds' constants, and what is to be hashed, so many blocks at once.
const CONSTANTS = 200;
const INPUT = 512;
const BLOCKS_AT_ONCE = 400;

const LANES = Array.from({ length: 25 }, (_, lane) => lane);
const FIVE = [0, 1, 2, 3, 4];

/** Rotation of each lane, and where it goes; and a constant a round (Keccak reference, 1.2). */
function tables(): { rotations: number[]; goesTo: number[]; constants: bigint[] } {
  const rotations = LANES.map(() => 0);
  const goesTo = LANES.map((lane) => lane);
  for (let step = 0, x = 1, y = 0; step < 24; step++) {
    rotations[x + 5 * y] = (((step + 1) * (step + 2)) / 2) % 64;
    const [toX, toY] = [y, (2 * x + 3 * y) % 5];
    goesTo[x + 5 * y] = toX + 5 * toY;
    [x, y] = [toX, toY];
  }
  const constants: bigint[] = [];
  for (let round = 0, bits = 1n; round < ROUNDS; round++) {
    let constant = 0n;
    for (let j = 0n; j < 7n; j++) {
      bits = ((bits << 1n) ^ ((bits >> 7n) * 0x71n)) % 256n;
      if (bits & 2n) constant ^= 1n << ((1n << j) - 1n);
    }
    constants.push(constant);
  }
  return { rotations, goesTo, constants };
}

const { rotations, goesTo, constants } = tables();

// Opcodes (WebAssembly core specification, 5.4).
const LOOP = [0x03, 0x40];
const END = [0x0b];
const brIf = (depth: number): number[] => [0x0d, depth];
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
const i32 = (value: number): number[] => [0x41, ...signed(value)];
const i64 = (value: number): number[] => [0x42, ...signed(value)];
const load = (offset: number): number[] => [0x29, 3, ...unsigned(offset)];
const store = (offset: number): number[] => [0x37, 3, ...unsigned(offset)];
const [ADD32, SUB32, LESS32] = [[0x6a], [0x6b], [0x49]];
const [AND, XOR, ROTL] = [[0x83], [0x85], [0x89]];

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
function signed(value: number): number[] {
  const [low, rest] = [value & 0x7f, value >> 7];
  const last = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return last ? [low] : [low | 0x80, ...signed(rest)];
}

/** `absorb(at, blocks)`: takes blocks of the memory into the state. */
function program(): Uint8Array<ArrayBuffer> {
  const [at, blocks, round] = [0, 1, 2];
  const a = (lane: number): number => 3 + lane;
  const b = (lane: number): number => 28 + lane;
  const c = (x: number): number => 53 + (x % 5);
  const d = (x: number): number => 58 + (x % 5);
  const code = [
    ...LANES.flatMap((lane) => [...i32(0), ...load(8 * lane), ...set(a(lane))]),
    ...LOOP,
    ...LANES.slice(0, RATE / 8).flatMap((lane) => [
      ...[...get(a(lane)), ...get(at), ...load(8 * lane)],
      ...[...XOR, ...set(a(lane))],
    ]),
    ...[...i32(CONSTANTS), ...set(round)],
    ...LOOP,
    // θ: each column's parity, on its neighbours.
    ...FIVE.flatMap((x) => [
      ...get(a(x)),
      ...[1, 2, 3, 4].flatMap((y) => [...get(a(x + 5 * y)), ...XOR]),
      ...set(c(x)),
    ]),
    ...FIVE.flatMap((x) => [...get(c(x + 4)), ...get(c(x + 1)), ...i64(1), ...ROTL, ...XOR, ...set(d(x))]),
    // ρ and π: turned, and moved.
    ...LANES.flatMap((lane) => [
      ...[...get(a(lane)), ...get(d(lane)), ...XOR],
      ...[...i64(rotations[lane]!), ...ROTL, ...set(b(goesTo[lane]!))],
    ]),
    // χ: the only step that is not linear.
    ...LANES.flatMap((lane) => {
      const [x, row] = [lane % 5, lane - (lane % 5)];
      const [next, after] = [b(row + ((x + 1) % 5)), b(row + ((x + 2) % 5))];
      return [...get(b(lane)), ...get(next), ...i64(-1), ...XOR, ...get(after), ...AND, ...XOR, ...set(a(lane))];
    }),
    // ι: no round like another.
    ...[...get(a(0)), ...get(round), ...load(0), ...XOR, ...set(a(0))],
    ...[...get(round), ...i32(8), ...ADD32, ...tee(round), ...i32(CONSTANTS + 8 * ROUNDS), ...LESS32, ...brIf(0)],
    ...END,
    ...[...get(at), ...i32(RATE), ...ADD32, ...set(at)],
    ...[...get(blocks), ...i32(1), ...SUB32, ...tee(blocks), ...brIf(0)],
    ...END,
    ...LANES.flatMap((lane) => [...i32(0), ...get(a(lane)), ...store(8 * lane)]),
    ...END,
  ];
  const sized = (content: number[]): number[] => [...unsigned(content.length), ...content];
  const name = (text: string): number[] => sized([...new TextEncoder().encode(text)]);
  const section = (id: number, content: number[]): number[] => [id, ...sized(content)];
  const locals = [2, 1, 0x7f, 60, 0x7e]; // one i32, then i64
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 2, 0x7f, 0x7f, 0]), // (i32, i32) -> ()
    ...section(3, [1, 0]),
    ...section(5, [1, 0x00, 1]), // a page of 64 KiB
    ...section(7, [2, ...name("absorb"), 0x00, 0, ...name("memory"), 0x02, 0]),
    ...section(10, [1, ...sized([...locals, ...code])]),
  ]);
}

interface Sponge {
  absorb(at: number, blocks: number): void;
  memory: { readonly buffer: ArrayBuffer };
}

function instantiate(): Sponge | null {
  // Typed here, as neither Node's types nor the language's name it.
  const wasm = (globalThis as unknown as { WebAssembly?: WebAssemblyApi }).WebAssembly;
  return wasm ? (new wasm.Instance(new wasm.Module(program())).exports as unknown as Sponge) : null;
}
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object) => { exports: object };
}

function fast({ absorb, memory }: Sponge): (bytes: Uint8Array) => Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(memory.buffer);
  const words = new DataView(memory.buffer);
  constants.forEach((constant, round) => words.setBigUint64(CONSTANTS + 8 * round, constant, true));
  const AT_ONCE = BLOCKS_AT_ONCE * RATE;
  // One memory for all: nothing here waits, so no two hashes are under way at once.
  return (bytes) => {
    all.fill(0, 0, CONSTANTS);
    let from = 0;
    for (; bytes.length - from >= AT_ONCE; from += AT_ONCE) {
      all.set(bytes.subarray(from, from + AT_ONCE), INPUT);
      absorb(INPUT, BLOCKS_AT_ONCE);
    }
    const rest = bytes.length - from;
    const blocks = Math.floor(rest / RATE) + 1;
    all.set(from === 0 ? bytes : bytes.subarray(from), INPUT);
    // 1, zeros, 1: what ends a message, so that none is the beginning of another.
    all.fill(0, INPUT + rest, INPUT + blocks * RATE);
    all[INPUT + rest] = 0x01;
    all[INPUT + blocks * RATE - 1]! |= 0x80;
    absorb(INPUT, blocks);
    return all.slice(0, 32);
  };
}

const sponge = instantiate();

/** keccak256 as Ethereum has it: 32 bytes. */
export const keccak_256: (bytes: Uint8Array) => Uint8Array = sponge ? fast(sponge) : portable;
