// SPDX-License-Identifier: MIT
// Merkle tree over receipt ids: leaf = keccak256(0x00 ‖ id), node = keccak256(0x01 ‖ left ‖ right). The tags keep a
// node from being passed off as a leaf; an odd node is promoted, never doubled, so two lists never share a root.
import { keccak_256 } from "./keccak.ts";
import { fromHex, ProtocolError, toHex } from "./bytes.ts";
import type { Hex } from "./types.ts";

const leafBytes = new Uint8Array(33);
const nodeBytes = new Uint8Array(65);
nodeBytes[0] = 1;

/** Leaf of one receipt id (32 bytes). */
export function leafOf(id: Uint8Array): Uint8Array {
  leafBytes.set(id, 1);
  return keccak_256(leafBytes);
}

/** The node above two others. */
export function nodeOf(left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeBytes.set(left, 1);
  nodeBytes.set(right, 33);
  return keccak_256(nodeBytes);
}

function parents(level: Uint8Array[]): Uint8Array[] {
  const above = new Array<Uint8Array>((level.length + 1) >> 1);
  for (let i = 0; i < level.length; i += 2) {
    const left = level[i]!;
    const right = level[i + 1];
    above[i >> 1] = right ? nodeOf(left, right) : left;
  }
  return above;
}

/** Root over receipt ids of 32 bytes each, in order. Throws `empty_tree`. */
export function merkleRootOf(ids: readonly Uint8Array[]): Uint8Array {
  if (ids.length === 0) throw new ProtocolError("empty_tree", "A batch has at least one receipt");
  let level = ids.map(leafOf);
  while (level.length > 1) level = parents(level);
  return level[0]!;
}

/** {@link merkleRootOf} over hex ids. */
export function merkleRoot(ids: readonly Hex[]): Hex {
  return toHex(merkleRootOf(ids.map((id) => fromHex(id, 32))));
}

/** All levels of a tree, the leaves first: proofs from them need no hashing. */
export function merkleLevels(leaves: Uint8Array[]): Uint8Array[][] {
  const levels = [leaves];
  for (let level = leaves; level.length > 1; levels.push(level)) level = parents(level);
  return levels;
}

/** Siblings of the leaf at `index`, from the leaf up. Throws `index_out_of_range`. */
export function proofOf(levels: readonly (readonly Uint8Array[])[], index: number): Hex[] {
  const count = levels[0]?.length ?? 0;
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new ProtocolError("index_out_of_range", `Index ${index} in a tree of ${count}`);
  }
  return levels.flatMap((level, height) => {
    const sibling = level[(index >> height) ^ 1];
    return sibling && level.length > 1 ? [toHex(sibling)] : [];
  });
}

/** {@link proofOf} over hex ids. */
export function merkleProof(ids: readonly Hex[], index: number): Hex[] {
  return proofOf(merkleLevels(ids.map((id) => leafOf(fromHex(id, 32)))), index);
}

/** Half of a place or size, rounded down. A shift would cut it off at 32 bits: a log's owner says how long it is. */
const half = (value: number): number => Math.floor(value / 2);
/** The place of the node beside the one at a place. */
const beside = (place: number): number => (place % 2 === 0 ? place + 1 : place - 1);

/** Length of the proof for `index` in a tree of `count`: levels at which the node has a sibling. */
export function proofLength(count: number, index: number): number {
  let length = 0;
  for (let size = count, place = index; size > 1; size = half(size + 1), place = half(place)) {
    if (beside(place) < size) length++;
  }
  return length;
}

/** Whether `id` is the leaf at `index` of the tree with `root` and `count`. False for a proof of any other length. */
export function verifyProof(root: Hex, count: number, index: number, id: Hex, proof: readonly Hex[]): boolean {
  if (!Number.isSafeInteger(count) || !Number.isInteger(index) || index < 0 || index >= count) return false;
  if (proof.length !== proofLength(count, index)) return false;
  let node = leafOf(fromHex(id, 32));
  let used = 0;
  for (let size = count, place = index; size > 1; size = half(size + 1), place = half(place)) {
    if (beside(place) >= size) continue;
    const sibling = fromHex(proof[used++]!, 32);
    node = place % 2 === 1 ? nodeOf(sibling, node) : nodeOf(node, sibling);
  }
  return toHex(node) === root;
}
