/**
 * The index: how fast it reads, beside plain decoding of the same logs in the same run; how far it falls behind a burst;
 * what it keeps on disk; and how fast it answers the relayer when it holds a million batches and as many receipts alone.
 * Tells each phase on the standard error stream, with the machine's load.
 */
import { loadavg } from "node:os";
import { type Interface, JsonRpcProvider } from "ethers";
import pg from "pg";
import { type Chain, startChain } from "../demo/chain.ts";
import { inferenceRegistry } from "../relayer/chain/abi.ts";
import { indexed } from "../subgraph/local/gnd.ts";
import { type Index, startIndex } from "../subgraph/local/stack.ts";
import { begin } from "../test/index/activity.ts";
import { burst } from "./index-burst.ts";
import { callsOf, DAY, fill } from "./index-fill.ts";
import { questions } from "./index-questions.ts";
import { row, type Row } from "./row.ts";

/** Settlements of the burst, and rows that the two tables are filled up to; smaller for a try. */
const EVENTS = Number(process.env["BENCH_INDEX_EVENTS"] ?? 10_000);
const ENTITIES = Number(process.env["BENCH_INDEX_ENTITIES"] ?? 1_000_000);
/** Settlements of one call, each an event; and of one that is as large as the relayer makes them. */
const IN_A_CALL = 20;
const IN_A_FULL_CALL = 200;
const PATIENCE_MS = 1_800_000;

const started = performance.now();
function say(what: string): void {
  const seconds = ((performance.now() - started) / 1_000).toFixed(0).padStart(4);
  console.error(`  ${seconds} s, load ${loadavg()[0]!.toFixed(1)}: ${what}`);
}

export async function indexRate(): Promise<Row[]> {
  const chain = await startChain(0);
  let index: Index | undefined;
  let client: pg.Client | undefined;
  try {
    const activity = await begin(chain);
    await activity.settle([1], 1);
    say("chain with a protocol and a day's beginning");
    index = await startIndex({ rpcUrl: chain.url, contracts: chain.addresses });
    await caughtUp(chain, index);
    client = new pg.Client({ connectionString: index.databaseUrl });
    await client.connect();
    say("index started");

    const before = await bytesOf(client, await schemaOf(client));
    const burstMs = await timed(() => burst(chain, activity, EVENTS, IN_A_CALL));
    say(`${EVENTS} settled, ${IN_A_CALL} to a call and block, in ${(burstMs / 1_000).toFixed(1)} s`);
    const lag = await timed(() => caughtUp(chain, index!));
    const perMillion = ((await bytesOf(client, await schemaOf(client))) - before) * (1e6 / EVENTS);
    say(`indexed ${(lag / 1_000).toFixed(1)} s after the last one`);
    await burst(chain, activity, IN_A_FULL_CALL, IN_A_FULL_CALL);
    const fullLag = await timed(() => caughtUp(chain, index!));
    say(`a call of ${IN_A_FULL_CALL} more, indexed after ${(fullLag / 1_000).toFixed(1)} s`);

    const plain = await plainDecoding(chain);
    say(`decoded without an index in ${(plain.ms / 1_000).toFixed(1)} s`);
    // A graph-node of this kind reads everything anew when it starts again.
    const anew = await timed(() => index!.restart().then(() => caughtUp(chain, index!)));
    say(`indexed anew in ${(anew / 1_000).toFixed(1)} s, graph-node's start included`);
    return [
      row(
        `index: events a second from nothing, ${IN_A_CALL} to a call, graph-node's start included`,
        plain.events / (anew / 1_000),
        "/s",
        "higher",
        { baseline: plain.events / (plain.ms / 1_000) },
      ),
      row(`index: behind after a burst of ${EVENTS} events, ${IN_A_CALL} to a call`, lag / 1_000, "s", "lower"),
      row(`index: behind after a call of ${IN_A_FULL_CALL} events`, fullLag / 1_000, "s", "lower"),
      row(
        `index: disk of a million settled batches, ${IN_A_CALL} to a call, all tables`,
        perMillion / 1e6,
        "MB",
        "lower",
      ),
      ...(await atSize(chain, index, client)),
    ];
  } finally {
    await client?.end();
    await index?.stop();
    await chain.close();
  }
}

/** What it takes, and how it answers, where a million of each settled. */
async function atSize(chain: Chain, index: Index, client: pg.Client): Promise<Row[]> {
  const schema = await schemaOf(client);
  const firstBlock = (await chain.provider.getBlockNumber()) + 1;
  await chain.provider.send("hardhat_mine", [`0x${callsOf(ENTITIES).toString(16)}`, "0x0"]);
  await caughtUp(chain, index);
  say(`${callsOf(ENTITIES).toLocaleString("en")} empty blocks followed, for the rows to stand in`);
  const midnight = Math.floor(Date.now() / 1_000 / DAY) * DAY;
  const filled = await fill(client, schema, ENTITIES, firstBlock, midnight, say);
  const size = async (table: string, what: string): Promise<Row> => {
    const bytes = await bytesOf(client, schema, table);
    return row(`index: disk of a million ${what}, their own table`, (bytes / ENTITIES) * 1e6 * 1e-6, "MB", "lower");
  };
  return [
    await size("batch", "batches of 1 to 1,000 receipts"),
    await size("settled_receipt", "receipts settled alone"),
    ...(await questions(client, schema, index.url, filled, say)),
  ];
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

async function caughtUp(chain: Chain, index: Index): Promise<void> {
  await indexed(index.gnd, chain.url, await chain.provider.getBlockNumber(), PATIENCE_MS);
}

/** What an indexer would do by itself: every settlement of the registry, decoded, nothing kept. */
async function plainDecoding(chain: Chain): Promise<{ ms: number; events: number }> {
  const provider = new JsonRpcProvider(chain.url, 31337, { staticNetwork: true, cacheTimeout: -1 });
  const abi: Interface = inferenceRegistry;
  const topics = ["BatchSettled", "ReceiptSettled"].map((name) => abi.getEvent(name)!.topicHash);
  const address = chain.addresses.inferenceRegistry;
  const head = await provider.getBlockNumber();
  let events = 0;
  const ms = await timed(async () => {
    for (let fromBlock = 0; fromBlock <= head; fromBlock += 100) {
      const toBlock = Math.min(head, fromBlock + 99);
      const logs = await provider.getLogs({ address, topics: [topics], fromBlock, toBlock });
      for (const log of logs) if (abi.parseLog(log) !== null) events++;
    }
  });
  provider.destroy();
  const wanted = EVENTS + IN_A_FULL_CALL + 2;
  if (events !== wanted) throw new Error(`Decoded ${events} of ${wanted} settlements.`);
  return { ms, events };
}

/** The deployment's schema in the database; a restart makes a new one. */
async function schemaOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>("select name from deployment_schemas order by id desc limit 1");
  return rows[0]!.name;
}

/** Bytes of a deployment's tables, or of one of them, indexes included. */
async function bytesOf(client: pg.Client, schema: string, table = "%"): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    "select coalesce(sum(pg_total_relation_size(format('%I.%I', schemaname, tablename)::regclass)), 0) as bytes from pg_tables where schemaname = $1 and tablename like $2",
    [schema, table],
  );
  return Number(rows[0]!.bytes);
}
