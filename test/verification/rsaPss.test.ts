import { constants, verify } from "node:crypto";
import { expect } from "chai";
import { type BaseContract, hexlify, id, keccak256, randomBytes } from "ethers";
import { network } from "hardhat";
import { bytes256, newRsaKey, pssEncoding, pssSignature, rawSignature, type Encoding } from "../support/rsa.ts";

interface Case {
  publicKey: Uint8Array;
  message: string;
  signature: Uint8Array;
}
/** The contracts of `RsaPssHarness.sol`, as this suite calls them. */
type Harness = BaseContract & {
  isKey(publicKey: Uint8Array): Promise<boolean>;
  verifyMany(publicKeys: Uint8Array[], messages: string[], signatures: Uint8Array[]): Promise<bigint>;
};
type Meter = BaseContract & {
  gasOf(harness: Harness, publicKey: Uint8Array, message: string, signature: Uint8Array): Promise<[bigint, boolean]>;
};
const MESSAGE = id("message");

describe("RsaPss", function () {
  this.timeout(300_000);
  const key = newRsaKey();
  const other = newRsaKey();
  let harness: Harness;
  let meter: Meter;
  let provider: Awaited<ReturnType<typeof network.create>>["ethers"]["provider"];
  before(async () => {
    const { ethers } = await network.create();
    provider = ethers.provider;
    harness = (await ethers.deployContract("RsaPssHarness")) as unknown as Harness;
    meter = (await ethers.deployContract("RsaPssMeter")) as unknown as Meter;
  });

  /** What the chain says of many, and Node of each. */
  async function verdicts(cases: Case[]): Promise<{ chain: boolean[]; node: boolean[] }> {
    const chain: boolean[] = [];
    for (let from = 0; from < cases.length; from += 100) {
      const some = cases.slice(from, from + 100);
      const bits = await harness.verifyMany(
        some.map(({ publicKey }) => publicKey),
        some.map(({ message }) => message),
        some.map(({ signature }) => signature),
      );
      chain.push(...some.map((_, i) => ((bits >> BigInt(i)) & 1n) === 1n));
    }
    const node = cases.map(({ publicKey, message, signature }) => {
      try {
        const options = {
          key: Buffer.from(publicKey),
          format: "der" as const,
          type: "spki" as const,
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: 32,
        };
        return verify("sha256", Buffer.from(message.slice(2), "hex"), options, signature);
      } catch {
        return false; // Not a key to Node.
      }
    });
    return { chain, node };
  }
  const ask = async (...cases: Case[]) => (await verdicts(cases)).chain;
  const flipped = (bytes: Uint8Array, bit: number) => {
    const copy = Buffer.from(bytes);
    copy[bit >> 3]! ^= 0x80 >> (bit & 7);
    return copy;
  };

  it("agrees with Node on 600 signatures that are valid", async () => {
    const keys = [key, other, newRsaKey(), newRsaKey()];
    const cases = Array.from({ length: 600 }, (_, i): Case => {
      const signer = keys[i % keys.length]!;
      const message = hexlify(randomBytes(32));
      return { publicKey: signer.der, message, signature: pssSignature(signer, message) };
    });
    const { chain, node } = await verdicts(cases);
    expect(chain).to.deep.equal(cases.map(() => true));
    expect(node).to.deep.equal(chain);
  });

  it("agrees with Node on 600 of which one bit of message, signature or modulus is another", async () => {
    const message = hexlify(randomBytes(32));
    const good: Case = { publicKey: key.der, message, signature: pssSignature(key, message) };
    const cases = Array.from({ length: 600 }, (_, i): Case => {
      const random = Math.floor(Math.random() * 2_048);
      if (i % 3 === 0)
        return { ...good, message: hexlify(flipped(Buffer.from(message.slice(2), "hex"), random % 256)) };
      if (i % 3 === 1) return { ...good, signature: flipped(good.signature, random) };
      return { ...good, publicKey: flipped(good.publicKey, 33 * 8 + random) };
    });
    const { chain, node } = await verdicts(cases);
    expect(chain).to.deep.equal(cases.map(() => false));
    expect(node).to.deep.equal(chain);
  });

  it("agrees with Node on 560 encodings that are wrong in one place, under the right key", async () => {
    const wrong: ((i: number) => Partial<Encoding>)[] = [
      () => ({ trailer: Math.floor(Math.random() * 0xbc) }),
      () => ({ trailer: 0xbd + Math.floor(Math.random() * 0x42) }),
      (i) => ({ zeros: flipped(Buffer.alloc(190), 1 + ((i * 53) % 1_519)) }),
      (i) => ({ separator: (2 + i) & 0xff }),
      () => ({ separator: 0 }),
      (i) => ({ prefix: flipped(Buffer.alloc(8), i % 64) }),
      (i) => ({ hash: (right) => flipped(right, i % 256) }),
      (i) => ({ seed: (hash) => flipped(hash, i % 256) }),
      () => ({ message: Buffer.from(randomBytes(32)) }),
      // The message is hashed once more: what is signed is not the digest itself.
      (i) => ({ message: Buffer.alloc(i % 32, i) }),
      ...[0, 1, 20, 31, 33, 64, 222].map((length) => () => ({ salt: Buffer.from(randomBytes(length)) })),
    ];
    const cases: Case[] = [];
    for (let i = 0; cases.length < 560; i++) {
      const message = hexlify(randomBytes(32));
      const encoded = pssEncoding(message, wrong[i % wrong.length]!(i));
      cases.push({ publicKey: key.der, message, signature: rawSignature(key, encoded) });
    }
    const { chain, node } = await verdicts(cases);
    expect(chain).to.deep.equal(cases.map(() => false));
    expect(node).to.deep.equal(chain);
  });

  it("looks at every byte of the padding: one bit of each in turn", async () => {
    const cases = Array.from({ length: 190 }, (_, i): Case => {
      // Of the first byte not the first bit, which is cut off.
      const encoded = pssEncoding(MESSAGE, { zeros: flipped(Buffer.alloc(190), i * 8 + 1 + (i % 7)) });
      return { publicKey: key.der, message: MESSAGE, signature: rawSignature(key, encoded) };
    });
    expect(await ask(...cases)).to.deep.equal(cases.map(() => false));
  });

  it("wants the first bit of an encoding to be 0, which a large modulus leaves room for", async () => {
    let signer = key;
    // 2^2047 + anything must be below the modulus for such a number to have a signature at all.
    let encoded = pssEncoding(MESSAGE, { topBit: true });
    for (let salt = 0; BigInt(hexlify(encoded)) >= signer.modulus; salt++) {
      if (salt % 50 === 49) signer = newRsaKey();
      encoded = pssEncoding(MESSAGE, { topBit: true, salt: Buffer.alloc(32, salt & 0xff) });
    }
    const plain = Buffer.from(encoded);
    plain[0]! &= 0x7f;
    const signatureOf = (bytes: Buffer) => rawSignature(signer, bytes);
    const { chain, node } = await verdicts([
      { publicKey: signer.der, message: MESSAGE, signature: signatureOf(encoded) },
      { publicKey: signer.der, message: MESSAGE, signature: signatureOf(plain) },
    ]);
    expect(chain).to.deep.equal([false, true]);
    expect(node).to.deep.equal(chain);
  });

  it("takes one form of a signature only: numbers below the modulus, 256 bytes", async () => {
    // A number that fits twice: below 2^2048 less the modulus.
    let signer = key;
    let signature = pssSignature(signer, MESSAGE);
    const value = () => BigInt(hexlify(signature));
    while (value() + signer.modulus >= 1n << 2_048n) {
      signer = newRsaKey();
      signature = pssSignature(signer, MESSAGE);
      for (let i = 0; i < 20 && value() + signer.modulus >= 1n << 2_048n; i++)
        signature = pssSignature(signer, MESSAGE);
    }
    const of = (bytes: Uint8Array): Case => ({ publicKey: signer.der, message: MESSAGE, signature: bytes });
    const numbers = [0n, 1n, signer.modulus - 1n, signer.modulus, signer.modulus + 1n, (1n << 2_048n) - 1n];
    const { chain, node } = await verdicts([
      of(signature),
      of(bytes256(value() + signer.modulus)),
      ...numbers.map((number) => of(bytes256(number))),
      of(signature.subarray(1)),
      of(Buffer.concat([Buffer.alloc(1), signature])),
      of(Buffer.concat([signature, Buffer.alloc(1)])),
      of(Buffer.alloc(0)),
    ]);
    expect(chain).to.deep.equal([true, ...Array.from({ length: 11 }, () => false)]);
    expect(node).to.deep.equal(chain);
  });

  it("knows a key by every byte of it", async () => {
    const good: Case = { publicKey: key.der, message: MESSAGE, signature: pssSignature(key, MESSAGE) };
    expect(await harness.isKey(key.der)).to.equal(true);
    expect(key.der.length).to.equal(294);
    const fixed = [...Array.from({ length: 33 }, (_, i) => i), 289, 290, 291, 292, 293];
    const bad = [
      ...fixed.flatMap((at) => Array.from({ length: 8 }, (_, bit) => flipped(key.der, at * 8 + bit))),
      flipped(key.der, 33 * 8),
      flipped(key.der, 288 * 8 + 7),
      key.der.subarray(1),
      key.der.subarray(0, 293),
      Buffer.concat([key.der, Buffer.alloc(1)]),
      Buffer.alloc(0),
      Buffer.alloc(294),
      newRsaKey(2_040).der,
      newRsaKey(3_072).der,
      newRsaKey(2_048, 3).der,
      key.privateKey.export({ type: "pkcs1", format: "der" }),
    ];
    for (const each of bad) expect(await harness.isKey(each), hexlify(each)).to.equal(false);
    expect(await ask(...bad.map((publicKey) => ({ ...good, publicKey })))).to.deep.equal(bad.map(() => false));
    expect(await ask(good, { ...good, publicKey: other.der })).to.deep.equal([true, false]);
  });

  it("costs at most 75,000 gas as a call from a contract, at Osaka's prices", async () => {
    for (let i = 0; i < 5; i++) {
      const message = keccak256(randomBytes(32));
      const [used, valid] = await meter.gasOf(harness, key.der, message, pssSignature(key, message));
      expect(valid).to.equal(true);
      expect(used).to.be.within(32_768n, 75_000n);
    }
  });

  it("answers yes or reverts, whatever gas it is given: never no for want of it [R2]", async () => {
    const signature = pssSignature(key, MESSAGE);
    const data = harness.interface.encodeFunctionData("verify", [key.der, MESSAGE, signature]);
    const to = await harness.getAddress();
    const seen = new Set<string>();
    const floor = Buffer.from(data.slice(2), "hex").reduce((sum, byte) => sum + (byte === 0 ? 10 : 40), 21_000);
    for (let gas = floor; gas < floor + 60_000; gas += 97) {
      const call = { to, data, gas: `0x${gas.toString(16)}` };
      const answer = await provider.send("eth_call", [call, "latest"]).catch(() => "reverts");
      seen.add(answer === "reverts" ? answer : String(BigInt(answer)));
    }
    expect([...seen].sort()).to.deep.equal(["1", "reverts"]);
  });
});
