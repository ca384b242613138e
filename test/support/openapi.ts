// An OpenAPI 3.1 document as tests read it: its operations, and what their answers must be.
import { expect } from "chai";
import { z } from "zod";

export type Schema = Record<string, unknown>;

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  schema: Schema;
}

/** One method of one path. */
export interface Operation {
  method: string;
  path: string;
  parameters: Parameter[];
  /** Schema of its JSON body, if it takes one. */
  body: Schema | undefined;
  /** By status: content types with their schemas; undefined for an answer without content. */
  responses: Map<string, Map<string, Schema | undefined>>;
  security: object[] | undefined;
}

interface Document {
  paths: Record<string, Record<string, Record<string, unknown>>>;
  components?: { schemas?: Record<string, Schema>; securitySchemes?: Record<string, unknown> };
  security?: object[];
}

const METHODS = ["get", "post", "put", "patch", "delete"];

/** Everything that a document describes. */
export function readOpenApi(source: unknown) {
  const document = source as Document;
  const named = document.components?.schemas ?? {};
  const resolve = (schema: Schema): Schema => {
    const ref = schema["$ref"];
    return typeof ref === "string" ? resolve(named[ref.replace("#/components/schemas/", "")]!) : schema;
  };
  const operations: Operation[] = [];
  for (const [path, item] of Object.entries(document.paths))
    for (const method of METHODS.filter((name) => name in item)) {
      const described = item[method]!;
      const body = described["requestBody"] as { content: Record<string, { schema: Schema }> } | undefined;
      const responses = described["responses"] as Record<string, { content?: Record<string, { schema?: Schema }> }>;
      operations.push({
        ...{ method: method.toUpperCase(), path },
        parameters: (described["parameters"] ?? []) as Parameter[],
        body: body?.content["application/json"]?.schema,
        responses: new Map(
          Object.entries(responses).map(([status, { content = {} }]) => [
            status,
            new Map(Object.entries(content).map(([type, { schema }]) => [type, schema])),
          ]),
        ),
        security: (described["security"] ?? document.security) as object[] | undefined,
      });
    }

  const validators = new Map<Schema, z.ZodType>();
  /** Says what of a value is not as the schema has it; properties that no schema names are among it. */
  function problemsOf(schema: Schema, value: unknown): string[] {
    let validator = validators.get(schema);
    if (!validator) {
      const $defs = Object.fromEntries(Object.entries(named).map(([name, one]) => [name, closed(one)]));
      validator = z.fromJSONSchema({ ...(closed(schema) as object), $defs } as never);
      validators.set(schema, validator);
    }
    const parsed = validator.safeParse(value);
    return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  }
  return { operations, resolve, problemsOf, document };
}
export type OpenApi = ReturnType<typeof readOpenApi>;

/** A schema without properties that it does not name, as an answer must have none; and with references to `$defs`. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const copy = Object.fromEntries(
    Object.entries(schema).map(([name, value]) =>
      name === "$ref" ? [name, String(value).replace("#/components/schemas/", "#/$defs/")] : [name, closed(value)],
    ),
  );
  return "properties" in copy && !("additionalProperties" in copy) ? { ...copy, additionalProperties: false } : copy;
}

/** What is never to be read in an answer: stack traces, places in the file system, statements. */
const LEAKS = [
  /\bat [^\n]{0,200}:\d+:\d+/,
  /node_modules|node:internal|file:\/\/|\.ts:\d+/,
  /\/(?:relayer|home|root|tmp|usr|var)\//,
  /insert into|select .{1,80} from|pg_|drizzle|PGlite|violates/i,
  /ECONN|ENOENT|EACCES/,
];

/** Checks that a text tells nothing of the machine, and none of these secrets. */
export function checkLeaks(text: string, secrets: readonly string[]): void {
  for (const leak of LEAKS) expect(text).to.not.match(leak);
  for (const secret of secrets) expect(text.toLowerCase()).to.not.contain(secret.toLowerCase());
}
