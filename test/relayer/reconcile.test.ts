// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { Registry } from "prom-client";
import { parseConfig } from "../../relayer/config/index.ts";
import { describeReport } from "../../relayer/reconcile/command.ts";
import { createIndexClient } from "../../relayer/reconcile/index-client.ts";
import { createReconciliation, reconcilerOf } from "../../relayer/reconcile/service.ts";
import { openDatabase, type OpenDatabase } from "../../relayer/store/database.ts";
import { attempts, batches, singles, transactions } from "../../relayer/store/schema.ts";
import type { Settled } from "../../relayer/reconcile/types.ts";
import { domain, random, removeDir, tempDir } from "./support/relayer.ts";
import {
  enterItem,
  type IndexWords,
  KEY,
  type LedgerChain,
  makeLedgerChain,
  startFakeIndex,
} from "./support/reconcile-world.ts";

const BLOCKS = 100;
const FINAL = 98; // three confirmations

describe("relayer: reconciliation", () => {
  const dataDir = tempDir();
  let database: OpenDatabase;
  let chain: LedgerChain;
  let words: IndexWords;
  let index: Awaited<ReturnType<typeof startFakeIndex>>;
  before(async () => {
    database = await openDatabase({ dataDir });
  });
  after(async () => {
    await database.close();
    removeDir(dataDir);
  });
  beforeEach(async () => {
    for (const table of [batches, singles, attempts, transactions]) await database.db.delete(table);
    chain = makeLedgerChain(BLOCKS);
    words = {
      ...{ head: BLOCKS, hash: chain.hashOf(BLOCKS), hasIndexingErrors: false, orphans: 0, settled: chain.settled },
      ...{ extraKey: 0, extraDay: 0, delay: 0 },
    };
    index = await startFakeIndex(words);
  });
  afterEach(() => index.close());

  const config = (over: object = {}) =>
    parseConfig({
      chain: {
        ...{ chainId: 31337, registry: domain.verifyingContract, rpcUrls: ["http://127.0.0.1:9"] },
        finality: { confirmations: 3 },
      },
      reconcile: { subgraphUrl: index.url, timeoutMs: 1_000, maxLagBlocks: 50, ...over },
    });
  const parts = (over: object = {}) => ({ config: config(over), db: database.db, rpc: chain.rpc, chain });
  const run = (over: object = {}, scope = {}) => reconcilerOf(parts(over)).run(scope);
  const enter = (one: Settled, over: Parameters<typeof enterItem>[2] = {}) => enterItem(database.db, one, over);
  const stepTo = (head: number): void => void Object.assign(words, { head, hash: chain.hashOf(head) });
  const settledByUs = async (block: number, over: Partial<Settled> = {}): Promise<Settled> => {
    const one = chain.settle(block, over);
    await enter(one);
    return one;
  };
  /** Takes a settlement out of what the index has. */
  const hide = (one: Settled): void => void (words.settled = words.settled.filter(({ id }) => id !== one.id));

  it("lists all that settled of a key, page by page, and says where it stopped before the end", async () => {
    words.settled = Array.from({ length: 1_201 }, () => ({
      ...{ id: random(), kind: "receipt" as const, keyId: KEY, mode: 0, count: 1, root: null },
      ...{ settledAt: 1, block: 1, transaction: random() },
    }));
    const listed = (maxPages: number) =>
      createIndexClient({ url: index.url, timeoutMs: 10_000, maxBytes: 1_000_000, maxPages }).ofKey(KEY, BLOCKS);
    const { rows, complete } = await listed(3);
    expect(complete).to.equal(true);
    expect(rows.map(({ id }) => id)).to.deep.equal(words.settled.map(({ id }) => id).sort());
    const cut = await listed(2);
    expect([cut.rows.length, cut.complete]).to.deep.equal([1_000, false]);
  });

  it("agrees where ledger, index and chain do, batches and lone receipts alike", async () => {
    for (const block of [10, 20, 98]) await settledByUs(block);
    await settledByUs(30, { kind: "receipt" });
    const report = await run();
    expect(report).to.deep.include({ verdict: "agree", source: "index", compared: 4, findings: [], upTo: FINAL });
    expect(report.index).to.deep.include({ state: "used", lag: 0, block: BLOCKS });
  });

  it("finds an item that is final in the ledger and nowhere else, over the index and over the logs", async () => {
    await settledByUs(10);
    const lost = makeLedgerChain(BLOCKS).settle(20);
    await enter(lost);
    for (const over of [{}, { subgraphUrl: undefined }]) {
      const report = await run(over);
      expect(report.verdict).to.equal("mismatch");
      expect(report.findings).to.have.length(1);
      expect(report.findings[0]).to.deep.include({ kind: "missing", id: lost.id, keyId: KEY, block: 20 });
      expect(describeReport(report))
        .to.match(/^mismatch: 2 items/)
        .and.to.contain(`missing id ${lost.id}`);
    }
  });

  it("reads a lagging index as behind, never as missing, and asks the logs where it lags too far", async () => {
    await settledByUs(10);
    const late = await settledByUs(90);
    stepTo(89);
    const report = await run();
    expect(report).to.deep.include({ verdict: "behind", source: "index", upTo: 89 });
    expect(report.findings).to.deep.equal([{ kind: "behind", id: late.id, item: "batch", block: 90 }]);
    expect(report.index).to.deep.include({ state: "used", lag: 9 });
    stepTo(40);
    const far = await run();
    expect(far).to.deep.include({ verdict: "agree", source: "chain", upTo: FINAL });
    expect(far.index.state).to.equal("behind");
  });

  it("does not believe an index of another chain, and says unknown where nothing else answers", async () => {
    await settledByUs(10);
    words.hash = random();
    const report = await run();
    expect(report).to.deep.include({ verdict: "agree", source: "chain" });
    expect(report.index.state).to.equal("forked");
    chain.state.down = true;
    expect(await run()).to.deep.include({ verdict: "unknown", source: null, findings: [] });
  });

  it("does not use an index that failed, that began too late, that babbles, stalls or floods", async () => {
    await settledByUs(10);
    const cases: [Partial<IndexWords>, string][] = [
      [{ hasIndexingErrors: true }, "failing"],
      [{ orphans: 2 }, "incomplete"],
      [{ instead: "<html>" }, "unreachable"],
      [{ instead: JSON.stringify({ errors: [{ message: "no" }] }) }, "unreachable"],
      [{ instead: JSON.stringify({ data: { _meta: null } }) }, "unreachable"],
      [{ instead: `{"data": "${"x".repeat(20_000)}"}` }, "unreachable"],
      [{ delay: 3_000 }, "unreachable"],
    ];
    for (const [lie, state] of cases) {
      const honest = { ...words };
      Object.assign(words, lie);
      const report = await run({ maxBytes: 10_000, timeoutMs: 500 });
      expect(report, JSON.stringify(lie).slice(0, 80)).to.deep.include({ verdict: "agree", source: "chain" });
      expect(report.index.state, JSON.stringify(lie).slice(0, 80)).to.equal(state);
      expect(report.index.reason ?? "").not.to.contain("secret-key");
      for (const key of Object.keys(lie) as (keyof IndexWords)[]) Object.assign(words, { [key]: honest[key] });
    }
  });

  it("tells what others settled, marked or not, and what it settled without noticing", async () => {
    const marked = await settledByUs(10);
    await database.db.delete(attempts);
    const unmarked = chain.settle(20);
    await enter(unmarked, { state: "verified", call: "none" });
    const forgotten = chain.settle(30, { kind: "receipt" });
    await enter(forgotten, { state: "submitted" });
    const report = await run();
    expect(report.findings.map((finding) => ["id" in finding && finding.id, finding.kind])).to.have.deep.members([
      [marked.id, "foreign_marked"],
      [unmarked.id, "foreign"],
      [forgotten.id, "unrecorded"],
    ]);
    expect(report.verdict).to.equal("mismatch");
  });

  it("leaves alone what settled so shortly ago that the ledger need not know yet", async () => {
    chain = makeLedgerChain(BLOCKS, Math.floor(Date.now() / 1_000) - 2 * BLOCKS);
    Object.assign(words, { settled: chain.settled });
    await enter(chain.settle(95), { state: "submitted" });
    expect((await run()).verdict).to.equal("agree");
    expect((await run({ graceMs: 0 })).counts.unrecorded).to.equal(1);
  });

  it("tells an index that lacks what the chain has from a ledger that is wrong: item, blocks and totals", async () => {
    const kept = await settledByUs(10);
    const hidden = await settledByUs(20);
    hide(hidden);
    const report = await run();
    expect(report.counts).to.deep.include({ missing: 0, unindexed: 1, gap: 1 });
    expect(report.findings).to.deep.include({ kind: "gap", from: 20, upTo: 20, chain: 1, index: 0 });
    hide(kept);
    expect((await run()).findings).to.deep.include({ kind: "gap", from: 10, upTo: 20, chain: 2, index: 0 });
  });

  it("finds wrong totals of a key and of a day, and other facts about an item", async () => {
    const one = await settledByUs(10);
    words.extraKey = -1;
    expect((await run()).findings).to.deep.include({
      ...{ kind: "wrong_total", keyId: KEY, day: null, told: 2, listed: 3, ledger: 3 },
    });
    Object.assign(words, { extraKey: 0, extraDay: 5 });
    expect((await run()).counts.wrong_total).to.equal(1);
    Object.assign(words, { extraDay: 0, settled: [{ ...one, count: 4, root: random() }] });
    const { findings } = await run();
    const different = findings.find(({ kind }) => kind === "different");
    expect(different && "facts" in different && different.facts.map(({ fact }) => fact)).to.deep.equal([
      "count",
      "root",
    ]);
  });

  it("reads logs in ranges that the node takes, no further back than it needs or may", async () => {
    await settledByUs(60);
    await settledByUs(90);
    chain.state.maxRange = 7;
    expect(await run({ subgraphUrl: undefined, logRange: 64 })).to.deep.include({ verdict: "agree", compared: 2 });
    const { asked } = chain.state;
    expect(Math.min(...asked.map(({ from }) => from))).to.be.within(58, 60);
    let next = asked[0]!.from;
    for (const { from, upTo } of asked) {
      expect(from).to.equal(next);
      next = upTo + 1;
    }
    expect(next).to.equal(FINAL + 1);
    const short = await run({ subgraphUrl: undefined, maxLogBlocks: 20 });
    expect(short).to.deep.include({ verdict: "agree", unchecked: 1 });
  });

  it("comes round to every item of a long ledger, a few at a time", async () => {
    const lost: Settled[] = [];
    for (let i = 0; i < 12; i++) {
      const one = makeLedgerChain(BLOCKS).settle(10 + i);
      lost.push(one);
      await enter(one);
    }
    const reconciler = reconcilerOf(parts());
    const seen = new Set<string>();
    let cursor = { batches: null, singles: null } as { batches: number | null; singles: number | null };
    for (let turn = 0; turn < 6; turn++) {
      const report = await reconciler.run({ newest: 2, older: { cursor, count: 3 } });
      expect(report.compared).to.be.at.most(5);
      for (const finding of report.findings) if ("id" in finding) seen.add(finding.id);
      cursor = report.next ?? { batches: null, singles: null };
    }
    expect([...seen].sort()).to.deep.equal(lost.map(({ id }) => id).sort());
  });

  it("runs on its schedule, tells the gauges and once the log, and never writes to the ledger", async () => {
    await settledByUs(10);
    await enter(makeLedgerChain(BLOCKS).settle(20));
    const before = JSON.stringify(await database.db.select().from(batches));
    const logged: string[] = [];
    const log = {
      info: () => undefined,
      warn: () => undefined,
      error: (_: object, message: string) => void logged.push(message),
    };
    const service = createReconciliation({ ...parts({ everyMs: 1_000 }), log });
    const registry = new Registry();
    service.measure(registry);
    expect(await registry.metrics()).to.contain('relayer_reconcile_verdict{verdict="unknown"} 1');
    service.start();
    const first = async (): Promise<number> => {
      while (!service.last()) await new Promise((resolve) => setTimeout(resolve, 20));
      return service.last()!.at;
    };
    const at = await first();
    while (service.last()!.at === at) await new Promise((resolve) => setTimeout(resolve, 20));
    const text = await registry.metrics();
    expect(text).to.contain('relayer_reconcile_findings{kind="missing"} 1');
    expect(text).to.contain('relayer_reconcile_verdict{verdict="mismatch"} 1');
    expect(text).to.contain('relayer_reconcile_index{state="used"} 1');
    expect(text).to.contain("relayer_reconcile_index_lag_blocks 0");
    expect(logged).to.deep.equal(["ledger and chain do not agree"]);
    await service.stop();
    expect(service.health()).to.deep.include({ verdict: "mismatch", index: "used" });
    expect(JSON.stringify(await database.db.select().from(batches))).to.equal(before);
  });

  it("is switched on by SUBGRAPH_URL alone, and is off without it", () => {
    const base = { chain: { chainId: 31337, registry: domain.verifyingContract, rpcUrls: ["http://127.0.0.1:9"] } };
    expect(parseConfig(base).reconcile).to.equal(undefined);
    const { reconcile } = parseConfig(base, { SUBGRAPH_URL: "https://index.example/subgraphs/id/x" });
    expect(reconcile).to.deep.include({ subgraphUrl: "https://index.example/subgraphs/id/x", everyMs: 300_000 });
  });
});
