// SPDX-License-Identifier: MIT
import type { Log, SendListener } from "../chain/manager-options.ts";
import type { RpcReceipt } from "../chain/sending.ts";
import type { TransactionRow } from "../chain/transaction-store.ts";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import { changeHeartbeat } from "../store/gateway-heartbeats.ts";
import { changeAnswers, type AnswerChange } from "../store/gateways.ts";
import { enclaveHeartbeats } from "./abi.ts";
import { decodeAnswers, readAnswerOutcomes } from "./calls.ts";
import type { GatewayReader } from "./reader.ts";

export interface GatewayListenerOptions {
  db: Database;
  reader: Pick<GatewayReader, "settledAt">;
  gatewayAnswers: Hex;
  enclaveHeartbeats: Hex;
  /** First pause before an answer is tried again; it doubles. Milliseconds. */
  retryMs: number;
  /** Told when answers wait for a call again. */
  released: () => void;
  log: Log;
  now?: () => number;
}

/** Reasons that pass by themselves: a clock catches up, and what no log names is not known. */
const PASSING = new Set(["CompletedInFuture", "NotSettled"]);

/** Records what calls did to the answers and heartbeats they carry. Saying the same twice changes nothing. */
export function gatewayListener(options: GatewayListenerOptions): Required<SendListener> {
  const { db, reader, retryMs, released, log, now = Date.now } = options;
  const goesTo = (row: TransactionRow, place: Hex): boolean => row.to.toLowerCase() === place;
  const answersOf = (row: TransactionRow): Hex[] =>
    goesTo(row, options.gatewayAnswers) ? decodeAnswers(row.data) : [];
  const isHeartbeat = (row: TransactionRow): boolean => goesTo(row, options.enclaveHeartbeats);

  async function changesBy(row: TransactionRow, receipt: RpcReceipt, isFinal: boolean): Promise<AnswerChange[]> {
    const state = isFinal ? "final" : "mined";
    const changes: AnswerChange[] = [];
    for (const outcome of readAnswerOutcomes(options.gatewayAnswers, answersOf(row), receipt)) {
      const { requestId } = outcome;
      let reason = outcome.is === "skipped" ? outcome.reason : "NotSettled";
      if (outcome.is !== "skipped" || reason === "AlreadySettled") {
        // The chain's own slot decides, not our reading of a log.
        const settledAt = Number(await reader.settledAt(requestId));
        if (settledAt > 0) {
          changes.push({ requestId, state, reason: null, settledAt });
          continue;
        }
        reason = "NotSettled";
      }
      // A skip may vanish with its block: only a final one counts.
      if (!isFinal) continue;
      log.warn({ requestId, reason }, "the chain left an answer out");
      if (!PASSING.has(reason)) changes.push({ requestId, state: "rejected", reason, settledAt: null });
      else
        changes.push({ requestId, state: "received", reason, settledAt: null, retry: { now: now(), baseMs: retryMs } });
    }
    return changes;
  }

  async function record(row: TransactionRow, changes: AnswerChange[]): Promise<void> {
    await changeAnswers(db, Number(row.id), changes);
    if (changes.some(({ retry }) => retry)) released();
  }
  async function release(row: TransactionRow, reason: string): Promise<void> {
    const retry = { now: now(), baseMs: retryMs };
    const again = answersOf(row).map((requestId): AnswerChange => ({
      requestId,
      state: "received",
      reason,
      settledAt: null,
      retry,
    }));
    log.warn({ transactionId: row.id, answers: again.length, reason }, "a call did not happen; its answers wait");
    await record(row, again);
  }
  const changeBeat = (row: TransactionRow, state: "submitted" | "mined" | "final" | "rejected", reason?: string) =>
    changeHeartbeat(db, Number(row.id), { state, reason: reason ?? null });

  return {
    async mined(row, receipt) {
      const isGood = BigInt(receipt.status) === 1n;
      if (isHeartbeat(row) && isGood) await changeBeat(row, "mined");
      else if (answersOf(row).length > 0 && isGood) await record(row, await changesBy(row, receipt, false));
    },
    async unmined(row) {
      if (isHeartbeat(row)) await changeBeat(row, "submitted");
      const back = answersOf(row).map((requestId): AnswerChange => ({
        requestId,
        state: "submitted",
        reason: null,
        settledAt: null,
      }));
      if (back.length > 0) await record(row, back);
    },
    async final(row, receipt) {
      const isGood = BigInt(receipt.status) === 1n;
      if (isHeartbeat(row)) {
        const noted = isGood && receipt.logs.some((log) => isBeat(log, options.enclaveHeartbeats));
        await changeBeat(row, noted ? "final" : "rejected", noted ? undefined : "reverted");
      } else if (answersOf(row).length > 0) {
        if (isGood) await record(row, await changesBy(row, receipt, true));
        else await release(row, "reverted");
      }
    },
    async failed(row, because) {
      // What a node said beside it is in the log; it is not for strangers.
      const reason = because.split(":")[0]!;
      if (isHeartbeat(row)) await changeBeat(row, "rejected", reason);
      else if (answersOf(row).length > 0) await release(row, reason);
    },
  };
}

const isBeat = (log: RpcReceipt["logs"][number], place: Hex): boolean =>
  log.address.toLowerCase() === place && enclaveHeartbeats.parseLog(log)?.name === "Heartbeat";
