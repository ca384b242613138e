/** Everything that the relayer asks an index, as often as its times need to be told, at sizes that it asks. */
import type pg from "pg";
import type { Hex } from "../relayer/protocol/index.ts";
import { ASKED as ASKED_AT_ONCE, figureOf } from "../relayer/reconcile/index-client.ts";
import { DOCUMENTS } from "../relayer/reconcile/queries.ts";
import { DAY, type Filled, KEYS as SIGNERS } from "./index-fill.ts";
import { row, type Row } from "./row.ts";

const ASKED = 200;
/** What the relayer asks for at once, `relayer/reconcile/index-client.ts`; and the keys of a large one. */
const IDS = ASKED_AT_ONCE;
const KEYS = 40;
/** Seconds that the newest `verifyBlocks` take, at two seconds a block. */
const VERIFIED = 1_000;
const LIMIT_MS = 50;

interface Sample {
  batches: Hex[];
  receipts: Hex[];
  keys: Hex[];
}

/** Times each of the relayer's documents; every question is another one, as graph-node remembers answers. */
export async function questions(
  client: pg.Client,
  schema: string,
  url: string,
  filled: Filled,
  say: (what: string) => void,
): Promise<Row[]> {
  const sample = await sampleOf(client, schema, filled);
  const block = filled.firstBlock + filled.calls - 1;
  const { until } = filled;
  const within = (i: number) => {
    const from = until - ((i * 7_919) % (50 * DAY)) - VERIFIED;
    return { from: String(from), until: String(from + VERIFIED), after: "0x", block: block - (i % 20) };
  };
  // Some pages are first ones, most are not.
  const ofKey = (i: number) => ({
    key: sample.keys[(i * 7) % KEYS]!,
    after: i % 4 === 0 ? "0x" : `0x${((i * 37) % 256).toString(16).padStart(2, "0")}`,
    block: block - (i % 20),
  });
  const ids = (of: readonly Hex[]) => (i: number) => ({
    ids: Array.from({ length: IDS }, (_, j) => of[(i * 61 + j) % of.length]!),
    block: block - (i % 20),
  });
  const asked: Record<keyof typeof DOCUMENTS, { what: string; variables: (i: number) => object }> = {
    HEAD: { what: "where it stands", variables: () => ({}) },
    BATCHES_BY_ID: { what: `${IDS} batches by digest`, variables: ids(sample.batches) },
    RECEIPTS_BY_ID: { what: `${IDS} receipts alone by id`, variables: ids(sample.receipts) },
    KEY_TOTALS: {
      what: `totals of ${KEYS} keys`,
      variables: (i) => ({ ids: sample.keys, block: block - i }),
    },
    DAY_TOTALS: {
      what: "totals of 2 days",
      variables: (i) => ({
        ids: [1, 2].map((j) => figureOf(until - (j + (i % 50)) * DAY)),
        block: block - i,
      }),
    },
    BATCHES_OF_TIME: { what: "batches of 500 blocks' time", variables: within },
    RECEIPTS_OF_TIME: { what: "receipts alone of 500 blocks' time", variables: within },
    BATCHES_OF_KEY: { what: "a page of a key's batches", variables: ofKey },
    RECEIPTS_OF_KEY: { what: "a page of a key's receipts alone", variables: ofKey },
  };
  const found: Row[] = [];
  for (const [name, { what, variables }] of Object.entries(asked)) {
    const times: number[] = [];
    let rows = 0;
    for (let i = -10; i < ASKED; i++) {
      const start = performance.now();
      const answer = await ask(url, DOCUMENTS[name as keyof typeof DOCUMENTS], variables(i + 10));
      // The first ones warm what a server that runs has warm.
      if (i < 0) continue;
      times.push(performance.now() - start);
      for (const list of Object.values(answer)) if (Array.isArray(list)) rows += list.length;
    }
    times.sort((a, b) => a - b);
    const rank = (percent: number): number => times[Math.ceil((percent / 100) * ASKED) - 1]!;
    say(`${what}: ${Math.round(rows / ASKED)} rows, p50 ${rank(50).toFixed(1)} ms, p99 ${rank(99).toFixed(1)} ms`);
    if (name !== "HEAD" && rows === 0) throw new Error(`${name} found nothing.`);
    found.push(row(`index: ${what}, p50`, rank(50), "ms", "lower", { target: LIMIT_MS }));
    found.push(row(`index: ${what}, p99`, rank(99), "ms", "lower", { target: LIMIT_MS }));
  }
  return found;
}

/** What a relayer's ledger holds: items of its own keys that settled one after the other, keys large and small. */
async function sampleOf(client: pg.Client, schema: string, { firstBlock, calls }: Filled): Promise<Sample> {
  const { rows: keys } = await client.query<{ id: Buffer }>(
    `select id from a_key where k % ${Math.floor(SIGNERS / KEYS)} = 0 order by k limit ${KEYS}`,
  );
  const of = async (table: string): Promise<Hex[]> => {
    const { rows } = await client.query<{ id: Buffer }>(
      `select id from ${schema}.${table} where block$ >= $1 and key = any($2) order by vid desc limit 20000`,
      [firstBlock + Math.floor(calls / 2), keys.map(({ id }) => id)],
    );
    return rows.map(({ id }) => hex(id));
  };
  return { batches: await of("batch"), receipts: await of("settled_receipt"), keys: keys.map(({ id }) => hex(id)) };
}

const hex = (bytes: Buffer): Hex => `0x${bytes.toString("hex")}`;

async function ask(url: string, query: string, variables: object): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: Record<string, unknown>; errors?: unknown };
  if (!data || errors) throw new Error(`The index refused a question: ${JSON.stringify(errors)}`);
  return data;
}
