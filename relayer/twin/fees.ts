// SPDX-License-Identifier: MIT
import { twinMarket } from "./abi.ts";

/** In the order of the contract's `Fee`. */
export const FEES = ["protocol", "subject"] as const;
export type FeeName = (typeof FEES)[number];

/** One fee in one block. Percents as the contract has them: 1e18 is 100 %. */
export interface FeeState {
  present: bigint;
  /** What was announced and does not apply yet. */
  increase: { percent: bigint; effectiveAt: number } | null;
  /** No fee above it can ever apply. */
  cap: bigint;
}

/** Both fees, all of one block. */
export interface FeesReading {
  block: { number: number; hash: string; timestamp: number };
  fees: Readonly<Record<FeeName, FeeState>>;
  /** Seconds between the announcement of an increase and its effect, at least. */
  notice: number;
}

/** A reading that somebody has. Times of this computer, in unix milliseconds. */
export interface Seen {
  reading: FeesReading;
  /** When its block was seen first. */
  seenAt: number;
  /** When it was read last. */
  readAt: number;
}

/** What a watcher knows. While `unknownSince` is set the fees are unknown, and `last` is what they once were. */
export interface FeesKnowledge {
  last: Seen | null;
  /** Unix milliseconds; null while the last reading succeeded. */
  unknownSince: number | null;
}

/** What happened to a fee. Times in unix seconds; `transaction` is null where none is known or none was needed. */
export type FeeChange = { fee: FeeName; at: number; transaction: string | null } & (
  | { kind: "increase_announced"; present: bigint; announced: bigint; effectiveAt: number }
  | { kind: "increase_withdrawn"; present: bigint; withdrawn: bigint }
  | { kind: "increased" | "decreased"; previous: bigint; present: bigint }
);

/** A log of the market as a node gives it, with the time of its block. */
export interface FeeLog {
  topics: readonly string[];
  data: string;
  transactionHash: string;
  timestamp: number;
}

const sameIncrease = (a: FeeState["increase"], b: FeeState["increase"]): boolean =>
  a?.percent === b?.percent && a?.effectiveAt === b?.effectiveAt;

/** Whether a trader would see the same in both. The block may be another one. */
export function sameFees(a: FeesReading, b: FeesReading): boolean {
  return FEES.every(
    (fee) =>
      a.fees[fee].present === b.fees[fee].present &&
      a.fees[fee].cap === b.fees[fee].cap &&
      sameIncrease(a.fees[fee].increase, b.fees[fee].increase),
  );
}

/**
 * What happened between two readings, in order. The readings decide: logs only tell of what came and went between them,
 * and when. Where logs are missing, or a reorganisation took back what was told, the difference is told all the same.
 *
 * @param logs Of the blocks after `before` up to `after`, in order; none if they cannot be had.
 */
export function changesBetween(before: FeesReading, after: FeesReading, logs: readonly FeeLog[] = []): FeeChange[] {
  const stories = FEES.map((fee) => {
    const story = new Story(fee, before.fees[fee]);
    for (const log of logs) story.read(log);
    story.runOut(after.block.timestamp);
    story.arriveAt(after.fees[fee], after.block.timestamp);
    return story.changes;
  });
  return stories.flat().sort((a, b) => a.at - b.at);
}

/** One fee, followed from a state through its logs to another state. */
class Story {
  readonly changes: FeeChange[] = [];
  readonly #fee: FeeName;
  #present: bigint;
  #increase: FeeState["increase"];

  constructor(fee: FeeName, from: FeeState) {
    this.#fee = fee;
    this.#present = from.present;
    this.#increase = from.increase;
  }

  read({ topics, data, transactionHash: transaction, timestamp: at }: FeeLog): void {
    const parsed = twinMarket.parseLog({ topics, data });
    if (parsed === null || FEES[Number(parsed.args["fee"])] !== this.#fee) return;
    this.runOut(at);
    const { present, announced, effectiveAt } = parsed.args.toObject() as Record<string, bigint>;
    const tells = { at, transaction };
    if (parsed.name === "FeeIncreaseAnnounced") this.#announce(announced!, Number(effectiveAt), tells);
    else if (parsed.name === "FeeIncreaseWithdrawn") this.#withdraw(tells);
    // An increase that ran out was told when it did; its log comes with whoever trades next.
    else this.#change(present!, tells);
  }

  /** An announced increase needs no transaction to apply, only its time. */
  runOut(now: number): void {
    if (this.#increase === null || now < this.#increase.effectiveAt) return;
    const { percent, effectiveAt } = this.#increase;
    this.#increase = null;
    this.#change(percent, { at: effectiveAt, transaction: null });
  }

  /** Tells what is still different. */
  arriveAt({ present, increase }: FeeState, at: number): void {
    const tells = { at, transaction: null };
    const gone = this.#increase !== null && !sameIncrease(this.#increase, increase);
    if (gone && this.#increase?.percent !== present) this.#withdraw(tells);
    this.#change(present, tells);
    if (increase !== null && !sameIncrease(this.#increase, increase))
      this.#announce(increase.percent, increase.effectiveAt, tells);
  }

  #announce(percent: bigint, effectiveAt: number, tells: { at: number; transaction: string | null }): void {
    if (percent === this.#present) return; // The market announces increases only: this log's block is no longer there.
    const change = { present: this.#present, announced: percent, effectiveAt };
    this.#increase = { percent, effectiveAt };
    this.changes.push({ kind: "increase_announced", fee: this.#fee, ...change, ...tells });
  }

  #withdraw(tells: { at: number; transaction: string | null }): void {
    if (this.#increase === null) return;
    const change = { present: this.#present, withdrawn: this.#increase.percent };
    this.#increase = null;
    this.changes.push({ kind: "increase_withdrawn", fee: this.#fee, ...change, ...tells });
  }

  #change(present: bigint, tells: { at: number; transaction: string | null }): void {
    const previous = this.#present;
    if (present === previous) return;
    this.#present = present;
    if (this.#increase?.percent === present) this.#increase = null;
    const kind = present > previous ? "increased" : "decreased";
    this.changes.push({ kind, fee: this.#fee, previous, present, ...tells });
  }
}
