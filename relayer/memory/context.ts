// SPDX-License-Identifier: MIT
import { randomBytes } from "node:crypto";
import { AbiCoder, id, keccak256 } from "ethers";
import { toHex, type Hex } from "../protocol/index.ts";
import { headOf, type MemoryHead } from "./history.ts";

/** What a receipt's `contextHash` commits to; see `MemoryContext` of IMemoryRegistry.sol. */
export interface MemoryContext {
  memoryId: Hex;
  index: bigint;
  root: Hex;
  count: bigint;
  firstEntry: bigint;
  endEntry: bigint;
  grantId: bigint;
  salt: Hex;
}

const TYPE =
  "MemoryContext(bytes32 memoryId,uint64 index,bytes32 root,uint64 count,uint64 firstEntry,uint64 endEntry," +
  "uint256 grantId,bytes32 salt)";
const TYPES = ["bytes32", "bytes32", "uint64", "bytes32", "uint64", "uint64", "uint64", "uint256", "bytes32"];

/** The `contextHash` of a receipt that was computed with this context. */
export function contextHash(c: MemoryContext): Hex {
  const fields = [c.memoryId, c.index, c.root, c.count, c.firstEntry, c.endEntry, c.grantId, c.salt];
  return keccak256(AbiCoder.defaultAbiCoder().encode(TYPES, [id(TYPE), ...fields])) as Hex;
}

/** A context over a range of a head's entries, with a salt of its own. @throws {MemoryError} `unknown_head` */
export function contextOf(
  memoryId: Hex,
  heads: readonly MemoryHead[],
  { index, firstEntry, endEntry, grantId }: { index: number; firstEntry: number; endEntry: number; grantId: bigint },
): MemoryContext {
  const { root, count } = headOf(heads, index);
  return {
    memoryId,
    index: BigInt(index),
    root,
    count: BigInt(count),
    firstEntry: BigInt(firstEntry),
    endEntry: BigInt(endEntry),
    grantId,
    salt: toHex(randomBytes(32)),
  };
}
