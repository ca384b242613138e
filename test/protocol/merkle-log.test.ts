import { expect } from "chai";
import fc from "fast-check";
import { concat, id, keccak256 } from "ethers";
import {
  type Hex,
  MerkleLog,
  merkleProof,
  merkleRoot,
  ProtocolError,
  verifyConsistency,
  verifyProof,
} from "../../relayer/protocol/index.ts";

const idsOf = (count: number, label = "entry") => Array.from({ length: count }, (_, i) => id(`${label} ${i}`) as Hex);
const flip = (hex: Hex): Hex => `${hex.slice(0, -1)}${hex.endsWith("0") ? "1" : "0"}` as Hex;
const sizes = fc.integer({ min: 1, max: 300 }).chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 1, max: n })));

describe("MerkleLog", () => {
  it("has at every size the root and the proofs of the tree of that size", () => {
    const ids = idsOf(70);
    const log = new MerkleLog(ids);
    for (let count = 1; count <= ids.length; count++) {
      const first = ids.slice(0, count);
      expect(log.root(count)).to.equal(merkleRoot(first));
      for (const place of [0, count >> 1, count - 1])
        expect(log.inclusion(place, count)).to.deep.equal(merkleProof(first, place));
    }
  });

  it("shows every pair of sizes up to 40 to be one log, and no pair by the proof of another", () => {
    const log = new MerkleLog(idsOf(40));
    for (let n = 1; n <= 40; n++)
      for (let m = 1; m <= n; m++) {
        const proof = log.consistency(m, n);
        expect(verifyConsistency(log.root(m), m, log.root(n), n, proof), `${m} to ${n}`).to.equal(true);
        if (m === n) continue;
        expect(verifyConsistency(log.root(n), n, log.root(m), m, proof)).to.equal(false);
        expect(verifyConsistency(log.root(m), m, log.root(n - 1), n, proof)).to.equal(false);
        if (m > 1) expect(verifyConsistency(log.root(m - 1), m, log.root(n), n, proof)).to.equal(false);
      }
  });

  it("proves any entry and any growth of generated logs", () => {
    fc.assert(
      fc.property(sizes, fc.nat(), ([n, m], where) => {
        const ids = idsOf(n);
        const log = new MerkleLog(ids);
        const place = where % m;
        expect(verifyProof(log.root(m), m, place, ids[place]!, log.inclusion(place, m))).to.equal(true);
        expect(verifyConsistency(log.root(m), m, log.root(n), n, log.consistency(m, n))).to.equal(true);
      }),
    );
  });

  it("shows no history that was changed, dropped from or put in another order", () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.constantFrom("change", "drop", "swap"), ([n, m], where, how) => {
        if (m < 2) return;
        const ids = idsOf(n);
        const root = new MerkleLog(ids).root(m);
        const at = where % m;
        if (how === "change") ids[at] = flip(ids[at]!);
        else if (how === "drop") ids.splice(at, 1, ...idsOf(0)).push(id("later") as Hex);
        else [ids[at], ids[(at + 1) % m]] = [ids[(at + 1) % m]!, ids[at]!];
        while (ids.length < n) ids.push(id("filler") as Hex);
        const other = new MerkleLog(ids);
        expect(verifyConsistency(root, m, other.root(n), n, other.consistency(m, n))).to.equal(false);
      }),
    );
  });

  it("takes no proof that is longer, shorter or changed, and no size that is none", () => {
    fc.assert(
      fc.property(sizes, fc.nat(), ([n, m], where) => {
        const log = new MerkleLog(idsOf(n));
        const proof = log.consistency(m, n);
        const holds = (other: Hex[], count = m) => verifyConsistency(log.root(m), count, log.root(n), n, other);
        expect(holds([...proof, id("more") as Hex])).to.equal(false);
        for (const count of [0, -1, 1.5, n + 1, Number.NaN]) expect(holds(proof, count)).to.equal(false);
        if (proof.length === 0) return;
        expect(holds(proof.slice(1))).to.equal(false);
        expect(holds(proof.slice(0, -1))).to.equal(false);
        expect(holds(proof.map((each, i) => (i === where % proof.length ? flip(each) : each)))).to.equal(false);
      }),
    );
  });

  it("is as deep as its length says beyond 32 bits, and no longer log passes for a short one [R3]", () => {
    const node = (left: string, right: string) => keccak256(concat(["0x01", left, right])) as Hex;
    const four = idsOf(4);
    const short = merkleRoot(four);
    for (const count of [2 ** 31 + 4, 2 ** 32 + 4, 2 ** 33 + 4, 2 ** 53, 2 ** 64])
      for (const place of [0, 1, 2, 3])
        expect(verifyProof(short, count, place, four[place]!, merkleProof(four, place))).to.equal(false);
    // A path of forty nodes, put together from the place's bits.
    const path = idsOf(40, "sibling");
    const place = 2 ** 39 + 3;
    const root = path.reduce(
      (at, sibling, level) => ((BigInt(place) >> BigInt(level)) & 1n ? node(sibling, at) : node(at, sibling)),
      keccak256(concat(["0x00", four[0]!])) as Hex,
    );
    expect(verifyProof(root, 2 ** 40, place, four[0]!, path)).to.equal(true);
    expect(verifyProof(root, 2 ** 40, place + 1, four[0]!, path)).to.equal(false);
    const [old, added] = [id("old") as Hex, id("added") as Hex];
    expect(verifyConsistency(old, 2 ** 33, node(old, added), 2 ** 34, [added])).to.equal(true);
    expect(verifyConsistency(old, 2 ** 33, node(old, added), 2 ** 35, [added])).to.equal(false);
    expect(verifyConsistency(old, 2 ** 53, node(old, added), 2 ** 54, [added])).to.equal(false);
  });

  it("refuses places and sizes that it does not have", () => {
    const log = new MerkleLog(idsOf(3));
    for (const wrong of [
      () => log.root(4),
      () => log.root(0),
      () => log.at(3),
      () => log.inclusion(2, 2),
      () => log.inclusion(-1),
      () => log.consistency(3, 2),
      () => log.consistency(0, 2),
    ])
      expect(wrong).to.throw(ProtocolError);
  });
});
