// SPDX-License-Identifier: MIT
// The document of a batch's leaves: what `dataHash` names, what is published, and how the ledger keeps receipts.
// One byte string for one list of receipts (no padding, no options), so that everyone computes the same hash.
import {
  keccak,
  ProtocolError,
  readUint128,
  toHex,
  view,
  writeHex,
  writeUint128,
  writeUint32,
  writeUint64,
  writeUint8,
} from "./bytes.ts";
import type { Domain, Hex, Receipt } from "./types.ts";

/** "OGLV" ‖ version 1 ‖ chain id 32 ‖ registry 20 ‖ keyId 32 ‖ mode 1 ‖ count 4. */
export const LEAVES_HEADER_SIZE = 94;
/**
 * requestId 32 ‖ modelId 32 ‖ inputHash 32 ‖ outputHash 32 ‖ contextHash 32 ‖ payer 20 ‖ sequence 8 ‖
 * cumulativeFee 16 ‖ completedAt 8 ‖ outputScheme 1. Key and mode are those of the header.
 */
export const LEAF_SIZE = 213;
const MAGIC = Buffer.from("OGLV");
const VERSION = 1;

/** What a leaves document says. */
export interface Leaves {
  domain: Domain;
  keyId: Hex;
  mode: number;
  receipts: Receipt[];
}

/** Least and greatest `completedAt` of some receipts, unix seconds. */
export interface CompletedSpan {
  oldest: bigint;
  newest: bigint;
}

/** The header fields of a leaves document. */
export interface LeavesHeader {
  domain: Domain;
  keyId: Hex;
  mode: number;
  count: number;
}

/**
 * Canonical bytes of the leaves of a batch, in order. Throws `foreign_leaf` for a receipt of another key or mode
 * (a provable fault once it is signed), ProtocolError for a field of the wrong size or range.
 */
export function leavesDocument(
  domain: Domain,
  batch: { keyId: Hex; mode: number },
  receipts: readonly Receipt[],
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(LEAVES_HEADER_SIZE + LEAF_SIZE * receipts.length);
  const out = view(bytes);
  out.set(MAGIC, 0);
  out[4] = VERSION;
  writeHex(out, 5, `0x${domain.chainId.toString(16).padStart(64, "0")}`, 32);
  writeHex(out, 37, domain.verifyingContract, 20);
  writeHex(out, 57, batch.keyId, 32);
  writeUint8(out, 89, batch.mode);
  writeUint32(out, 90, receipts.length);
  for (let index = 0; index < receipts.length; index++) {
    const receipt = receipts[index]!;
    if (receipt.keyId !== batch.keyId || receipt.mode !== batch.mode) {
      throw new ProtocolError("foreign_leaf", `Receipt ${index} has another key or mode than its batch`);
    }
    writeLeaf(out, LEAVES_HEADER_SIZE + index * LEAF_SIZE, receipt);
  }
  return bytes;
}

/** Writes one receipt, key and mode left out, as {@link LEAF_SIZE} bytes. */
export function writeLeaf(out: Buffer, at: number, receipt: Receipt): void {
  writeHex(out, at, receipt.requestId, 32);
  writeHex(out, at + 32, receipt.modelId, 32);
  writeHex(out, at + 64, receipt.inputHash, 32);
  writeHex(out, at + 96, receipt.outputHash, 32);
  writeHex(out, at + 128, receipt.contextHash, 32);
  writeHex(out, at + 160, receipt.payer, 20);
  writeUint64(out, at + 180, receipt.sequence);
  writeUint128(out, at + 188, receipt.cumulativeFee);
  writeUint64(out, at + 204, receipt.completedAt);
  writeUint8(out, at + 212, receipt.outputScheme);
}

/** Reads one receipt from {@link LEAF_SIZE} bytes. */
export function readLeaf(source: Buffer, at: number, keyId: Hex, mode: number): Receipt {
  const word = (offset: number, length = 32): Hex => toHex(source.subarray(at + offset, at + offset + length));
  return {
    requestId: word(0),
    modelId: word(32),
    inputHash: word(64),
    outputHash: word(96),
    outputScheme: source[at + 212]!,
    contextHash: word(128),
    keyId,
    payer: word(160, 20),
    sequence: source.readBigUInt64BE(at + 180),
    cumulativeFee: readUint128(source, at + 188),
    completedAt: source.readBigUInt64BE(at + 204),
    mode,
  };
}

/** Reads the header and checks the length. Throws `malformed_leaves` for anything that is not such a document. */
export function leavesHeader(bytes: Uint8Array): LeavesHeader {
  const source = view(bytes);
  const fail = (why: string): never => {
    throw new ProtocolError("malformed_leaves", `Not a leaves document: ${why}`);
  };
  if (source.length < LEAVES_HEADER_SIZE) return fail(`${source.length} bytes are shorter than its header`);
  if (!source.subarray(0, 4).equals(MAGIC)) return fail("wrong magic");
  if (source[4] !== VERSION) return fail(`unknown version ${source[4]}`);
  const count = source.readUInt32BE(90);
  const expected = LEAVES_HEADER_SIZE + count * LEAF_SIZE;
  if (source.length !== expected) return fail(`${count} leaves make ${expected} bytes, got ${source.length}`);
  return {
    domain: { chainId: BigInt(toHex(source.subarray(5, 37))), verifyingContract: toHex(source.subarray(37, 57)) },
    keyId: toHex(source.subarray(57, 89)),
    mode: source[89]!,
    count,
  };
}

/** Inverse of {@link leavesDocument}: strict, so that a document that parses is the only one for its receipts. */
export function parseLeaves(bytes: Uint8Array): Leaves {
  const { domain, keyId, mode, count } = leavesHeader(bytes);
  const source = view(bytes);
  const receipts = Array.from({ length: count }, (_, index) =>
    readLeaf(source, LEAVES_HEADER_SIZE + index * LEAF_SIZE, keyId, mode),
  );
  return { domain, keyId, mode, receipts };
}

/** The receipt at `index` without reading the others. Throws `index_out_of_range`, `malformed_leaves`. */
export function leafAt(bytes: Uint8Array, index: number): Receipt {
  const { keyId, mode, count } = leavesHeader(bytes);
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new ProtocolError("index_out_of_range", `Leaf ${index} of ${count}`);
  }
  return readLeaf(view(bytes), LEAVES_HEADER_SIZE + index * LEAF_SIZE, keyId, mode);
}

/** When the first and the last answer of a document were completed, without reading the rest of the leaves. */
export function completedSpan(bytes: Uint8Array): CompletedSpan {
  const { count } = leavesHeader(bytes);
  const source = view(bytes);
  if (count === 0) throw new ProtocolError("empty_tree", "No leaves, no times");
  let [oldest, newest] = [2n ** 64n, 0n];
  for (let index = 0; index < count; index++) {
    const completedAt = source.readBigUInt64BE(LEAVES_HEADER_SIZE + index * LEAF_SIZE + 204);
    if (completedAt < oldest) oldest = completedAt;
    if (completedAt > newest) newest = completedAt;
  }
  return { oldest, newest };
}

/** What a batch's `dataHash` must be: keccak256 of the document. */
export function dataHashOf(document: Uint8Array): Hex {
  return keccak(document);
}
