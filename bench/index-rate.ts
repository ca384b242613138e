/**
 * The index: how fast it reads, beside plain decoding of the same logs in the same run; how far it falls behind a burst;
 * what it keeps on disk; and how fast it answers the relayer when it holds a million batches.
 */
import { Interface, JsonRpcProvider } from "ethers";
import pg from "pg";
import { type Chain, startChain } from "../demo/chain.ts";
import { inferenceRegistry } from "../relayer/chain/abi.ts";
import type { Hex } from "../relayer/protocol/index.ts";
import { dayOf } from "../relayer/reconcile/compare.ts";
import { createIndexClient, type IndexClient } from "../relayer/reconcile/index-client.ts";
import { indexed } from "../subgraph/local/gnd.ts";
import { type Index, startIndex } from "../subgraph/local/stack.ts";
import { begin } from "../test/index/activity.ts";
import { row, type Row } from "./row.ts";

/** Settlements of the burst, and rows that the tables are filled up to; smaller for a try. */
const EVENTS = Number(process.env["BENCH_INDEX_EVENTS"] ?? 10_000);
const ENTITIES = Number(process.env["BENCH_INDEX_ENTITIES"] ?? 1_000_000);
const IN_A_CALL = 250;
const QUERIES = 100;

export async function indexRate(): Promise<Row[]> {
  const chain = await startChain(0);
  let index: Index | undefined;
  try {
    const activity = await begin(chain);
    index = await startIndex({ rpcUrl: chain.url, contracts: chain.addresses });
    await caughtUp(chain, index);
    const client = new pg.Client({ connectionString: index.databaseUrl });
    await client.connect();
    try {
      const schema = await schemaOf(client);
      const before = await bytesOf(client, schema);
      for (let done = 0; done < EVENTS; done += IN_A_CALL)
        await activity.settle(Array.from({ length: Math.min(IN_A_CALL, EVENTS - done) }, () => 1));
      const lag = await timed(() => caughtUp(chain, index!));
      const perMillion = (((await bytesOf(client, schema)) - before) / EVENTS) * 1e6;
      const plain = await plainDecoding(chain);
      // A graph-node of this kind reads everything anew when it starts again.
      const anew = await timed(() => index!.restart().then(() => caughtUp(chain, index!)));
      const scaled = await answering(client, index, activity.key.keyId);
      return [
        row(
          "index: events a second, from nothing, graph-node's start included",
          EVENTS / (anew / 1_000),
          "/s",
          "higher",
          {
            baseline: EVENTS / (plain / 1_000),
          },
        ),
        row(`index: behind after a burst of ${EVENTS} settlements`, lag / 1_000, "s", "lower"),
        row(`index: disk for a million batches (measured at ${EVENTS}, scaled)`, perMillion / 1e6, "MB", "lower"),
        ...scaled,
      ];
    } finally {
      await client.end();
    }
  } finally {
    await index?.stop();
    await chain.close();
  }
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

async function caughtUp(chain: Chain, index: Index): Promise<void> {
  await indexed(index.gnd, chain.url, await chain.provider.getBlockNumber(), 1_800_000);
}

/** What an indexer would do by itself: every log of the registry, decoded, nothing kept. */
async function plainDecoding(chain: Chain): Promise<number> {
  const provider = new JsonRpcProvider(chain.url, 31337, { staticNetwork: true, cacheTimeout: -1 });
  const abi: Interface = inferenceRegistry;
  const topic = abi.getEvent("BatchSettled")!.topicHash;
  const address = chain.addresses.inferenceRegistry;
  const head = await provider.getBlockNumber();
  let decoded = 0;
  const took = await timed(async () => {
    for (let from = 0; from <= head; from += 100) {
      const logs = await provider.getLogs({
        address,
        topics: [topic],
        fromBlock: from,
        toBlock: Math.min(head, from + 99),
      });
      for (const log of logs) if (abi.parseLog(log)?.name === "BatchSettled") decoded++;
    }
  });
  provider.destroy();
  if (decoded !== EVENTS) throw new Error(`Decoded ${decoded} of ${EVENTS} settlements.`);
  return took;
}

/** The deployment's schema in the database; a restart makes a new one. */
async function schemaOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>("select name from deployment_schemas order by id desc limit 1");
  return rows[0]!.name;
}

async function bytesOf(client: pg.Client, schema: string): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    "select coalesce(sum(pg_total_relation_size(format('%I.%I', schemaname, tablename)::regclass)), 0) as bytes from pg_tables where schemaname = $1",
    [schema],
  );
  return Number(rows[0]!.bytes);
}

/**
 * Fills the table of batches by copies of a real row under ids of their own, as indexing a million takes hours on a local
 * chain; then asks what the relayer asks, at sizes that it asks.
 */
async function answering(client: pg.Client, index: Index, keyId: Hex): Promise<Row[]> {
  const schema = await schemaOf(client);
  const { rows: columns } = await client.query<{ name: string }>(
    "select column_name as name from information_schema.columns where table_schema = $1 and table_name = 'batch' order by ordinal_position",
    [schema],
  );
  const names = columns.map(({ name }) => name);
  const value = (name: string): string =>
    name === "id"
      ? "decode(md5(g::text) || md5('x' || g::text), 'hex')"
      : name === "vid"
        ? `(select max(vid) from ${schema}.batch) + g`
        : `one."${name}"`;
  const have = Number((await client.query<{ n: string }>(`select count(*) as n from ${schema}.batch`)).rows[0]!.n);
  await client.query(
    `insert into ${schema}.batch (${names.map((name) => `"${name}"`).join(", ")})
     select ${names.map(value).join(", ")} from (select * from ${schema}.batch limit 1) one, generate_series(1, $1::int) g`,
    [ENTITIES - have],
  );
  await client.query(`analyze ${schema}.batch`);
  const { rows: sample } = await client.query<{ id: Buffer; at: string }>(
    `select id, settled_at as at from ${schema}.batch order by md5(vid::text) limit 5000`,
  );
  const ids = sample.map(({ id }) => `0x${id.toString("hex")}` as Hex);
  const day = dayOf(Number(sample[0]!.at));
  const api: IndexClient = createIndexClient({ url: index.url, timeoutMs: 60_000, maxBytes: 50_000_000, maxPages: 1 });
  const { number } = await api.head();
  const asked: [string, (i: number) => Promise<unknown>][] = [
    ["where it stands", () => api.head()],
    ["100 batches by digest", (i) => api.settled("batch", pick(ids, i, 100), number)],
    ["a key's total", () => api.keyTotals([keyId], number)],
    ["a day's total", () => api.dayTotals([day], number)],
  ];
  const found: Row[] = [];
  for (const [what, ask] of asked) {
    const times: number[] = [];
    for (let i = 0; i < QUERIES; i++) times.push(await timed(() => ask(i)));
    times.sort((a, b) => a - b);
    const title = `index: ${what}, at ${ENTITIES.toLocaleString("en")} batches`;
    found.push(row(`${title}, median`, times[QUERIES / 2]!, "ms", "lower", { target: 50 }));
    found.push(row(`${title}, 99 of 100`, times[QUERIES - 1]!, "ms", "lower"));
  }
  return found;
}

const pick = (ids: readonly Hex[], i: number, size: number): Hex[] =>
  Array.from({ length: size }, (_, j) => ids[(i * 37 + j * 101) % ids.length]!);
