// SPDX-License-Identifier: MIT
import {
  merkleProof,
  parseLeaves,
  receiptId,
  type Domain,
  type Hex,
  type Opening,
  type Receipt,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "../protocol/index.ts";
import { batchOf, type BatchRow } from "../store/batches.ts";

/** Batches whose leaves are remembered, so that asking for its receipts one by one does not hash it each time. */
const REMEMBERED = 4;

/** Makes openings of batched receipts. */
export function createOpenings(domain: Domain) {
  const known = new Map<Hex, Hex[]>();

  function idsOf(row: BatchRow): Hex[] {
    let ids = known.get(row.digest);
    if (!ids) {
      ids = parseLeaves(row.document).receipts.map((receipt) => receiptId(domain, receipt));
      if (known.size >= REMEMBERED) known.delete(known.keys().next().value!);
    }
    known.delete(row.digest);
    known.set(row.digest, ids);
    return ids;
  }

  return {
    /** Opening of the receipt at `index`. */
    ofBatch(row: BatchRow, receipt: Receipt, index: number): Opening {
      return { receipt, batch: batchOf(row), index, proof: merkleProof(idsOf(row), index) };
    },
    /** Opening of a receipt that settles alone: a batch of count 0 says so. */
    alone(receipt: Receipt): Opening {
      const batch = {
        keyId: ZERO_HASH,
        mode: 0,
        root: ZERO_HASH,
        count: 0,
        dataHash: ZERO_HASH,
        settler: ZERO_ADDRESS,
      };
      return { receipt, batch, index: 0, proof: [] };
    },
  };
}
