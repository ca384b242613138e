// SPDX-License-Identifier: MIT
import {
  dataHashOf,
  fromHex,
  leafOf,
  leavesDocument,
  merkleLevels,
  ProtocolError,
  receiptIdBytes,
  toHex,
  type Batch,
  type Domain,
  type Hex,
  type Receipt,
} from "../protocol/index.ts";
import { pathsOf } from "./paths.ts";

/** A batch made of receipts, with the bytes that are kept of it. */
export interface MadeBatch {
  batch: Batch;
  /** Leaves document. */
  document: Uint8Array<ArrayBuffer>;
  /** 32 bytes a receipt. */
  receiptIds: Uint8Array<ArrayBuffer>;
  /** Siblings in the tree, so that openings need no hashing. */
  paths: Uint8Array<ArrayBuffer>;
}

/**
 * Makes the batch over receipts of one key and mode, in order.
 * @throws ProtocolError `empty_tree`, `foreign_leaf`, and for fields of the wrong size or range.
 */
export function makeBatch(domain: Domain, receipts: readonly Receipt[], settler: Hex): MadeBatch {
  const [first] = receipts;
  if (!first) throw new ProtocolError("empty_tree", "A batch has at least one receipt");
  const ids = receipts.map((receipt) => receiptIdBytes(domain, receipt));
  const { keyId, mode } = first;
  const levels = merkleLevels(ids.map(leafOf));
  const root = toHex(levels.at(-1)![0]!);
  const document = leavesDocument(domain, { keyId, mode }, receipts);
  const receiptIds = new Uint8Array(32 * ids.length);
  ids.forEach((id, index) => receiptIds.set(id, 32 * index));
  return {
    batch: { keyId, mode, root, count: receipts.length, dataHash: dataHashOf(document), settler },
    document,
    receiptIds,
    paths: pathsOf(levels),
  };
}

/** 65 bytes a receipt, in order. */
export function packSignatures(signatures: readonly Hex[]): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(65 * signatures.length);
  signatures.forEach((signature, index) => packed.set(fromHex(signature, 65), 65 * index));
  return packed;
}
