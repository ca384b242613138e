// SPDX-License-Identifier: MIT
// What settled, from the registry's own logs: slower than an index, and nothing to trust but the node.
import { inferenceRegistry } from "../chain/abi.ts";
import { ChainUnavailable, NodeRefused } from "../chain/errors.ts";
import type { Rpc } from "../chain/rpc.ts";
import type { Finality } from "../chain/sending.ts";
import type { Hex } from "../protocol/index.ts";
import type { Settled } from "./types.ts";

/** A block, as far as it matters here. */
export interface Block {
  number: number;
  hash: Hex;
  /** Unix seconds. */
  timestamp: number;
}

interface RpcLog {
  address: string;
  topics: string[];
  data: string;
  blockNumber: string;
  blockHash: string;
  transactionHash: string;
  removed?: boolean;
}

const quantity = (value: number): string => `0x${value.toString(16)}`;

/** A block by number or tag; null where the node has none. @throws {ChainUnavailable} */
export async function readBlock(rpc: Pick<Rpc, "request">, which: number | "latest" | "finalized" | "safe") {
  const found = await rpc.request<{ number: string; hash: Hex; timestamp: string } | null>("eth_getBlockByNumber", [
    typeof which === "number" ? quantity(which) : which,
    false,
  ]);
  if (!found) return null;
  return { number: Number(found.number), hash: found.hash, timestamp: Number(found.timestamp) } satisfies Block;
}

/** The latest block that counts as final; the first one while the chain is too short. @throws {ChainUnavailable} */
export async function finalBlock(rpc: Pick<Rpc, "request">, finality: Finality): Promise<Block> {
  const found =
    "tag" in finality
      ? await readBlock(rpc, finality.tag)
      : await readBlock(
          rpc,
          Math.max(0, ((await readBlock(rpc, "latest"))?.number ?? 0) - Math.max(0, finality.confirmations - 1)),
        );
  if (!found) throw new ChainUnavailable("eth_getBlockByNumber", [new Error("the node has no final block")]);
  return found;
}

/** The last block at or before a moment, not before `floor`: some thirty questions at most. @throws {ChainUnavailable} */
export async function blockAt(rpc: Pick<Rpc, "request">, seconds: number, floor: number, top: Block): Promise<Block> {
  const read = async (number: number): Promise<Block> => {
    const found = await readBlock(rpc, number);
    if (!found) throw new ChainUnavailable("eth_getBlockByNumber", [new Error(`the node lacks block ${number}`)]);
    return found;
  };
  if (top.timestamp <= seconds) return top;
  let low = await read(Math.min(floor, top.number));
  if (low.timestamp >= seconds) return low;
  let high = top;
  while (high.number - low.number > 1) {
    const middle = await read(Math.floor((low.number + high.number) / 2));
    if (middle.timestamp <= seconds) low = middle;
    else high = middle;
  }
  return low;
}

const TOPICS = ["BatchSettled", "ReceiptSettled"].map((name) => inferenceRegistry.getEvent(name)!.topicHash);

export interface LogsOptions {
  rpc: Pick<Rpc, "request">;
  registry: Hex;
  /** Blocks of one question; halved where a node finds that too much. */
  range: number;
}

/** Calls `found` with all settlements of a range of blocks, both ends included, in order. @throws {ChainUnavailable} */
async function eachRange(
  { rpc, registry, range }: LogsOptions,
  from: number,
  upTo: number,
  found: (logs: RpcLog[]) => void,
): Promise<void> {
  let width = range;
  for (let at = from; at <= upTo;) {
    const end = Math.min(upTo, at + width - 1);
    const filter = { address: registry, topics: [TOPICS], fromBlock: quantity(at), toBlock: quantity(end) };
    try {
      found(await rpc.request<RpcLog[]>("eth_getLogs", [filter]));
    } catch (error) {
      // Too many blocks or too many logs, each node in words of its own.
      if (!(error instanceof NodeRefused)) throw error;
      if (end === at) throw new ChainUnavailable("eth_getLogs", [error]);
      width = Math.max(1, Math.floor((end - at + 1) / 2));
      continue;
    }
    at = end + 1;
    width = Math.min(range, width * 2);
  }
}

/** The settlements of `ids` between two blocks, both included. @throws {ChainUnavailable} */
export async function settledInLogs(
  options: LogsOptions,
  ids: ReadonlySet<Hex>,
  from: number,
  upTo: number,
): Promise<Map<Hex, Settled>> {
  const wanted = new Map<Hex, Omit<Settled, "settledAt">>();
  await eachRange(options, from, upTo, (logs) => {
    for (const log of logs) {
      if (log.removed || log.address.toLowerCase() !== options.registry) continue;
      const settled = decode(log);
      if (settled && ids.has(settled.id)) wanted.set(settled.id, settled);
    }
  });
  const times = await blockTimes(
    options.rpc,
    [...wanted.values()].map(({ block }) => block),
  );
  return new Map([...wanted].map(([id, settled]) => [id, { ...settled, settledAt: times.get(settled.block)! }]));
}

/** How many items settled in each block, for comparison with an index that says that it read them all. */
export async function countInLogs(options: LogsOptions, from: number, upTo: number): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  await eachRange(options, from, upTo, (logs) => {
    for (const { blockNumber, removed } of logs) {
      if (!removed) counts.set(Number(blockNumber), (counts.get(Number(blockNumber)) ?? 0) + 1);
    }
  });
  return counts;
}

/** A settlement from its log; null for a log that is none. Its time is in its block only. */
export function decode(
  log: Pick<RpcLog, "topics" | "data" | "blockNumber" | "transactionHash">,
): Omit<Settled, "settledAt"> | null {
  const event = inferenceRegistry.parseLog(log);
  if (event?.name !== "BatchSettled" && event?.name !== "ReceiptSettled") return null;
  const { args } = event;
  const isBatch = event.name === "BatchSettled";
  return {
    id: args[0] as Hex,
    kind: isBatch ? "batch" : "receipt",
    keyId: args["keyId"] as Hex,
    mode: Number(args["mode"]),
    count: isBatch ? Number(args["count"]) : 1,
    root: isBatch ? (args["root"] as Hex) : null,
    block: Number(log.blockNumber),
    transaction: log.transactionHash as Hex,
  };
}

const AT_ONCE = 8;

async function blockTimes(rpc: Pick<Rpc, "request">, numbers: readonly number[]): Promise<Map<number, number>> {
  const times = new Map<number, number>();
  const left = [...new Set(numbers)];
  const worker = async (): Promise<void> => {
    for (let number = left.pop(); number !== undefined; number = left.pop()) {
      const block = await readBlock(rpc, number);
      if (!block) throw new ChainUnavailable("eth_getBlockByNumber", [new Error(`the node lacks block ${number}`)]);
      times.set(number, block.timestamp);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return times;
}
