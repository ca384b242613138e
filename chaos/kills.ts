// SPDX-License-Identifier: MIT
// The four moments of a send at which losing the process hurts. The proxies see each one come: no hook in the relayer.
import type { Supervised, Rule } from "./relayers.ts";
import { hashOf } from "./lies.ts";

export type KillPoint = "before signing" | "after signing" | "after send" | "after mining";
export const killPoints: KillPoint[] = ["before signing", "after signing", "after send", "after mining"];

/**
 * Kills the first relayer that comes to a point, with the call that told of it unanswered. Resolves when it is dead.
 * @throws if none came there in time.
 */
export async function killAt(point: KillPoint, relayers: readonly Supervised[], patienceMs: number): Promise<void> {
  let hit: () => void;
  const reached = new Promise<void>((resolve) => (hit = resolve));
  let victim: Supervised | undefined;
  const strike = (relayer: Supervised): void => {
    victim ??= relayer;
    if (victim !== relayer) return;
    relayer.kill();
    hit();
  };
  const rules = relayers.map((relayer) =>
    ruleOf(
      point,
      () => strike(relayer),
      () => victim === undefined,
    ),
  );
  relayers.forEach((relayer, i) => (relayer.rule = rules[i]!));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no relayer came to "${point}" in ${patienceMs} ms`)), patienceMs);
  });
  try {
    await Promise.race([reached, late]);
  } finally {
    clearTimeout(timer);
    for (const relayer of relayers) relayer.rule = () => undefined;
  }
}

function ruleOf(point: KillPoint, strike: () => void, open: () => boolean): Rule {
  const sent = new Set<string>();
  return (call, endpoint) => {
    if (!open()) return undefined;
    switch (point) {
      case "before signing":
        // Asked once for each call, before there is a nonce.
        if (call.method !== "eth_estimateGas") return undefined;
        strike();
        return { kind: "drop" };
      case "after signing":
        if (call.method !== "eth_sendRawTransaction") return undefined;
        strike();
        return { kind: "drop" };
      case "after send":
        if (call.method !== "eth_sendRawTransaction") return undefined;
        // One node gets it and cannot say so; the other never hears of it.
        return endpoint === 0 ? { kind: "lose_reply", after: strike } : { kind: "drop" };
      case "after mining":
        if (call.method === "eth_sendRawTransaction") sent.add(hashOf(call));
        if (call.method !== "eth_getTransactionReceipt" || !sent.has(String(call.params[0]))) return undefined;
        return {
          kind: "change",
          result: (honest) => {
            if (honest !== null) strike();
            return honest;
          },
        };
    }
  };
}
