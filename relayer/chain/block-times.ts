// SPDX-License-Identifier: MIT
import { heard, lowestBlock } from "./agreement.ts";
import { ChainUnavailable, NodeRefused } from "./errors.ts";
import type { Rpc } from "./rpc.ts";
import type { Finality } from "./sending.ts";

type Block = { number: string; timestamp: string } | null;
const block = (rpc: Rpc, which: string): Promise<Block> => rpc.request("eth_getBlockByNumber", [which, false]);

/** Time of the latest block that counts as final to every node, unix seconds; 0 while there is none. */
export async function finalTime(rpc: Rpc, finality: Finality): Promise<bigint> {
  if ("tag" in finality) return BigInt((await lowestBlock(rpc, finality.tag))?.timestamp ?? 0);
  const head = Number((await lowestBlock(rpc, "latest"))?.number ?? 0);
  const number = head - finality.confirmations + 1;
  if (number < 0) return 0n;
  const blocks = await heard<Block>(rpc, "eth_getBlockByNumber", [`0x${number.toString(16)}`, false]);
  return blocks
    .map((found) => BigInt(found?.timestamp ?? 0))
    .reduce((earliest, time) => (time < earliest ? time : earliest));
}

/** The chain's clock, unix seconds. */
export interface BlockTimes {
  /** Of the latest block. */
  latest: bigint;
  /** Of the next block at the earliest, as far as can be known. */
  next: bigint;
}

/**
 * What the chain's clock says. A chain that makes a block only when there is a transaction stands still until then, so
 * its node is asked for the pending block too; believed no further than our own clock, as no consensus checked it.
 * @throws {ChainUnavailable}
 */
export async function blockTimes(rpc: Rpc, now: () => number = Date.now): Promise<BlockTimes> {
  const head = await block(rpc, "latest");
  if (!head) throw new ChainUnavailable("eth_getBlockByNumber", [new Error("the node has no latest block")]);
  const pending = await block(rpc, "pending").catch((error: unknown) => {
    if (error instanceof NodeRefused) return null; // not every node has one
    throw error;
  });
  const latest = BigInt(head.timestamp);
  const local = BigInt(Math.floor(now() / 1_000));
  const claimed = BigInt(pending?.timestamp ?? head.timestamp);
  const believed = local > latest ? local : latest;
  return { latest, next: claimed < believed ? claimed : believed };
}
