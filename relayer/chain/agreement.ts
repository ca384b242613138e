// SPDX-License-Identifier: MIT
// Questions whose answers must not hang on one node: what is final, what is settled, which nonce is next.
import { ChainUnavailable, NodeRefused } from "./errors.ts";
import type { Rpc } from "./rpc.ts";

/**
 * What every node says that answers at all.
 * @throws {NodeRefused} if none answers and one refused; {@link ChainUnavailable} if none does either.
 */
export async function heard<T>(rpc: Rpc, method: string, params: readonly unknown[]): Promise<T[]> {
  const answers = await rpc.requestAll<T>(method, params);
  const values = answers.flatMap((answer) => (answer.ok ? [answer.value] : []));
  if (values.length > 0) return values;
  const errors = answers.flatMap((answer) => (answer.ok ? [] : [answer.error]));
  throw errors.find((error) => error instanceof NodeRefused) ?? new ChainUnavailable(method, errors);
}

/** The least that any node says: one that tells of more than there is deceives nobody, and one that lags only delays. */
export async function least(rpc: Rpc, method: string, params: readonly unknown[]): Promise<number> {
  return Math.min(...(await heard<string>(rpc, method, params)).map(Number));
}

/** A block's fields that are used here. */
export interface RpcBlock {
  number: string;
  timestamp: string;
  baseFeePerGas?: string;
}

/** The lowest block that any node gives under a name or number; `null` where one has none. */
export async function lowestBlock(rpc: Rpc, which: string): Promise<RpcBlock | null> {
  const blocks = await heard<RpcBlock | null>(rpc, "eth_getBlockByNumber", [which, false]);
  return blocks.reduce((low, block) => low && block && (Number(block.number) < Number(low.number) ? block : low));
}
