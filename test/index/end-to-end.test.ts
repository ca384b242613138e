// SPDX-License-Identifier: MIT
// A real chain, a real graph-node over a real PostgreSQL, and every entity held against the chain: after a day's activity,
// after a reorganisation in the middle, after graph-node was gone for a while. Then the relayer's ledger against that index.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parseEther } from "ethers";
import { stringify } from "yaml";
import { type Chain, startChain } from "../../demo/chain.ts";
import { createRpc } from "../../relayer/chain/rpc.ts";
import { parseConfig } from "../../relayer/config/index.ts";
import { createIndexClient } from "../../relayer/reconcile/index-client.ts";
import { reconcilerOf } from "../../relayer/reconcile/service.ts";
import type { Settled } from "../../relayer/reconcile/types.ts";
import { openDatabase, type OpenDatabase } from "../../relayer/store/database.ts";
import { compareIndex, describeComparison } from "../../subgraph/local/compare/index.ts";
import { indexed, indexHead } from "../../subgraph/local/gnd.ts";
import { type Index, startIndex } from "../../subgraph/local/stack.ts";
import { inferenceRegistry } from "../../relayer/chain/abi.ts";
import { removeDir, tempDir } from "../relayer/support/relayer.ts";
import { enterItem } from "../relayer/support/reconcile-world.ts";
import { type Activity, begin, economy, oddments } from "./activity.ts";
import { auditBooks, auditCommand, seedMismatch } from "./audit.ts";
import { rarities } from "./rarities.ts";

/** Entities that this activity has no row of, in the schema's order: the demo and the tests of the handlers tell of those. */
const WITHOUT_ROWS = [
  ...["InferenceRequest", "RequestStep", "RequestAccount", "NodeLoad"],
  ...["Slash", "Fault", "StakeCredit", "TokenAuthorization"],
];

/** Receipts of the key after the first test: in batches, alone, in a channel. */
const SETTLED = 3 + 1 + 1_000 + 2 + 1;

describe("subgraph beside a chain", function () {
  this.timeout(600_000);
  let chain: Chain;
  let index: Index;
  let activity: Activity;
  /** What stands on the chain in the end. */
  const settled: Settled[] = [];

  before(async () => {
    chain = await startChain(0);
    index = await startIndex({ rpcUrl: chain.url, contracts: chain.addresses });
  });
  after(async () => {
    await index?.stop();
    await chain?.close();
  });

  const latest = async () => (await chain.provider.getBlock("latest"))!;
  const caughtUp = async (): Promise<number> => {
    const { number } = await latest();
    await indexed(index.gnd, chain.url, number, 300_000);
    return number;
  };
  /** Every row of every entity, as of one block. @returns entities without a row */
  async function agrees(): Promise<string[]> {
    const report = await compareIndex(index.url, chain.url, chain.addresses, await caughtUp());
    expect(report.problems, describeComparison(report)).to.deep.equal([]);
    expect(report.entities.reduce((sum, { values }) => sum + values, 0)).to.be.greaterThan(300);
    return report.entities.filter(({ rows }) => rows === 0).map(({ entity }) => entity);
  }

  it("agrees with the chain on every entity, to the wei, after settling, paying, staking, voting and trading", async () => {
    activity = await begin(chain);
    await chain.provider.send("evm_setAutomine", [true]);
    settled.push(...(await activity.settle([3, 1, 1_000], 2)));
    await activity.pay(parseEther("1.000000000000000003"));
    await activity.trade(4n);
    await economy(chain);
    await oddments(chain, activity);
    await rarities(chain, activity);
    expect(await agrees()).to.deep.equal(WITHOUT_ROWS);
  });

  it("agrees after a reorganisation in the middle that took settlements out and put others in", async () => {
    const snapshot = (await chain.provider.send("evm_snapshot", [])) as string;
    const gone = await activity.settle([5, 7], 1);
    await activity.pay(parseEther("0.5"));
    const before = await caughtUp();
    const ofKey = async (): Promise<number> => {
      const client = createIndexClient({ url: index.url, timeoutMs: 10_000, maxBytes: 1_000_000, maxPages: 1 });
      const { number } = await client.head();
      return (await client.keyTotals([activity.key.keyId], number)).get(activity.key.keyId)!;
    };
    expect(await ofKey()).to.equal(SETTLED + 13);
    await chain.provider.send("evm_revert", [snapshot]);
    settled.push(...(await activity.settle([11])));
    await activity.pay(parseEther("0.25"));
    // Longer than what it replaces, as a chain that wins is.
    while ((await latest()).number <= before) await chain.provider.send("evm_mine", []);
    await agrees();
    expect(await ofKey()).to.equal(SETTLED + 11);
    const client = createIndexClient({ url: index.url, timeoutMs: 10_000, maxBytes: 1_000_000, maxPages: 1 });
    const ids = gone.map(({ id }) => id);
    const { number } = await client.head();
    expect(await client.settled("batch", ids, number)).to.deep.equal([]);
    expect(await client.settled("receipt", ids, number)).to.deep.equal([]);
  });

  it("agrees after graph-node was killed and started again on the same database, with settlements meanwhile", async () => {
    settled.push(...(await activity.settle([2], 1)));
    await index.restart(async () => {
      settled.push(...(await activity.settle([4, 6])));
      await activity.trade(2n);
    });
    settled.push(...(await activity.settle([8])));
    await agrees();
  });

  it("holds all that an audit asks it for; and where one fee in it is another, the audit finds it and exits with 1", async () => {
    const to = await caughtUp();
    const audit = await auditBooks(chain, activity, index.url, to);
    for (const { claim, mismatches, unknown } of audit.lines)
      expect({ claim, mismatches, unknown }).to.deep.equal({ claim, mismatches: [], unknown: [] });
    const asked = audit.lines.find(({ topic }) => topic === "index");
    expect(asked?.checked).to.be.greaterThan(settled.length);

    const mend = await seedMismatch(index.databaseUrl);
    try {
      const run = await auditCommand(chain, activity, index.url, to);
      expect(run.code, run.output).to.equal(1);
      expect(run.output.match(/^.*MISMATCH.*$/gm), run.output).to.have.length(1);
      expect(run.output).to.match(/MISMATCH .*The public index says what the chain's logs say/);
    } finally {
      await mend();
    }
  });

  describe("and the relayer's ledger", () => {
    const dataDir = tempDir();
    let database: OpenDatabase;
    before(async () => {
      database = await openDatabase({ dataDir });
    });
    after(async () => {
      await database.close();
      removeDir(dataDir);
    });
    const config = () => ({
      chain: {
        ...{ chainId: 31337, registry: activity.domain.verifyingContract, rpcUrls: [chain.url] },
        finality: { confirmations: 1 },
      },
      store: { dataDir },
      reconcile: { subgraphUrl: index.url, graceMs: 0 },
    });
    const reconcile = async () => {
      await caughtUp();
      const rpc = createRpc({ urls: [chain.url], chainId: 31337 });
      const settledAt = async (id: string): Promise<bigint> => {
        const data = inferenceRegistry.encodeFunctionData("settledAt", [id]);
        const answer = await rpc.request<string>("eth_call", [
          { to: activity.domain.verifyingContract, data },
          "latest",
        ]);
        return inferenceRegistry.decodeFunctionResult("settledAt", answer)[0] as bigint;
      };
      return reconcilerOf({ config: parseConfig(config()), db: database.db, rpc, chain: { settledAt } }).run();
    };

    it("agree over the index, totals and blocks included", async () => {
      for (const one of settled) await enterItem(database.db, one);
      const report = await reconcile();
      expect(report, JSON.stringify(report)).to.deep.include({
        verdict: "agree",
        source: "index",
        compared: settled.length,
        findings: [],
      });
    });

    it("do not agree where the ledger has what the chain has not, and where others settled", async () => {
      const [theirs] = await activity.settle([9]);
      await enterItem(database.db, theirs!, { state: "verified", call: "none" });
      await enterItem(database.db, { ...theirs!, id: `0x${"12".repeat(32)}`, transaction: `0x${"34".repeat(32)}` });
      const report = await reconcile();
      expect(report.verdict).to.equal("mismatch");
      expect(report.counts, JSON.stringify(report)).to.deep.include({
        missing: 1,
        foreign: 1,
        wrong_total: 0,
        gap: 0,
        different: 0,
      });
    });

    it("are told by `relayer reconcile --json`, with exit code 1", async () => {
      await database.close();
      const file = join(dataDir, "relayer.yaml");
      writeFileSync(file, stringify(config()));
      const args = ["--import", "tsx", "relayer/main.ts", "--config", file, "reconcile", "--json"];
      // Not synchronously: the chain is in this process and has to answer.
      const run = await new Promise<{ code: number | null; stdout: string }>((resolve) => {
        execFile(process.execPath, args, (error, stdout) => resolve({ code: error ? Number(error.code) : 0, stdout }));
      });
      expect(run.code).to.equal(1);
      expect(JSON.parse(run.stdout)).to.deep.include({ verdict: "mismatch", source: "index" });
      database = await openDatabase({ dataDir });
    });
  });

  // A suite of its own, as mocha runs suites after the tests beside them.
  describe("and its end", () => {
    it("ends without leaving a process, a port or a file behind", async () => {
      const { pid } = index.gnd;
      const { url } = index;
      await index.stop();
      expect(() => process.kill(pid, 0)).to.throw();
      expect(await indexHead(url).catch(() => "gone")).to.equal("gone");
    });
  });
});
