// SPDX-License-Identifier: MIT
// A ledger in a real database, filled with what it would hold after settling; a chain as a list of settlements behind
// JSON-RPC; and an index over HTTP that says what it is told to, true or not.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inferenceRegistry } from "../../../relayer/chain/abi.ts";
import { NodeRefused } from "../../../relayer/chain/errors.ts";
import type { Rpc } from "../../../relayer/chain/rpc.ts";
import type { Hex } from "../../../relayer/protocol/index.ts";
import { DAY, dayOf } from "../../../relayer/reconcile/compare.ts";
import type { Settled } from "../../../relayer/reconcile/types.ts";
import type { Database } from "../../../relayer/store/database.ts";
import { attempts, batches, singles, transactions, type ItemState } from "../../../relayer/store/schema.ts";
import { domain, random } from "./relayer.ts";

const BYTES = new Uint8Array([1]);
const MODES = ["VANILLA", "ZKML", "TEE"];

/** Puts an item into the ledger as settled by a call of its own, or in another state. */
export async function enterItem(
  db: Database,
  item: Pick<Settled, "id" | "kind" | "keyId" | "mode" | "count" | "root" | "settledAt" | "block" | "transaction">,
  over: { state?: ItemState; call?: "ours" | "none" } = {},
): Promise<void> {
  const { id, keyId, mode, count, root, settledAt, block, transaction } = item;
  const { state = "final", call = "ours" } = over;
  const known = state === "final" || state === "mined";
  let transactionId: number | null = null;
  if (call === "ours") {
    const [row] = await db
      .insert(transactions)
      .values({
        ...{ chainId: 31337, sender: random(20), to: domain.verifyingContract, data: BYTES, createdAt: 1, nonce: 1 },
        ...(known
          ? { state: "final" as const, minedHash: transaction, minedBlock: block, succeeded: true, finalAt: 1 }
          : { state: "pending" as const }),
      })
      .returning({ id: transactions.id });
    transactionId = row!.id;
    await db
      .insert(attempts)
      .values({
        ...{ hash: transaction, transactionId, nonce: 1, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n },
        ...{ purpose: "send", state: known ? "mined" : "broadcast", raw: BYTES, signedAt: 1 },
      })
      .onConflictDoNothing();
  }
  const work = { state, transactionId, receivedAt: settledAt * 1_000, settledAt: known ? settledAt : null };
  if (item.kind === "batch") {
    await db.insert(batches).values({
      ...{ digest: id, proved: false, keyId, mode, root: root!, count, dataHash: random(), settler: random(20) },
      ...{ signature: random(65), document: BYTES, signatures: BYTES, published: true, ...work },
    });
  } else {
    await db.insert(singles).values({
      ...{ receiptId: id, requestId: random(), keyId, mode, modelId: random(), leaf: BYTES, signature: random(65) },
      ...{ alone: true, ...work },
    });
  }
}

/** A chain that knows blocks, settlements and slots, and nothing else. */
export function makeLedgerChain(blocks: number, startsAt = 1_790_000_000) {
  const settled: Settled[] = [];
  const state = { blocks, down: false, maxRange: Infinity, asked: [] as { from: number; upTo: number }[] };
  const hashOf = (number: number): Hex => `0x${(number + 0xabc).toString(16).padStart(64, "0")}`;
  const timeOf = (number: number): number => startsAt + 2 * number;
  const quantity = (value: number): string => `0x${value.toString(16)}`;
  const answer = (method: string, params: readonly unknown[]): unknown => {
    if (method === "eth_getBlockByNumber") {
      const number = params[0] === "latest" ? state.blocks : Number(params[0]);
      return number > state.blocks
        ? null
        : { number: quantity(number), hash: hashOf(number), timestamp: quantity(timeOf(number)) };
    }
    if (method !== "eth_getLogs") throw new Error(`nobody asks ${method} here`);
    const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string };
    const [from, upTo] = [Number(fromBlock), Number(toBlock)];
    if (upTo - from + 1 > state.maxRange) throw new NodeRefused(method, -32602, "query exceeds max block range", "0x");
    state.asked.push({ from, upTo });
    return settled.filter(({ block }) => from <= block && block <= upTo).map(logOf);
  };
  const rpc: Pick<Rpc, "request"> = {
    request: async <T>(method: string, params: readonly unknown[]): Promise<T> => {
      if (state.down) throw new Error("connection refused");
      return answer(method, params) as T;
    },
  };
  return {
    ...{ settled, state, rpc, hashOf, timeOf },
    settledAt: async (id: Hex): Promise<bigint> => {
      if (state.down) throw new Error("connection refused");
      return BigInt(settled.find((one) => one.id === id)?.settledAt ?? 0);
    },
    /** Settles something in a block. */
    settle(block: number, over: Partial<Settled> = {}): Settled {
      const kind = over.kind ?? "batch";
      const one: Settled = {
        ...{ id: random(), kind, keyId: KEY, mode: 0, count: kind === "batch" ? 3 : 1 },
        ...{ root: kind === "batch" ? random() : null, settledAt: timeOf(block), block, transaction: random() },
        ...over,
      };
      settled.push(one);
      return one;
    },
  };
}
export type LedgerChain = ReturnType<typeof makeLedgerChain>;
export const KEY = random();

function logOf(one: Settled) {
  const common = {
    ...{
      address: domain.verifyingContract,
      blockNumber: `0x${one.block.toString(16)}`,
      transactionHash: one.transaction,
    },
  };
  const { topics, data } =
    one.kind === "batch"
      ? inferenceRegistry.encodeEventLog("BatchSettled", [
          one.id,
          one.keyId,
          one.mode,
          one.root,
          one.count,
          random(),
          random(20),
        ])
      : inferenceRegistry.encodeEventLog("ReceiptSettled", [one.id, random(), one.keyId, random(), one.mode]);
  return { ...common, topics, data };
}

/** What an index is told to say. */
export interface IndexWords {
  head: number;
  hash: Hex;
  hasIndexingErrors: boolean;
  orphans: number;
  settled: Settled[];
  /** Added to what its totals should be. */
  extraKey: number;
  extraDay: number;
  /** Answers this, whatever is asked. */
  instead?: string | undefined;
  /** Milliseconds before it answers. */
  delay: number;
}

/** Serves GraphQL as our subgraph does, over rows that a test chose. */
export async function startFakeIndex(words: IndexWords) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { query, variables = {} } = JSON.parse(Buffer.concat(chunks).toString()) as Asked;
      const body = words.instead ?? JSON.stringify({ data: answerOf(words, query, variables) });
      setTimeout(() => response.writeHead(200, { "content-type": "application/json" }).end(body), words.delay);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/subgraphs/id/secret-key`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Asked {
  query: string;
  variables?: { ids?: Hex[]; block?: number; from?: string; until?: string; after?: Hex; key?: Hex };
}

function answerOf(words: IndexWords, query: string, asked: NonNullable<Asked["variables"]>): unknown {
  const name = /query (\w+)/.exec(query)![1]!;
  const first = Number(/first: (\d+)/.exec(query)?.[1]);
  const { ids = [], block = 0, from, until, after = "0x", key } = asked;
  const there = words.settled.filter((one) => one.block <= block);
  const rows = (kind: Settled["kind"], chosen: (one: Settled) => boolean) =>
    there
      .filter((one) => one.kind === kind && chosen(one))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, first)
      .map((one) => ({
        ...{ id: one.id, key: { id: one.keyId }, mode: MODES[one.mode], root: one.root, count: one.count },
        ...{ settledAt: String(one.settledAt), block: String(one.block), transaction: one.transaction },
      }));
  const sum = (of: Settled[]): number => of.reduce((total, { count }) => total + count, 0);
  const inTime = (one: Settled): boolean =>
    one.settledAt >= Number(from) && one.settledAt < Number(until) && one.id > after;
  switch (name) {
    case "Head":
      return {
        _meta: {
          ...{ deployment: "Qm", hasIndexingErrors: words.hasIndexingErrors },
          block: { number: words.head, hash: words.hash, timestamp: 1 },
        },
        protocol: { orphans: String(words.orphans) },
      };
    case "BatchesById":
      return { batches: rows("batch", ({ id }) => ids.includes(id)) };
    case "ReceiptsById":
      return { settledReceipts: rows("receipt", ({ id }) => ids.includes(id)) };
    case "KeyTotals":
      return {
        signingKeys: ids.map((id) => ({
          id,
          receipts: String(sum(there.filter(({ keyId }) => keyId === id)) + words.extraKey),
        })),
      };
    case "DayTotals": {
      const days = [...new Set(there.map(({ settledAt }) => dayOf(settledAt)))];
      return {
        figures: days
          .map((day) => ({
            ...{ id: `0x${(day / DAY).toString(16).padStart(8, "0")}00` as Hex, day: day / DAY },
            receipts: String(sum(there.filter(({ settledAt }) => dayOf(settledAt) === day)) + words.extraDay),
          }))
          .filter(({ id }) => ids.includes(id)),
      };
    }
    case "BatchesOfTime":
      return { batches: rows("batch", inTime) };
    case "ReceiptsOfTime":
      return { settledReceipts: rows("receipt", inTime) };
    case "BatchesOfKey":
      return { batches: rows("batch", ({ keyId, id }) => keyId === key && id > after) };
    case "ReceiptsOfKey":
      return { settledReceipts: rows("receipt", ({ keyId, id }) => keyId === key && id > after) };
    default:
      throw new Error(`nobody asks ${name} here`);
  }
}
