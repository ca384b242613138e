// SPDX-License-Identifier: MIT
// JSON as Python's `json.dumps(d, sort_keys=True)` prints it, because OpenGradient's gateways hash requests in that form.
import { ProtocolError } from "./bytes.ts";

/**
 * A value of JSON with Python's two kinds of number: a bigint is an `int`, a number is a `float`. So `0n` prints `0` and
 * `0` prints `0.0`, which are different requests to a gateway.
 */
export type PythonValue =
  null | boolean | bigint | number | string | readonly PythonValue[] | { readonly [key: string]: PythonValue };

/** Python turns no longer numbers into text and back. */
const MAX_INT_DIGITS = 4_300;

/** Exactly what `json.dumps(value, sort_keys=True)` returns. Throws `too_deep` where the stack does not suffice. */
export function pythonJson(value: PythonValue): string {
  return bounded(() => dump(value));
}

/**
 * Reads JSON as `json.loads` does: numbers without fraction and exponent are ints of any size, all others floats; of a key
 * that stands twice the last counts. Throws `malformed_json` for what is no JSON, NaN and Infinity included, which Python
 * would read; `too_deep`.
 */
export function parsePythonJson(text: string): PythonValue {
  return bounded(() => {
    try {
      return JSON.parse(text, revive) as PythonValue;
    } catch (error) {
      if (error instanceof SyntaxError) throw new ProtocolError("malformed_json", `Not JSON: ${error.message}`);
      throw error;
    }
  });
}

function bounded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) throw new ProtocolError("too_deep", "Nested deeper than a request ever is");
    throw error;
  }
}

/** The source of a number tells an int from a float, which its value does not. */
function revive(_: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number") return value;
  const source = context?.source;
  if (source === undefined) throw new ProtocolError("unsupported", "This Node does not tell how a number was written");
  if (!/^-?\d+$/.test(source)) return value;
  if (source.replace("-", "").length > MAX_INT_DIGITS)
    throw new ProtocolError("malformed_json", `Python reads no number of more than ${MAX_INT_DIGITS} digits`);
  return BigInt(source);
}

function dump(value: PythonValue): string {
  if (value === null) return "null";
  switch (typeof value) {
    case "boolean":
      return value ? "true" : "false";
    case "bigint":
      return value.toString();
    case "number":
      return pythonFloat(value);
    case "string":
      return pythonString(value);
    default:
      return Array.isArray(value)
        ? `[${value.map(dump).join(", ")}]`
        : dumpObject(value as Record<string, PythonValue>);
  }
}

function dumpObject(value: Readonly<Record<string, PythonValue>>): string {
  const keys = Object.keys(value).sort(byCodePoint);
  return `{${keys.map((key) => `${pythonString(key)}: ${dump(value[key]!)}`).join(", ")}}`;
}

/** Python compares strings by code point, JavaScript by UTF-16 unit: they differ above U+FFFF. */
function byCodePoint(left: string, right: string): number {
  let i = 0;
  while (i < left.length && i < right.length && left.charCodeAt(i) === right.charCodeAt(i)) i++;
  // A pair of which the first halves are equal begins one earlier.
  if (i > 0 && isHighSurrogate(left.charCodeAt(i - 1))) i--;
  const [a, b] = [left.codePointAt(i) ?? -1, right.codePointAt(i) ?? -1];
  if (a !== b || i >= left.length) return a - b;
  // Equal first halves that are no pair on either side: what follows decides.
  return (left.codePointAt(i + 1) ?? -1) - (right.codePointAt(i + 1) ?? -1);
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** A string in ASCII: everything outside space to tilde is escaped, a code point above U+FFFF as a surrogate pair. */
function pythonString(value: string): string {
  const escaped = value.replace(
    /["\\]|[^ -~]/g,
    (unit) => SHORT[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped}"`;
}

/** `repr(float)`: the shortest digits that read back, with an exponent below 1e-04 and from 1e+16 on. */
function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [mantissa, power] = Math.abs(value).toExponential().split("e") as [string, string];
  const digits = mantissa.replace(".", "");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const size = Math.abs(exponent).toString().padStart(2, "0");
    return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}
