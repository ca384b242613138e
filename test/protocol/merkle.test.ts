// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { concat, keccak256 } from "ethers";
import fc from "fast-check";
import {
  merkleProof,
  merkleRoot,
  proofLength,
  ProtocolError,
  verifyProof,
  type Hex,
} from "../../relayer/protocol/index.ts";
import { word } from "./arbitraries.ts";

const ids = fc.uniqueArray(word, { minLength: 1, maxLength: 40 });
const flip = (hex: Hex): Hex => `0x${hex.slice(2, -1)}${hex.endsWith("0") ? "1" : "0"}`;

describe("Merkle tree of receipt ids", () => {
  it("is the tree of the specification for one, two and three leaves [R3]", () => {
    const [a, b, c] = ["11", "22", "33"].map((byte): Hex => `0x${byte.repeat(32)}`) as [Hex, Hex, Hex];
    const leaf = (id: Hex): string => keccak256(concat(["0x00", id]));
    const node = (left: string, right: string): string => keccak256(concat(["0x01", left, right]));
    expect(merkleRoot([a])).to.equal(leaf(a));
    expect(merkleRoot([a, b])).to.equal(node(leaf(a), leaf(b)));
    expect(merkleRoot([a, b, c])).to.equal(node(node(leaf(a), leaf(b)), leaf(c)));
    expect(merkleProof([a, b, c], 2)).to.deep.equal([node(leaf(a), leaf(b))]);
  });

  it("proves every index of every count, odd ones included [R3]", () => {
    fc.assert(
      fc.property(ids, (list) => {
        const root = merkleRoot(list);
        list.forEach((id, index) => {
          const proof = merkleProof(list, index);
          expect(proof.length).to.equal(proofLength(list.length, index));
          expect(verifyProof(root, list.length, index, id, proof)).to.equal(true);
        });
      }),
      { numRuns: 60 },
    );
  });

  it("refuses a wrong index, count, length, sibling or leaf [R3] [FM:root-from-caller]", () => {
    fc.assert(
      fc.property(fc.uniqueArray(word, { minLength: 2, maxLength: 40 }), fc.nat(), (list, pick) => {
        const index = pick % list.length;
        const id = list[index]!;
        const root = merkleRoot(list);
        const proof = merkleProof(list, index);
        for (let other = 0; other <= list.length; other++) {
          if (other !== index) expect(verifyProof(root, list.length, other, id, proof)).to.equal(false);
        }
        expect(verifyProof(root, list.length, index, id, [...proof, id])).to.equal(false);
        expect(verifyProof(root, list.length, index, id, proof.slice(1))).to.equal(false);
        expect(verifyProof(root, list.length, index, id, [flip(proof[0]!), ...proof.slice(1)])).to.equal(false);
        expect(verifyProof(root, list.length, index, flip(id), proof)).to.equal(false);
        expect(verifyProof(flip(root), list.length, index, id, proof)).to.equal(false);
        expect(verifyProof(root, list.length, -1, id, proof)).to.equal(false);
      }),
      { numRuns: 40 },
    );
  });

  it("never takes an inner node for a leaf, nor a leaf for a node [R3]", () => {
    const list = ["11", "22", "33", "44"].map((byte): Hex => `0x${byte.repeat(32)}`);
    const root = merkleRoot(list);
    const leaf = (id: Hex): string => keccak256(concat(["0x00", id]));
    const left = keccak256(concat(["0x01", leaf(list[0]!), leaf(list[1]!)])) as Hex;
    const right = keccak256(concat(["0x01", leaf(list[2]!), leaf(list[3]!)])) as Hex;
    expect(keccak256(concat(["0x01", left, right]))).to.equal(root);
    expect(verifyProof(root, 2, 0, left, [right])).to.equal(false);
    expect(merkleRoot([left, right])).to.not.equal(root);
  });

  it("gives lists that differ by a doubled last leaf different roots [R3]", () => {
    fc.assert(
      fc.property(ids, (list) => {
        expect(merkleRoot([...list, list.at(-1)!])).to.not.equal(merkleRoot(list));
      }),
      { numRuns: 40 },
    );
  });

  it("has no root without leaves and no proof outside them [R2]", () => {
    const one: Hex = `0x${"11".repeat(32)}`;
    expect(() => merkleRoot([]))
      .to.throw(ProtocolError)
      .with.property("code", "empty_tree");
    for (const index of [-1, 1, 0.5]) {
      expect(() => merkleProof([one], index))
        .to.throw(ProtocolError)
        .with.property("code", "index_out_of_range");
    }
    expect(verifyProof(one, 0, 0, one, [])).to.equal(false);
  });
});
