// SPDX-License-Identifier: MIT
// What a policy costs, and how long receipts wait under it. Whether something is due is asked of the relayer's own rule.
import { isDue, type WaitPolicy } from "../../relayer/batches/policy.ts";
import type { FeeTrace } from "./fees.ts";
import type { Load } from "./load.ts";

/** Gas of what the relayer sends, as measured. */
export interface SettlementGas {
  /** A call with one signed batch of any size. */
  firstBatch: number;
  /** Each further one in it. */
  furtherBatch: number;
  /** A call with one receipt alone. */
  alone: number;
}

export interface Policies {
  name: string;
  /** Of single receipts of a key into a batch. */
  sealing: WaitPolicy;
  /** Of batches into a call. */
  settlement: WaitPolicy;
  aloneAfterMs: number;
}

export interface Timing {
  /** Pause between looks at what waits. */
  sweepMs: number;
  /** From the offer of a batch to its signature and its published leaves. */
  signMs: number;
  /** From a call's queueing to a node's pool: the next block after that has it. */
  sendMs: number;
  /** What fulfilling takes after settlement. */
  fulfilMs: number;
  /** Paid on top of the base fee, wei. */
  tip: bigint;
}

export interface Outcome {
  policies: string;
  receipts: number;
  calls: number;
  batches: number;
  gas: number;
  /** All of it, wei. */
  cost: bigint;
  /** From completion to the block of settlement, milliseconds, by receipt. */
  delays: Float64Array;
  deadlines: number;
  missed: number;
  /** How often each receipt settled; once, or the simulation is wrong. */
  settledTimes: Uint8Array;
}

interface Batch {
  members: number[];
  /** When its leaves were published. */
  readyAt: number;
  deadline: number;
}

/** Batches in one call at most: its gas allows no more. */
const MOST_IN_A_CALL = 160;

/**
 * Replays a load against a trace of base fees, which begins again when it ends. It goes on after the day until every
 * receipt is settled: those that are never due settle alone in the end, as they do in the relayer.
 */
export function simulate(load: Load, fees: FeeTrace, policies: Policies, gas: SettlementGas, timing: Timing): Outcome {
  const { completedAt, keyOf, deadline, keys } = load;
  const { sealing, settlement, aloneAfterMs } = policies;
  const total = completedAt.length;
  const delays = new Float64Array(total);
  const settledTimes = new Uint8Array(total);
  const open = Array.from({ length: keys }, () => ({ ids: [] as number[], from: 0, urgent: [] as number[] }));
  let ready: Batch[] = [];
  const outcome = { calls: 0, batches: 0, gas: 0, missed: 0 };
  let [cost, arrived] = [0n, 0];
  const progress = { settled: 0 };

  const blockAt = (t: number): number => Math.floor(t / fees.blockMs);
  const feeOf = (block: number): bigint => fees.baseFees[block % fees.baseFees.length]!;
  /** Puts receipts into the block that a call from now gets into. */
  function land(now: number, used: number, ids: readonly number[]): void {
    const block = blockAt(now + timing.sendMs) + 1;
    cost += BigInt(used) * (feeOf(block) + timing.tip);
    outcome.gas += used;
    outcome.calls++;
    const at = block * fees.blockMs;
    for (const id of ids) {
      delays[id] = at - completedAt[id]!;
      settledTimes[id]!++;
      progress.settled++;
      if (at + timing.fulfilMs > deadline[id]!) outcome.missed++;
    }
  }
  /** The first deadline among some that is not over; what cannot be met any more hurries nobody. */
  const firstOf = (deadlines: readonly number[], now: number): number =>
    deadlines.reduce((least, each) => (each >= now && each < least ? each : least), Infinity);
  const leftOf = (first: number, now: number): number | undefined => (first === Infinity ? undefined : first - now);

  function seal(now: number, baseFeePerGas: bigint): void {
    for (const batch of open) {
      for (;;) {
        const count = batch.ids.length - batch.from;
        if (count === 0) break;
        const ageMs = now - completedAt[batch.ids[batch.from]!]!;
        if (ageMs >= aloneAfterMs) {
          land(now, gas.alone, [batch.ids[batch.from++]!]);
          continue;
        }
        const deadlineMs = leftOf(firstOf(batch.urgent, now), now);
        if (!isDue({ count, ageMs, baseFeePerGas, deadlineMs }, sealing)) break;
        const members = batch.ids.slice(batch.from, batch.from + sealing.maxCount);
        batch.from += members.length;
        batch.urgent = batch.ids.slice(batch.from).flatMap((id) => (deadline[id]! > now ? [deadline[id]!] : []));
        const first = firstOf(
          members.map((id) => deadline[id]!),
          now,
        );
        ready.push({ members, readyAt: now + timing.signMs, deadline: first });
        outcome.batches++;
      }
      if (batch.from > 50_000) [batch.ids, batch.from] = [batch.ids.slice(batch.from), 0];
    }
  }

  function settle(now: number, baseFeePerGas: bigint): void {
    const waiting = ready.filter(({ readyAt }) => readyAt <= now);
    if (waiting.length === 0) return;
    const deadlineMs = leftOf(
      firstOf(
        waiting.map((batch) => batch.deadline),
        now,
      ),
      now,
    );
    const ageMs = now - waiting[0]!.readyAt;
    if (!isDue({ count: waiting.length, ageMs, baseFeePerGas, deadlineMs }, settlement)) return;
    ready = ready.filter(({ readyAt }) => readyAt > now);
    for (let i = 0; i < waiting.length; i += MOST_IN_A_CALL) {
      const some = waiting.slice(i, i + MOST_IN_A_CALL);
      const used = gas.firstBatch + (some.length - 1) * gas.furtherBatch;
      land(
        now,
        used,
        some.flatMap(({ members }) => members),
      );
    }
  }

  for (let now = 0; progress.settled < total; now += timing.sweepMs) {
    for (; arrived < total && completedAt[arrived]! <= now; arrived++) {
      const batch = open[keyOf[arrived]!]!;
      batch.ids.push(arrived);
      if (!Number.isNaN(deadline[arrived]!)) batch.urgent.push(deadline[arrived]!);
    }
    const baseFeePerGas = feeOf(blockAt(now));
    seal(now, baseFeePerGas);
    settle(now, baseFeePerGas);
  }
  const deadlines = deadline.reduce((sum, each) => sum + (Number.isNaN(each) ? 0 : 1), 0);
  return { policies: policies.name, receipts: total, ...outcome, cost, delays, deadlines, settledTimes };
}

/** The delay that a share of the receipts does not exceed, milliseconds. */
export function delayAt({ delays }: Outcome, share: number): number {
  const sorted = Float64Array.from(delays).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
