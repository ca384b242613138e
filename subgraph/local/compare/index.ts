// Everything that the index serves, held against the chain.
import { indexHead } from "../gnd.ts";
import { type Chain, type ChainEvent, readChain } from "./chain.ts";
import { EVENT_ENTITIES, type EventSpec } from "./events.ts";
import { entities, type Entity, type Field, readRows, type Row } from "./rows.ts";
import { DELAYS } from "./views-delays.ts";
import { MORE } from "./views-more.ts";
import { VIEWS } from "./views.ts";

export interface EntityReport {
  entity: string;
  rows: number;
  /** Values compared, and fields of the entity that nothing was compared with. */
  values: number;
  left: string[];
}
export interface ComparisonReport {
  block: number;
  entities: EntityReport[];
  problems: string[];
}

/** Compares as of the block where the index stands, or of an earlier one. */
export async function compareIndex(
  indexUrl: string,
  rpcUrl: string,
  deployed: Readonly<Record<string, string>>,
  block?: number,
): Promise<ComparisonReport> {
  const head = await indexHead(indexUrl);
  if (!head) throw new Error("The index has no block yet.");
  const at = block ?? head.number;
  const chain = await readChain(rpcUrl, deployed, at);
  const report: ComparisonReport = { block: at, entities: [], problems: [] };
  try {
    for (const entity of entities()) {
      const rows = await readRows(indexUrl, entity, at);
      const compared = new Set<string>();
      const check = (row: Row, field: Field, expected: unknown): void => {
        compared.add(field.name);
        one.values++;
        if (!same(row[field.name], expected, field))
          report.problems.push(
            `${entity.name} ${row.id}: ${field.name} is ${show(row[field.name])}, on chain ${show(expected)}`,
          );
      };
      const one: EntityReport = { entity: entity.name, rows: rows.length, values: 0, left: [] };
      const spec = EVENT_ENTITIES[entity.name];
      if (spec) compareEvents(entity, spec, rows, chain, check, report.problems);
      for (const view of [VIEWS[entity.name], MORE[entity.name], DELAYS[entity.name]]) {
        if (!view) continue;
        const count = await view.count?.(chain);
        if (count !== undefined && count !== rows.length)
          report.problems.push(`${entity.name}: ${rows.length} rows, on chain ${count}`);
        for (const row of rows) {
          const expected = (await view.expected(row, chain)) ?? {};
          for (const field of entity.fields)
            if (expected[field.name] !== undefined) check(row, field, expected[field.name]);
        }
      }
      one.left = entity.fields.map(({ name }) => name).filter((name) => name !== "id" && !compared.has(name));
      report.entities.push(one);
    }
    return report;
  } finally {
    chain.close();
  }
}

type Check = (row: Row, field: Field, expected: unknown) => void;

function compareEvents(
  entity: Entity,
  spec: EventSpec,
  rows: readonly Row[],
  chain: Chain,
  check: Check,
  problems: string[],
): void {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const events = chain.of(...spec.events);
  if (events.length !== rows.length)
    problems.push(`${entity.name}: ${rows.length} rows, ${events.length} events on chain`);
  for (const event of events) {
    const id = spec.id ? String(spec.id(event)) : eventId(event);
    const row = byId.get(id);
    if (!row) {
      problems.push(`${entity.name}: no row ${id} for ${event.contract}.${event.name} in block ${event.block}`);
      continue;
    }
    for (const field of entity.fields) {
      const expected = field.name in (spec.fields ?? {}) ? spec.fields![field.name]!(event) : told(field.name, event);
      if (expected !== undefined) check(row, field, expected);
    }
  }
}

/** Transaction hash ‖ log index, lowest byte first, as the mappings write it. */
function eventId({ transaction, logIndex }: ChainEvent): string {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(logIndex);
  return transaction + bytes.toString("hex");
}

/** What an event says of a field of that name. */
function told(field: string, event: ChainEvent): unknown {
  if (field === "block") return String(event.block);
  if (field === "transaction") return event.transaction;
  if (field === "sender") return event.sender;
  if (field === "at" || field === "settledAt") return String(event.time);
  return event.args[field] ?? event.args[`${field}Id`];
}

function same(found: unknown, expected: unknown, field: Field): boolean {
  if (field.values && expected !== null && !field.values.includes(String(expected))) {
    return found === field.values[Number(expected)];
  }
  if (found === null || expected === null) return found === expected;
  if (Array.isArray(found))
    return JSON.stringify(found.map(String)) === JSON.stringify((expected as unknown[]).map(String));
  return String(found) === String(expected);
}

const show = (value: unknown): string => JSON.stringify(value) ?? "nothing";

/** The report for people: every entity, and what of it was not compared. */
export function describeComparison({ block, entities: all, problems }: ComparisonReport): string {
  const lines = all.map(
    ({ entity, rows, values, left }) =>
      `  ${entity.padEnd(22)} ${String(rows).padStart(6)} rows ${String(values).padStart(7)} values${left.length > 0 ? `   not compared: ${left.join(", ")}` : ""}`,
  );
  const rows = all.reduce((sum, one) => sum + one.rows, 0);
  const values = all.reduce((sum, one) => sum + one.values, 0);
  lines.push(`${rows} rows, ${values} values compared as of block ${block}; ${problems.length} differ`);
  return [...lines, ...problems.slice(0, 100).map((problem) => `  DIFFERS ${problem}`)].join("\n");
}
