// SPDX-License-Identifier: MIT
// A tree that grows: append-only, with proofs at every size it ever had (RFC 6962, in the shape of merkle.ts).
import { fromHex, ProtocolError, toHex } from "./bytes.ts";
import { leafOf, nodeOf } from "./merkle.ts";

/** Rounded down. A shift would cut a size off at 32 bits, and a log's owner says how long it is. */
const half = (value: number): number => Math.floor(value / 2);
import type { Hex } from "./types.ts";

/** Largest power of two below `size`, which is at least 2: where a tree of that size is split. */
function splitOf(size: number): number {
  return 2 ** (31 - Math.clz32(size - 1));
}

/** An append-only Merkle log. A proof or a root of any earlier size is made from it, in O(log² n). */
export class MerkleLog {
  /** Per level the nodes that are whole, which no later entry changes. */
  readonly #levels: Uint8Array[][] = [[]];
  readonly #ids: Hex[] = [];

  constructor(ids: Iterable<Hex> = []) {
    for (const id of ids) this.append(id);
  }

  /** How many entries there are. */
  get count(): number {
    return this.#ids.length;
  }

  /** Adds an entry (32 bytes) and gives its place. */
  append(id: Hex): number {
    let node = leafOf(fromHex(id, 32));
    this.#ids.push(id);
    for (let height = 0; ; height++) {
      const level = (this.#levels[height] ??= []);
      level.push(node);
      if (level.length % 2 === 1) return this.#ids.length - 1;
      node = nodeOf(level[level.length - 2]!, node);
    }
  }

  /** Id of the entry at a place. Throws `index_out_of_range`. */
  at(place: number): Hex {
    this.#within(place, this.count - 1);
    return this.#ids[place]!;
  }

  /** The ids of a range of entries, the end not included. */
  slice(from: number, to: number): Hex[] {
    return this.#ids.slice(from, to);
  }

  /** Root over the first `count` entries. Throws `index_out_of_range`. */
  root(count = this.count): Hex {
    this.#within(count, this.count);
    if (count === 0) throw new ProtocolError("empty_tree", "A log without entries has no root");
    return toHex(this.#node(0, count));
  }

  /** Siblings of the entry at `place` under the root over the first `count`, from the leaf up. */
  inclusion(place: number, count = this.count): Hex[] {
    this.#within(count, this.count);
    this.#within(place, count - 1);
    const path: Uint8Array[] = [];
    for (let [from, to] = [0, count]; to - from > 1;) {
      const middle = from + splitOf(to - from);
      if (place < middle) {
        path.push(this.#node(middle, to));
        to = middle;
      } else {
        path.push(this.#node(from, middle));
        from = middle;
      }
    }
    return path.reverse().map(toHex);
  }

  /** Proof that the first `newCount` entries begin with the first `count`. Throws `index_out_of_range`. */
  consistency(count: number, newCount = this.count): Hex[] {
    this.#within(newCount, this.count);
    this.#within(count, newCount);
    if (count === 0) throw new ProtocolError("empty_tree", "There is nothing to be consistent with");
    const proof: Uint8Array[] = [];
    let [from, to] = [0, newCount];
    // The old tree's last whole node is known to whoever has its root only where it is the whole tree.
    let known = true;
    while (count !== to) {
      const middle = from + splitOf(to - from);
      if (count <= middle) {
        proof.push(this.#node(middle, to));
        to = middle;
      } else {
        proof.push(this.#node(from, middle));
        from = middle;
        known = false;
      }
    }
    if (!known) proof.push(this.#node(from, to));
    return proof.reverse().map(toHex);
  }

  /** Node over a range that the tree's shape knows: it starts where a subtree starts. */
  #node(from: number, to: number): Uint8Array {
    const size = to - from;
    const height = 31 - Math.clz32(size);
    if (size === 2 ** height) return this.#levels[height]![from / size]!;
    const middle = from + splitOf(size);
    return nodeOf(this.#node(from, middle), this.#node(middle, to));
  }

  #within(value: number, most: number): void {
    if (!Number.isInteger(value) || value < 0 || value > most)
      throw new ProtocolError("index_out_of_range", `${value} in a log of ${this.count}`);
  }
}

/**
 * Whether `proof` shows that the tree of `newCount` entries begins with those of the tree of `count`, in order, as
 * `MerkleConsistency` on the chain decides it (RFC 9162, 2.1.4.2).
 */
export function verifyConsistency(
  root: Hex,
  count: number,
  newRoot: Hex,
  newCount: number,
  proof: readonly Hex[],
): boolean {
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(newCount) || count <= 0 || newCount < count) return false;
  if (count === newCount) return proof.length === 0 && root === newRoot;
  let [last, newLast] = [count - 1, newCount - 1];
  while (last % 2 === 1) [last, newLast] = [half(last), half(newLast)];
  const path = proof.map((each) => fromHex(each, 32));
  const first = last === 0 ? fromHex(root, 32) : path.shift();
  if (first === undefined) return false;
  let [seen, newSeen] = [first, first] as [Uint8Array, Uint8Array];
  for (const sibling of path) {
    if (newLast === 0) return false;
    if (last % 2 === 1 || last === newLast) {
      [seen, newSeen] = [nodeOf(sibling, seen), nodeOf(sibling, newSeen)];
      while (last % 2 === 0 && last !== 0) [last, newLast] = [half(last), half(newLast)];
    } else newSeen = nodeOf(newSeen, sibling);
    [last, newLast] = [half(last), half(newLast)];
  }
  return newLast === 0 && toHex(seen) === root && toHex(newSeen) === newRoot;
}
