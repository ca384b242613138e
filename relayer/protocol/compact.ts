// SPDX-License-Identifier: MIT
// Receipts of a proved batch as they travel to the chain: what does not follow from batch, model and signals.
import { ProtocolError, readUint128, toHex, view, writeHex, writeUint128, writeUint64 } from "./bytes.ts";
import type { Hex, Receipt } from "./types.ts";

export const COMPACT_SIZE = 116;

/** The fields of a receipt that a proved batch spells out. */
export type CompactReceipt = Pick<
  Receipt,
  "requestId" | "contextHash" | "payer" | "sequence" | "cumulativeFee" | "completedAt"
>;

/**
 * 116 bytes each: requestId 32 ‖ contextHash 32 ‖ payer 20 ‖ sequence 8 ‖ cumulativeFee 16 ‖ completedAt 8.
 * Throws ProtocolError where a field has the wrong size or range.
 */
export function encodeCompact(receipts: readonly CompactReceipt[]): Hex {
  const out = Buffer.alloc(COMPACT_SIZE * receipts.length);
  receipts.forEach((receipt, index) => {
    const at = index * COMPACT_SIZE;
    writeHex(out, at, receipt.requestId, 32);
    writeHex(out, at + 32, receipt.contextHash, 32);
    writeHex(out, at + 64, receipt.payer, 20);
    writeUint64(out, at + 84, receipt.sequence);
    writeUint128(out, at + 92, receipt.cumulativeFee);
    writeUint64(out, at + 108, receipt.completedAt);
  });
  return toHex(out);
}

/** Inverse of {@link encodeCompact}. Throws `malformed_compact` for a length that is no multiple of 116. */
export function decodeCompact(bytes: Uint8Array): CompactReceipt[] {
  if (bytes.length % COMPACT_SIZE !== 0) {
    throw new ProtocolError("malformed_compact", `${bytes.length} bytes are no multiple of ${COMPACT_SIZE}`);
  }
  const source = view(bytes);
  return Array.from({ length: bytes.length / COMPACT_SIZE }, (_, index) => {
    const at = index * COMPACT_SIZE;
    return {
      requestId: toHex(source.subarray(at, at + 32)),
      contextHash: toHex(source.subarray(at + 32, at + 64)),
      payer: toHex(source.subarray(at + 64, at + 84)),
      sequence: source.readBigUInt64BE(at + 84),
      cumulativeFee: readUint128(source, at + 92),
      completedAt: source.readBigUInt64BE(at + 108),
    };
  });
}
