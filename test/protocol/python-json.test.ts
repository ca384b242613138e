// SPDX-License-Identifier: MIT
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect } from "chai";
import fc from "fast-check";
import { parsePythonJson, ProtocolError, pythonJson, type PythonValue } from "../../relayer/protocol/index.ts";

interface Vector {
  text: string;
  printed: string;
}
const vectors = JSON.parse(readFileSync(new URL("./fixtures/python-json.json", import.meta.url), "utf8")) as Vector[];

/** What `python3` prints, where there is one. */
function python(texts: string[]): string[] | undefined {
  const script = new URL("./python_vectors.py", import.meta.url).pathname;
  const { status, stdout } = spawnSync("python3", [script, "--dumps"], {
    input: JSON.stringify(texts),
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  return status === 0 ? (JSON.parse(stdout) as string[]) : undefined;
}

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
/** Strings of any UTF-16 units, lone surrogates included. */
const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });
const { value: anyValue } = fc.letrec<{ value: PythonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false),
    fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
    finite,
    anyText,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(anyText, tie("value"), { maxKeys: 5, noNullPrototype: false }),
  ),
}));

describe("JSON as Python prints it", () => {
  it(`is what Python printed, in ${vectors.length} recorded cases`, () => {
    expect(vectors.length).to.be.greaterThan(700);
    for (const { text, printed } of vectors) expect(pythonJson(parsePythonJson(text)), text).to.equal(printed);
  });

  it("is what Python prints on this machine, or, without one, what it prints again of itself", () => {
    const values = fc.sample(anyValue, 500);
    const texts = values.map(pythonJson);
    // Its own text, and the same with spaces and order that Python would not choose.
    const others = values.map((value) => (typeof value === "object" ? scrambled(value) : pythonJson(value)));
    const answers = python([...texts, ...others]);
    expect([...texts, ...others].map((text) => pythonJson(parsePythonJson(text)))).to.deep.equal(
      answers ?? [...texts, ...texts],
    );
    expect([...texts, ...texts]).to.deep.equal(answers ?? [...texts, ...texts]);
  });

  it("reads back as the same value, ints as ints and floats as floats", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = pythonJson(value);
        expect(/^[ -~]*$/.test(text)).to.equal(true);
        expect(pythonJson(parsePythonJson(text))).to.equal(text);
        // To JSON it is the same document.
        expect(JSON.stringify(JSON.parse(text))).to.equal(JSON.stringify(JSON.parse(JSON.stringify(plain(value)))));
      }),
      { numRuns: 300 },
    );
  });

  it("tells an int from a float, and a float from its neighbours", () => {
    const cases: [PythonValue, string][] = [
      [0n, "0"],
      [0, "0.0"],
      [-0, "-0.0"],
      [1, "1.0"],
      [1e16, "1e+16"],
      [9999999999999998, "9999999999999998.0"],
      [1e-7, "1e-07"],
      [0.0001, "0.0001"],
      [0.00001, "1e-05"],
      [1.5e300, "1.5e+300"],
      [10n ** 25n, "10000000000000000000000000"],
      [Infinity, "Infinity"],
      [-Infinity, "-Infinity"],
      [NaN, "NaN"],
    ];
    for (const [value, printed] of cases) expect(pythonJson(value)).to.equal(printed);
  });

  it("refuses what is no JSON, or too long or deep for anybody [FM:poison-item]", () => {
    for (const text of ["", "{", "NaN", "Infinity", "[1,]", "{'a': 1}", "01", "1.", '"\n"', "undefined"])
      expect(() => parsePythonJson(text), text)
        .to.throw(ProtocolError)
        .with.property("code", "malformed_json");
    expect(() => parsePythonJson("9".repeat(4_301))).to.throw(ProtocolError, "4300 digits");
    expect(pythonJson(parsePythonJson("9".repeat(4_300)))).to.equal("9".repeat(4_300));
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    expect(() => pythonJson(parsePythonJson(deep)))
      .to.throw(ProtocolError)
      .with.property("code", "too_deep");
  });
});

/** The same document with its keys in another order and other spaces. */
function scrambled(value: PythonValue): string {
  if (value === null || typeof value !== "object") return pythonJson(value);
  if (Array.isArray(value)) return `[ ${value.map(scrambled).join(" ,\n")}]`;
  const entries = Object.entries(value as Record<string, PythonValue>).reverse();
  return `{\t${entries.map(([key, each]) => `${pythonJson(key)}:${scrambled(each)}`).join(",")} }`;
}

/** As JavaScript would write it, keys sorted by code point. */
function plain(value: PythonValue): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(plain);
  const points = (text: string) => [...text].map((each) => each.codePointAt(0)!);
  const entries = Object.entries(value as Record<string, PythonValue>).sort(([left], [right]) => {
    const [a, b] = [points(left), points(right)];
    const at = a.findIndex((point, i) => point !== b[i]);
    return at < 0 ? a.length - b.length : a[at]! - (b[at] ?? -1);
  });
  const object: Record<string, unknown> = {};
  for (const [key, each] of entries)
    Object.defineProperty(object, key, { value: plain(each), enumerable: true, writable: true, configurable: true });
  return object;
}
