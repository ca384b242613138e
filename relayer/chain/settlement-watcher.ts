// SPDX-License-Identifier: MIT
import type { Domain, Hex } from "../protocol/index.ts";
import type { SendListener } from "./manager-options.ts";
import type { ChainReader } from "./reader.ts";
import { decodeSettlement, itemId, readOutcomes, type ItemKind, type SettlementItem } from "./settlement.ts";
import type { RpcReceipt } from "./sending.ts";
import type { TransactionRow } from "./transaction-store.ts";

/** One item of a call, as far as its fate is known at this turn. */
export type ItemFate = { id: Hex; kind: ItemKind } & (
  | { state: "settled" }
  /** The chain has it from another call, ours or somebody's: as good as settled by us. */
  | { state: "settled_before"; settledAt: bigint }
  | { state: "skipped"; reason: string }
);

/**
 * Where the fates of items are recorded. Called again after a crash: a second call with the same words must change
 * nothing.
 */
export interface SettlementSink {
  /** In a block, and may yet vanish. */
  mined(transactionId: string, fates: ItemFate[], receipt: RpcReceipt): Promise<void>;
  /** A reorganisation took the call out; it is sent again by itself. */
  unmined(transactionId: string, items: { id: Hex; kind: ItemKind }[]): Promise<void>;
  /** Cannot change any more. */
  final(transactionId: string, fates: ItemFate[], receipt: RpcReceipt): Promise<void>;
  /** The call reverted or never happened, for good: its items are where they were before it. */
  released(transactionId: string, items: { id: Hex; kind: ItemKind }[], reason: string): Promise<void>;
}

/** Turns what happens to transactions into what happens to the items they carry. */
export function settlementListener(options: {
  domain: Domain;
  reader: Pick<ChainReader, "settledAt">;
  sink: SettlementSink;
}): Required<SendListener> {
  const { domain, reader, sink } = options;
  const itemsOf = (row: TransactionRow): SettlementItem[] =>
    row.to.toLowerCase() === domain.verifyingContract ? decodeSettlement(row.data) : [];
  const idsOf = (row: TransactionRow) => itemsOf(row).map((item) => ({ id: itemId(domain, item), kind: item.kind }));

  async function fatesOf(row: TransactionRow, receipt: RpcReceipt): Promise<ItemFate[]> {
    const fates: ItemFate[] = [];
    for (const outcome of readOutcomes(domain, itemsOf(row), receipt)) {
      const { id, kind } = outcome;
      if (outcome.state === "settled") fates.push({ id, kind, state: "settled" });
      else if (outcome.state === "skipped" && outcome.reason !== "AlreadySettled") fates.push({ ...outcome });
      else {
        // "Settled already", or nothing said: the chain's own slot decides, not our reading of a log.
        const settledAt = await reader.settledAt(id);
        if (settledAt > 0n) fates.push({ id, kind, state: "settled_before", settledAt });
        else fates.push({ id, kind, state: "skipped", reason: "NotSettled" });
      }
    }
    return fates;
  }

  return {
    async mined(row, receipt) {
      const items = itemsOf(row);
      if (items.length > 0 && BigInt(receipt.status) === 1n)
        await sink.mined(row.id, await fatesOf(row, receipt), receipt);
    },
    async unmined(row) {
      const items = idsOf(row);
      if (items.length > 0) await sink.unmined(row.id, items);
    },
    async final(row, receipt) {
      const items = idsOf(row);
      if (items.length === 0) return;
      if (BigInt(receipt.status) === 1n) await sink.final(row.id, await fatesOf(row, receipt), receipt);
      else await sink.released(row.id, items, "reverted");
    },
    async failed(row, reason) {
      const items = idsOf(row);
      if (items.length > 0) await sink.released(row.id, items, reason);
    },
  };
}
