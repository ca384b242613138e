// SPDX-License-Identifier: MIT
import type { Result } from "ethers";
import { twinMarket } from "./abi.ts";
import { FEES, type FeeName, type FeesReading, type FeeState } from "./fees.ts";

/** The fees could not be read: nothing is known, least of all that they are what they were. */
export class FeesUnreadable extends Error {
  readonly code = "fees_unreadable";
  override readonly name = "FeesUnreadable";
}

/** A JSON-RPC call to a node; rejects where there is no answer. */
export type Request = (method: string, params: readonly unknown[]) => Promise<unknown>;

interface Block {
  number: string;
  hash: string;
  timestamp: string;
}

/**
 * So long a lower head is a node that lags behind another. After that the chain is taken at its word, if the head is not
 * of an older time too: a chain that grew shorter goes on making blocks, a node that stands still does not.
 */
const LAG_MS = 30_000;

export interface FeeReaderOptions {
  now?: () => number;
  /** Where the newest block is older, the node stands still or the chain does: what it says is no answer. */
  maxAgeSeconds?: number;
}

/**
 * Reads the fees of a market, all of one block.
 * @returns A function that reads once. A head seen before is answered from memory: a block's fees never change.
 */
export function createFeeReader(
  request: Request,
  market: string,
  { now = Date.now, maxAgeSeconds = Number.POSITIVE_INFINITY }: FeeReaderOptions = {},
): () => Promise<FeesReading> {
  /** What the market can never change. */
  let rules: { caps: Record<FeeName, bigint>; notice: number } | null = null;
  let last: FeesReading | null = null;
  let lastAt = 0;

  async function call(name: string, at: unknown): Promise<Result> {
    const data = twinMarket.encodeFunctionData(name);
    const answer = await request("eth_call", [{ to: market, data }, at]);
    if (answer === "0x") throw new FeesUnreadable(`there is no market at ${market}`);
    try {
      return twinMarket.decodeFunctionResult(name, String(answer));
    } catch (cause) {
      throw new FeesUnreadable(`what is at ${market} is no key market`, { cause });
    }
  }

  async function readAt({ number, hash, timestamp }: Block): Promise<FeesReading> {
    // By hash: a node that another load balancer picks has this very block or says so.
    const at = { blockHash: hash };
    const found = await call("fees", at);
    rules ??= {
      caps: {
        protocol: (await call("MAX_PROTOCOL_FEE_PERCENT", at))[0] as bigint,
        subject: (await call("MAX_SUBJECT_FEE_PERCENT", at))[0] as bigint,
      },
      notice: Number((await call("FEE_NOTICE", at))[0]),
    };
    const { caps, notice } = rules;
    const states = FEES.map((fee): [FeeName, FeeState] => {
      const { present, pending, effectiveAt } = found[fee] as Record<string, bigint>;
      const increase = effectiveAt === 0n ? null : { percent: pending!, effectiveAt: Number(effectiveAt) };
      return [fee, { present: present!, increase, cap: caps[fee] }];
    });
    return {
      block: { number: Number(number), hash, timestamp: Number(timestamp) },
      fees: Object.fromEntries(states) as Record<FeeName, FeeState>,
      notice,
    };
  }

  /** An announcement must not seem withdrawn because a node has not heard of it yet. */
  function refuseIfBehind({ number, timestamp }: Block): void {
    if (last === null || Number(number) >= last.block.number) return;
    if (Number(timestamp) < last.block.timestamp || now() - lastAt < LAG_MS)
      throw new FeesUnreadable(`the node is behind: block ${Number(number)} after ${last.block.number}`);
  }

  async function read(): Promise<FeesReading> {
    const head = (await request("eth_getBlockByNumber", ["latest", false])) as Block | null;
    if (head === null) throw new FeesUnreadable("the node has no latest block");
    refuseIfBehind(head);
    // Nor must it seem absent because a node has not heard of anything for long.
    const age = Math.floor(now() / 1_000) - Number(head.timestamp);
    if (age > maxAgeSeconds) throw new FeesUnreadable(`the newest block that the node knows is ${age} seconds old`);
    if (last?.block.hash !== head.hash) {
      const before = last;
      const found = await readAt(head);
      // Another look, begun while this one waited, may have been faster.
      if (last !== before) refuseIfBehind(head);
      last = found;
    }
    lastAt = now();
    return last;
  }

  return async () => {
    try {
      return await read();
    } catch (error) {
      if (error instanceof FeesUnreadable) throw error;
      // The head may just have been replaced, or the second node asked may be a block behind the first.
      return read();
    }
  };
}
