// SPDX-License-Identifier: MIT
import fc from "fast-check";
import type { Batch, Domain, Hex, Receipt } from "../../relayer/protocol/index.ts";

const bytes = (length: number): fc.Arbitrary<Hex> =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((value): Hex => `0x${Buffer.from(value).toString("hex")}`);

export const word = bytes(32);
export const address = bytes(20);
const uint = (bits: bigint): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: (1n << bits) - 1n });

export const domain: fc.Arbitrary<Domain> = fc.record({ chainId: uint(64n), verifyingContract: address });

export const receipt: fc.Arbitrary<Receipt> = fc.record({
  requestId: word,
  modelId: word,
  inputHash: word,
  outputHash: word,
  outputScheme: fc.integer({ min: 0, max: 255 }),
  contextHash: word,
  keyId: word,
  payer: address,
  sequence: uint(64n),
  cumulativeFee: uint(128n),
  completedAt: uint(64n),
  mode: fc.integer({ min: 0, max: 255 }),
});

export const batch: fc.Arbitrary<Batch> = fc.record({
  keyId: word,
  mode: fc.integer({ min: 0, max: 255 }),
  root: word,
  count: fc.integer({ min: 0, max: 0xffffffff }),
  dataHash: word,
  settler: address,
});
