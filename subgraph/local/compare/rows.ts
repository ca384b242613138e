// Every row of every entity, whatever the schema has: nothing is left out because somebody forgot to name it.
import { readFileSync } from "node:fs";
import { type FieldDefinitionNode, Kind, parse, type TypeNode } from "graphql";

export interface Field {
  name: string;
  type: string;
  list: boolean;
  /** Values of an enumeration, by number. */
  values: readonly string[] | null;
  reference: boolean;
}
export interface Entity {
  name: string;
  fields: Field[];
}
/** A row: numbers as decimal strings, references as ids. */
export type Row = Record<string, unknown> & { id: string };

const SCHEMA = new URL("../../schema.graphql", import.meta.url);

/** The stored entities of the schema, without derived fields and without aggregations. */
export function entities(): Entity[] {
  const { definitions } = parse(readFileSync(SCHEMA, "utf8"));
  const enums = new Map<string, string[]>();
  const types = new Map<string, readonly FieldDefinitionNode[]>();
  for (const definition of definitions) {
    if (definition.kind === Kind.ENUM_TYPE_DEFINITION)
      enums.set(
        definition.name.value,
        (definition.values ?? []).map(({ name }) => name.value),
      );
    if (
      definition.kind === Kind.OBJECT_TYPE_DEFINITION &&
      definition.directives?.some(({ name }) => name.value === "entity")
    )
      types.set(definition.name.value, definition.fields ?? []);
  }
  return [...types].map(([name, fields]) => ({
    name,
    fields: fields
      .filter(({ directives }) => !directives?.some((one) => one.name.value === "derivedFrom"))
      .map(({ name: { value }, type }) => {
        const of = named(type);
        return {
          name: value,
          type: of.name,
          list: of.list,
          values: enums.get(of.name) ?? null,
          reference: types.has(of.name),
        };
      }),
  }));
}

function named(type: TypeNode): { name: string; list: boolean } {
  if (type.kind === Kind.NAMED_TYPE) return { name: type.name.value, list: false };
  return type.kind === Kind.LIST_TYPE ? { ...named(type.type), list: true } : named(type.type);
}

const PAGE = 1_000;

/** All rows of an entity as of a block. */
export async function readRows(url: string, entity: Entity, block: number): Promise<Row[]> {
  const fields = entity.fields.map(({ name, reference }) => (reference ? `${name} { id }` : name)).join(" ");
  const one = pluralOf(entity.name);
  const rows: Row[] = [];
  for (;;) {
    const last = rows.at(-1)?.id;
    const after = last === undefined ? "" : `where: { id_gt: ${JSON.stringify(last)} }`;
    const query = `{ rows: ${one}(first: ${PAGE}, orderBy: id, block: { number: ${block} } ${after}) { ${fields} } }`;
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query }),
    });
    const answer = (await response.json()) as { data?: { rows: Row[] }; errors?: { message: string }[] };
    if (!answer.data) throw new Error(`${entity.name}: ${answer.errors?.map(({ message }) => message).join("; ")}`);
    for (const row of answer.data.rows) rows.push(flat(row));
    if (answer.data.rows.length < PAGE) return rows;
  }
}

const flat = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value !== null && typeof value === "object" && "id" in value ? value.id : value,
    ]),
  ) as Row;

/** Name of an entity's list in the served schema. */
function pluralOf(name: string): string {
  const single = name.charAt(0).toLowerCase() + name.slice(1);
  if (/(bounds|rates|parameters|fees|delays)$/i.test(single)) return `${single}_collection`;
  if (/(s|x|ch|sh)$/.test(single)) return `${single}es`;
  return /[^aeiou]y$/.test(single) ? `${single.slice(0, -1)}ies` : `${single}s`;
}
