// SPDX-License-Identifier: MIT
import { ROW_SHIFT, generatorRows, oddMultiples } from "./generator-table.ts";
import { RunningSum } from "./running-sum.ts";
import {
  N,
  P,
  along,
  chord,
  curveSquare,
  fromBytes,
  inverse,
  mod,
  opposite,
  residue,
  squareRoot,
  tangent,
  toBytes48,
  type Point,
} from "./p384.ts";

/** A P-384 signature over a digest, and the key that is said to have made it. */
export interface Signature384 {
  /** 48 bytes. */
  readonly digest: Uint8Array;
  /** r ‖ s, 48 bytes each. */
  readonly signature: Uint8Array;
  /** x ‖ y, 48 bytes each. */
  readonly publicKey: Uint8Array;
}

/** No hints exist: the signature does not hold. */
export class SignatureError extends Error {
  override readonly name = "SignatureError";
}

/** Windows: signed odd digits of 5 bits over the key and R, of 9 bits over the generator's rows. */
const POINT_WINDOW = 5;
const ROW_WINDOW = 9;
const POINT_MULTIPLES = 8;
const FIRST_ROW_ENTRY = 16;
const SECOND_ROW_ENTRY = 144;
const NO_ENTRY = 1023;
const MOST_DOUBLINGS = 31;
/** Above the root of n by what attempts may add. */
const SHORT = 2n ** 200n;
/** How many short forms of the scalars are tried: one fails only where two points meet on the way. */
const ATTEMPTS = 64;

interface Digit {
  readonly place: number;
  readonly entry: number;
  readonly negative: boolean;
  readonly point: Point;
}

/**
 * What `P384.verify` wants to be told: y of R, the windows of short scalars, and the slope of every step (formats at
 * the contract). Throws `SignatureError` where the signature is not valid.
 */
export function signatureHints(input: Signature384): Uint8Array {
  const e = fromBytes(input.digest);
  const [r, s] = [fromBytes(input.signature.subarray(0, 48)), fromBytes(input.signature.subarray(48))];
  const key: Point = { x: fromBytes(input.publicKey.subarray(0, 48)), y: fromBytes(input.publicKey.subarray(48)) };
  if (r <= 0n || r >= N || s <= 0n || s >= N) throw new SignatureError("r or s is out of range");
  if (key.x >= P || key.y >= P || mod(key.y * key.y, P) !== curveSquare(key.x)) {
    throw new SignatureError("The public key is not on the curve");
  }
  const ofKey = multiplesOf(key);
  for (const beyondOrder of [false, true]) {
    const x = beyondOrder ? r + N : r;
    const y = x < P ? squareRoot(curveSquare(x)) : undefined;
    if (y === undefined) continue;
    for (const point of [{ x, y }, opposite({ x, y })]) {
      const tables = [ofKey, multiplesOf(point)] as const;
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const walk = follow(tables, digits(tables, shortScalars(e, r, s, attempt)));
        if (walk === "apart") break;
        if (walk !== "met") return encode(beyondOrder, point, walk);
      }
    }
  }
  throw new SignatureError("The signature does not hold");
}

/** Scalars over Q, R and G with a·s = −b·r and c·s = −b·e modulo n, a and b about half as long as n. */
export function shortScalars(e: bigint, r: bigint, s: bigint, attempt: number): { a: bigint; b: bigint; c: bigint } {
  const inverseS = inverse(s, N);
  const ratio = mod(-r * inverseS, N);
  // Two short vectors (a, b) of the lattice a = ratio·b: neighbours in Euclid's algorithm where it passes the root.
  let [before, after] = [
    { a: N, b: 0n },
    { a: ratio, b: 1n },
  ];
  while (after.a >= 2n ** 192n) {
    const quotient = before.a / after.a;
    [before, after] = [after, { a: before.a - quotient * after.a, b: before.b - quotient * after.b }];
  }
  const quotient = before.a / after.a;
  const next = { a: before.a - quotient * after.a, b: before.b - quotient * after.b };
  // Where the lattice is skew, its second vector is long: then only multiples of the first are tried.
  const [i, j] = [1n + BigInt(attempt), abs(next.b) < SHORT ? BigInt(attempt & 3) : 0n];
  const a = i * after.a + j * next.a;
  const b = i * after.b + j * next.b;
  return { a, b, c: mod(-b * mod(e, N) * inverseS, N) };
}

function digits([key, r]: Tables, scalars: { a: bigint; b: bigint; c: bigint }): Digit[] {
  const rows = generatorRows();
  const low = scalars.c & ((1n << BigInt(ROW_SHIFT)) - 1n);
  const all = [
    ...windows(scalars.a, POINT_WINDOW, 0, key.points),
    ...windows(scalars.b, POINT_WINDOW, POINT_MULTIPLES, r.points),
    ...windows(low, ROW_WINDOW, FIRST_ROW_ENTRY, rows[0]!),
    ...windows(scalars.c >> BigInt(ROW_SHIFT), ROW_WINDOW, SECOND_ROW_ENTRY, rows[1]!),
  ];
  return all.sort((a, b) => b.place - a.place);
}

/** Signed odd digits of a number, each with `width` bits at most and only where the table has it. */
function windows(value: bigint, width: number, firstEntry: number, table: readonly Point[]): Digit[] {
  const found: Digit[] = [];
  const span = 1n << BigInt(width);
  let rest = value;
  for (let place = 0; rest !== 0n; place++, rest >>= 1n) {
    if ((rest & 1n) === 0n) continue;
    let digit = mod(rest, span);
    if (digit > span >> 1n) digit -= span;
    // The second row lacks its last entry: the neighbour beyond the window stands in.
    if (abs(digit) > 2n * BigInt(table.length) - 1n) digit = digit > 0n ? digit - (span >> 1n) : digit + (span >> 1n);
    rest -= digit;
    const index = Number((abs(digit) - 1n) >> 1n);
    const point = table[index]!;
    const negative = digit < 0n;
    found.push({ place, entry: firstEntry + index, negative, point: negative ? opposite(point) : point });
  }
  return found;
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

interface Multiples {
  readonly points: readonly Point[];
  readonly slopes: readonly bigint[];
}
/** Of the key and of R. */
type Tables = readonly [key: Multiples, r: Multiples];

interface Walk {
  readonly steps: number[];
  readonly slopes: bigint[];
}

/**
 * The slopes along the digits. "met": two points met before the end, where no slope tells the sum; another short form
 * may avoid it. "apart": the end is not the point at infinity, whatever the short form.
 */
function follow([key, r]: Tables, list: Digit[]): Walk | "met" | "apart" {
  if (list.length < 2) return "met";
  const steps: number[] = [];
  const lowest = list[list.length - 1]!.place;
  const sum = new RunningSum(list[0]!.point);
  let place = list[0]!.place;
  steps.push(step(0, list[0]!));
  for (const [index, digit] of list.slice(1).entries()) {
    let doublings = place - digit.place;
    for (let i = 0; i < doublings; i++) sum.double();
    for (; doublings > MOST_DOUBLINGS; doublings -= MOST_DOUBLINGS) steps.push((MOST_DOUBLINGS << 11) | NO_ENTRY);
    steps.push(step(doublings, digit));
    place = digit.place;
    if (index === list.length - 2) break;
    if (!sum.add(digit.point)) return "met";
  }
  const last = list[list.length - 1]!;
  // Steps count from the lowest digit: the whole sum may be divided by a power of two, the order being odd.
  if (place !== lowest || !sum.isOpposite(last.point)) return "apart";
  return { steps, slopes: [...key.slopes, ...r.slopes, ...sum.slopes()] };
}

function step(doublings: number, digit: Digit): number {
  return (doublings << 11) | (digit.negative ? 1024 : 0) | digit.entry;
}

/** The odd multiples of a point, and the slopes of the doubling and the additions that lead to them. */
function multiplesOf(point: Point): Multiples {
  const first = tangent(point);
  const twice = along(first, point, point);
  const points = oddMultiples(point, POINT_MULTIPLES);
  return { points, slopes: [first, ...points.slice(0, -1).map((multiple) => chord(multiple, twice)!)] };
}

function encode(beyondOrder: boolean, r: Point, walk: Walk): Uint8Array {
  const head = Buffer.alloc(4);
  head.writeUInt8(beyondOrder ? 1 : 0, 0);
  head.writeUInt16BE(walk.steps.length, 2);
  const steps = Buffer.alloc(2 * walk.steps.length);
  walk.steps.forEach((value, index) => steps.writeUInt16BE(value, 2 * index));
  return Buffer.concat([
    head,
    toBytes48(residue(r.y)),
    steps,
    ...walk.slopes.map((slope) => toBytes48(residue(slope))),
  ]);
}
