// SPDX-License-Identifier: MIT
import type { Hex } from "../protocol/index.ts";
import type { ItemState } from "../store/schema.ts";

/** What settles as one: a batch under its digest, or a receipt alone under its id. */
export type SettledKind = "batch" | "receipt";

/** Something settled, as a source tells it. */
export interface Settled {
  id: Hex;
  kind: SettledKind;
  keyId: Hex;
  mode: number;
  /** Receipts in it; 1 for a receipt alone. */
  count: number;
  /** Of a batch. */
  root: Hex | null;
  /** Unix seconds of its block. */
  settledAt: number;
  block: number;
  transaction: Hex;
}

/** An item as the ledger holds it. */
export interface LedgerItem {
  id: Hex;
  kind: SettledKind;
  keyId: Hex;
  mode: number;
  count: number;
  root: Hex | null;
  state: ItemState;
  /** Unix seconds of its block, where it is known to have settled. */
  settledAt: number | null;
  /** Block of the call that it was put into; null where that call was not mined, or where it settled by another one. */
  block: number | null;
}

/** How many receipts settled of a key ever, or of everybody on a day, as an index tells it. */
export interface Total {
  /** One of the two; a day as unix seconds of its midnight, UTC. */
  keyId: Hex | null;
  day: number | null;
  told: number;
  /** The sum over the index's own rows; null where those were not listed, or are too many. */
  listed: number | null;
}

/** What a source says about the ledger's items. */
export interface View {
  source: "index" | "chain";
  /** Blocks it speaks for, both ends included. Earlier ones were not asked, later ones are not there yet. */
  from: number;
  upTo: number;
  /** Unix seconds of the two. */
  fromTime: number;
  upToTime: number;
  /** Those of the ledger's items that it has. */
  settled: ReadonlyMap<Hex, Settled>;
}

/** One thing on which ledger and chain do not agree, or cannot yet. */
export type Finding =
  /** Final in the ledger, and neither source nor chain has it. */
  | { kind: "missing"; id: Hex; item: SettledKind; keyId: Hex; settledAt: number | null; block: number | null }
  /** The chain has it, the index does not although it says that it got so far. */
  | { kind: "unindexed"; id: Hex; item: SettledKind; settledAt: number; block: number | null }
  /** In these blocks, both included, the index has another number of settlements than the chain's logs. */
  | { kind: "gap"; from: number; upTo: number; chain: number; index: number }
  /** Both have it, with other facts. */
  | { kind: "different"; id: Hex; item: SettledKind; facts: readonly Difference[] }
  /** Settled by a call that is none of this ledger's, and the ledger does not know that it settled. */
  | { kind: "foreign"; id: Hex; item: SettledKind; transaction: Hex; block: number; state: ItemState }
  /** The same, and the ledger knows: as it should be, for anybody may settle. */
  | { kind: "foreign_marked"; id: Hex; item: SettledKind; transaction: Hex; block: number; state: ItemState }
  /** Settled by a call of this ledger's, which has not noticed. */
  | { kind: "unrecorded"; id: Hex; item: SettledKind; transaction: Hex; block: number; state: ItemState }
  /** A total of the index is not the sum of its rows, or less than the ledger's items that it has. */
  | { kind: "wrong_total"; keyId: Hex | null; day: number | null; told: number; listed: number | null; ledger: number }
  /** Final in the ledger, in a block that the source has not reached: not known yet, and no mismatch. */
  | { kind: "behind"; id: Hex; item: SettledKind; block: number | null };
export type FindingKind = Finding["kind"];

export interface Difference {
  fact: "keyId" | "mode" | "count" | "root" | "settledAt";
  ledger: string | number | null;
  source: string | number | null;
}

export const FINDING_KINDS = [
  "missing",
  "unindexed",
  "gap",
  "different",
  "foreign",
  "foreign_marked",
  "unrecorded",
  "wrong_total",
  "behind",
] as const satisfies readonly FindingKind[];

/** Whether somebody has to look: what others settled and the ledger knows of is as it should be, and so is a lag. */
export function isMismatch({ kind }: Finding): boolean {
  return kind !== "behind" && kind !== "foreign_marked";
}
