// SPDX-License-Identifier: MIT
// What the ledger keeps of a batch's tree beside its leaves, so that an opening is cut out of it instead of hashed anew: for
// each group of sixteen leaves the siblings from the group up to the root, at the same distance for every group. The
// sixteen leaves are hashed for each proof, which costs less than asking for them. That is 8 bytes a receipt in a batch of
// 250 and 12 in one of 1,000; every inner node kept would be 32, and no proof would lie in one piece.
import { leafOf, merkleLevels, proofOf, toHex, verifyProof, type Hex } from "../protocol/index.ts";

/** Height of a group's node in the tree. */
const GROUP_HEIGHT = 4;
/** Leaves of a group; the last one of a batch may have fewer. */
export const GROUP_SIZE = 1 << GROUP_HEIGHT;

/** Levels above the groups of a batch, the root's left out. */
function levelsAbove(count: number): number {
  let levels = 0;
  while (GROUP_SIZE * 2 ** levels < count) levels++;
  return levels;
}

/** Paths of all groups; no bytes for a batch of one group. @param levels Of the tree, the leaves first. */
export function pathsOf(levels: readonly (readonly Uint8Array[])[]): Uint8Array<ArrayBuffer> {
  const count = levels[0]!.length;
  const [groups, above] = [Math.ceil(count / GROUP_SIZE), levelsAbove(count)];
  const paths = new Uint8Array(32 * above * groups);
  for (let group = 0; group < groups; group++)
    for (let level = 0; level < above; level++) {
      // Where there is none, as the node is promoted, its place stays empty.
      const sibling = levels[GROUP_HEIGHT + level]![(group >> level) ^ 1];
      if (sibling) paths.set(sibling, 32 * (above * group + level));
    }
  return paths;
}

/** {@link pathsOf} over packed receipt ids, 32 bytes each. */
export function pathsOfIds(receiptIds: Uint8Array): Uint8Array<ArrayBuffer> {
  const leaves = Array.from({ length: receiptIds.length / 32 }, (_, n) =>
    leafOf(receiptIds.subarray(32 * n, 32 * n + 32)),
  );
  return pathsOf(merkleLevels(leaves));
}

/** First leaf of the group of the one at `index`. */
export function groupStart(index: number): number {
  return index - (index % GROUP_SIZE);
}

/** The path of one leaf's group; the ledger cuts out the same in SQL. */
export function pathAt(paths: Uint8Array, count: number, index: number): Uint8Array {
  const length = 32 * levelsAbove(count);
  const group = Math.floor(index / GROUP_SIZE);
  return paths.subarray(length * group, length * (group + 1));
}

/**
 * Proof of one leaf, made of its group and the group's path. It is folded up to the root before it is given away:
 * undefined if it does not lead there.
 * @param ids Receipt ids of the group, in order.
 */
export function proofFrom(
  { root, count }: { root: Hex; count: number },
  index: number,
  ids: readonly Uint8Array[],
  path: Uint8Array,
): Hex[] | undefined {
  const own = index % GROUP_SIZE;
  const above = levelsAbove(count);
  if (own >= ids.length || path.length !== 32 * above) return undefined;
  const proof = proofOf(merkleLevels(ids.map(leafOf)), own);
  for (let level = 0; level < above; level++) {
    const beside = (index >> (GROUP_HEIGHT + level)) ^ 1;
    if (beside * GROUP_SIZE * 2 ** level < count) proof.push(toHex(path.subarray(32 * level, 32 * level + 32)));
  }
  return verifyProof(root, count, index, toHex(ids[own]!), proof) ? proof : undefined;
}
