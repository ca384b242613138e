// SPDX-License-Identifier: MIT
import { expect } from "chai";
import fc from "fast-check";
import type { Hex } from "../../relayer/protocol/index.ts";
import {
  absentees,
  compare,
  compareBlocks,
  compareTotals,
  dayOf,
  type Tally,
  tally,
} from "../../relayer/reconcile/compare.ts";
import { type Finding, isMismatch, type LedgerItem, type Settled, type View } from "../../relayer/reconcile/types.ts";
import type { ItemState } from "../../relayer/store/schema.ts";

const hash = (byte: number, rest: number): Hex =>
  `0x${byte.toString(16).padStart(2, "0")}${rest.toString(16).padStart(62, "0")}`;
const OURS = hash(0xaa, 1);
const THEIRS = hash(0xbb, 1);
const GENESIS = 1_790_000_000;
/** Two seconds a block. */
const timeOf = (block: number): number => GENESIS + 2 * block;
const UP_TO = 1_000;

/** What is wrong with an item, if anything. */
const TROUBLES = [
  "none",
  "missing",
  "unindexed",
  "behind",
  "foreign",
  "foreign_marked",
  "unrecorded",
  "too_fresh",
  "different",
  "pending",
  "reorganised",
] as const;
type Trouble = (typeof TROUBLES)[number];

interface Case {
  ledger: LedgerItem[];
  view: View;
  slots: Map<Hex, number>;
  expected: [Hex, Finding["kind"]][];
}

const item = fc.record({
  trouble: fc.constantFrom<Trouble>(...TROUBLES),
  kind: fc.constantFrom("batch" as const, "receipt" as const),
  key: fc.integer({ min: 1, max: 3 }),
  mode: fc.integer({ min: 0, max: 2 }),
  count: fc.integer({ min: 1, max: 10_000 }),
  block: fc.integer({ min: 1, max: UP_TO }),
  open: fc.constantFrom<ItemState>("received", "verified", "submitted", "rejected"),
  fact: fc.constantFrom("keyId" as const, "mode" as const, "count" as const, "settledAt" as const),
  /** Whether the ledger knows the block, or has it from the chain's slot only. */
  blockKnown: fc.boolean(),
});

type Wrong = typeof item extends fc.Arbitrary<infer Value> ? Value : never;
const GRACE_FROM = timeOf(UP_TO) + 100;

/** A ledger, a source, and what must be found: made from what goes wrong, not from what the comparison says. */
function build(items: Wrong[]): Case {
  const ledger: LedgerItem[] = [];
  const settled = new Map<Hex, Settled>();
  const slots = new Map<Hex, number>();
  const expected: Case["expected"] = [];
  items.forEach(({ trouble, kind, key, mode, block, open, fact, blockKnown, ...rest }, i) => {
    const id = hash(0x11, i);
    const count = kind === "batch" ? rest.count : 1;
    const root = kind === "batch" ? hash(0x22, i) : null;
    const keyId = hash(0x33, key);
    const at = trouble === "behind" ? UP_TO + block : block;
    const finalItem = { state: "final" as ItemState, settledAt: timeOf(at), block: blockKnown ? at : null };
    const openItem = { state: open, settledAt: null, block: null };
    const row: Settled = {
      ...{ id, kind, keyId, mode, count, root },
      settledAt: timeOf(at),
      block: at,
      transaction: OURS,
    };
    const put = (state: Partial<LedgerItem>, onChain: Settled | null, finding?: Finding["kind"]): void => {
      ledger.push({ id, kind, keyId, mode, count, root, ...finalItem, ...state });
      if (onChain) settled.set(id, onChain);
      if (finding) expected.push([id, finding]);
    };
    switch (trouble) {
      case "none":
        return put(finalItem, row);
      case "missing":
        slots.set(id, 0);
        return put(finalItem, null, "missing");
      case "unindexed":
        slots.set(id, timeOf(at));
        return put(finalItem, null, "unindexed");
      case "behind":
        return put(finalItem, null, "behind");
      case "foreign":
        return put(openItem, { ...row, transaction: THEIRS }, "foreign");
      case "foreign_marked":
        return put(finalItem, { ...row, transaction: THEIRS }, "foreign_marked");
      case "unrecorded":
        return put(openItem, row, "unrecorded");
      case "too_fresh":
        return put(openItem, { ...row, settledAt: GRACE_FROM + 1 });
      case "different": {
        const wrong = { keyId: hash(0x44, key), mode: mode + 1, count: count + 1, settledAt: row.settledAt + 1 }[fact];
        return put(finalItem, { ...row, [fact]: wrong }, "different");
      }
      case "pending":
        return put(openItem, null);
      case "reorganised":
        return put({ ...finalItem, state: "mined" }, null);
    }
  });
  const view: View = { source: "index", from: 0, fromTime: 0, upTo: UP_TO, upToTime: timeOf(UP_TO), settled };
  return { ledger, view, slots, expected };
}
const ours = new Set([OURS]);
const options = (slots: Map<Hex, number>) => ({ ours, slots, graceFrom: GRACE_FROM });
const told = (findings: Finding[]) => findings.map((finding) => ["id" in finding ? finding.id : null, finding.kind]);

describe("relayer: comparing the ledger with the chain", () => {
  it("finds what is wrong, everything, and nothing else, however it is mixed", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 40 }), (items) => {
        const { ledger, view, slots, expected } = build(items);
        expect(told(compare(ledger, view, options(slots)))).to.deep.equal(expected);
      }),
    );
  });

  it("never takes what an index has not reached for missing, however far behind it is", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 40 }), fc.integer({ min: 0, max: UP_TO }), (items, upTo) => {
        const { ledger, view } = build(items);
        const lagging: View = {
          ...{ ...view, upTo, upToTime: timeOf(upTo) },
          settled: new Map([...view.settled].filter(([, { block }]) => block <= upTo)),
        };
        for (const finding of compare(ledger, lagging, options(new Map()))) {
          if (finding.kind !== "missing") continue;
          expect(finding.block ?? 0).to.be.at.most(upTo);
          expect(finding.settledAt).to.be.at.most(timeOf(upTo));
        }
        for (const { id, settledAt } of absentees(ledger, lagging)) {
          expect(lagging.settled.has(id)).to.equal(false);
          expect(settledAt).to.be.at.most(timeOf(upTo));
        }
      }),
    );
  });

  it("says nothing of what is older than the logs that were read", () => {
    const { ledger, view } = build([
      {
        trouble: "missing",
        kind: "batch",
        key: 1,
        mode: 0,
        count: 5,
        block: 400,
        open: "received",
        fact: "mode",
        blockKnown: true,
      },
    ]);
    expect(compare(ledger, { ...view, from: 401, fromTime: timeOf(401) }, options(new Map()))).to.deep.equal([]);
    expect(compare(ledger, { ...view, from: 400, fromTime: timeOf(400) }, options(new Map()))).to.have.length(1);
  });

  it("goes by the block of the call where the time of settlement was never read", () => {
    const { ledger, view } = build([]);
    const unread = (block: number): LedgerItem => ({
      ...{ id: hash(0x55, block), kind: "batch", keyId: hash(0x33, 1), mode: 0, count: 1, root: hash(0x22, 1) },
      ...{ state: "final", settledAt: null, block },
    });
    const found = compare([...ledger, unread(UP_TO), unread(UP_TO + 1)], view, options(new Map()));
    expect(found.map(({ kind }) => kind)).to.deep.equal(["missing", "behind"]);
  });

  it("asks somebody to look at everything but a lag and what others settled with our knowledge", () => {
    const kinds = ["missing", "unindexed", "different", "foreign", "unrecorded", "behind", "foreign_marked"] as const;
    const { ledger, view, slots } = build(
      kinds.map((trouble, i) => ({
        ...{ trouble, kind: "batch" as const, key: 1, mode: 0, count: 1, block: i + 1 },
        ...{ open: "submitted" as const, fact: "count" as const, blockKnown: true },
      })),
    );
    const calm = compare(ledger, view, options(slots)).filter((finding) => !isMismatch(finding));
    expect(calm.map(({ kind }) => kind)).to.deep.equal(["behind", "foreign_marked"]);
  });

  it("finds totals that are not the sum of their rows, and totals below what the ledger knows", () => {
    const counted = fc.integer({ min: 0, max: 1_000 });
    fc.assert(
      fc.property(counted, counted, fc.option(counted), fc.boolean(), (ledger, toldTotal, listed, perKey) => {
        const keyId = hash(0x33, 1);
        const day = dayOf(GENESIS);
        const known: Tally = { keys: new Map([[keyId, ledger]]), days: new Map([[day, ledger]]) };
        const total = { keyId: perKey ? keyId : null, day: perKey ? null : day, told: toldTotal, listed };
        const wrong = toldTotal < ledger || (listed !== null && listed !== toldTotal);
        expect(compareTotals([total], known)).to.deep.equal(wrong ? [{ kind: "wrong_total", ...total, ledger }] : []);
      }),
    );
  });

  it("adds up what the source has of the ledger's items, by key and by day", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 40 }), (items) => {
        const { ledger, view } = build(items);
        const sums: Tally = { keys: new Map(), days: new Map() };
        tally(ledger, view, sums);
        const all = [...view.settled.values()].reduce((sum, { count }) => sum + count, 0);
        expect([...sums.keys.values()].reduce((a, b) => a + b, 0)).to.equal(all);
        expect([...sums.days.values()].reduce((a, b) => a + b, 0)).to.equal(all);
        for (const day of sums.days.keys()) expect(day % 86_400).to.equal(0);
      }),
    );
  });

  it("tells blocks in which the index lacks settlements, as ranges that hold all of them and no more", () => {
    const counts = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(counts, (blocks) => {
        const of = (side: 0 | 1) =>
          new Map(blocks.flatMap((pair, block): [number, number][] => (pair[side] > 0 ? [[block, pair[side]]] : [])));
        const gaps = compareBlocks(of(0), of(1)) as Extract<Finding, { kind: "gap" }>[];
        const inGaps = (block: number) => gaps.filter(({ from, upTo }) => from <= block && block <= upTo);
        blocks.forEach(([chain, index], block) => {
          if (chain !== index) expect(inGaps(block)).to.have.length(1);
          else if (chain > 0) expect(inGaps(block)).to.have.length(0);
        });
        for (const { from, upTo, chain, index } of gaps) {
          const within = blocks.slice(from, upTo + 1);
          expect(chain).to.equal(within.reduce((sum, [count]) => sum + count, 0));
          expect(index).to.equal(within.reduce((sum, [, count]) => sum + count, 0));
        }
      }),
    );
  });
});
