// SPDX-License-Identifier: MIT
import type { Log } from "../chain/manager-options.ts";
import type { ChainReader } from "../chain/reader.ts";
import type { ItemFate, SettlementSink } from "../chain/settlement-watcher.ts";
import type { Database } from "../store/database.ts";
import { changeItems, type ItemChange } from "../store/settlement.ts";

export interface FollowOptions {
  db: Database;
  chain: Pick<ChainReader, "settledAt">;
  /** First pause before an item that was left out for a passing reason is tried again; it doubles. Milliseconds. */
  retryMs: number;
  /** Told when items wait for a call again. */
  released: () => void;
  log: Log;
  now?: () => number;
}

/** Reasons that pass by themselves: a freeze lifts, a clock catches up, and what no log names is not known. */
const PASSING = new Set([
  "KeyFrozen",
  "ModelFrozen",
  "VerifierFrozen",
  "MeasurementFrozen",
  "CompletedInFuture",
  "NotSettled",
]);

/** Records in the ledger what calls did to the items they carry. Saying the same twice changes nothing. */
export function settlementSink({ db, chain, retryMs, released, log, now = Date.now }: FollowOptions): SettlementSink {
  const again = (): { now: number; baseMs: number } => ({ now: now(), baseMs: retryMs });

  /** All items of a call settle in one block, so one question answers for all; the chain's slot is the truth. */
  async function timeOf(fates: readonly ItemFate[]): Promise<number | null> {
    const one = fates.find((fate) => fate.state === "settled");
    if (!one) return null;
    const settledAt = await chain.settledAt(one.id);
    return settledAt === 0n ? null : Number(settledAt);
  }

  function changeOf(fate: ItemFate, time: number | null, isFinal: boolean): ItemChange | undefined {
    const state = isFinal ? "final" : "mined";
    if (fate.state === "settled") return { state, reason: null, settledAt: time };
    if (fate.state === "settled_before") return { state, reason: null, settledAt: Number(fate.settledAt) };
    // A skip may vanish with its block: only a final one counts.
    if (!isFinal) return undefined;
    log.warn({ item: fate.id, reason: fate.reason }, "the chain left an item out");
    if (PASSING.has(fate.reason)) return { state: "verified", reason: fate.reason, retry: again() };
    return { state: "rejected", reason: fate.reason };
  }

  async function record(transactionId: string, fates: readonly ItemFate[], isFinal: boolean): Promise<void> {
    const time = await timeOf(fates);
    const changes = fates.flatMap((fate) => {
      const change = changeOf(fate, time, isFinal);
      return change ? [{ id: fate.id, kind: fate.kind, change }] : [];
    });
    await changeItems(db, Number(transactionId), changes);
    if (changes.some(({ change }) => change.retry)) released();
  }

  return {
    mined: (transactionId, fates) => record(transactionId, fates, false),
    final: (transactionId, fates) => record(transactionId, fates, true),
    unmined: (transactionId, items) =>
      changeItems(
        db,
        Number(transactionId),
        items.map(({ id, kind }) => ({ id, kind, change: { state: "submitted", reason: null, settledAt: null } })),
      ),
    async released(transactionId, items, reason) {
      log.warn({ transactionId, items: items.length, reason }, "a call did not happen; its items wait for another");
      const change: ItemChange = { state: "verified", reason, settledAt: null, retry: again() };
      await changeItems(
        db,
        Number(transactionId),
        items.map(({ id, kind }) => ({ id, kind, change })),
      );
      released();
    },
  };
}
