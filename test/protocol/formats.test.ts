// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { AbiCoder, concat, keccak256, toUtf8Bytes } from "ethers";
import fc from "fast-check";
import {
  artifactsHash,
  channelId,
  channelRequestId,
  circuitOutputHash,
  COMPACT_SIZE,
  dataHashOf,
  decodeCompact,
  encodeCompact,
  fromHex,
  keyId,
  leafAt,
  leavesDocument,
  LEAVES_HEADER_SIZE,
  onChainRequestId,
  parseLeaves,
  ProtocolError,
  saltedInputHash,
  signalInputHash,
  textHash,
  x402RequestId,
  type Hex,
} from "../../relayer/protocol/index.ts";
import * as any from "./arbitraries.ts";

const abi = AbiCoder.defaultAbiCoder();
const word = (byte: string): Hex => `0x${byte.repeat(32)}`;
const addr = (byte: string): Hex => `0x${byte.repeat(20)}`;

describe("compact receipts", () => {
  it("come back as they went in, 116 bytes each [R9]", () => {
    fc.assert(
      fc.property(fc.array(any.receipt, { maxLength: 8 }), (receipts) => {
        const bytes = fromHex(encodeCompact(receipts));
        expect(bytes.length).to.equal(COMPACT_SIZE * receipts.length);
        expect(decodeCompact(bytes)).to.deep.equal(
          receipts.map(({ requestId, contextHash, payer, sequence, cumulativeFee, completedAt }) => ({
            requestId,
            contextHash,
            payer,
            sequence,
            cumulativeFee,
            completedAt,
          })),
        );
      }),
      { numRuns: 50 },
    );
  });

  it("are the packed encoding of Solidity, field by field [R9]", () => {
    const [receipt] = fc.sample(any.receipt, { numRuns: 1, seed: 7 });
    const { requestId, contextHash, payer, sequence, cumulativeFee, completedAt } = receipt!;
    const pad = (value: bigint, length: number): string => `0x${value.toString(16).padStart(2 * length, "0")}`;
    expect(encodeCompact([receipt!])).to.equal(
      concat([requestId, contextHash, payer, pad(sequence, 8), pad(cumulativeFee, 16), pad(completedAt, 8)]),
    );
  });

  it("are refused at any other length [FM:poison-item]", () => {
    for (const length of [1, COMPACT_SIZE - 1, COMPACT_SIZE + 1]) {
      expect(() => decodeCompact(new Uint8Array(length))).to.throw(ProtocolError, "multiple of 116");
    }
  });
});

describe("leaves document", () => {
  const leaves = fc.tuple(
    any.domain,
    any.word,
    fc.integer({ min: 0, max: 2 }),
    fc.array(any.receipt, { minLength: 1, maxLength: 6 }),
  );

  it("comes back as it went in, and one list has one document [R3]", () => {
    fc.assert(
      fc.property(leaves, ([domain, key, mode, list]) => {
        const receipts = list.map((receipt) => ({ ...receipt, keyId: key, mode }));
        const document = leavesDocument(domain, { keyId: key, mode }, receipts);
        const parsed = parseLeaves(document);
        expect(parsed).to.deep.equal({ domain, keyId: key, mode, receipts });
        expect(leavesDocument(parsed.domain, parsed, parsed.receipts)).to.deep.equal(document);
        receipts.forEach((receipt, index) => expect(leafAt(document, index)).to.deep.equal(receipt));
        expect(dataHashOf(document)).to.equal(keccak256(document));
      }),
      { numRuns: 50 },
    );
  });

  it("never holds a receipt of another key or mode [FM:unchecked-evidence]", () => {
    const [receipt] = fc.sample(any.receipt, { numRuns: 1, seed: 3 });
    const domain = { chainId: 1n, verifyingContract: addr("01") };
    const own = { ...receipt!, keyId: word("aa"), mode: 0 };
    for (const foreign of [
      { ...own, keyId: word("ab") },
      { ...own, mode: 2 },
    ]) {
      expect(() => leavesDocument(domain, { keyId: word("aa"), mode: 0 }, [own, foreign]))
        .to.throw(ProtocolError)
        .with.property("code", "foreign_leaf");
    }
  });

  it("is refused when cut, lengthened, miscounted, of another magic or version [FM:poison-item]", () => {
    const [receipt] = fc.sample(any.receipt, { numRuns: 1, seed: 3 });
    const own = { ...receipt!, keyId: word("aa"), mode: 0 };
    const good = leavesDocument({ chainId: 1n, verifyingContract: addr("01") }, own, [own]);
    const changed = (at: number): Uint8Array => {
      const copy = good.slice();
      copy[at]! ^= 1;
      return copy;
    };
    const bad = [good.subarray(0, 10), good.subarray(0, good.length - 1), new Uint8Array([...good, 0])];
    for (const bytes of [...bad, changed(0), changed(4), changed(LEAVES_HEADER_SIZE - 1)]) {
      expect(() => parseLeaves(bytes))
        .to.throw(ProtocolError)
        .with.property("code", "malformed_leaves");
    }
    expect(() => leafAt(good, 1))
      .to.throw(ProtocolError)
      .with.property("code", "index_out_of_range");
  });
});

describe("ids and commitments", () => {
  it("are those of the specification for each origin of a request [R5]", () => {
    const channel = {
      chainId: 8453n,
      escrow: addr("01"),
      payer: addr("02"),
      signer: addr("03"),
      nodeId: word("04"),
      modelId: word("05"),
      modeMask: 2,
      lane: 7n,
    };
    const id = keccak256(
      abi.encode(
        ["uint256", "address", "address", "address", "bytes32", "bytes32", "uint256", "uint256"],
        Object.values(channel),
      ),
    ) as Hex;
    expect(channelId(channel)).to.equal(id);
    expect(channelRequestId(id, 9n)).to.equal(keccak256(concat([id, `0x${"9".padStart(64, "0")}`])));
    expect(onChainRequestId(1n, addr("01"), 2n)).to.equal(
      keccak256(abi.encode(["uint256", "address", "uint256"], [1n, addr("01"), 2n])),
    );
    expect(x402RequestId(1n, addr("01"), addr("02"), word("03"))).to.equal(
      keccak256(abi.encode(["uint256", "address", "address", "bytes32"], [1n, addr("01"), addr("02"), word("03")])),
    );
  });

  it("name a key by its kind and its bytes, so one point under two kinds is two keys [R4]", () => {
    const point = new Uint8Array(64).fill(5);
    expect(keyId(0, point)).to.equal(keccak256(abi.encode(["uint8", "bytes"], [0, point])));
    expect(keyId(1, point)).to.not.equal(keyId(0, point));
    expect(() => keyId(0, point.subarray(1)))
      .to.throw(ProtocolError)
      .with.property("code", "bad_public_key");
  });

  it("commit to the whole answer: any artifact, its order, kind or media type changes the hash [R6]", () => {
    const text = { kind: 0, mediaType: "text/plain", hash: word("01") };
    const image = { kind: 2, mediaType: "image/png", hash: word("02") };
    const hashes = [
      [text, image],
      [image, text],
      [text],
      [],
      [{ ...text, kind: 1 }, image],
      [{ ...text, mediaType: "text/html" }, image],
    ].map(artifactsHash);
    expect(new Set(hashes).size).to.equal(hashes.length);
    expect(hashes[2]).to.equal(
      keccak256(concat(["0xff", abi.encode(["tuple(uint8,string,bytes32)[]"], [[[0, "text/plain", word("01")]]])])),
    );
  });

  it("hash texts as OpenGradient's enclaves do [R6]", () => {
    expect(textHash("Hi there")).to.equal("0x3e92a13b68d1868e828788f049395ed44b701955777c5f51f0b3559bb05dbaf8");
  });

  it("salt inputs and tell them from outputs by their tag [R6]", () => {
    const request = toUtf8Bytes("what is the risk?");
    expect(saltedInputHash(word("01"), request)).to.equal(keccak256(concat(["0xfe", word("01"), keccak256(request)])));
    expect(saltedInputHash(word("02"), request)).to.not.equal(saltedInputHash(word("01"), request));
    expect(signalInputHash(255n)).to.equal(`0x${"ff".padStart(64, "0")}`);
    expect(circuitOutputHash([1n, 2n])).to.equal(keccak256(abi.encode(["uint8", "uint256[]"], [2, [1n, 2n]])));
  });
});
