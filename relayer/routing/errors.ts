// SPDX-License-Identifier: MIT
import type { Matches } from "./match.ts";

/** Why a node that can serve by the chain gets no request now. */
export const HOLDS = ["NoHeartbeat", "Failing", "KeyEndsSoon", "Busy"] as const;
export type Hold = (typeof HOLDS)[number];

const CHAIN = {
  chain_unknown: "the chain could not be asked who can serve, and no request is sent on a guess; come back",
  chain_stale:
    "the newest block that is known is too old to go by; the node of the chain stands still, or the chain does",
} as const;

/** It is not known who can serve. */
export class RoutingUnknown extends Error {
  override readonly name = "RoutingUnknown";
  readonly code: keyof typeof CHAIN;
  constructor(code: keyof typeof CHAIN, cause?: unknown) {
    super(CHAIN[code], cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** No node can serve, and why, as numbers: those of the chain, and of the nodes that fit there what holds them back here. */
export class NoNode extends Error {
  override readonly name = "NoNode";
  readonly code = "no_node";
  readonly matches: Matches;
  readonly holds: Readonly<Record<Hold, number>>;
  constructor(matches: Matches, holds: Record<Hold, number>) {
    super(`no node can serve this now: ${whyNone(matches, holds).join("; ") || "none is registered"}`);
    this.matches = matches;
    this.holds = holds;
  }
}

const WORDS: Record<string, string> = {
  NoModel: "offer the version, but not in this mode",
  NotActive: "are paused or retired",
  StakeTooLow: "have too little stake",
  NoVerificationPath: "have no valid verification path",
  NoCapacity: "have no free capacity",
  NoHeartbeat: "have not been heard of lately",
  Failing: "failed lately",
  KeyEndsSoon: "have a key that ends before an answer would be there",
  Busy: "have as many requests under way as they take",
};

/** One clause a reason, with its number; reasons that hold of no node are left out. */
export function whyNone(
  { counts, paths, without }: Omit<Matches, "candidates" | "total">,
  holds: Partial<Record<Hold, number>> = {},
): string[] {
  const clauses: string[] = without > 0n ? [`${without} do not offer the version`] : [];
  for (const [reason, count] of [...Object.entries(counts), ...Object.entries(holds)]) {
    if (count === 0 || reason === "Fits") continue;
    const why = Object.entries(paths).map(([name, many]) => `${name} ${many}`);
    clauses.push(`${count} ${WORDS[reason]}${reason === "NoVerificationPath" ? ` (${why.join(", ")})` : ""}`);
  }
  return clauses;
}
