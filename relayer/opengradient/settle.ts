// SPDX-License-Identifier: MIT
import { isDue, type WaitPolicy } from "../batches/policy.ts";
import type { BlockTimes } from "../chain/block-times.ts";
import { ChainUnavailable } from "../chain/errors.ts";
import type { Log } from "../chain/manager-options.ts";
import type { ChainReader } from "../chain/reader.ts";
import type { CallBounds } from "../chain/settlement.ts";
import { MAX_DELAY, MAX_SKEW, type Hex } from "../protocol/index.ts";
import type { Work } from "../queue/queue.ts";
import { baseFeeOf } from "../settlement/gas.ts";
import type { Database } from "../store/database.ts";
import {
  answerBacklog,
  endAnswer,
  holdAnswer,
  postponeAnswer,
  readyAnswers,
  submitAnswers,
  type AnswerRow,
} from "../store/gateways.ts";
import { encodeAnswers, planAnswers } from "./calls.ts";
import type { GatewayReader } from "./reader.ts";

export interface AnswerWorkOptions {
  db: Database;
  chain: Pick<ChainReader, "domain" | "head" | "settlementStatus">;
  reader: Pick<GatewayReader, "settledAt">;
  /** GatewayAnswers. */
  place: Hex;
  policy: WaitPolicy;
  bounds: CallBounds;
  /** Time of the latest final block, unix seconds. */
  finalTime: () => Promise<bigint>;
  blockTimes: () => Promise<BlockTimes>;
  sender: string;
  retryMs: number;
  sweepMs: number;
  /** Told when a call was queued. */
  submitted: () => void;
  log: Log;
  now?: () => number;
}

const ANSWERS_AT_ONCE = 500;
const LOOKUPS_AT_ONCE = 16;
/** A clock that was put right is noticed after so long at the latest. */
const LONGEST_HOLD_MS = 600_000;

type Ready = Awaited<ReturnType<typeof readyAnswers>>[number];

/** Puts answers of gateways into calls. Each of them is verified by the chain, alone; no root is ever sent. */
export function answerWork(options: AnswerWorkOptions): Work {
  const { db, chain, reader, place, policy, bounds, sender, retryMs, submitted, log, now = Date.now } = options;

  /** Sees to an answer that is not to go now. @returns whether it is to go. */
  async function isToGo(row: AnswerRow, { latest, next }: BlockTimes): Promise<boolean> {
    try {
      const settledAt = await reader.settledAt(row.requestId);
      if (settledAt > 0n) {
        // Somebody brought it, perhaps we ourselves. It is final with its block; until then it may come back to us.
        if (settledAt > (await options.finalTime())) await postponeAnswer(db, row.id, now(), retryMs);
        else await endAnswer(db, row.id, { state: "final", settledAt: Number(settledAt) });
        return false;
      }
    } catch (error) {
      // Nobody's fault: an outage must not make all calls dearer.
      if (error instanceof ChainUnavailable) throw error;
      await postponeAnswer(db, row.id, now(), retryMs);
      log.warn({ requestId: row.requestId, error: (error as Error).message }, "an answer could not be prepared");
      return false;
    }
    const timestamp = BigInt(row.timestamp);
    if (timestamp + MAX_DELAY < latest) {
      await endAnswer(db, row.id, { state: "rejected", reason: "CompletedTooLongAgo" });
      log.warn({ requestId: row.requestId }, "an answer came too late: the chain would not take it");
      return false;
    }
    const early = timestamp - MAX_SKEW - next;
    if (early > 0n) await holdAnswer(db, row.id, now() + Math.min(Number(early) * 1_000, LONGEST_HOLD_MS));
    return early <= 0n;
  }

  async function toGo(rows: readonly Ready[], times: BlockTimes): Promise<Ready[]> {
    const going: Ready[] = [];
    for (let i = 0; i < rows.length; i += LOOKUPS_AT_ONCE) {
      const some = rows.slice(i, i + LOOKUPS_AT_ONCE);
      const verdicts = await Promise.all(some.map((row) => isToGo(row, times)));
      going.push(...some.filter((_, index) => verdicts[index]));
    }
    return going;
  }

  return {
    concurrency: 1,
    sweepMs: options.sweepMs,
    find: async () => ["all"],
    async run() {
      const { count, oldest, individual } = await answerBacklog(db, now());
      if (count === 0) return;
      if (!individual) {
        const baseFeePerGas = await baseFeeOf(chain);
        if (!isDue({ count, ageMs: now() - (oldest ?? now()), baseFeePerGas }, policy)) return;
      }
      const times = await options.blockTimes();
      const { pausedUntil, closesAt } = await chain.settlementStatus();
      if (times.next < pausedUntil || (closesAt > 0n && times.next >= closesAt)) return; // every call would revert
      const going = await toGo(await readyAnswers(db, now(), ANSWERS_AT_ONCE), times);
      // What was tried and failed travels alone, so that it cannot take others down again.
      const [together, apart] = [going.filter(({ tries }) => tries === 0), going.filter(({ tries }) => tries > 0)];
      for (const rows of [...planAnswers(together, bounds), ...apart.map((row) => [row])]) {
        const data = encodeAnswers(
          rows.map((row) => ({ ...row, answer: { ...row, timestamp: BigInt(row.timestamp) } })),
        );
        const call = { chainId: Number(chain.domain.chainId), sender, to: place, data, createdAt: now() };
        const ids = rows.map(({ id }) => id);
        if (!(await submitAnswers(db, call, ids))) continue;
        log.info({ answers: ids.length }, "queued a call with answers of gateways");
        submitted();
      }
    },
  };
}
