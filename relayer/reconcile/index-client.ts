// SPDX-License-Identifier: MIT
// What the index says, over GraphQL. It is somebody's server: whatever it answers is bounded and never believed on its
// word where the chain can be asked.
import { ClientError, GraphQLClient } from "graphql-request";
import { DAY } from "./compare.ts";
import type * as types from "./generated.ts";
import * as queries from "./queries.ts";
import type { Hex } from "../protocol/index.ts";
import type { Settled } from "./types.ts";

/** The index could not be asked, or answered what cannot be used. Nothing is known; never to be read as "not there". */
export class IndexUnavailable extends Error {
  override readonly name = "IndexUnavailable";
  readonly code: "index_unreachable" | "index_refused" | "index_nonsense";
  constructor(code: IndexUnavailable["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Where the index stands, in its own words. */
export interface IndexHead {
  deployment: string;
  number: number;
  hash: Hex | null;
  timestamp: number | null;
  hasIndexingErrors: boolean;
  /** Events that name something it never saw announced: more than none says that it began too late. */
  orphans: number;
}

/** Rows that were listed, and whether those were all. */
export interface Listed {
  rows: { id: Hex; count: number; block: number | null }[];
  complete: boolean;
}

export interface IndexClient {
  /** @throws {IndexUnavailable} as all of these */
  head(): Promise<IndexHead>;
  /** Those of `ids` that it has as settled up to a block. */
  settled(kind: Settled["kind"], ids: readonly Hex[], block: number): Promise<Settled[]>;
  /** Receipts that ever settled of each of these keys; a key that it does not know is left out. */
  keyTotals(keyIds: readonly Hex[], block: number): Promise<Map<Hex, number>>;
  /** Receipts that settled on each of these days, by their midnights; a day that it does not know is left out. */
  dayTotals(days: readonly number[], block: number): Promise<Map<number, number>>;
  /** What settled of a key. */
  ofKey(keyId: Hex, block: number): Promise<Listed>;
  /** What settled from one moment on and before another, unix seconds. */
  ofTime(from: number, until: number, block: number): Promise<Listed>;
}

export interface IndexClientOptions {
  url: string;
  /** Sent as a bearer token. */
  apiKey?: string | undefined;
  timeoutMs: number;
  maxBytes: number;
  /** Pages of 500 that are listed at most. */
  maxPages: number;
}

/** `first` of the questions that list: a server takes 1,000, and at a million rows longer than is well for all. */
const PAGE = 500;
/** Ids of one question: its text grows by 70 bytes with each, servers bound that too, and all wait for a long one. */
export const ASKED = 50;
const MODES: Record<types.Mode, number> = { VANILLA: 0, ZKML: 1, TEE: 2 };

/** A client of one deployment of our subgraph: a graph-node's, or a gateway's of The Graph. */
export function createIndexClient(options: IndexClientOptions): IndexClient {
  const { url, apiKey, timeoutMs, maxBytes, maxPages } = options;
  const client = new GraphQLClient(url, {
    fetch: boundedFetch(timeoutMs, maxBytes),
    ...(apiKey ? { headers: { authorization: `Bearer ${apiKey}` } } : {}),
  });

  async function ask<T>(document: string, variables: object = {}): Promise<T> {
    try {
      return await client.request<T>(document, variables);
    } catch (error) {
      if (error instanceof ClientError && error.response.errors?.length) {
        const said = error.response.errors.map(({ message }) => message).join("; ");
        throw new IndexUnavailable("index_refused", `the index refused a question: ${said.slice(0, 500)}`, error);
      }
      // The address may carry a key: only its host is told.
      const reason = (error as Error).message.replaceAll(url, new URL(url).host).slice(0, 500);
      throw new IndexUnavailable("index_unreachable", `the index did not answer: ${reason}`, error);
    }
  }

  async function inParts<Id, Row>(ids: readonly Id[], read: (part: readonly Id[]) => Promise<Row[]>): Promise<Row[]> {
    const found: Row[] = [];
    for (let at = 0; at < ids.length; at += ASKED) found.push(...(await read(ids.slice(at, at + ASKED))));
    return found;
  }

  async function pages<Row extends { id: Hex }>(
    read: (after: Hex) => Promise<Row[]>,
  ): Promise<{ rows: Row[]; complete: boolean }> {
    const rows: Row[] = [];
    for (let page = 0; page < maxPages; page++) {
      const after = rows.at(-1)?.id ?? "0x";
      const found = await read(after);
      // A server that ignores where to go on would be asked for ever.
      if (found.some(({ id }) => after !== "0x" && id <= after))
        throw new IndexUnavailable("index_nonsense", "the index pages backwards");
      rows.push(...found);
      if (found.length < PAGE) return { rows, complete: true };
    }
    return { rows, complete: false };
  }

  async function listed(
    readBatches: (after: Hex) => Promise<{ id: Hex; count: number; block?: string }[]>,
    readReceipts: (after: Hex) => Promise<{ id: Hex; block?: string }[]>,
  ): Promise<Listed> {
    const [batches, receipts] = [await pages(readBatches), await pages(readReceipts)];
    const blockOf = (block: string | undefined): number | null => (block === undefined ? null : whole(block));
    return {
      rows: [
        ...batches.rows.map(({ id, count, block }) => ({ id, count: whole(count), block: blockOf(block) })),
        ...receipts.rows.map(({ id, block }) => ({ id, count: 1, block: blockOf(block) })),
      ],
      complete: batches.complete && receipts.complete,
    };
  }

  return guarded({
    async head() {
      const { _meta: meta, protocol } = await ask<types.HeadQuery>(queries.HEAD);
      if (!meta) throw new IndexUnavailable("index_nonsense", "the index has no block yet");
      return {
        deployment: meta.deployment,
        number: whole(meta.block.number),
        hash: meta.block.hash ?? null,
        timestamp: meta.block.timestamp ?? null,
        hasIndexingErrors: meta.hasIndexingErrors,
        orphans: protocol ? whole(protocol.orphans) : 0,
      };
    },

    async settled(kind, ids, block) {
      const common = (
        row: types.BatchesByIdQuery["batches"][number] | types.ReceiptsByIdQuery["settledReceipts"][number],
      ) => ({
        id: hash(row.id),
        kind,
        keyId: hash(row.key.id),
        mode: modeOf(row.mode),
        settledAt: whole(row.settledAt),
        block: whole(row.block),
        transaction: hash(row.transaction),
      });
      const found: Settled[] =
        kind === "batch"
          ? await inParts(ids, async (part) =>
              (await ask<types.BatchesByIdQuery>(queries.BATCHES_BY_ID, { ids: part, block })).batches.map((row) => ({
                ...common(row),
                count: whole(row.count),
                root: hash(row.root),
              })),
            )
          : await inParts(ids, async (part) =>
              (await ask<types.ReceiptsByIdQuery>(queries.RECEIPTS_BY_ID, { ids: part, block })).settledReceipts.map(
                (row) => ({ ...common(row), count: 1, root: null }),
              ),
            );
      if (found.some((row) => row.block > block))
        throw new IndexUnavailable("index_nonsense", "the index answers of later blocks than it was asked for");
      return found;
    },

    async keyTotals(keyIds, block) {
      const rows = await inParts(
        keyIds,
        async (ids) => (await ask<types.KeyTotalsQuery>(queries.KEY_TOTALS, { ids, block })).signingKeys,
      );
      return new Map(rows.map(({ id, receipts }) => [id, whole(receipts)]));
    },

    async dayTotals(days, block) {
      const rows = await inParts(
        days.map(figureOf),
        async (ids) => (await ask<types.DayTotalsQuery>(queries.DAY_TOTALS, { ids, block })).figures,
      );
      return new Map(rows.map(({ day, receipts }) => [whole(day) * DAY, whole(receipts)]));
    },

    ofKey: (key, block) =>
      listed(
        async (after) => (await ask<types.BatchesOfKeyQuery>(queries.BATCHES_OF_KEY, { key, after, block })).batches,
        async (after) =>
          (await ask<types.ReceiptsOfKeyQuery>(queries.RECEIPTS_OF_KEY, { key, after, block })).settledReceipts,
      ),

    ofTime: (from, until, block) => {
      const time = { from: String(from), until: String(until), block };
      return listed(
        async (after) => (await ask<types.BatchesOfTimeQuery>(queries.BATCHES_OF_TIME, { ...time, after })).batches,
        async (after) =>
          (await ask<types.ReceiptsOfTimeQuery>(queries.RECEIPTS_OF_TIME, { ...time, after })).settledReceipts,
      );
    },
  });
}

/**
 * The types are what an index promises. One that answers something else must not be able to end the comparison, which
 * would go on over the chain's logs: whatever goes wrong with an answer is the index's fault.
 */
function guarded(client: IndexClient): IndexClient {
  const guard =
    <Args extends unknown[], T>(ask: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      try {
        return await ask(...args);
      } catch (error) {
        if (error instanceof IndexUnavailable) throw error;
        throw new IndexUnavailable("index_nonsense", "the index answers what it has no fields for", error);
      }
    };
  const { head, settled, keyTotals, dayTotals, ofKey, ofTime } = client;
  return {
    ...{ head: guard(head), settled: guard(settled), keyTotals: guard(keyTotals), dayTotals: guard(dayTotals) },
    ...{ ofKey: guard(ofKey), ofTime: guard(ofTime) },
  };
}

function hash(value: unknown): Hex {
  if (typeof value !== "string" || !/^0x[0-9a-f]{64}$/.test(value))
    throw new IndexUnavailable("index_nonsense", `the index has ${String(value).slice(0, 40)} where a hash belongs`);
  return value as Hex;
}

function modeOf(value: types.Mode): number {
  if (!Object.hasOwn(MODES, value))
    throw new IndexUnavailable("index_nonsense", `the index has ${String(value).slice(0, 40)} where a mode belongs`);
  return MODES[value];
}

/** Id of the network's figure of a day, by its midnight: the day's number in four bytes, and the scope, 0. */
export function figureOf(midnight: number): Hex {
  return `0x${(midnight / DAY).toString(16).padStart(8, "0")}00`;
}

function whole(value: number | string | null | undefined): number {
  const number = Number(value);
  if (value === null || value === undefined || value === "" || !Number.isSafeInteger(number) || number < 0)
    throw new IndexUnavailable("index_nonsense", `the index has ${String(value).slice(0, 40)} where a number belongs`);
  return number;
}

/** `fetch` that gives up after a time, over all of the answer, and after so many bytes of it; and goes nowhere else. */
export function boundedFetch(timeoutMs: number, maxBytes: number): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, { ...init, redirect: "error", signal: AbortSignal.timeout(timeoutMs) });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > maxBytes) throw new Error(`answers with more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    const { status, statusText, headers } = response;
    return new Response(chunks.length === 0 ? null : Buffer.concat(chunks), { status, statusText, headers });
  };
}
