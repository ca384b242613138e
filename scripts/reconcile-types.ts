/**
 * `npm run reconcile:types`: asks a running graph-node for the schema that it serves of our subgraph, keeps the part that
 * the relayer's queries touch as relayer/reconcile/schema.graphql, and makes the types of the queries from it.
 *
 *   npm run reconcile:types             writes both
 *   npm run reconcile:types -- --check  exits 1 where they are not what would be written
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { codegen } from "@graphql-codegen/core";
import * as operations from "@graphql-codegen/typescript-operations";
import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  getNamedType,
  type GraphQLField,
  type GraphQLSchema,
  type IntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isObjectType,
  isSpecifiedScalarType,
  parse,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from "graphql";
import { format } from "prettier";
import { DOCUMENTS } from "../relayer/reconcile/queries.ts";
import { startIndex } from "../subgraph/local/stack.ts";
import { startLocalChain } from "../test/support/local-chain.ts";

const SCHEMA = "relayer/reconcile/schema.graphql";
const TYPES = "relayer/reconcile/generated.ts";
const documents = Object.entries(DOCUMENTS).map(([location, text]) => ({ location, document: parse(text) }));

const schema = used(await served());
const wanted = new Map([
  [SCHEMA, await format(schema, { parser: "graphql", printWidth: 120 })],
  [TYPES, await format(await types(schema), { parser: "typescript", printWidth: 120 })],
]);
const stale = [...wanted].filter(([file, text]) => !existsSync(file) || readFileSync(file, "utf8") !== text);
if (process.argv.includes("--check")) {
  for (const [file] of stale) console.error(`${file} is not what graph-node serves now: run npm run reconcile:types`);
  process.exit(stale.length === 0 ? 0 : 1);
}
for (const [file, text] of stale) writeFileSync(file, text);
console.log(stale.length === 0 ? "Up to date." : `Written: ${stale.map(([file]) => file).join(", ")}`);
process.exit(0);

/** The schema that graph-node makes of the subgraph's: with filters, orders and `_meta`. */
async function served(): Promise<GraphQLSchema> {
  const chain = await startLocalChain();
  const index = await startIndex({ rpcUrl: chain.url, contracts: { inferenceRegistry: `0x${"01".repeat(20)}` } });
  try {
    const response = await fetch(index.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: getIntrospectionQuery() }),
    });
    return buildClientSchema(((await response.json()) as { data: IntrospectionQuery }).data);
  } finally {
    await index.stop();
    await chain.close();
  }
}

/** The part of a schema that the queries touch: whatever else the subgraph gains or loses is none of the relayer's concern. */
function used(whole: GraphQLSchema): string {
  const fields = new Map<string, Set<string>>();
  const args = new Map<string, Set<string>>();
  const named = new Set<string>();
  const note = (map: Map<string, Set<string>>, key: string, value: string): void => {
    map.set(key, (map.get(key) ?? new Set()).add(value));
  };
  for (const { location, document } of documents) {
    const errors = validate(whole, document);
    if (errors.length > 0) throw new Error(`${location}: ${errors.map(({ message }) => message).join("; ")}`);
    const info = new TypeInfo(whole);
    visit(
      document,
      visitWithTypeInfo(info, {
        Field(node) {
          const parent = info.getParentType()!;
          note(fields, parent.name, node.name.value);
          named.add(getNamedType(info.getType()!).name);
          for (const { name } of node.arguments ?? []) note(args, `${parent.name}.${node.name.value}`, name.value);
        },
        Argument: () => void named.add(getNamedType(info.getInputType()!).name),
        ObjectField(node) {
          note(fields, getNamedType(info.getParentInputType()!).name, node.name.value);
          named.add(getNamedType(info.getInputType()!).name);
        },
      }),
    );
  }
  const texts: string[] = [];
  const signature = (type: string, field: GraphQLField<unknown, unknown>): string => {
    const kept = field.args.filter(({ name }) => args.get(`${type}.${field.name}`)?.has(name));
    const list = kept.map(({ name, type: of }) => `${name}: ${String(of)}`).join(", ");
    return `${field.name}${list && `(${list})`}: ${String(field.type)}`;
  };
  for (const name of [...named, whole.getQueryType()!.name].sort()) {
    const type = whole.getType(name)!;
    const kept = fields.get(name);
    if (isObjectType(type)) {
      const lines = Object.values(type.getFields()).filter((field) => kept?.has(field.name));
      texts.push(`type ${name} {\n${lines.map((field) => signature(name, field)).join("\n")}\n}`);
    } else if (isInputObjectType(type)) {
      const lines = Object.values(type.getFields()).filter((field) => kept?.has(field.name));
      texts.push(`input ${name} {\n${lines.map((field) => `${field.name}: ${String(field.type)}`).join("\n")}\n}`);
    } else if (isEnumType(type)) {
      // An order is asked for by name: the others do not matter.
      const values = type.getValues().map((value) => value.name);
      const shown = name.endsWith("_orderBy") ? values.filter((value) => value === "id") : values;
      texts.push(`enum ${name} {\n${shown.join("\n")}\n}`);
    } else if (!isSpecifiedScalarType(type)) texts.push(`scalar ${name}`);
  }
  const text = `# Made by npm run reconcile:types: what the relayer's queries touch of the schema that graph-node serves.\n\n${texts.join("\n\n")}\n`;
  for (const { location, document } of documents) {
    const errors = validate(buildSchema(text), document);
    if (errors.length > 0) throw new Error(`${location}: ${errors.map(({ message }) => message).join("; ")}`);
  }
  return text;
}

async function types(text: string): Promise<string> {
  // As graph-node writes them in JSON: what may exceed 2^53 is a decimal string.
  const scalars = { BigInt: "string", Bytes: "`0x${string}`" };
  const made = await codegen({
    filename: TYPES,
    schema: parse(text),
    documents,
    config: { scalars, strictScalars: true, skipTypename: true },
    plugins: [{ operations: {} }],
    pluginMap: { operations },
  });
  return `// SPDX-License-Identifier: MIT\n// Made by npm run reconcile:types from queries.ts and schema.graphql.\n\n${made}`;
}
