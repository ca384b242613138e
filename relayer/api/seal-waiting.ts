// SPDX-License-Identifier: MIT
import type { Hex } from "../protocol/index.ts";

/** Long polls at once, each an open connection; and those of one client, so that it cannot take all places. */
const MAX_WAITING = 1_000;
const MAX_WAITING_EACH = 200;

/** Lets long polls sleep until a batch is offered to their key. Losing a call only costs the poll its time. */
export function createSealWaiting() {
  const waiting = new Map<Hex, Set<() => void>>();
  const clients = new Map<string, number>();
  let count = 0;
  return {
    /** Wakes whoever waits for an offer to this key. */
    offered(keyId: Hex): void {
      for (const wake of waiting.get(keyId) ?? []) wake();
    },
    full: (client: string): boolean => count >= MAX_WAITING || (clients.get(client) ?? 0) >= MAX_WAITING_EACH,
    /** Resolves when something was offered, the time is over, or the signal says so. */
    wait(keyId: Hex, client: string, ms: number, signal: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        const group = waiting.get(keyId) ?? new Set();
        waiting.set(keyId, group);
        count++;
        clients.set(client, (clients.get(client) ?? 0) + 1);
        const done = (): void => {
          if (!group.delete(done)) return;
          count--;
          const left = clients.get(client)! - 1;
          if (left > 0) clients.set(client, left);
          else clients.delete(client);
          if (group.size === 0) waiting.delete(keyId);
          clearTimeout(timer);
          signal.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        group.add(done);
        signal.addEventListener("abort", done);
        if (signal.aborted) done();
      });
    },
    /** Ends all waits, at shutdown. */
    close(): void {
      for (const group of [...waiting.values()]) for (const wake of [...group]) wake();
    },
  };
}
export type SealWaiting = ReturnType<typeof createSealWaiting>;
