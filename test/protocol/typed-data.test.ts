// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { TypedDataEncoder, Wallet } from "ethers";
import fc from "fast-check";
import {
  batchDigest,
  bindingOf,
  domainSeparator,
  fromHex,
  ProtocolError,
  receiptId,
  recoverSigner,
  signDigest,
  toHex,
  typedDataDomain,
  type Hex,
} from "../../relayer/protocol/index.ts";
import * as any from "./arbitraries.ts";

const RECEIPT = {
  Receipt: [
    { name: "requestId", type: "bytes32" },
    { name: "modelId", type: "bytes32" },
    { name: "inputHash", type: "bytes32" },
    { name: "outputHash", type: "bytes32" },
    { name: "outputScheme", type: "uint8" },
    { name: "contextHash", type: "bytes32" },
    { name: "keyId", type: "bytes32" },
    { name: "payer", type: "address" },
    { name: "sequence", type: "uint64" },
    { name: "cumulativeFee", type: "uint128" },
    { name: "completedAt", type: "uint64" },
    { name: "mode", type: "uint8" },
  ],
};
const BATCH = {
  Batch: [
    { name: "keyId", type: "bytes32" },
    { name: "mode", type: "uint8" },
    { name: "root", type: "bytes32" },
    { name: "count", type: "uint32" },
    { name: "dataHash", type: "bytes32" },
    { name: "settler", type: "address" },
  ],
};

const code = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return "accepted";
};

describe("typed data", () => {
  it("gives every receipt the digest that any EIP-712 library gives it, domain included [R9]", () => {
    fc.assert(
      fc.property(any.domain, any.receipt, (domain, receipt) => {
        expect(toHex(domainSeparator(domain))).to.equal(TypedDataEncoder.hashDomain(typedDataDomain(domain)));
        expect(receiptId(domain, receipt)).to.equal(TypedDataEncoder.hash(typedDataDomain(domain), RECEIPT, receipt));
      }),
      { numRuns: 200 },
    );
  });

  it("gives every batch the digest that any EIP-712 library gives it [R9]", () => {
    fc.assert(
      fc.property(any.domain, any.batch, (domain, batch) => {
        expect(batchDigest(domain, batch)).to.equal(TypedDataEncoder.hash(typedDataDomain(domain), BATCH, batch));
      }),
      { numRuns: 200 },
    );
  });

  it("gives one receipt different ids on different chains and registries [R9]", () => {
    fc.assert(
      fc.property(any.domain, any.receipt, (domain, receipt) => {
        const elsewhere = { ...domain, chainId: domain.chainId + 1n };
        expect(receiptId(elsewhere, receipt)).to.not.equal(receiptId(domain, receipt));
      }),
      { numRuns: 20 },
    );
  });

  it("refuses a field of the wrong size or range instead of hashing something else [FM:poison-item]", () => {
    const [domain] = fc.sample(any.domain, { numRuns: 1, seed: 1 });
    const [receipt] = fc.sample(any.receipt, { numRuns: 1, seed: 1 });
    const change = (fields: object): string => code(() => receiptId(domain!, { ...receipt!, ...fields }));
    expect(change({})).to.equal("accepted");
    expect(change({ requestId: "0x12" })).to.equal("malformed_hex");
    expect(change({ requestId: `0x${"g".repeat(64)}` })).to.equal("malformed_hex");
    expect(change({ requestId: `0x${"a".repeat(63)}g` })).to.equal("malformed_hex");
    expect(change({ payer: receipt!.requestId })).to.equal("malformed_hex");
    expect(change({ sequence: 1n << 64n })).to.equal("out_of_range");
    expect(change({ sequence: -1n })).to.equal("out_of_range");
    expect(change({ cumulativeFee: 1n << 128n })).to.equal("out_of_range");
    expect(change({ mode: 256 })).to.equal("out_of_range");
    expect(change({ outputScheme: 1.5 })).to.equal("out_of_range");
    const [batch] = fc.sample(any.batch, { numRuns: 1, seed: 1 });
    expect(code(() => batchDigest(domain!, { ...batch!, count: 2 ** 32 }))).to.equal("out_of_range");
  });

  it("binds a proof to the receipt id without its last byte, so that it fits the field [ZK4]", () => {
    const id: Hex = `0x${"ff".repeat(32)}`;
    expect(bindingOf(id)).to.equal((1n << 248n) - 1n);
  });
});

describe("signatures", () => {
  it("are those of any secp256k1 wallet, and recover to its address [R1]", () => {
    fc.assert(
      fc.property(any.word, any.word, (secret, digest) => {
        fc.pre(BigInt(secret) > 0n && BigInt(secret) < 1n << 255n);
        const signature = signDigest(fromHex(secret), digest);
        expect(signature).to.equal(new Wallet(secret).signingKey.sign(digest).serialized);
        expect(recoverSigner(digest, signature)).to.equal(new Wallet(secret).address.toLowerCase());
      }),
      { numRuns: 25 },
    );
  });

  it("are refused with high s, another v, another length, or off the curve [FM:unchecked-evidence]", () => {
    const secret = fromHex(`0x${"11".repeat(32)}`);
    const digest: Hex = `0x${"22".repeat(32)}`;
    const good = signDigest(secret, digest);
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const s = BigInt(`0x${good.slice(66, 130)}`);
    const flipped = (order - s).toString(16).padStart(64, "0");
    const v = good.endsWith("1b") ? "1c" : "1b";
    expect(recoverSigner(digest, `0x${good.slice(2, 66)}${flipped}${v}`)).to.equal(undefined);
    expect(recoverSigner(digest, `0x${good.slice(2, 130)}00`)).to.equal(undefined);
    expect(recoverSigner(digest, good.slice(0, 130) as Hex)).to.equal(undefined);
    expect(recoverSigner(digest, `0x${"0".repeat(128)}1b`)).to.equal(undefined);
    expect(recoverSigner(digest, `0x${"f".repeat(64)}${good.slice(66)}`)).to.equal(undefined);
    const other = recoverSigner(`0x${"23".repeat(32)}`, good);
    expect(other).to.not.equal(new Wallet(`0x${"11".repeat(32)}`).address.toLowerCase());
  });
});
