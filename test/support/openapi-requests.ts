// Requests that follow from an OpenAPI document: such as it describes, and such as it does not.
import fc from "fast-check";
import type { OpenApi, Operation, Parameter, Schema } from "./openapi.ts";
import type { RawRequest } from "./raw-http.ts";

/** Bodies and parameters that are good beyond their schema: signed, registered, known. By "METHOD path", and by name. */
export interface Seeds {
  bodies: Record<string, unknown[]>;
  parameters: Record<string, string[]>;
}

/** A request, and whether its HTTP itself is at fault: then the answer may be the HTTP parser's. */
export interface FuzzedRequest extends RawRequest {
  brokenHttp: boolean;
}

/** Values that parsers, databases, loggers and humans trip over. */
const HOSTILE: unknown[] = [
  ...[null, true, 0, -0, -1, 1.5, 1e21, 1e308, -1e308, 2 ** 31, 2 ** 32, 2 ** 53, 256, 65_536, Number.MIN_VALUE],
  ...["", " ", "0", "-1", "01", "1e3", "0x", "0X", `0x${"0".repeat(64)}`, `0x${"f".repeat(64)}`, `0x${"F".repeat(40)}`],
  ...["9".repeat(400), "\u0000", "a\u0000b", "\ud800", "\u202e\u2028", "💥".repeat(50), "x".repeat(5_000)],
  ...["__proto__", "constructor", "toString", "' or 1=1 --", '"; drop table batches; --', "${jndi:ldap://x}", "%s%n%x"],
  ...[
    "../../../../etc/passwd",
    "..%2f..%2f",
    "\r\nset-cookie: a=b",
    '\u001b[31m{"level":60}\n',
    "<script>alert(1)</script>",
  ],
  ...["http://169.254.169.254/latest/meta-data", "eip155:0", "NaN", "Infinity", "undefined", "[object Object]"],
  ...[[], {}, [[]], [null], [[[[[[[[[[]]]]]]]]]], { length: 1e9 }, { toJSON: 1 }, Array(300).fill(0)],
];
const hostile = fc.constantFrom(...HOSTILE);

/** A value of a schema. Long lists are left to the load test. */
export function valueOf(api: OpenApi, given: Schema, depth = 0): fc.Arbitrary<unknown> {
  const schema = api.resolve(given);
  const type = schema["type"];
  const options = (schema["anyOf"] ?? schema["oneOf"]) as Schema[] | undefined;
  if (options) return fc.oneof(...options.map((one) => valueOf(api, one, depth)));
  if ("const" in schema) return fc.constant(schema["const"]);
  if (Array.isArray(schema["enum"])) return fc.constantFrom(...(schema["enum"] as unknown[]));
  if (Array.isArray(type)) return fc.oneof(...type.map((one) => valueOf(api, { ...schema, type: one }, depth)));
  const number = (name: string, otherwise: number): number => (schema[name] as number | undefined) ?? otherwise;
  switch (type) {
    case "string": {
      const pattern = schema["pattern"] as string | undefined;
      if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern), { size: "small" });
      return fc.string({
        minLength: number("minLength", 0),
        maxLength: Math.min(number("maxLength", 50), 500),
        unit: "binary",
      });
    }
    case "integer":
      return fc.integer({ min: number("minimum", -(2 ** 31)), max: Math.min(number("maximum", 2 ** 31), 2 ** 31) });
    case "number":
      return fc.double({
        min: number("minimum", number("exclusiveMinimum", -1e9)),
        max: number("maximum", 1e9),
        noNaN: true,
      });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array": {
      const minLength = number("minItems", 0);
      return fc.array(valueOf(api, (schema["items"] ?? {}) as Schema, depth + 1), {
        minLength,
        maxLength: minLength + 2,
      });
    }
    case "object": {
      const properties = Object.entries((schema["properties"] ?? {}) as Record<string, Schema>);
      const required = new Set((schema["required"] ?? []) as string[]);
      const fields = Object.fromEntries(properties.map(([name, one]) => [name, valueOf(api, one, depth + 1)]));
      return fc.record(fields, { requiredKeys: properties.map(([name]) => name).filter((name) => required.has(name)) });
    }
    default:
      return depth > 3 ? fc.constant(null) : fc.oneof(hostile, fc.jsonValue({ maxDepth: 3 }));
  }
}

type Path = (string | number)[];
function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([name, child]) => pathsOf(child, [...at, name]))];
}
function changed(value: unknown, [name, ...rest]: Path, change: (old: unknown) => unknown): unknown {
  if (name === undefined) return change(value);
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string, unknown>;
  copy[name] = changed(copy[name], rest, change);
  if (copy[name] === GONE) delete copy[name];
  return copy;
}
const GONE = Symbol("gone");

/** A value with one to three places of it changed to what no schema means. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  const places = pathsOf(value);
  const one = fc.record({
    place: fc.constantFrom(...places),
    with: hostile,
    how: fc.constantFrom("replace", "remove", "add", "wrap", "stringify", "repeat"),
  });
  return fc.array(one, { minLength: 1, maxLength: 3 }).map((changes) =>
    changes.reduce((body: unknown, change) => {
      const by = (old: unknown): unknown => {
        if (change.how === "remove") return GONE;
        if (change.how === "wrap") return [old];
        if (change.how === "stringify") return typeof old === "string" ? Number(old) : String(old);
        if (change.how === "repeat" && typeof old === "string") return old + old;
        if (change.how === "add" && typeof old === "object" && old !== null && !Array.isArray(old))
          return { ...old, [String(change.with).slice(0, 30)]: change.with };
        return change.with;
      };
      try {
        return changed(body, change.place, by);
      } catch {
        return body; // an earlier change took the place away
      }
    }, value),
  );
}

/** JSON that JSON.stringify would not write. */
const texts = (good: string): fc.Arbitrary<Buffer> =>
  fc.oneof(
    ...[
      good.replace("{", '{"__proto__":{"admin":true},'),
      good.replace("{", '{"constructor":{"prototype":{"admin":true}},'),
      `${good.slice(0, -1)},${good.slice(1)}`, // every key twice
      `\ufeff${good}`,
      good.replace(/"[^"]{1,4}":/g, (name) => name.replaceAll(/[a-z]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)),
      `${good} `.repeat(2),
      good.replace(/:"?[^,"{}[\]]+"?/, ":1e400"),
      good.replace(/:"?[^,"{}[\]]+"?/, `:${"9".repeat(3_000)}`),
      good.replaceAll('"', "'"),
      ...["", " ", "null", "true", "0", '""', "[]", "{}", "NaN", "{", "[", '{"a":', "\u0000", "{}{}"],
      `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
      `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`,
      `{"${"k".repeat(100_000)}":1}`,
      `[${"{},".repeat(20_000)}{}]`,
    ].map((text) => fc.constant(Buffer.from(text))),
    // Bytes that are no UTF-8, anywhere.
    fc
      .tuple(
        fc.nat(),
        fc.constantFrom([0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x28]),
      )
      .map(([place, bytes]) => {
        const whole = Buffer.from(good);
        const at = place % (whole.length + 1);
        return Buffer.concat([whole.subarray(0, at), Buffer.from(bytes), whole.subarray(at)]);
      }),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );

const safe = (value: unknown): Buffer => Buffer.from(JSON.stringify(value) ?? "");

/** Bodies of an operation: good ones, changed ones, and what is no JSON. */
function bodies(api: OpenApi, operation: Operation, seeds: unknown[]): fc.Arbitrary<Buffer> {
  const made = valueOf(api, operation.body!);
  const good = seeds.length > 0 ? fc.oneof(made, fc.constantFrom(...seeds)) : made;
  return fc.oneof(
    { weight: 3, arbitrary: good.map(safe) },
    { weight: 5, arbitrary: good.chain(mutated).map(safe) },
    { weight: 3, arbitrary: good.chain((value) => texts(JSON.stringify(value))) },
    { weight: 1, arbitrary: hostile.map(safe) },
  );
}

/** Long polls are asked to be short. */
const PATIENCE = new Set(["0", "1"]);
function parameterValue(api: OpenApi, parameter: Parameter, known: string[]): fc.Arbitrary<string> {
  const good = valueOf(api, parameter.schema).map(String);
  const values = known.length > 0 ? fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...known) }, good) : good;
  const bad = hostile.map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  const any = fc.oneof({ weight: 4, arbitrary: values }, { weight: 1, arbitrary: bad });
  return parameter.name === "wait"
    ? any.map((value) => (/^\d+$/.test(value) && !PATIENCE.has(value) ? "1" : value))
    : any;
}

/** encodeURIComponent takes no half of a pair. */
const wellFormed = (text: string): string => text.replaceAll(/\p{Cs}/gu, "\ufffd");
const encode = (value: string, loose: boolean): string => {
  const whole = encodeURIComponent(wellFormed(value));
  // Some of what may stand unencoded, encoded; and a path that climbs, as it is.
  return loose ? whole.replaceAll(/[0-9a-f](?=x)/g, (c) => `%${c.charCodeAt(0).toString(16)}`) : whole;
};

const header: fc.Arbitrary<[string, string][]> = fc.array(
  fc.oneof(
    fc.constantFrom<[string, string]>(
      ...([
        ["x-forwarded-for", "127.0.0.1, ::1"],
        ["x-http-method-override", "DELETE"],
        ["x-original-url", "/metrics"],
        ["accept", "application/xml"],
        ["accept-encoding", "gzip, br, zstd"],
        ["content-encoding", "gzip"],
        ["content-encoding", "br"],
        ["range", "bytes=0-1"],
        ["if-none-match", "*"],
        ["expect", "100-continue"],
        ["upgrade", "h2c"],
        ["origin", "https://evil.example"],
        ["cookie", "__proto__=1; ".repeat(50)],
        ["authorization", "Bearer ${jndi:ldap://x}"],
        ["authorization", "Basic Og=="],
        ["idempotency-key", "' or 1=1 --"],
        ["last-event-id", "-1"],
        ["traceparent", "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-ff"],
        ["x-long", "x".repeat(8_000)],
        ["x-latin", "\u00e9\u00ff"],
      ] as [string, string][]),
    ),
  ),
  { maxLength: 3 },
);

/** Faults of HTTP itself: who reads the request may refuse it before anybody knows what it is about. */
const BROKEN: [string, string][] = [
  ["content-length", "-1"],
  ["content-length", "99999999999999999999"],
  ["transfer-encoding", "chunked, identity"],
  ["transfer-encoding", "\u000bchunked"],
  ["x-huge", "x".repeat(40_000)],
  ["x-bad\u0000name", "1"],
  ["content-length ", "5"],
];

/** Nothing, but for one time in so many. */
const seldom = <T>(times: number, value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, value);

/** A request with a body that is good, and with nothing else. */
export const goodRequest = ({ method, path }: Operation, body: unknown): FuzzedRequest => ({
  ...{ method, target: path.replaceAll(/\{[^}]+\}/g, "1"), headers: [["content-type", "application/json"]] },
  ...{ body: Buffer.from(JSON.stringify(body)), brokenHttp: false },
});

/** Requests of one operation. */
export function requestsOf(api: OpenApi, operation: Operation, seeds: Seeds): fc.Arbitrary<FuzzedRequest> {
  const { method, path, parameters } = operation;
  const values = Object.fromEntries(
    parameters.map((one) => [one.name, parameterValue(api, one, seeds.parameters[one.name] ?? [])]),
  );
  const content = operation.body
    ? fc.oneof(
        { weight: 8, arbitrary: fc.constant("application/json") },
        fc.constantFrom(
          "application/json; charset=utf-8",
          "application/json;charset=utf-16",
          "APPLICATION/JSON",
          "text/plain",
        ),
        fc.constantFrom(
          "application/x-www-form-urlencoded",
          "multipart/form-data; boundary=x",
          "application/jsonp",
          "",
          "*/*",
        ),
      )
    : fc.constant(undefined);
  return fc
    .record({
      values: fc.record(values),
      given: fc.record(Object.fromEntries(parameters.map(({ name }) => [name, fc.nat(9)]))),
      loose: fc.boolean(),
      query: fc.array(fc.constantFrom("a=1", "__proto__=1", "a[b]=2", "%00", "%zz", "a=%ff", "&&", "wait=0"), {
        maxLength: 2,
      }),
      type: content,
      body: operation.body ? bodies(api, operation, seeds.bodies[`${method} ${path}`] ?? []) : fc.constant(undefined),
      chunks: seldom(4, fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 4 })),
      cut: seldom(12, fc.integer({ min: 1, max: 50 })),
      more: header,
      broken: seldom(20, fc.constantFrom(...BROKEN)),
    })
    .map(({ values: chosen, given, loose, query, type, body, chunks, cut, more, broken }) => {
      const of = (place: Parameter["in"]) => parameters.filter((one) => one.in === place);
      const target = of("path").reduce(
        (at, { name }) => at.replace(`{${name}}`, encode(chosen[name]!, loose) || "-"),
        path,
      );
      // An optional parameter is left away now and then.
      const asked = of("query").filter(({ name }) => given[name]! > 2);
      const pairs = [...asked.map(({ name }) => `${name}=${encodeURIComponent(wellFormed(chosen[name]!))}`), ...query];
      const headers: [string, string][] = [
        ...(type === undefined ? [] : ([["content-type", type]] as [string, string][])),
        // Mostly left away: a key that is none, or one header in two requests, hides all that comes behind.
        ...of("header")
          .filter(({ name }) => given[name]! > 6)
          .map(({ name }): [string, string] => [name, printable(chosen[name]!)]),
        ...more,
        ...(broken ? [broken] : []),
      ];
      // Longer than Node reads is refused by its parser.
      const length = headers.reduce((sum, [name, value]) => sum + name.length + value.length, target.length);
      const brokenHttp = broken !== undefined || cut !== undefined || length > 12_000;
      return {
        ...{ method, target: target + (pairs.length > 0 ? `?${pairs.join("&")}` : ""), headers, brokenHttp },
        ...(body ? { body, ...(chunks ? { chunks } : {}), ...(cut ? { cut } : {}) } : {}),
      };
    });
}

const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 4_000);

/** Requests that no document describes: other paths, other methods, other forms of the same. */
export function strangeRequests(api: OpenApi): fc.Arbitrary<FuzzedRequest> {
  const paths = [...new Set(api.operations.map(({ path }) => path))];
  const climbing = [
    "/../../etc/passwd",
    "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/",
    "//",
    "/\\",
    "/v1//receipts",
    "/.env",
  ];
  const odd = [
    "*",
    "/%",
    "/%zz",
    "/%00",
    "/%ff",
    "/%c0%ae",
    "/?",
    "/#",
    `/${"a".repeat(7_000)}`,
    "/v1/receipts/",
    "/V1/RECEIPTS",
  ];
  const internal = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/favicon.ico",
    "/admin",
    "/.git/config",
    "/queues",
  ];
  return fc
    .record({
      method: fc.constantFrom(
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "PROPFIND",
        "PURGE",
        "QUERY",
      ),
      path: fc.constantFrom(
        ...paths.map((path) => path.replaceAll(/\{[^}]+\}/g, `0x${"ab".repeat(32)}`)),
        ...climbing,
        ...odd,
        ...internal,
      ),
      headers: header,
      body: fc.option(fc.constantFrom("", "{}", "[]", "\u0000"), { nil: undefined }),
    })
    .map(({ method, path, headers, body }) => ({
      ...{ method, target: path, headers, brokenHttp: path === "*" || path.includes("\\") },
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    }));
}
