// SPDX-License-Identifier: MIT
// What the relayers' ledger says at the end, held against the chain.
import pg from "pg";
import type { Hex } from "../relayer/protocol/index.ts";

interface Open {
  what: string;
  state: string;
  count: number;
}

async function ask<T>(url: string, question: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return (await client.query(question)).rows as T[];
  } finally {
    await client.end();
  }
}

/** All that is not over yet: neither final, nor refused for good, nor part of a batch. */
export function openWork(url: string): Promise<Open[]> {
  return ask<Open>(
    url,
    `select 'batch' as what, state, count(*)::int from batches where state not in ('final', 'rejected') group by state
     union all select 'receipt', state, count(*)::int from singles
       where state not in ('final', 'rejected', 'batched') group by state
     union all select 'call', state, count(*)::int from transactions
       where state not in ('final', 'failed') group by state
     union all select 'payment', state, count(*)::int from payments
       where state not in ('final', 'failed', 'reserved') group by state`,
  );
}

/** Where ledgers and the chain differ. */
export async function differences(urls: readonly string[], settled: ReadonlyMap<Hex, bigint>): Promise<string[]> {
  const found: string[] = [];
  const known = new Set<string>();
  for (const url of urls) for (const id of await compare(url, settled, found)) known.add(id);
  for (const id of settled.keys()) if (!known.has(id)) found.push(`no ledger knows ${id}, which settled`);
  return found;
}

/** @returns all ids of a ledger; tells in `found` where it differs. */
async function compare(url: string, settled: ReadonlyMap<Hex, bigint>, found: string[]): Promise<string[]> {
  const items = await ask<{ id: string; state: string; reason: string | null; at: string | null }>(
    url,
    `select '0x' || encode(digest, 'hex') as id, state, reason, settled_at as at from batches
     union all select '0x' || encode(receipt_id, 'hex'), state, reason, settled_at from singles where state <> 'batched'`,
  );
  for (const { id, state, reason, at } of items) {
    const onChain = settled.get(id as Hex);
    if (state !== "final") found.push(`${id} ended as ${state}${reason ? ` (${reason})` : ""}`);
    if (state === "final" && onChain === undefined) found.push(`the ledger calls ${id} final, the chain does not`);
    if (state === "final" && onChain !== undefined && at !== String(onChain))
      found.push(`${id} settled at ${onChain}, the ledger says ${at}`);
  }
  return items.map(({ id }) => id);
}

/** Makes a database of this server, and says where it is. */
export async function makeDatabase(server: string, name: string): Promise<string> {
  await ask(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** Calls that did not succeed, by what became of them. */
export async function unsuccessful(url: string): Promise<string[]> {
  const rows = await ask<{ reason: string; count: number }>(
    url,
    `select coalesce(left(reason, 40), 'reverted') as reason, count(*)::int from transactions
     where state = 'failed' or succeeded is false group by 1`,
  );
  return rows.map(({ reason, count }) => `${count} ${reason}`);
}
