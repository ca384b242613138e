// SPDX-License-Identifier: MIT
// One proof for several leaves of a tree, in the form of `MerkleTree.rootFromMultiproof`: the siblings that do not follow
// from the leaves themselves, level by level from the leaves up, from left to right in each.
import { ProtocolError } from "./bytes.ts";
import { proofLength } from "./merkle.ts";
import type { Hex } from "./types.ts";

/** The place of a leaf and its proof alone. */
export interface PlacedProof {
  index: number;
  proof: readonly Hex[];
}

/**
 * Joins proofs of single leaves into one: all its siblings are among theirs, so nothing is hashed.
 * @param leaves By strictly ascending index, at least one.
 * Throws `malformed_proof` for other places, or a proof of the wrong length.
 */
export function joinProofs(count: number, leaves: readonly PlacedProof[]): Hex[] {
  const fail = (why: string): never => {
    throw new ProtocolError("malformed_proof", why);
  };
  if (leaves.length === 0) fail("a proof is of at least one leaf");
  leaves.forEach(({ index, proof }, i) => {
    if (!Number.isInteger(index) || index < 0 || index >= count) fail(`place ${index} in a tree of ${count}`);
    if (i > 0 && index <= leaves[i - 1]!.index) fail("places ascend");
    if (proof.length !== proofLength(count, index)) fail(`a proof of ${proof.length} for place ${index} of ${count}`);
  });
  const joined: Hex[] = [];
  // What is left of one leaf's proof stands for its whole subtree.
  let level = leaves.map(({ index, proof }) => ({ place: index, rest: proof }));
  for (let size = count; size > 1; size = (size + 1) >> 1) {
    const above: typeof level = [];
    for (let i = 0; i < level.length; i++) {
      const { place, rest } = level[i]!;
      const promoted = (place ^ 1) >= size;
      const paired = level[i + 1]?.place === place + 1 && place % 2 === 0;
      if (paired) i++;
      else if (!promoted) joined.push(rest[0]!);
      above.push({ place: place >> 1, rest: promoted ? rest : rest.slice(1) });
    }
    level = above;
  }
  return joined;
}
