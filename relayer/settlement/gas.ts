// SPDX-License-Identifier: MIT
import { ChainUnavailable, NodeRefused } from "../chain/errors.ts";
import type { ChainReader } from "../chain/reader.ts";

/** Base fee of the latest block; undefined if the chain cannot be asked. */
export async function baseFeeOf(chain: Pick<ChainReader, "head">): Promise<bigint | undefined> {
  try {
    return (await chain.head()).baseFeePerGas;
  } catch (error) {
    if (error instanceof ChainUnavailable || error instanceof NodeRefused) return undefined;
    throw error;
  }
}
