import { expect } from "chai";
import { dataSlice, id } from "ethers";
import { oddMultiples } from "../../relayer/attestation/generator-table.ts";
import {
  GENERATOR,
  N,
  along,
  chord,
  curveSquare,
  fromBytes,
  inverse,
  mod,
  opposite,
  residue,
  squareRoot,
  tangent,
  toBytes48,
  type Point,
} from "../../relayer/attestation/p384.ts";
import { newKeys, signature384 } from "./authority.ts";
import { useNitro } from "./support.ts";

/** Entries of the steps. */
const Q = 0;
const R = 8;
const G = 16;
const G_SHIFTED = 144;
const MINUS = 1024;
const DOUBLE = 2048;

/** Hints written by hand: what an attacker would try who knows the contract. */
describe("ES384: hostile hints", function () {
  this.timeout(120_000);
  const nitro = useNitro();
  const keys = newKeys();
  const message = Buffer.from("hostile");
  const signature = signature384(keys, message);
  const r = fromBytes(signature.subarray(0, 48));
  const key: Point = { x: fromBytes(keys.publicKey.subarray(0, 48)), y: fromBytes(keys.publicKey.subarray(48)) };
  const point: Point = { x: r, y: squareRoot(curveSquare(r))! };

  function written(steps: number[], slopes: bigint[], at: Point = point, head = 0): Buffer {
    const start = Buffer.alloc(4 + 48);
    start[0] = head;
    start.writeUInt16BE(steps.length, 2);
    start.set(toBytes48(residue(at.y)), 4);
    const list = Buffer.alloc(2 * steps.length);
    steps.forEach((step, i) => list.writeUInt16BE(step, 2 * i));
    const tables = [key, at].flatMap((p) => {
      const twice = along(tangent(p), p, p);
      return [
        tangent(p),
        ...oddMultiples(p, 8)
          .slice(0, 7)
          .map((multiple) => chord(multiple, twice)!),
      ];
    });
    return Buffer.concat([start, list, ...[...tables, ...slopes].map((slope) => toBytes48(residue(slope)))]);
  }
  async function proves(
    hints: Uint8Array,
    sig: Uint8Array = signature,
    signed: Uint8Array = message,
  ): Promise<boolean> {
    const [taken, reason] = await nitro().harness.accepts(nitro().es384, signed, sig, keys.publicKey, hints);
    if (!taken) expect(reason).to.equal(dataSlice(id("P384_NotProved()"), 0, 4));
    return taken;
  }

  it("refuses sums that are nothing: every point against its own opposite", async () => {
    for (const entry of [Q, Q + 3, R, R + 7, G, G + 127, G_SHIFTED, G_SHIFTED + 126]) {
      expect(await proves(written([entry, entry | MINUS], []))).to.equal(false);
      expect(await proves(written([entry | MINUS, entry], []))).to.equal(false);
    }
  });

  it("refuses true sums that leave out R, or say another multiple of it than the signature's", async () => {
    // 3R − (R + 2R) is nothing, and so is any other true relation among multiples of one point.
    const twice = along(tangent(point), point, point);
    expect(await proves(written([R, R | DOUBLE, (R + 1) | MINUS], [tangent(point), chord(twice, point)!]))).to.equal(
      false,
    );
    const sum = along(chord(key, point)!, key, point);
    expect(sum.x).to.not.equal(key.x);
    expect(await proves(written([Q, R, Q | MINUS], [chord(key, point)!]))).to.equal(false);
  });

  /** A signature whose proof has few steps: 2·Q + G = R asks r = 2s and a digest of s. */
  it("refuses additions of equal points, where any slope would do, and takes the same sum by a doubling", async () => {
    const doubled = along(tangent(key), key, key);
    const reached = along(chord(doubled, GENERATOR)!, doubled, GENERATOR);
    const rr = mod(reached.x, N);
    const ss = mod(rr * inverse(2n, N), N);
    const sig = Buffer.concat([toBytes48(rr), toBytes48(ss)]);
    const accepts = async (hints: Uint8Array) => {
      try {
        await nitro().es384.verifyDigest(toBytes48(ss), sig, keys.publicKey, hints);
        return true;
      } catch {
        return false;
      }
    };
    const [up, on] = [tangent(key), chord(doubled, GENERATOR)!];
    expect(await accepts(written([Q, G | DOUBLE, R | MINUS], [up, on], reached))).to.equal(true);
    // Windows are worth what doublings follow: Q, doubled once, counts twice.
    expect(await accepts(written([Q, DOUBLE | 1023, G, R | MINUS], [up, on], reached))).to.equal(true);
    expect(await accepts(written([Q, Q, G, R | MINUS], [up, on], reached))).to.equal(false);
    // With the other point of the same x the walk may end well, but the scalars do not fit; then slopes that are wrong.
    expect(await accepts(written([Q, DOUBLE | 1023, G, R], [up, on], opposite(reached)))).to.equal(false);
    expect(await accepts(written([Q, DOUBLE | 1023, G, R | MINUS], [up, on], opposite(reached)))).to.equal(false);
    expect(await accepts(written([Q, DOUBLE | 1023, G, R | MINUS], [up + 1n, on], reached))).to.equal(false);
    expect(await accepts(written([Q, DOUBLE | 1023, G, R | MINUS], [up, on + 1n], reached))).to.equal(false);
    // Right slopes, but a step or a slope too many, or a head that lies.
    expect(await accepts(written([Q, DOUBLE | 1023, 1023, G, R | MINUS], [up, on], reached))).to.equal(true);
    expect(await accepts(written([Q, DOUBLE | 1023, G, 1023], [up, on], reached))).to.equal(false);
    expect(await accepts(written([1023, Q, DOUBLE | 1023, G, R | MINUS], [up, on], reached))).to.equal(false);
    expect(await accepts(written([Q | DOUBLE, 1023, G, R | MINUS], [up, on], reached))).to.equal(false);
    expect(await accepts(written([Q, DOUBLE | 1023, G, R | MINUS], [up, on, on], reached))).to.equal(false);
    expect(await accepts(written([Q, DOUBLE | 1023, G, R | MINUS], [up, on], reached, 1))).to.equal(false);
  });

  it("refuses entries that do not exist, too few steps, and more doublings or steps than sums have room for", async () => {
    for (const steps of [[], [R], [271, R], [R, 271], [1022, 1022 | MINUS], [R, 1023]])
      expect(await proves(written(steps, []))).to.equal(false);
    const endless = [R, ...Array<number>(8).fill((31 << 11) | 1023), R | MINUS];
    expect(await proves(written(endless, Array<bigint>(248).fill(1n)))).to.equal(false);
    expect(await proves(written(Array<number>(600).fill(1023), []))).to.equal(false);
  });

  it("refuses an R that is off the curve, or above the bound", async () => {
    expect(await proves(written([R, R | MINUS], [], { x: point.x, y: point.y + 1n }))).to.equal(false);
    const high = Buffer.from(written([R, R | MINUS], []));
    high.fill(0xff, 4, 52);
    expect(await proves(high)).to.equal(false);
  });
});
