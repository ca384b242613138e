import { expect } from "chai";
import { dataSlice, id } from "ethers";
import { oddMultiples } from "../../relayer/attestation/generator-table.ts";
import {
  GENERATOR,
  N,
  P,
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
import { newKeys } from "../../demo/development-authority.ts";
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
  const signature = keys.sign(message);
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
    // There and back: any slope followed by its opposite leads home, so that only the slope's own check can tell.
    const detour = [Q, DOUBLE | 1023, G, G + 1, (G + 1) | MINUS, R | MINUS];
    const there = chord(reached, oddMultiples(GENERATOR, 2)[1]!)!;
    expect(await accepts(written(detour, [up, on, there, -there], reached))).to.equal(true);
    for (const wrong of [1n, there + 1n, 2n ** 200n])
      expect(await accepts(written(detour, [up, on, wrong, -wrong], reached))).to.equal(false);
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

  /** Roots of a polynomial modulo p, lowest coefficient first: what x^p − x leaves of it, split at random. */
  function roots(f: bigint[]): bigint[] {
    const trim = (a: bigint[]): bigint[] => {
      while (a.length > 0 && a[a.length - 1] === 0n) a.pop();
      return a;
    };
    const rest = (a: bigint[], b: bigint[]): bigint[] => {
      const left = [...a];
      const lead = inverse(b[b.length - 1]!, P);
      while (left.length >= b.length) {
        const factor = mod(left[left.length - 1]! * lead, P);
        const shift = left.length - b.length;
        b.forEach((c, i) => (left[i + shift] = mod(left[i + shift]! - factor * c, P)));
        trim(left);
      }
      return left;
    };
    const times = (a: bigint[], b: bigint[], m: bigint[]): bigint[] => {
      const out = Array<bigint>(a.length + b.length).fill(0n);
      a.forEach((u, i) => b.forEach((v, j) => (out[i + j] = mod(out[i + j]! + u * v, P))));
      return rest(trim(out), m);
    };
    const power = (base: bigint[], exponent: bigint, m: bigint[]): bigint[] => {
      let out = [1n];
      for (const bit of exponent.toString(2)) {
        out = times(out, out, m);
        if (bit === "1") out = times(out, base, m);
      }
      return out;
    };
    const minus = (a: bigint[], b: bigint[]): bigint[] =>
      trim(Array.from({ length: Math.max(a.length, b.length) }, (_, i) => mod((a[i] ?? 0n) - (b[i] ?? 0n), P)));
    const common = (a: bigint[], b: bigint[]): bigint[] => (b.length === 0 ? a : common(b, rest(a, b)));
    const split = (g: bigint[], seed: bigint): bigint[] => {
      if (g.length < 2) return [];
      if (g.length === 2) return [mod(-g[0]! * inverse(g[1]!, P), P)];
      const half = common(g, minus(power([seed, 1n], (P - 1n) / 2n, g), [1n]));
      const [low, high] = [half, half.length > 1 && half.length < g.length ? quotient(g, half) : g];
      return high === g ? split(g, seed + 1n) : [...split(low, seed + 1n), ...split(high, seed + 1n)];
    };
    const quotient = (a: bigint[], b: bigint[]): bigint[] => {
      const left = [...a];
      const out = Array<bigint>(a.length - b.length + 1).fill(0n);
      const lead = inverse(b[b.length - 1]!, P);
      for (let i = out.length - 1; i >= 0; i--) {
        out[i] = mod((left[i + b.length - 1] ?? 0n) * lead, P);
        b.forEach((c, k) => (left[i + k] = mod(left[i + k]! - out[i]! * c, P)));
      }
      return out;
    };
    return split(common(f, minus(power([0n, 1n], P, f), [0n, 1n])), 1n);
  }

  it("refuses two doublings by other slopes than the tangents' that end where the tangents end", async () => {
    // With slope k from (x, y) to w = k² − 2x, and on to t: (t.y + w.y)² = (t.x + 2w.x)(w.x − t.x)², a sextic in k.
    let found: bigint | undefined;
    for (let start = 1; found === undefined; start++) {
      expect(start).to.be.below(60);
      const from = oddMultiples(GENERATOR, 60)[start]!;
      const once = along(tangent(from), from, from);
      const t = along(tangent(once), once, once);
      const value = (k: bigint): bigint => {
        const wx = k * k - 2n * from.x;
        const wy = k * (from.x - wx) - from.y;
        return mod((t.y + wy) ** 2n - (t.x + 2n * wx) * (wx - t.x) ** 2n, P);
      };
      // Its coefficients, from seven values.
      const at = [0n, 1n, 2n, 3n, 4n, 5n, 6n];
      let f: bigint[] = [];
      for (const i of at) {
        let basis = [value(i)];
        for (const j of at.filter((other) => other !== i)) {
          const scale = inverse(i - j, P);
          basis = [0n, ...basis].map((c, n) => mod((c - j * (basis[n] ?? 0n)) * scale, P));
        }
        f = basis.map((c, n) => mod(c + (f[n] ?? 0n), P));
      }
      const first = roots(f).find((k) => k !== tangent(from));
      if (first === undefined) continue;
      const w = along(first, from, from);
      const second = mod((t.y + w.y) * inverse(w.x - t.x, P), P);
      expect(along(second, w, w)).to.deep.equal(t);
      found = first;
      // 4·m·G is reached: with R = it − Q … the sum 4·m·G + Q = R asks s = r and a digest of 4·m·s.
      const reached = along(chord(t, key)!, t, key);
      const rr = mod(reached.x, N);
      const digest = toBytes48(mod(4n * BigInt(2 * start + 1) * rr, N));
      const sig = Buffer.concat([toBytes48(rr), toBytes48(rr)]);
      const steps = [G + start, (2 << 11) | Q, R | MINUS];
      const ask = async (slopes: bigint[]) =>
        nitro()
          .es384.verifyDigest(digest, sig, keys.publicKey, written(steps, slopes, reached))
          .then(
            () => true,
            () => false,
          );
      const on = chord(t, key)!;
      expect(await ask([tangent(from), tangent(once), on])).to.equal(true);
      expect(await ask([first, second, on])).to.equal(false);
    }
  });
});
