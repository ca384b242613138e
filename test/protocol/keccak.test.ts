// SPDX-License-Identifier: MIT
import { keccak_256 as reference } from "@noble/hashes/sha3.js";
import { expect } from "chai";
import fc from "fast-check";
import { keccak_256 } from "../../relayer/protocol/keccak.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const RUNS = process.env["FUZZ_LONG"] ? 50_000 : 1_000;

describe("keccak256 in WebAssembly", () => {
  it("gives what Ethereum gives for nothing and for three letters", () => {
    expect(hex(keccak_256(new Uint8Array()))).to.equal(
      "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    );
    expect(hex(keccak_256(Buffer.from("abc")))).to.equal(
      "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    );
  });

  it("agrees with the reference at every length around one block, and around what it takes at once", () => {
    const source = Buffer.alloc(120_000, "what is hashed");
    const lengths = Array.from({ length: 600 }, (_, length) => length);
    for (const edge of [136 * 400, 136 * 800])
      for (const by of [-137, -136, -135, -1, 0, 1, 135, 136, 137]) lengths.push(edge + by);
    for (const length of lengths)
      expect(hex(keccak_256(source.subarray(0, length))), String(length)).to.equal(
        hex(reference(source.subarray(0, length))),
      );
  });

  it("agrees with the reference on any bytes, and keeps nothing of the hash before", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.uint8Array({ maxLength: 300 }), (first, second) => {
        const [one, two] = [keccak_256(first), keccak_256(second)];
        expect(hex(one)).to.equal(hex(reference(first)));
        expect(hex(two)).to.equal(hex(reference(second)));
      }),
      { numRuns: RUNS },
    );
  });

  it("reads a part of a larger buffer, and changes nothing in it", () => {
    const whole = Buffer.from(Array.from({ length: 500 }, (_, place) => place % 256));
    const before = hex(whole);
    expect(hex(keccak_256(whole.subarray(100, 333)))).to.equal(
      hex(reference(Uint8Array.from(whole.subarray(100, 333)))),
    );
    expect(hex(whole)).to.equal(before);
  });
});
