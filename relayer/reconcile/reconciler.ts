// SPDX-License-Identifier: MIT
// One run: chooses a source, reads ledger and source page by page, and says on what they do not agree.
import type { Rpc } from "../chain/rpc.ts";
import type { Finality } from "../chain/sending.ts";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import { type Block, blockAt, countInLogs, finalBlock, readBlock, settledInLogs } from "./chain-logs.ts";
import * as comparison from "./compare.ts";
import { IndexUnavailable, type IndexClient, type IndexHead } from "./index-client.ts";
import { type Cursor, type KnownItem, newestItems, ownCalls, START } from "./ledger.ts";
import {
  type Finding,
  FINDING_KINDS,
  type FindingKind,
  isMismatch,
  type Settled,
  type Total,
  type View,
} from "./types.ts";

/**
 * How the index stands: `used`; not configured; `behind` too far to be of use; on another chain than the node
 * (`forked`); stopped by an error (`failing`); begun too late (`incomplete`); or not to be asked.
 */
export const INDEX_STATES = ["used", "none", "behind", "forked", "failing", "incomplete", "unreachable"] as const;
export type IndexState = (typeof INDEX_STATES)[number];

/** `unknown`: nothing could be compared. `behind`: all that could be compared agrees, and some of it could not yet. */
export type Verdict = "agree" | "mismatch" | "behind" | "unknown";
export const VERDICTS = ["agree", "mismatch", "behind", "unknown"] as const satisfies readonly Verdict[];

export interface Report {
  verdict: Verdict;
  source: View["source"] | null;
  index: {
    state: IndexState;
    reason: string | null;
    deployment: string | null;
    block: number | null;
    lag: number | null;
  };
  /** The last final block, and the last one compared; null where the chain could not be asked. */
  finalBlock: number | null;
  upTo: number | null;
  /** Items of the ledger that were held against the source. */
  compared: number;
  /** Of them, those final in blocks before what the source was asked for. */
  unchecked: number;
  /** How many of each kind, all of them. */
  counts: Record<FindingKind, number>;
  /** The first of them. */
  findings: Finding[];
  /** Why nothing could be compared. */
  reason: string | null;
  /** Milliseconds that it took. */
  took: number;
}

export interface ReconcileOptions {
  db: Database;
  rpc: Pick<Rpc, "request">;
  registry: Hex;
  finality: Finality;
  settledAt: (id: Hex) => Promise<bigint>;
  index: IndexClient | undefined;
  /** An index so many blocks behind is not waited for: the chain's logs are read instead. */
  maxLagBlocks: number;
  /** Blocks whose number of settlements is held against the chain's logs; 0 for none. */
  verifyBlocks: number;
  /** Blocks of one question for logs, and of a whole reading of them. */
  logRange: number;
  maxLogBlocks: number;
  /** What settled so shortly ago the ledger may not have written down yet. */
  graceMs: number;
  /** Rows of the ledger at a time, of each table. */
  pageSize: number;
  now?: () => number;
}

/** What of the ledger is compared. */
export interface Scope {
  /** Newest items of each table; without it, all. */
  newest?: number;
  /** Older ones too, this many a run, going on where `sweep` stands. */
  older?: { cursor: Cursor; count: number };
}

const MAX_FINDINGS = 1_000;
const ASKED_AT_ONCE = 8;

interface Source {
  view(items: readonly KnownItem[]): Promise<View>;
  totals(tally: comparison.Tally, whole: boolean): Promise<Total[]>;
  /** Findings about the source itself. */
  inspect(): Promise<Finding[]>;
  /** @throws {IndexUnavailable} where what was read does not belong together */
  end(): Promise<void>;
}

export interface Reconciler {
  /** Never throws for a reason that passes: what could not be known is in the report. */
  run(scope?: Scope): Promise<Report & { next: Cursor | null }>;
}

/** Compares a ledger with an index of the chain, and with the chain's logs where the index cannot be used. */
export function createReconciler(options: ReconcileOptions): Reconciler {
  const { db, rpc, registry, index, now = Date.now } = options;
  const logs = { rpc, registry, range: options.logRange };

  /** The index, if what it says can be used; and how it stands. */
  async function openIndex(final: Block): Promise<{ status: Report["index"]; source: Source | null; upTo: Block }> {
    const status: Report["index"] = { state: "none", reason: null, deployment: null, block: null, lag: null };
    const out = (state: IndexState, reason: string | null) => ({
      ...{ status: { ...status, state, reason }, source: null, upTo: final },
    });
    if (!index) return out("none", null);
    try {
      const head = await index.head();
      Object.assign(status, { deployment: head.deployment, block: head.number });
      status.lag = Math.max(0, final.number - head.number);
      if (head.hasIndexingErrors) return out("failing", "the deployment stopped at an error");
      if (head.orphans > 0) return out("incomplete", `${head.orphans} events name what it never saw: its start block`);
      const fork = await forkOf(head);
      if (fork) return out("forked", fork);
      if (status.lag > options.maxLagBlocks) return out("behind", `${status.lag} blocks behind the last final one`);
      const upTo = head.number >= final.number ? final : await mustRead(head.number);
      return { status: { ...status, state: "used" }, source: indexSource(index, upTo), upTo };
    } catch (error) {
      if (!(error instanceof IndexUnavailable)) throw error;
      return out("unreachable", error.message);
    }
  }

  /** Why the index is on another chain than the node; null where it is on the same. */
  async function forkOf({ number, hash }: IndexHead): Promise<string | null> {
    if (hash === null) return "it does not say which block it is at";
    const block = await readBlock(rpc, number);
    // The node may be a block behind the index's own, which is no fork; without that block nothing can be said, though.
    if (!block) return `it is at block ${number}, which the node does not have yet`;
    return block.hash === hash ? null : `its block ${number} is ${hash}, the node's is ${block.hash}`;
  }

  async function mustRead(number: number): Promise<Block> {
    const block = await readBlock(rpc, number);
    if (!block) throw new IndexUnavailable("index_nonsense", `the node lost block ${number} meanwhile`);
    return block;
  }

  function indexSource(client: IndexClient, upTo: Block): Source {
    const block = upTo.number;
    return {
      async view(items) {
        const settled = new Map<Hex, Settled>();
        for (const kind of ["batch", "receipt"] as const) {
          const ids = items.filter((item) => item.kind === kind).map(({ id }) => id);
          const asked = new Set(ids);
          for (const row of await client.settled(kind, ids, block)) if (asked.has(row.id)) settled.set(row.id, row);
        }
        return { source: "index", from: 0, fromTime: 0, upTo: block, upToTime: upTo.timestamp, settled };
      },
      async totals(tally, whole) {
        const days = [...tally.days.keys()].sort((a, b) => b - a).slice(0, whole ? undefined : 2);
        const keys = [...tally.keys.keys()];
        const [byDay, byKey] = [await client.dayTotals(days, block), await client.keyTotals(keys, block)];
        const totals: Total[] = [];
        const sum = ({ rows, complete }: { rows: { count: number }[]; complete: boolean }): number | null =>
          complete ? rows.reduce((all, { count }) => all + count, 0) : null;
        for (const day of days) {
          const listed = sum(await client.ofTime(day, day + comparison.DAY, block));
          totals.push({ keyId: null, day, told: byDay.get(day) ?? 0, listed });
        }
        for (const keyId of keys) {
          const told = byKey.get(keyId) ?? 0;
          // Where all of a key's receipts are the ledger's, they were listed already.
          const listed = whole && told !== tally.keys.get(keyId) ? sum(await client.ofKey(keyId, block)) : null;
          totals.push({ keyId, day: null, told, listed });
        }
        return totals;
      },
      async inspect() {
        const from = Math.max(0, block - options.verifyBlocks + 1);
        if (from > block) return [];
        const [chain, { rows, complete }] = await Promise.all([
          countInLogs(logs, from, block),
          client.ofTime((await mustRead(from)).timestamp, upTo.timestamp + 1, block),
        ]);
        if (!complete) return [];
        const counts = new Map<number, number>();
        for (const row of rows) {
          if (row.block !== null && row.block >= from) counts.set(row.block, (counts.get(row.block) ?? 0) + 1);
        }
        return comparison.compareBlocks(chain, counts);
      },
      async end() {
        const fork = await forkOf(await client.head());
        if (fork) throw new IndexUnavailable("index_nonsense", `the index changed its chain meanwhile: ${fork}`);
      },
    };
  }

  function chainSource(upTo: Block): Source {
    return {
      async view(items) {
        const ids = new Set(items.map(({ id }) => id));
        const since = Math.min(
          ...items.map(({ settledAt, receivedAt }) => settledAt ?? Math.floor(receivedAt / 1_000)),
        );
        const floor = Math.max(0, upTo.number - options.maxLogBlocks + 1);
        // A second earlier, as several blocks may share one.
        const from = await blockAt(rpc, since - 1, floor, upTo);
        const settled = await settledInLogs(logs, ids, from.number, upTo.number);
        return {
          ...{ source: "chain", from: from.number, fromTime: from.timestamp, settled },
          ...{ upTo: upTo.number, upToTime: upTo.timestamp },
        };
      },
      totals: async () => [],
      inspect: async () => [],
      end: async () => undefined,
    };
  }

  /** What the chain's own slots say of items that a source lacks. */
  async function slotsOf(ids: readonly Hex[]): Promise<Map<Hex, number>> {
    const slots = new Map<Hex, number>();
    const left = [...ids];
    const worker = async (): Promise<void> => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) slots.set(id, Number(await options.settledAt(id)));
    };
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, worker));
    return slots;
  }

  /** Reads ledger and source together, and compares. */
  async function read(source: Source, upTo: Block, scope: Scope) {
    const found = findingsBag();
    const tally: comparison.Tally = { keys: new Map(), days: new Map() };
    let [compared, unchecked] = [0, 0];
    // A chain's clock may be ahead of ours.
    const graceFrom = Math.max(now() / 1_000, upTo.timestamp) - options.graceMs / 1_000;

    async function part(limit: number, start: Cursor): Promise<Cursor | null> {
      let cursor: Cursor | null = start;
      for (let left = limit; left > 0 && cursor;) {
        const size = Math.min(left, options.pageSize);
        const { items, next }: { items: KnownItem[]; next: Cursor | null } = await newestItems(db, size, cursor);
        left -= size;
        cursor = next;
        if (items.length === 0) break;
        const view = await source.view(items);
        const ours = await ownCalls(
          db,
          [...view.settled.values()].map(({ transaction }) => transaction),
        );
        const slots = await slotsOf(comparison.absentees(items, view).map(({ id }) => id));
        found.add(comparison.compare(items, view, { ours, slots, graceFrom }));
        comparison.tally(items, view, tally);
        compared += items.length;
        unchecked += items.filter(
          (item) =>
            item.state === "final" && !view.settled.has(item.id) && comparison.spokenFor(item, view) === "not_asked",
        ).length;
      }
      return cursor;
    }
    const after = await part(scope.newest ?? Infinity, START);
    let next: Cursor | null = null;
    if (scope.older && after) {
      const { cursor, count } = scope.older;
      // Rows come and go at the new end only: where the sweep stood, it goes on, once around and again.
      next = await part(count, older(cursor, after));
    }
    found.add(comparison.compareTotals(await source.totals(tally, scope.newest === undefined), tally));
    found.add(await source.inspect());
    await source.end();
    return { ...found.all(), compared, unchecked, next, upTo: upTo.number };
  }

  return {
    async run(scope = {}) {
      const start = now();
      const empty = { counts: findingsBag().all().counts, findings: [], compared: 0, unchecked: 0, next: null };
      let index: Report["index"] = { state: "none", reason: null, deployment: null, block: null, lag: null };
      let final: Block | null = null;
      const unknown = (error: Error) => ({
        ...{ verdict: "unknown" as const, source: null, index, finalBlock: final?.number ?? null, upTo: null },
        ...{ ...empty, reason: error.message, took: now() - start },
      });
      try {
        final = await finalBlock(rpc, options.finality);
        const opened = await openIndex(final);
        index = opened.status;
        let source: View["source"] = opened.source ? "index" : "chain";
        let result: Awaited<ReturnType<typeof read>>;
        try {
          result = await read(opened.source ?? chainSource(final), opened.upTo, scope);
        } catch (error) {
          if (!(error instanceof IndexUnavailable)) throw error;
          index = { ...index, state: "unreachable", reason: error.message };
          source = "chain";
          result = await read(chainSource(final), final, scope);
        }
        const verdict: Verdict = result.mismatch ? "mismatch" : result.counts.behind > 0 ? "behind" : "agree";
        const { mismatch: _, ...rest } = result;
        return { verdict, source, index, finalBlock: final.number, ...rest, reason: null, took: now() - start };
      } catch (error) {
        return unknown(error as Error);
      }
    },
  };
}

/** The sweep's cursor, or the end of what was read already where the sweep has not begun or would read it again. */
function older(sweep: Cursor, after: Cursor): Cursor {
  const of = (table: keyof Cursor): number =>
    sweep[table] === null ? after[table]! : Math.min(sweep[table], after[table]!);
  return { batches: of("batches"), singles: of("singles") };
}

/** Findings: all of them counted, the first of them kept. */
function findingsBag() {
  const counts = Object.fromEntries(FINDING_KINDS.map((kind) => [kind, 0])) as Record<FindingKind, number>;
  const findings: Finding[] = [];
  let mismatch = false;
  return {
    add(more: readonly Finding[]): void {
      for (const finding of more) {
        counts[finding.kind]++;
        mismatch ||= isMismatch(finding);
        if (findings.length < MAX_FINDINGS) findings.push(finding);
      }
    },
    all: () => ({ counts, findings, mismatch }),
  };
}
