// SPDX-License-Identifier: MIT
import type { SendListener } from "../chain/manager-options.ts";
import type { RpcReceipt } from "../chain/sending.ts";
import type { TransactionRow } from "../chain/transaction-store.ts";
import * as abi from "../chain/abi.ts";
import { eip3009 } from "../facilitator/eip3009.ts";
import { exactProxy } from "../facilitator/permit2.ts";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import { purposeOf, recordCost } from "../store/operation.ts";

/** What a call is for: the function's name where it is one of ours. */
export function kindOfCall({ sender, to, data }: Pick<TransactionRow, "sender" | "to" | "data">): string {
  if (data === "0x") return to.toLowerCase() === sender.toLowerCase() ? "nonce_gap" : "other";
  for (const known of [abi.inferenceRegistry, eip3009, exactProxy]) {
    const found = known.getFunction(data.slice(0, 10));
    if (found) return found.name;
  }
  return "other";
}

/** Everything that the chain took for a transaction, wei. Rollups of the OP stack add what the data cost below. */
export function feeOf(receipt: RpcReceipt & { effectiveGasPrice?: string; l1Fee?: string }): bigint {
  return BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice ?? 0) + BigInt(receipt.l1Fee ?? 0);
}

/** Keeps in the ledger what each mined transaction cost, by what it was for. */
export function costListener(db: Database): SendListener {
  return {
    async mined(row, receipt) {
      const cancelled = (await purposeOf(db, receipt.transactionHash.toLowerCase() as Hex)) === "cancel";
      const kind = cancelled ? "cancel" : kindOfCall(row);
      await recordCost(db, row.id, { kind, gasUsed: Number(receipt.gasUsed), feeWei: feeOf(receipt) });
    },
    unmined: (row) => recordCost(db, row.id, null),
  };
}
