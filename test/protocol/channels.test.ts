// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { AbiCoder, keccak256, Signature, TypedDataEncoder, Wallet } from "ethers";
import fc from "fast-check";
import {
  channelId,
  channelRequestId,
  compactSignature,
  ESCROW_DOMAIN_NAME,
  ESCROW_DOMAIN_VERSION,
  joinProofs,
  merkleProof,
  merkleRoot,
  ProtocolError,
  recoverSigner,
  signDigest,
  voucherDigest,
  fromHex,
  type Hex,
} from "../../relayer/protocol/index.ts";
import { leafOf } from "../support/protocol.ts";
import { concat } from "ethers";
import * as any from "./arbitraries.ts";

const abi = AbiCoder.defaultAbiCoder();
const uint = (bits: bigint): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: (1n << bits) - 1n });
const fields = fc.record({
  chainId: uint(64n),
  escrow: any.address,
  payer: any.address,
  signer: any.address,
  nodeId: any.word,
  modelId: any.word,
  modeMask: fc.integer({ min: 0, max: 255 }),
  lane: uint(64n),
});
const voucher = fc.record({
  channelId: any.word,
  sequence: uint(64n),
  inputHash: any.word,
  maxCumulative: uint(128n),
});
const voucherTypes = {
  Voucher: [
    { name: "channelId", type: "bytes32" },
    { name: "sequence", type: "uint64" },
    { name: "inputHash", type: "bytes32" },
    { name: "maxCumulative", type: "uint128" },
  ],
};

describe("payment channels: formats", () => {
  it("the id of a channel is the encoding of all that it is for, by ethers' encoder too (R5)", () => {
    const types = ["uint256", "address", "address", "address", "bytes32", "bytes32", "uint8", "uint64"];
    fc.assert(
      fc.property(fields, (channel) => {
        const { chainId, escrow, payer, signer, nodeId, modelId, modeMask, lane } = channel;
        const values = [chainId, escrow, payer, signer, nodeId, modelId, modeMask, lane];
        expect(channelId(channel)).to.equal(keccak256(abi.encode(types, values)));
      }),
    );
  });

  it("any field makes another channel (R5)", () => {
    fc.assert(
      fc.property(fields, fields, (channel, other) => {
        const id = channelId(channel);
        for (const name of Object.keys(channel) as (keyof typeof channel)[]) {
          if (channel[name] !== other[name]) expect(channelId({ ...channel, [name]: other[name] })).to.not.equal(id);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("the id of a request is that of its channel and sequence, by ethers' encoder too (R5)", () => {
    fc.assert(
      fc.property(any.word, uint(64n), (channel, sequence) => {
        const expected = keccak256(abi.encode(["bytes32", "uint64"], [channel, sequence]));
        expect(channelRequestId(channel, sequence)).to.equal(expected);
      }),
    );
  });

  it("the digest of a voucher is EIP-712, by ethers' encoder too (R7)", () => {
    fc.assert(
      fc.property(any.domain, voucher, (escrow, one) => {
        const domain = { name: ESCROW_DOMAIN_NAME, version: ESCROW_DOMAIN_VERSION, ...escrow };
        expect(voucherDigest(escrow, one)).to.equal(TypedDataEncoder.hash(domain, voucherTypes, one));
      }),
    );
  });

  it("numbers that do not fit are refused, never cut (R7)", () => {
    const [escrow, one, channel] = [any.domain, voucher, fields].map((of) => fc.sample(of as never, 1)[0]) as [
      Parameters<typeof voucherDigest>[0],
      Parameters<typeof voucherDigest>[1],
      Parameters<typeof channelId>[0],
    ];
    const attempts = [
      () => channelId({ ...channel, lane: 1n << 64n }),
      () => channelId({ ...channel, modeMask: 256 }),
      () => channelRequestId(one.channelId, 1n << 64n),
      () => voucherDigest(escrow, { ...one, sequence: 1n << 64n }),
      () => voucherDigest(escrow, { ...one, maxCumulative: 1n << 128n }),
      () => voucherDigest(escrow, { ...one, maxCumulative: -1n }),
    ];
    for (const attempt of attempts) expect(attempt).to.throw(ProtocolError).with.property("code", "out_of_range");
  });

  it("a signature in the contract's form is the one of EIP-2098, and its signer is recovered from the long one", () => {
    fc.assert(
      fc.property(any.word, any.word, (secret, digest) => {
        const wallet = new Wallet(secret);
        const signature = signDigest(fromHex(secret), digest);
        const { r, yParityAndS } = Signature.from(signature);
        expect(compactSignature(signature)).to.deep.equal({ r, vs: yParityAndS });
        expect(recoverSigner(digest, signature)).to.equal(wallet.address.toLowerCase());
      }),
      { numRuns: 30 },
    );
  });
});

describe("one proof for several leaves", () => {
  const tree = fc
    .uniqueArray(any.word, { minLength: 1, maxLength: 40 })
    .chain((ids) =>
      fc
        .uniqueArray(fc.nat(ids.length - 1), { minLength: 1, maxLength: ids.length })
        .map((indices) => ({ ids, indices: indices.sort((a, b) => a - b) })),
    );
  const joined = (ids: Hex[], indices: number[]) =>
    joinProofs(
      ids.length,
      indices.map((index) => ({ index, proof: merkleProof(ids, index) })),
    );

  /** The contract's algorithm, plainly. @returns undefined where the proof has another length than it must. */
  function rootOf(ids: string[], indices: number[], count: number, proof: string[]): string | undefined {
    let level = ids.map((id, i) => ({ place: indices[i]!, hash: leafOf(id) }));
    const rest = [...proof];
    for (let size = count; size > 1; size = Math.ceil(size / 2)) {
      const above: typeof level = [];
      while (level.length > 0) {
        const { place, hash } = level.shift()!;
        const above_ = Math.floor(place / 2);
        if (place % 2 === 0 && place === size - 1) above.push({ place: above_, hash });
        else {
          const sibling = place % 2 === 0 && level[0]?.place === place + 1 ? level.shift()!.hash : rest.shift();
          if (sibling === undefined) return undefined;
          const pair = place % 2 === 0 ? [hash, sibling] : [sibling, hash];
          above.push({ place: above_, hash: keccak256(concat(["0x01", ...pair])) });
        }
      }
      level = above;
    }
    return rest.length === 0 ? level[0]!.hash : undefined;
  }

  it("leads to the root from any leaves of any tree, odd ones included", () => {
    fc.assert(
      fc.property(tree, ({ ids, indices }) => {
        const proved = indices.map((index) => ids[index]!);
        expect(rootOf(proved, indices, ids.length, joined(ids, indices))).to.equal(merkleRoot(ids));
      }),
    );
  });

  it("is the proof of one leaf for one leaf, and nothing for all", () => {
    fc.assert(
      fc.property(tree, ({ ids, indices: [index] }) => {
        expect(joined(ids, [index!])).to.deep.equal(merkleProof(ids, index!));
        const all = ids.map((_, i) => i);
        expect(joined(ids, all)).to.deep.equal([]);
      }),
      { numRuns: 50 },
    );
  });

  it("is not made of proofs that belong to no tree of that size, or of places out of order", () => {
    const ids = ["11", "22", "33", "44", "55"].map((byte): Hex => `0x${byte.repeat(32)}`);
    const of = (index: number) => ({ index, proof: merkleProof(ids, index) });
    const bad = [[], [of(1), of(0)], [of(1), of(1)], [{ index: 5, proof: [] }], [{ ...of(4), proof: of(0).proof }]];
    for (const leaves of bad) {
      expect(() => joinProofs(5, leaves))
        .to.throw(ProtocolError)
        .with.property("code", "malformed_proof");
    }
  });
});
