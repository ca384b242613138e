import { expect } from "chai";
import { dataSlice, id } from "ethers";
import { createHash, createPublicKey, verify } from "node:crypto";
import { p384 } from "@noble/curves/nist.js";
import { N, P, fromBytes, mod, inverse, squareRoot, curveSquare, toBytes48 } from "../../relayer/attestation/p384.ts";
import { SignatureError, signatureHints } from "../../relayer/attestation/signature-hints.ts";
import { newKeys } from "../../demo/development-authority.ts";
import { anyHints, useNitro } from "./support.ts";

interface Case {
  message: Buffer;
  signature: Buffer;
  publicKey: Buffer;
}

const sha384 = (bytes: Uint8Array): Buffer => createHash("sha384").update(bytes).digest();
const pair = (a: bigint, b: bigint): Buffer => Buffer.concat([toBytes48(a), toBytes48(b)]);

/** What OpenSSL says. */
function opensslSays(c: Case): boolean {
  const [x, y] = [c.publicKey.subarray(0, 48), c.publicKey.subarray(48)].map((b) => b.toString("base64url"));
  try {
    const key = createPublicKey({ format: "jwk", key: { kty: "EC", crv: "P-384", x: x!, y: y! } });
    return verify("sha384", c.message, { key, dsaEncoding: "ieee-p1363" }, c.signature);
  } catch {
    return false;
  }
}

/** Deterministic bytes, so that a failure can be repeated. */
function stream(seed: string): (length: number) => Buffer {
  let counter = 0;
  return (length) => {
    const parts: Buffer[] = [];
    for (let have = 0; have < length; have += 64)
      parts.push(createHash("sha512").update(`${seed} ${counter++}`).digest());
    return Buffer.concat(parts).subarray(0, length);
  };
}

const CASES = 500;
const REASONS = ["P384_NotProved()", "P384_NotOnCurve()", "P384_ScalarOutOfRange()"].map((text) =>
  dataSlice(id(text), 0, 4),
);

describe("ES384", function () {
  this.timeout(900_000);
  const nitro = useNitro();

  const hintsFor = (c: Case): Uint8Array => signatureHints({ ...c, digest: sha384(c.message) });
  const accepts = async (c: Case, hints: Uint8Array): Promise<boolean> => {
    const [taken, reason] = await nitro().harness.accepts(nitro().es384, c.message, c.signature, c.publicKey, hints);
    if (!taken) expect(REASONS).to.include(reason);
    return taken;
  };
  const keys = Array.from({ length: 25 }, newKeys);
  function good(index: number): Case {
    const random = stream(`case ${index}`);
    const message = random(index % 300);
    const key = keys[index % keys.length]!;
    const signature = key.sign(message);
    // Every other one with the other s: n − s signs the same.
    const s = fromBytes(signature.subarray(48));
    if (index % 2 === 1) toBytes48(N - s).forEach((byte, i) => (signature[48 + i] = byte));
    return { message, signature, publicKey: key.publicKey };
  }

  it(`takes ${CASES} signatures that OpenSSL takes, high s and low`, async () => {
    for (let i = 0; i < CASES; i++) {
      const c = good(i);
      expect(opensslSays(c), `openssl ${i}`).to.equal(true);
      expect(await accepts(c, hintsFor(c)), `chain ${i}`).to.equal(true);
    }
  });

  it(`refuses ${CASES} corrupted ones that OpenSSL refuses, with hints of the right one; and none can be made`, async () => {
    for (let i = 0; i < CASES; i++) {
      const right = good(i);
      const hints = hintsFor(right);
      const random = stream(`fault ${i}`)(8);
      const wrong: Case = {
        message: Buffer.concat([right.message, Buffer.alloc(1)]).subarray(
          0,
          right.message.length + (i % 3 === 0 ? 1 : 0),
        ),
        signature: Buffer.from(right.signature),
        publicKey: Buffer.from(right.publicKey),
      };
      const bit = 1 << (random[0]! & 7);
      if (i % 3 === 1) wrong.signature[random[1]! % 96]! ^= bit;
      if (i % 3 === 2) wrong.publicKey[random[1]! % 96]! ^= bit;
      expect(opensslSays(wrong), `openssl ${i}`).to.equal(false);
      expect(await accepts(wrong, hints), `chain ${i}`).to.equal(false);
      expect(() => hintsFor(wrong), `hints ${i}`).to.throw(SignatureError);
    }
  });

  it("refuses hints with any byte changed, missing or added", async () => {
    const c = good(1);
    const hints = Buffer.from(hintsFor(c));
    expect(await accepts(c, hints)).to.equal(true);
    const places = [...Array(400).keys(), ...Array.from({ length: 300 }, (_, i) => 400 + i * 47)];
    for (const place of places.filter((p) => p < hints.length)) {
      const wrong = Buffer.from(hints);
      wrong[place]! ^= 1 << (place & 7);
      expect(await accepts(c, wrong), `byte ${place}`).to.equal(false);
    }
    for (const length of [0, 1, 4, 51, 52, 53, 100, 1_000, hints.length - 48, hints.length - 1])
      expect(await accepts(c, hints.subarray(0, length)), `length ${length}`).to.equal(false);
    expect(await accepts(c, Buffer.concat([hints, Buffer.alloc(1)]))).to.equal(false);
    expect(await accepts(c, Buffer.concat([hints, Buffer.alloc(48)]))).to.equal(false);
  });

  it("refuses r and s of zero, n and more, and nothing else for their size", async () => {
    const c = good(2);
    const [r, s] = [fromBytes(c.signature.subarray(0, 48)), fromBytes(c.signature.subarray(48))];
    const hints = hintsFor(c);
    for (const signature of [
      pair(0n, s),
      pair(r, 0n),
      pair(0n, 0n),
      pair(N, s),
      pair(r, N),
      pair(r, N + 1n),
      pair(N, N),
    ]) {
      await expect(nitro().es384.verify(c.message, signature, c.publicKey, hints)).to.be.revertedWithCustomError(
        nitro().es384,
        "P384_ScalarOutOfRange",
      );
    }
    for (const signature of [pair(1n, s), pair(r, 1n), pair(N - 1n, N - 1n)]) {
      expect(opensslSays({ ...c, signature })).to.equal(false);
      await expect(nitro().es384.verify(c.message, signature, c.publicKey, hints)).to.be.revertedWithCustomError(
        nitro().es384,
        "P384_NotProved",
      );
    }
  });

  it("refuses keys that are no point: infinity, off the curve, and coordinates of p and more", async () => {
    const c = good(4);
    const hints = hintsFor(c);
    const [x, y] = [fromBytes(c.publicKey.subarray(0, 48)), fromBytes(c.publicKey.subarray(48))];
    const points = [
      pair(0n, 0n),
      pair(x, y ^ 1n),
      pair(x ^ 1n, y),
      pair(y, x),
      pair(P, y),
      pair(x, P),
      pair(2n ** 384n - 1n, y),
    ];
    // The same point by a number above p, where one fits.
    const small = [...Array(50).keys()].map(BigInt).find((v) => squareRoot(curveSquare(v)) !== undefined)!;
    points.push(pair(P + small, squareRoot(curveSquare(small))!));
    for (const publicKey of points) {
      expect(opensslSays({ ...c, publicKey })).to.equal(false);
      expect(await accepts({ ...c, publicKey }, hints)).to.equal(false);
    }
  });

  /** A signature made from a chosen nonce point and s, by choosing the key. */
  function byKey(message: Buffer, rPoint: InstanceType<typeof p384.Point>, s: bigint): Case {
    const { x } = rPoint.toAffine();
    const r = mod(x, N);
    const e = fromBytes(sha384(message));
    const key = rPoint
      .multiply(s)
      .subtract(p384.Point.BASE.multiply(mod(e, N)))
      .multiply(inverse(r, N))
      .toAffine();
    return { message, signature: pair(r, s), publicKey: pair(key.x, key.y) };
  }

  it("takes a nonce point whose x is n or more, by r + n", async () => {
    // x = n itself would make r zero.
    let x = N + 1n;
    while (squareRoot(curveSquare(x)) === undefined) x++;
    const c = byKey(Buffer.from("beyond"), p384.Point.fromAffine({ x, y: squareRoot(curveSquare(x))! }), 12345n);
    expect(opensslSays(c)).to.equal(true);
    const hints = hintsFor(c);
    expect(hints[0]).to.equal(1);
    expect(await accepts(c, hints)).to.equal(true);
    // The head must not lie about it, nor say anything else.
    for (const head of [0, 2, 255]) {
      const wrong = Buffer.from(hints);
      wrong[0] = head;
      expect(await accepts(c, wrong), `head ${head}`).to.equal(false);
    }
  });

  it("takes scalars and points at the edges", async () => {
    const message = Buffer.from("edges");
    const e = mod(fromBytes(sha384(message)), N);
    const base = p384.Point.BASE;
    /** Private key d and nonce k. */
    const byNonce = (d: bigint, k: bigint): Case => {
      const r = mod(base.multiply(k).toAffine().x, N);
      const key = base.multiply(d).toAffine();
      return { message, signature: pair(r, mod(inverse(k, N) * (e + r * d), N)), publicKey: pair(key.x, key.y) };
    };
    const edges = [1n, 2n, 3n, 5n, 16n, 255n, 2n ** 192n, 2n ** 192n + 1n, 2n ** 383n, N >> 1n, N - 2n, N - 1n];
    const cases = edges.flatMap((d) => [1n, 2n, 15n, d, N - d, N - 1n].map((k) => byNonce(d, k)));
    for (const s of [1n, 2n, N - 1n, N >> 1n]) cases.push(byKey(message, base.multiply(7n), s));
    for (const [index, c] of cases.entries()) {
      expect(opensslSays(c), `openssl ${index}`).to.equal(true);
      expect(await accepts(c, hintsFor(c)), `chain ${index}`).to.equal(true);
    }
  });

  it("takes any digest: zero, n and all ones", async () => {
    const d = 0x1234567n;
    const key = p384.Point.BASE.multiply(d).toAffine();
    for (const digest of [Buffer.alloc(48), toBytes48(N), toBytes48(N + 1n), Buffer.alloc(48, 255), toBytes48(1n)]) {
      const k = 987654321n;
      const r = mod(p384.Point.BASE.multiply(k).toAffine().x, N);
      const signature = pair(r, mod(inverse(k, N) * (fromBytes(digest) + r * d), N));
      const publicKey = pair(key.x, key.y);
      const hints = signatureHints({ digest, signature, publicKey });
      await nitro().es384.verifyDigest(digest, signature, publicKey, hints);
      const other = Buffer.from(digest);
      other[47]! ^= 1;
      let refused = false;
      await nitro()
        .es384.verifyDigest(other, signature, publicKey, hints)
        .catch(() => (refused = true));
      expect(refused).to.equal(true);
    }
  });

  it("takes digests, signatures and keys of their length only, and the right table only", async () => {
    const { es384, ethers } = nitro();
    const c = good(6);
    const hints = anyHints();
    await expect(es384.verifyDigest(Buffer.alloc(47), c.signature, c.publicKey, hints))
      .to.be.revertedWithCustomError(es384, "ES384_BadLength")
      .withArgs(47);
    await expect(es384.verify(c.message, Buffer.alloc(95), c.publicKey, hints))
      .to.be.revertedWithCustomError(es384, "ES384_BadLength")
      .withArgs(95);
    await expect(es384.verify(c.message, c.signature, Buffer.alloc(97), hints))
      .to.be.revertedWithCustomError(es384, "ES384_BadLength")
      .withArgs(97);
    await expect(ethers.deployContract("ES384", [await es384.getAddress()])).to.be.revertedWithCustomError(
      es384,
      "P384_WrongTable",
    );
    await expect(ethers.deployContract("P384Table", [Buffer.alloc(24_480)])).to.be.revertedWithCustomError(
      await ethers.getContractFactory("P384Table"),
      "P384Table_WrongTable",
    );
  });

  it("hashes as OpenSSL does, at every length around the padding's edges", async () => {
    const lengths = [...Array(260).keys(), 383, 384, 385, 511, 512, 513, 1_000, 4_400, 10_000];
    for (const length of lengths) {
      const message = stream(`hash ${length}`)(length);
      const [high, low] = await nitro().harness.sha384(message);
      expect(pair(0n, (high << 256n) | low).subarray(48), `length ${length}`).to.deep.equal(sha384(message));
    }
  });
});
