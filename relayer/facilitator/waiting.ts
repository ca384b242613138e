// SPDX-License-Identifier: MIT
import type { PaymentRow } from "../store/payments.ts";

export interface WaitingOptions {
  read: (ids: readonly number[]) => Promise<PaymentRow[]>;
  /** Whether a payment needs no more waiting. */
  isOver: (row: PaymentRow) => boolean;
  /** Milliseconds between looks at the ledger. */
  everyMs: number;
  onError: (error: Error) => void;
}

/** So many wait at once; whoever comes then is told at once that it is not known yet. */
const MAX_WAITING = 1_000;
/** Of them for one payment: who brings one header a thousand times takes nobody else's place. */
const MAX_FOR_ONE = 16;

/**
 * Lets requests sleep until the ledger knows how a payment ended, whichever process learnt it. One question to the
 * ledger serves all who wait.
 */
export function createPaymentWaiting({ read, isOver, everyMs, onError }: WaitingOptions) {
  const waiting = new Map<number, Set<() => void>>();
  let count = 0;
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    try {
      for (const row of await read([...waiting.keys()]))
        if (isOver(row)) for (const wake of [...(waiting.get(row.id) ?? [])]) wake();
    } catch (error) {
      onError(error as Error);
    }
    timer = undefined;
    plan();
  }
  function plan(): void {
    if (timer === undefined && waiting.size > 0) timer = setTimeout(() => void look(), everyMs);
  }

  return {
    /** Resolves when the payment is over, the time is, or this stops. */
    wait(id: number, ms: number): Promise<void> {
      if (count >= MAX_WAITING || (waiting.get(id)?.size ?? 0) >= MAX_FOR_ONE) return Promise.resolve();
      return new Promise((resolve) => {
        const group = waiting.get(id) ?? new Set();
        waiting.set(id, group);
        count++;
        const done = (): void => {
          if (!group.delete(done)) return;
          count--;
          if (group.size === 0) waiting.delete(id);
          clearTimeout(patience);
          resolve();
        };
        const patience = setTimeout(done, ms);
        group.add(done);
        plan();
      });
    },
    /** Ends all waits, at shutdown. */
    close(): void {
      for (const group of [...waiting.values()]) for (const wake of [...group]) wake();
      clearTimeout(timer);
    },
  };
}
