// SPDX-License-Identifier: MIT
// The verifier's side: what a memory holds follows from the chain and the blobs. No key, no word of the owner.
import { Contract, type Provider } from "ethers";
import { fromHex, type Hex, MerkleLog, toHex, verifyConsistency, verifyProof } from "../protocol/index.ts";
import { memoryRegistry } from "./abi.ts";
import { type BlobStore, getBlob } from "./blobs.ts";
import { headerOf } from "./entry.ts";
import { MemoryError } from "./errors.ts";

/** One head, as the chain has it. */
export interface MemoryHead {
  /** From 0 on. */
  index: number;
  root: Hex;
  previous: Hex;
  count: number;
  blobId: Hex;
  /** Unix seconds. */
  committedAt: bigint;
}
/** All heads of a memory and all its entries, held against each other. */
export interface MemoryHistory {
  memoryId: Hex;
  heads: MemoryHead[];
  log: MerkleLog;
}
/** That an entry is at a place of a head. */
export interface EntryProof {
  memoryId: Hex;
  /** Of the head. */
  index: number;
  place: number;
  /** keccak256 of the sealed entry. */
  entryId: Hex;
  proof: Hex[];
}
/** That a later head begins with all entries of an earlier one. */
export interface ExtensionProof {
  memoryId: Hex;
  earlier: number;
  later: number;
  proof: Hex[];
}

const PAGE = 256;

/** Heads of a memory from a place on, all of one block. */
export async function readHeads(provider: Provider, registry: string, memoryId: Hex, from = 0): Promise<MemoryHead[]> {
  const contract = new Contract(registry, memoryRegistry, provider);
  const block = { blockTag: await provider.getBlockNumber() };
  const total = Number(await contract.getFunction("headCount")(memoryId, block));
  const heads: MemoryHead[] = [];
  while (from + heads.length < total) {
    const page = (await contract.getFunction("heads")(memoryId, from + heads.length, PAGE, block)) as {
      root: Hex;
      previous: Hex;
      count: bigint;
      blobId: Hex;
      committedAt: bigint;
    }[];
    for (const { root, previous, count, blobId, committedAt } of page)
      heads.push({ index: from + heads.length, root, previous, count: Number(count), blobId, committedAt });
  }
  return heads;
}

/** What a commit names as added: the ids of its entries, put together. */
export function encodeSegment(ids: readonly Hex[]): Uint8Array {
  return Buffer.concat(ids.map((id) => fromHex(id, 32)));
}

/**
 * Puts the entries of all heads together and holds each head against them.
 * @throws {MemoryError} `blob_missing`, `blob_tampered`, `bad_segment`, `not_the_history`
 */
export async function loadHistory(memoryId: Hex, heads: MemoryHead[], blobs: BlobStore): Promise<MemoryHistory> {
  const log = new MerkleLog();
  for (const { index, count, blobId, root } of heads) {
    const segment = await getBlob(blobs, blobId);
    if (segment.length !== 32 * (count - log.count)) throw new MemoryError("bad_segment", { index, blobId });
    for (let at = 0; at < segment.length; at += 32) log.append(toHex(segment.subarray(at, at + 32)));
    if (log.root() !== root) throw new MemoryError("not_the_history", { index, root, found: log.root() });
  }
  return { memoryId, heads, log };
}

/**
 * Fetches every sealed entry and looks at what is readable without a key: each is whole, and no salt or nonce comes twice.
 * @throws {MemoryError} `blob_missing`, `blob_tampered`, `bad_entry`, `nonce_reused`
 */
export async function auditEntries({ heads, log }: MemoryHistory, blobs: BlobStore): Promise<void> {
  const seen = new Set<Hex>();
  const count = heads.at(-1)?.count ?? 0;
  for (let place = 0; place < count; place++) {
    const { salt, nonce } = headerOf(await getBlob(blobs, log.at(place)));
    for (const bytes of [salt, nonce]) {
      const value = toHex(bytes);
      if (seen.has(value)) throw new MemoryError("nonce_reused", { place });
      seen.add(value);
    }
  }
}

/** A head by its place. @throws {MemoryError} `unknown_head` */
export function headOf(heads: readonly MemoryHead[], index: number): MemoryHead {
  const head = heads[index];
  if (head === undefined) throw new MemoryError("unknown_head", { index });
  return head;
}

/** Proves an entry under a head; the newest by default. @throws {MemoryError} `unknown_head`, `not_committed` */
export function proveEntry({ memoryId, heads, log }: MemoryHistory, place: number, index?: number): EntryProof {
  const head = headOf(heads, index ?? heads.length - 1);
  if (place >= head.count) throw new MemoryError("not_committed", { place, count: head.count });
  return { memoryId, index: head.index, place, entryId: log.at(place), proof: log.inclusion(place, head.count) };
}

/** Whether a proof holds under the heads that the chain has. */
export function verifyEntry(heads: readonly MemoryHead[], { index, place, entryId, proof }: EntryProof): boolean {
  const { root, count } = headOf(heads, index);
  return verifyProof(root, count, place, entryId, proof);
}

/** Proves that a head begins with all of an earlier one. @throws {MemoryError} `unknown_head` */
export function proveExtension(
  { memoryId, heads, log }: MemoryHistory,
  earlier: number,
  later: number,
): ExtensionProof {
  const [old, young] = [headOf(heads, earlier), headOf(heads, later)];
  return { memoryId, earlier, later, proof: log.consistency(old.count, young.count) };
}

/** Whether such a proof holds under the heads that the chain has. */
export function verifyExtension(heads: readonly MemoryHead[], { earlier, later, proof }: ExtensionProof): boolean {
  const [old, young] = [headOf(heads, earlier), headOf(heads, later)];
  return verifyConsistency(old.root, old.count, young.root, young.count, proof);
}
