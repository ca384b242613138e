// SPDX-License-Identifier: MIT
import type { Deadlines } from "../batches/deadlines.ts";
import { isDue, type WaitPolicy } from "../batches/policy.ts";
import type { BlockTimes } from "../chain/block-times.ts";
import { ChainUnavailable, ItemTooLarge, NodesDisagree } from "../chain/errors.ts";
import type { Log } from "../chain/manager-options.ts";
import type { ChainReader } from "../chain/reader.ts";
import { encodeSettlement, itemId, planCalls, type CallBounds, type SettlementItem } from "../chain/settlement.ts";
import { completedSpan, encodeCompact, parseLeaves, toHex, type CompletedSpan, type Hex } from "../protocol/index.ts";
import type { Work } from "../queue/queue.ts";
import { batchOf, moveBatch, readBatch } from "../store/batches.ts";
import type { Database } from "../store/database.ts";
import { readyAnswersTo } from "../store/deadlines.ts";
import { holdBack, postpone, readyBacklog, readyItems, submitCall, type ItemRef } from "../store/settlement.ts";
import { moveSingle, readSingle, receiptOf } from "../store/singles.ts";
import { baseFeeOf } from "./gas.ts";
import { timingOf } from "./timing.ts";

export interface SettleOptions {
  db: Database;
  chain: ChainReader;
  policy: WaitPolicy;
  /** Deadlines of the requests that receipts answer, if they are followed. */
  deadlines?: Pick<Deadlines, "within"> | undefined;
  bounds: CallBounds;
  /** Time of the latest final block, unix seconds. */
  finalTime: () => Promise<bigint>;
  blockTimes: () => Promise<BlockTimes>;
  /** Address that pays for the calls. */
  sender: string;
  retryMs: number;
  sweepMs: number;
  /** Told when a call was queued, with the ids of what it carries. */
  submitted: (ids: readonly Hex[]) => void;
  log: Log;
  now?: () => number;
}

const ITEMS_AT_ONCE = 200;
/** A clock that was put right is noticed after so long at the latest. */
const LONGEST_HOLD_MS = 600_000;

interface Loaded {
  ref: ItemRef;
  item: SettlementItem;
  completed: CompletedSpan;
  /** An item whose calls failed before travels alone, so that it cannot take others down again. */
  apart: boolean;
}

/** Puts what is ready into calls. */
export function settleWork(options: SettleOptions): Work {
  const { db, chain, policy, bounds, sender, submitted, log, now = Date.now } = options;
  let wasOpen = true;

  async function load(ref: ItemRef): Promise<Loaded | undefined> {
    if (ref.table === "singles") {
      const row = await readSingle(db, ref.id);
      if (row?.state !== "verified" || !row.alone) return undefined;
      const evidence = row.evidence ? toHex(row.evidence) : "0x";
      const receipt = receiptOf(row);
      const item: SettlementItem = { kind: "receipt", receipt, signature: row.signature, evidence };
      const completed = { oldest: receipt.completedAt, newest: receipt.completedAt };
      return { ref, item, completed, apart: row.tries > 0 };
    }
    const row = await readBatch(db, ref.id);
    if (row?.state !== "verified") return undefined;
    const { signature, modelId } = row;
    const item: SettlementItem = row.proved
      ? {
          ...{ kind: "proved", batch: batchOf(row), modelId: modelId!, signature },
          ...{ receipts: encodeCompact(parseLeaves(row.document).receipts), evidence: toHex(row.evidence!) },
        }
      : { kind: "signed", batch: batchOf(row), signature };
    return { ref, item, completed: completedSpan(row.document), apart: row.tries > 0 };
  }

  /** Sees to an item that is not to go now. @returns whether it may go. */
  async function isRipe({ ref, item, completed }: Loaded, times: BlockTimes): Promise<boolean> {
    const { keyId, mode } = item.kind === "receipt" ? item.receipt : item.batch;
    const key = await chain.signingKey(keyId, mode);
    if (!key) throw new Error(`the chain does not know key ${keyId} any more`);
    const timing = timingOf(completed, item.kind !== "signed", key, times);
    if (timing.is === "lost") {
      await finish(ref, { state: "rejected", reason: timing.reason });
      log.warn({ item: ref, reason: timing.reason }, "an item came too late: the chain would not take it");
    }
    if (timing.is === "early") await holdBack(db, ref, now() + Math.min(timing.seconds * 1_000, LONGEST_HOLD_MS));
    return timing.is === "due";
  }

  async function finish(
    { table, id }: ItemRef,
    values: { state: "final" | "rejected"; reason?: string; settledAt?: number },
  ) {
    if (table === "singles") await moveSingle(db, id, "verified", values);
    else await moveBatch(db, id, "verified", values);
  }

  /** Loads an item and leaves out what the chain has already, whoever brought it there. */
  async function prepare(ref: ItemRef, times: BlockTimes): Promise<Loaded | undefined> {
    try {
      const loaded = await load(ref);
      if (!loaded) return undefined;
      const settledAt = await chain.settledAt(itemId(chain.domain, loaded.item));
      if (settledAt > 0n) {
        // Somebody else brought it. It is final with its block; until then it may come back to us.
        if (settledAt <= (await options.finalTime())) {
          await finish(ref, { state: "final", settledAt: Number(settledAt) });
        } else await postpone(db, ref, now(), options.retryMs);
        return undefined;
      }
      if (!(await isRipe(loaded, times))) return undefined;
      planCalls([loaded.item], bounds);
      return loaded;
    } catch (error) {
      if (error instanceof ItemTooLarge) {
        await finish(ref, { state: "rejected", reason: error.code });
        log.warn({ item: ref, error: error.message }, "an item fits no transaction");
        return undefined;
      }
      if (error instanceof NodesDisagree) {
        // One of them is behind, or lies. It is no failed try, and it holds up no other.
        await holdBack(db, ref, now() + options.retryMs);
        log.warn({ item: ref, error: error.message }, "an item waits until nodes agree on it");
        return undefined;
      }
      // Nobody's fault: whoever was tried and failed travels alone, and an outage must not make all calls dearer.
      if (error instanceof ChainUnavailable) throw error;
      // Its own trouble, or the disk's: it waits, and the others go on.
      await postpone(db, ref, now(), options.retryMs);
      log.warn({ item: ref, error: (error as Error).message }, "an item could not be prepared; it is tried again");
      return undefined;
    }
  }

  /**
   * What may go now of all that is ready. Where the chain cannot be asked on the way, what was prepared before goes all the
   * same: of hundreds of questions to a slow node one is late each time, and a backlog would only grow.
   */
  async function prepareAll(times: BlockTimes): Promise<{ loaded: Loaded[]; outage: ChainUnavailable | null }> {
    const loaded: Loaded[] = [];
    try {
      for (const ref of await readyItems(db, now(), ITEMS_AT_ONCE)) {
        const one = await prepare(ref, times);
        if (one) loaded.push(one);
      }
    } catch (error) {
      if (error instanceof ChainUnavailable) return { loaded, outage: error };
      throw error;
    }
    return { loaded, outage: null };
  }

  /** Time until the first deadline among what is ready, as far as it is near. */
  async function timeLeft(): Promise<number | undefined> {
    const near = options.deadlines?.within(policy.marginMs) ?? [];
    const ids = near.map(({ requestId }) => requestId);
    const ready = new Set(await readyAnswersTo(db, now(), ids));
    return near.find(({ requestId }) => ready.has(requestId))?.leftMs;
  }

  return {
    concurrency: 1,
    sweepMs: options.sweepMs,
    find: async () => ["all"],
    async run() {
      const { count, oldest } = await readyBacklog(db, now());
      if (count === 0) return;
      const baseFeePerGas = await baseFeeOf(chain);
      const deadlineMs = await timeLeft();
      if (!isDue({ count, ageMs: now() - (oldest ?? now()), baseFeePerGas, deadlineMs }, policy)) return;
      const times = await options.blockTimes();
      const { pausedUntil, closesAt } = await chain.settlementStatus();
      const isOpen = times.next >= pausedUntil && (closesAt === 0n || times.next < closesAt);
      if (isOpen !== wasOpen)
        log.warn({ pausedUntil, closesAt }, isOpen ? "settlement is open again" : "settlement rests");
      wasOpen = isOpen;
      if (!isOpen) return; // every call would revert
      const { loaded, outage } = await prepareAll(times);
      const refs = new Map(loaded.map(({ item, ref }) => [item, ref]));
      const together = loaded.filter(({ apart }) => !apart).map(({ item }) => item);
      const calls = [...planCalls(together, bounds), ...loaded.filter(({ apart }) => apart).map(({ item }) => [item])];
      for (const items of calls) {
        const call = {
          chainId: Number(chain.domain.chainId),
          sender,
          to: chain.domain.verifyingContract,
          data: encodeSettlement(items),
          createdAt: now(),
        };
        const members = items.map((item) => refs.get(item)!);
        if (await submitCall(db, call, members)) {
          const ids = items.map((item) => itemId(chain.domain, item));
          log.info({ items: ids, kind: items[0]!.kind }, "queued a settlement call");
          submitted(ids);
        }
      }
      if (outage) throw outage;
    },
  };
}
