/**
 * A large index without the hours that it takes to index one: rows as graph-node lays them, made in its own tables.
 *
 * They stand for two months of a network of {@link KEYS} keys: calls of {@link IN_A_CALL} items, each call in a block, keys
 * of very different use, items of all modes. Immutable rows (batches, receipts alone) carry their block; what changes
 * (totals of the protocol, of keys, of days) has a version for each block that changed it, as `prune: never` keeps them.
 * Columns that are not named here are those of a row that was indexed. `vid` is block × 2^32 and a count, as graph-node's.
 */
import type pg from "pg";

/** Items of a call, and keys that sign. */
export const IN_A_CALL = 20;
export const KEYS = 500;
const DAYS = 60;
export const DAY = 86_400;
const MODES = ["VANILLA", "ZKML", "TEE"];

export interface Filled {
  /** First block of it, and unix seconds of the last day's end. */
  firstBlock: number;
  until: number;
  calls: number;
}

/** Calls that so many items are settled in. */
export const callsOf = (items: number): number => Math.ceil(items / IN_A_CALL);

/**
 * Fills the deployment's tables with `items` batches and as many receipts alone, in blocks from `firstBlock` on.
 * @param until Unix seconds; the items spread evenly over the days before.
 */
export async function fill(
  client: pg.Client,
  schema: string,
  items: number,
  firstBlock: number,
  until: number,
  say: (what: string) => void,
): Promise<Filled> {
  const calls = callsOf(items);
  await client.query("set synchronous_commit = off; set maintenance_work_mem = '512MB'; set work_mem = '256MB'");
  await client.query("select setseed(0.5)");
  await client.query(`create temp table a_key as
    select k, case when k = 0 then one.id else decode(md5('key' || k) || md5('yek' || k), 'hex') end as id
    from generate_series(0, ${KEYS - 1}) k, (select id from ${schema}.signing_key order by vid limit 1) one`);
  // A few keys sign most of it: the first of 500 an eighth, half of them less than 1 in 5,000 each. A call is one relayer's,
  // whose keys are few.
  await client.query(`create temp table an_item as
    select g, ${firstBlock} + g / ${IN_A_CALL} as block,
      ${until - DAYS * DAY} + (g / ${IN_A_CALL})::bigint * ${DAYS * DAY - 1} / ${calls} as at,
      floor(${KEYS} * power((hashint4(g / 4) & 1023) / 1024.0, 3))::int as k,
      (array[1, 1, 1, 1, 3, 3, 3, 2])[1 + (hashint4(g) & 7)] as mode, 1 + ((hashint4(g + 1) & 1048575) % 1000) as count
    from generate_series(0, ${items} - 1) g`);
  await client.query("create index on a_key (k); analyze a_key; analyze an_item");
  say("items drawn");

  const kind = (name: string): string => enumOf(schema, name);
  const item = {
    id: "decode(md5('ID' || i.g) || md5('id' || i.g), 'hex')",
    key: "a.id",
    mode: `(array[${MODES.map((mode) => `'${mode}'`).join(", ")}])[i.mode]::${kind("mode")}`,
    settled_at: "i.at",
    block: "i.block",
    transaction: "decode(md5('tx' || i.block) || md5('xt' || i.block), 'hex')",
    block$: "i.block",
    vid: `i.block::bigint << 32 | (i.g % ${IN_A_CALL})`,
  };
  const from = "an_item i join a_key a using (k)";
  const bytes = (salt: string): string => `decode(md5('${salt}' || i.g) || md5(i.g || '${salt}'), 'hex')`;
  const batch = { ...item, count: "i.count", root: bytes("root"), data_hash: bytes("data") };
  await insert(client, schema, "batch", batch, from, say);
  await insert(client, schema, "settled_receipt", { ...item, request_id: bytes("req") }, from, say);

  await client.query(`create temp table a_sum as
    select block, min(at) as at, sum(count) as count from an_item group by block order by block`);
  const version = (partition: string): string =>
    `int4range(s.block, lead(s.block) over (partition by ${partition} order by s.block))`;
  const vid = (offset: number): string => `s.block::bigint << 32 | ${offset} + row_number() over (order by s.block)`;
  const running = (partition: string): string => `sum(s.count) over (partition by ${partition} order by s.block)`;
  await insert(
    client,
    schema,
    "signing_key",
    { id: "s.id", receipts: running("s.id"), block_range: version("s.id"), vid: vid(1_000_000) },
    "(select a.id, i.block, sum(i.count) as count from an_item i join a_key a using (k) where k > 0 group by 1, 2) s",
    say,
  );
  // Network and modes, of all time and of each day: whatever settles changes all eight, as shares of the modes do.
  const days = `(select d.day, m.mode, s.block, s.at, s.count from a_sum s,
    lateral (values (-1), ((s.at / ${DAY})::int)) d(day), generate_series(0, 3) m(mode)) s`;
  const word = `decode(case when s.day < 0 then 'ffffffff' else lpad(to_hex(s.day), 8, '0') end`;
  const figure = {
    id: `${word} || case when s.mode = 0 then '00' else '010' || (s.mode - 1) end, 'hex')`,
    day: "nullif(s.day, -1)",
    starts_at: `nullif(s.day, -1)::bigint * ${DAY}`,
    scope: `case when s.mode = 0 then 'NETWORK' else 'MODE' end::${kind("figure_scope")}`,
    mode: `(array[${MODES.map((mode) => `'${mode}'`).join(", ")}])[s.mode]::${kind("mode")}`,
    model: "null",
    receipts: running("s.day, s.mode"),
    block_range: version("s.day, s.mode"),
    vid: vid(2_000_000),
  };
  // Those of all time go on from what was indexed.
  const close = `upper_inf(block_range) and id in (select ${figure.id} from ${days} where s.block = ${firstBlock})`;
  await client.query(
    `update ${schema}.figure set block_range = int4range(lower(block_range), ${firstBlock}) where ${close}`,
  );
  await insert(client, schema, "figure", figure, days, say);
  await client.query(
    `update ${schema}.protocol set block_range = int4range(lower(block_range), ${firstBlock}) where upper_inf(block_range)`,
  );
  const protocol = { receipts: running("1"), block_range: version("1"), vid: vid(3_000_000) };
  await insert(client, schema, "protocol", protocol, "a_sum s", say);
  return { firstBlock, until, calls };
}

/** Rows of a table: the named columns by expression, the others as in its last row. */
async function insert(
  client: pg.Client,
  schema: string,
  table: string,
  values: Readonly<Record<string, string>>,
  from: string,
  say: (what: string) => void,
): Promise<void> {
  const { rows: columns } = await client.query<{ name: string }>(
    "select column_name as name from information_schema.columns where table_schema = $1 and table_name = $2",
    [schema, table],
  );
  const names = columns.map(({ name }) => name);
  const unknown = Object.keys(values).filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`graph-node's table ${table} has no ${unknown.join(", ")}.`);
  // Indexes of attributes are made when the rows are there: one by one they cost ten times as much.
  const { rows: indexes } = await client.query<{ name: string; made: string }>(
    "select indexname as name, indexdef as made from pg_indexes where schemaname = $1 and tablename = $2 and indexname like 'attr\\_%'",
    [schema, table],
  );
  for (const { name } of indexes) await client.query(`drop index ${schema}."${name}"`);
  const expressions = names.map((name) => values[name] ?? `one."${name}"`);
  const { rowCount } = await client.query(
    `insert into ${schema}."${table}" (${names.map((name) => `"${name}"`).join(", ")})
     select ${expressions.join(", ")} from (select * from ${schema}."${table}" order by vid desc limit 1) one cross join ${from}`,
  );
  for (const { made } of indexes) await client.query(made);
  await client.query(`analyze ${schema}."${table}"`);
  say(`${rowCount?.toLocaleString("en")} rows of ${table}, ${indexes.length} indexes`);
}

const enumOf = (schema: string, name: string): string => `${schema}."${name}"`;
