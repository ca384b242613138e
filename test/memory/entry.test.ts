import { randomBytes } from "node:crypto";
import { expect } from "chai";
import fc from "fast-check";
import { id } from "ethers";
import type { Hex } from "../../relayer/protocol/index.ts";
import { MemoryError, openEntry, sealEntry, secretOf } from "../../relayer/memory/index.ts";

const memoryId = id("memory") as Hex;
const key = randomBytes(32);
const at = (place: number, of = memoryId) => ({ memoryId: of, place });
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return "nothing failed";
  } catch (problem) {
    expect(problem).to.be.instanceOf(MemoryError);
    return (problem as MemoryError).code;
  }
};
const open = (blob: Uint8Array, place = 0, by: Uint8Array = key, of = memoryId) =>
  openEntry(blob, at(place, of), secretOf(by, at(place, of), blob));

describe("sealed entries", () => {
  it("open to what was sealed, of any length and content", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_200 }), fc.nat(), (content, place) => {
        const blob = sealEntry(content, key, at(place));
        expect(Buffer.from(open(blob, place)).equals(content)).to.equal(true);
      }),
    );
    for (const content of [Buffer.from([0x80]), Buffer.from([0x80, 0, 0]), Buffer.alloc(256), Buffer.alloc(255, 0x80)])
      expect(Buffer.from(open(sealEntry(content, key, at(0)))).equals(content)).to.equal(true);
  });

  it("tell their length only to 256 bytes, and are never twice the same", () => {
    const lengths = [0, 1, 255].map((length) => sealEntry(Buffer.alloc(length), key, at(0)).length);
    expect(new Set(lengths).size).to.equal(1);
    expect(sealEntry(Buffer.alloc(256), key, at(0)).length).to.equal(lengths[0]! + 256);
    const twice = [1, 2].map(() => Buffer.from(sealEntry(Buffer.from("same"), key, at(0))).toString("hex"));
    expect(twice[0]).to.not.equal(twice[1]);
  });

  it("open under no other key, for no other place and in no other memory", () => {
    const blob = sealEntry(Buffer.from("mine"), key, at(3));
    expect(codeOf(() => open(blob, 3, randomBytes(32)))).to.equal("wrong_key");
    expect(codeOf(() => open(blob, 4))).to.equal("wrong_key");
    expect(codeOf(() => open(blob, 3, key, id("another") as Hex))).to.equal("wrong_key");
    expect(codeOf(() => open(blob, 3, randomBytes(16)))).to.equal("bad_key");
    // Who holds the entry's own secret cannot pass the entry off as another one either.
    const secret = secretOf(key, at(3), blob);
    expect(codeOf(() => openEntry(blob, at(4), secret))).to.equal("entry_tampered");
    const other = sealEntry(Buffer.from("other"), key, at(3));
    expect(codeOf(() => openEntry(other, at(3), secret))).to.equal("wrong_key");
  });

  it("open no more when a single bit is changed, wherever it is", () => {
    const blob = sealEntry(Buffer.from("a bit of memory"), key, at(0));
    const secret = secretOf(key, at(0), blob);
    for (let byte = 0; byte < blob.length; byte++) {
      const changed = Buffer.from(blob);
      changed[byte]! ^= 1 << (byte % 8);
      expect(
        codeOf(() => openEntry(changed, at(0), secret)),
        `byte ${byte}`,
      ).to.be.oneOf(["bad_entry", "wrong_key", "entry_tampered"]);
    }
    for (const cut of [blob.subarray(1), blob.subarray(0, -1), blob.subarray(0, 80), new Uint8Array(0)])
      expect(codeOf(() => openEntry(cut, at(0), secret))).to.equal("bad_entry");
    expect(codeOf(() => openEntry(Buffer.concat([blob, Buffer.alloc(256)]), at(0), secret))).to.equal("entry_tampered");
  });
});
