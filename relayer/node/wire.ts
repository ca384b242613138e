// SPDX-License-Identifier: MIT
// How receipts travel as JSON: whole numbers beyond 2^53 as decimal strings.
import type { Batch, Hex, Receipt } from "../protocol/index.ts";

export type WireReceipt = Omit<Receipt, "sequence" | "cumulativeFee" | "completedAt"> & {
  sequence: string;
  cumulativeFee: string;
  completedAt: string;
};

export interface SignedReceipt {
  receipt: Receipt;
  /** 65 bytes over the receipt id. */
  signature: Hex;
}

export interface SignedBatch {
  batch: Batch;
  /** 65 bytes over the batch digest. */
  signature: Hex;
  receipts: SignedReceipt[];
}

export function receiptToWire(receipt: Receipt): WireReceipt {
  const { sequence, cumulativeFee, completedAt } = receipt;
  return {
    ...receipt,
    sequence: sequence.toString(),
    cumulativeFee: cumulativeFee.toString(),
    completedAt: completedAt.toString(),
  };
}

export function receiptFromWire(wire: WireReceipt): Receipt {
  return {
    ...wire,
    sequence: BigInt(wire.sequence),
    cumulativeFee: BigInt(wire.cumulativeFee),
    completedAt: BigInt(wire.completedAt),
  };
}
