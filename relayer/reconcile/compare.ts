// SPDX-License-Identifier: MIT
// The comparison itself, without a database or a network: what is found depends on nothing but what is passed in.
import type { Hex } from "../protocol/index.ts";
import type { Difference, Finding, LedgerItem, Settled, Total, View } from "./types.ts";

export interface CompareOptions {
  /** Calls of this ledger, by hash: every signed form of them, as any may be mined. */
  ours: ReadonlySet<Hex>;
  /**
   * When the chain itself says that an item settled, unix seconds, 0 for not. Asked for items that the source lacks;
   * without an entry the source's word stands.
   */
  slots?: ReadonlyMap<Hex, number>;
  /** What settled after this, unix seconds, the ledger may not have written down yet. */
  graceFrom: number;
}

export const DAY = 86_400;
/** Midnight before a moment, UTC, unix seconds. */
export const dayOf = (seconds: number): number => seconds - (seconds % DAY);

/** Holds the ledger against a source. The same arguments give the same findings, in the ledger's order. */
export function compare(ledger: readonly LedgerItem[], view: View, options: CompareOptions): Finding[] {
  return ledger.flatMap((item) => compareItem(item, view, options));
}

/** Items that the ledger holds as final in blocks that the source speaks for, and that the source does not have. */
export function absentees(ledger: readonly LedgerItem[], view: View): LedgerItem[] {
  return ledger.filter(
    (item) => item.state === "final" && !view.settled.has(item.id) && spokenFor(item, view) === "yes",
  );
}

function compareItem(item: LedgerItem, view: View, { ours, slots, graceFrom }: CompareOptions): Finding[] {
  const { id, kind, state } = item;
  const settled = view.settled.get(id);
  const known = state === "final" || state === "mined";
  if (settled) {
    const { transaction, block } = settled;
    const findings: Finding[] = [];
    const facts = differences(item, settled);
    if (facts.length > 0) findings.push({ kind: "different", id, item: kind, facts });
    if (!known && settled.settledAt > graceFrom) return findings;
    if (!ours.has(transaction)) {
      findings.push({ kind: known ? "foreign_marked" : "foreign", id, item: kind, transaction, block, state });
    } else if (!known) findings.push({ kind: "unrecorded", id, item: kind, transaction, block, state });
    return findings;
  }
  if (state !== "final") return [];
  switch (spokenFor(item, view)) {
    case "not_asked":
      return [];
    case "not_yet":
      return [{ kind: "behind", id, item: kind, block: item.block }];
    case "yes": {
      const { settledAt, block, keyId } = item;
      const slot = slots?.get(id) ?? 0;
      return slot > 0
        ? [{ kind: "unindexed", id, item: kind, settledAt: slot, block }]
        : [{ kind: "missing", id, item: kind, keyId, settledAt, block }];
    }
  }
}

/** Whether a source that lacks an item says anything by that. Its block decides, and its time where that is unknown. */
export function spokenFor({ block, settledAt }: LedgerItem, view: View): "yes" | "not_yet" | "not_asked" {
  const { from, upTo, fromTime, upToTime } = view;
  // The time first: it is of the block that it settled in, and the call may have been a later one that found it settled.
  if (settledAt !== null && settledAt < fromTime) return "not_asked";
  if (settledAt !== null && settledAt > upToTime) return "not_yet";
  if (block !== null && block < from) return "not_asked";
  return block !== null && block > upTo ? "not_yet" : "yes";
}

function differences(item: LedgerItem, settled: Settled): Difference[] {
  const pairs: [Difference["fact"], string | number | null, string | number | null][] = [
    ["keyId", item.keyId, settled.keyId],
    ["mode", item.mode, settled.mode],
    ["count", item.count, settled.count],
    ["root", item.root, settled.root],
  ];
  // Before it is final, a reorganisation may yet move it.
  if (item.state === "final" && item.settledAt !== null) {
    pairs.push(["settledAt", item.settledAt, settled.settledAt]);
  }
  return pairs
    .filter(([, ledger, source]) => ledger !== source)
    .map(([fact, ledger, source]) => ({ fact, ledger, source }));
}

/** Receipts of the ledger's items that a source has, by key and by day. */
export interface Tally {
  keys: Map<Hex, number>;
  days: Map<number, number>;
}

/** Adds up what a source has of the ledger's items. What it lacks is told item by item. */
export function tally(ledger: readonly LedgerItem[], view: View, into: Tally): void {
  for (const { id } of ledger) {
    const settled = view.settled.get(id);
    if (!settled) continue;
    const day = dayOf(settled.settledAt);
    into.keys.set(settled.keyId, (into.keys.get(settled.keyId) ?? 0) + settled.count);
    into.days.set(day, (into.days.get(day) ?? 0) + settled.count);
  }
}

/** Holds an index's totals against its own rows, and against the ledger's items among them. */
export function compareTotals(totals: readonly Total[], { keys, days }: Tally): Finding[] {
  return totals.flatMap((total): Finding[] => {
    const { keyId, day, told, listed } = total;
    const ledger = (keyId === null ? days.get(day!) : keys.get(keyId)) ?? 0;
    return (listed === null || listed === told) && told >= ledger ? [] : [{ kind: "wrong_total", ...total, ledger }];
  });
}

/** Holds how many settlements an index has in each block against the chain's logs; neighbours are told as one range. */
export function compareBlocks(chain: ReadonlyMap<number, number>, index: ReadonlyMap<number, number>): Finding[] {
  const findings: Extract<Finding, { kind: "gap" }>[] = [];
  let open = false;
  for (const block of [...new Set([...chain.keys(), ...index.keys()])].sort((a, b) => a - b)) {
    const counts = { chain: chain.get(block) ?? 0, index: index.get(block) ?? 0 };
    const last = findings.at(-1);
    if (counts.chain === counts.index) open = false;
    else if (open && last) {
      last.upTo = block;
      last.chain += counts.chain;
      last.index += counts.index;
    } else {
      findings.push({ kind: "gap", from: block, upTo: block, ...counts });
      open = true;
    }
  }
  return findings;
}
