import { expect } from "chai";
import { Interface } from "ethers";
import { artifacts } from "hardhat";
import type { Hex } from "../../relayer/protocol/index.ts";
import { ABIS } from "../../tasks/audit/abi.ts";
import { type Audit, auditOf } from "../../tasks/audit/audit.ts";
import type { History } from "../../tasks/audit/history.ts";
import { htmlOf } from "../../tasks/audit/report/html.ts";
import { jsonOf } from "../../tasks/audit/report/json.ts";
import { textOf } from "../../tasks/audit/report/text.ts";
import { activity } from "./support.ts";

type World = Awaited<ReturnType<typeof activity>>;

/** Subjects of the mismatches of a topic. */
const wrong = (audit: Audit, topic: string): string[] =>
  audit.lines
    .filter((line) => line.topic === topic)
    .flatMap(({ mismatches }) => mismatches.map(({ subject }) => subject));

describe("an audit", function () {
  let w: World;
  let history: History;
  before(async () => {
    w = await activity();
    history = await w.read();
  });
  /** The books with one thing changed. */
  const changed = (over: Partial<History>): Promise<Audit> => auditOf({ ...history, ...over });
  const first = <T>(list: T[], over: Partial<T>): T[] => [{ ...list[0]!, ...over }, ...list.slice(1)];

  it("finds nothing wrong where nothing is, and has looked at everything [R3] [R5]", async () => {
    const audit = await auditOf(history);
    expect(audit.lines.flatMap(({ mismatches, unknown }) => [...mismatches, ...unknown])).to.deep.equal([]);
    expect(audit.clean).to.equal(true);
    for (const { claim, checked } of audit.lines) expect(checked, claim).to.be.greaterThan(0);
    expect(history.batches).to.have.length(4);
    expect(history.receipts).to.have.length(1);
    expect(history.collected.map(({ sequence }) => sequence)).to.deep.equal([1n, 3n]);
    expect([history.fulfilled.length, history.authorized.length, history.faults.length]).to.deep.equal([1, 1, 1]);
    expect(history.forwarded).to.have.length(2);
    expect(history.feesPaid).to.have.length(2);
    expect(history.twinFees.map(({ kind }) => kind)).to.include.members(["announced", "changed", "trade"]);
  });

  it("reads events and functions as the contracts have them", async () => {
    for (const [contract, abi] of Object.entries(ABIS)) {
      const compiled = new Interface((await artifacts.readArtifact(contract)).abi);
      abi.forEachEvent((event) => expect(compiled.getEvent(event.topicHash)?.format("minimal"), event.name).to.exist);
      abi.forEachFunction((fn) => expect(compiled.getFunction(fn.selector)?.format("minimal"), fn.name).to.exist);
    }
  });

  describe("finds a seeded mismatch", () => {
    it("of leaves that are not those that settled [R6]", async () => {
      const [dataHash, other] = [history.batches[0]!.batch.dataHash, history.batches[1]!.batch.dataHash];
      const leaves = new Map(history.leaves).set(dataHash, history.leaves.get(other)!);
      expect(wrong(await changed({ leaves }), "receipts")).to.include(`batch ${history.batches[0]!.digest}`);
      const document = Buffer.from((history.leaves.get(dataHash) as { document: Uint8Array }).document);
      document[document.length - 1]! ^= 1;
      const flipped = new Map(history.leaves).set(dataHash, { document });
      expect(wrong(await changed({ leaves: flipped }), "receipts")).to.include(`batch ${history.batches[0]!.digest}`);
    });

    it("of a batch that storage does not know, or that settled twice [R9]", async () => {
      const unsettled = await changed({ batches: first(history.batches, { settledAt: 0 }) });
      expect(wrong(unsettled, "receipts")).to.deep.equal([`settledAt(${history.batches[0]!.digest})`]);
      const twice = await changed({ batches: [...history.batches, history.batches[0]!] });
      expect(wrong(twice, "receipts")).to.include(`events of ${history.batches[0]!.digest} before this one`);
    });

    it("of a signature that is another key's [R1]", async () => {
      const [a, b] = [history.batches[0]!.digest, history.batches[2]!.digest];
      const submission = { ...history.submissions.get(a)!, signature: history.submissions.get(b)!.signature };
      const audit = await changed({ submissions: new Map(history.submissions).set(a, submission) });
      expect(wrong(audit, "receipts")).to.deep.equal([`signer of ${a}`]);
    });

    it("of a proof that does not hold for its receipt [R9]", async () => {
      const settled = history.batches.find(({ batch }) => batch.mode === 1)!;
      const submission = history.submissions.get(settled.digest)!;
      const half = (submission.evidence.length - 2) / 2;
      // The two proofs in each other's place: both hold, for the other receipt.
      const evidence = `0x${submission.evidence.slice(2 + half)}${submission.evidence.slice(2, 2 + half)}` as Hex;
      const submissions = new Map(history.submissions).set(settled.digest, { ...submission, evidence });
      const found = wrong(await changed({ submissions }), "receipts");
      expect(found).to.have.length(2);
      expect(found[0]).to.match(/^proof of 0x/);
    });

    it("of a payment without a receipt, above it, or made twice [R5] [R7] [R9]", async () => {
      const none = await changed({ collected: first(history.collected, { sequence: 77n }) });
      expect(wrong(none, "payments").some((subject) => subject.startsWith("channel payment"))).to.equal(true);
      const paid = history.collected[0]!.paid + 1n;
      const more = await changed({ collected: first(history.collected, { paid, amount: paid }) });
      expect(wrong(more, "payments")).to.have.length(2); // beyond the receipt, and the next total does not follow
      const fulfilled = await changed({ fulfilled: [...history.fulfilled, history.fulfilled[0]!] });
      expect(wrong(fulfilled, "payments")).to.deep.equal([
        `payments of ${history.fulfilled[0]!.requestId} before this one`,
      ]);
      const fee = history.fulfilled[0]!.fee - 1n;
      expect(wrong(await changed({ fulfilled: first(history.fulfilled, { fee }) }), "payments")).to.deep.equal([
        `fee of ${history.fulfilled[0]!.requestId}`,
      ]);
    });

    it("of a prepaid receipt that cost more than was paid, and of money that is not there [R7]", async () => {
      const amount = history.authorized[0]!.amount - 1n;
      expect(wrong(await changed({ authorized: first(history.authorized, { amount }) }), "payments")).to.deep.equal([
        `payment of receipt ${w.receiptId(w.prepaid)}`,
      ]);
      const [escrow, ...rest] = history.holdings;
      const short = await changed({ holdings: [{ ...escrow!, held: escrow!.came - escrow!.left - 1n }, ...rest] });
      expect(wrong(short, "payments")).to.deep.equal(["InferenceEscrow"]);
    });

    it("of a fee that was not divided by its rates, credited, or passed on to the wei [R7]", async () => {
      const { shares } = history.feesPaid[0]!;
      const split = { ...shares, node: shares.node - 1n, treasury: shares.treasury + 1n };
      const audit = await changed({ feesPaid: first(history.feesPaid, { shares: split }) });
      expect(wrong(audit, "fees").map((subject) => subject.split(",")[0])).to.deep.equal([
        "node's share",
        "treasury's share",
      ]);
      const credit = history.balances.findIndex(({ kind }) => kind === "credited");
      const balances = history.balances.filter((_, i) => i !== credit);
      expect(wrong(await changed({ balances }), "fees")).to.include(
        `credits of ${history.balances[credit]!.transaction}`,
      );
      const amount = history.forwarded[0]!.amount - 1n;
      expect(wrong(await changed({ forwarded: first(history.forwarded, { amount }) }), "fees")).to.have.length(1);
    });

    it("of an unlock before its time", async () => {
      if ("problem" in history.unlocks) throw new Error(history.unlocks.problem);
      const unlocks = { ...history.unlocks, releases: first(history.unlocks.releases, { at: 0 }) };
      expect(wrong(await changed({ unlocks }), "unlocks")).to.deep.equal(["liquidity, ahead"]);
    });

    it("of a slash without evidence, with evidence that proves nothing, or of another amount", async () => {
      const unproved = wrong(await changed({ faults: [] }), "slashes");
      expect(unproved).to.deep.equal([
        `slash of ${history.slashes[0]!.amount} wei, operator ${history.slashes[0]!.operator}`,
      ]);
      const [key, report] = [...history.reports][0]!;
      const twice = { ...report, statements: [report.statements[0]!, report.statements[0]!] };
      expect(wrong(await changed({ reports: new Map([[key, twice]]) }), "slashes")).to.deep.equal([
        `equivocation of key ${w.keyId}`,
      ]);
      const larger = {
        slashes: first(history.slashes, { amount: history.slashes[0]!.amount + 10n }),
        faults: first(history.faults, { slashed: history.slashes[0]!.amount + 10n }),
      };
      expect(wrong(await changed(larger), "slashes")).to.have.length(1);
    });

    it("of fees that rose without notice, above their cap, or that a trade paid otherwise [R8] [R10]", async () => {
      const at = history.twinFees.findIndex(({ kind }) => kind === "announced");
      const soon = [...history.twinFees];
      soon[at] = { ...soon[at]!, effectiveAt: soon[at]!.time + 60 } as never;
      expect(wrong(await changed({ twinFees: soon }), "notice")).to.have.length(1);
      const unannounced = history.twinFees.filter((_, i) => i !== at);
      expect(wrong(await changed({ twinFees: unannounced }), "notice")).to.have.length(1);
      const trade = history.twinFees.findLastIndex(({ kind }) => kind === "trade");
      const dear = [...history.twinFees];
      dear[trade] = { ...dear[trade]!, protocol: (dear[trade] as { protocol: bigint }).protocol + 1n } as never;
      expect(wrong(await changed({ twinFees: dear }), "fees")).to.have.length(1);
      const last = history.rates.at(-1)! as Extract<History["rates"][number], { kind: "announced" }>;
      const late = [...history.rates.slice(0, -1), { ...last, startsAt: last.time + 60 }];
      expect(wrong(await changed({ rates: late }), "notice")).to.deep.equal([`rates of epoch ${last.epoch}`]);
      const rise = history.stakeAnnouncements.at(-1)!;
      const stakeAnnouncements = [...history.stakeAnnouncements.slice(0, -1), { ...rise, from: rise.time }];
      expect(wrong(await changed({ stakeAnnouncements }), "notice")).to.have.length(1);
    });
  });

  it("says what it could not tell instead of passing it", async () => {
    const bare = await auditOf(await w.read({ leaves: async () => ({ problem: "gone" }) }));
    expect(bare.clean).to.equal(false);
    const unknown = bare.lines.flatMap((line) => line.unknown.map(({ why }) => why));
    expect(unknown.some((why) => why.includes("gone"))).to.equal(true);
    expect(bare.lines.flatMap(({ mismatches }) => mismatches)).to.deep.equal([]);
    expect(textOf(bare)).to.contain("could not be told");
  });

  it("reports on its range only, over what came before", async () => {
    const [from] = [history.collected[1]!.block];
    const later = await auditOf(await w.read({ from }));
    expect(later.clean).to.equal(true);
    const whole = await auditOf(history);
    const of = (audit: Audit) => audit.lines.find(({ claim }) => claim.startsWith("What each channel paid"))!.checked;
    expect([of(whole), of(later)]).to.deep.equal([2, 1]);
  });

  it("is printed as text, as JSON and as one page with charts that loads nothing", async () => {
    const audit = await auditOf(history);
    for (const { how, claim } of audit.lines) {
      expect(textOf(audit)).to.contain(how);
      expect(textOf(audit)).to.contain(claim);
    }
    const parsed = JSON.parse(jsonOf(audit)) as { lines: unknown[]; clean: boolean };
    expect(parsed.lines).to.have.length(audit.lines.length);
    expect(parsed.clean).to.equal(true);
    const page = htmlOf(audit);
    expect(page.match(/<svg /g)).to.have.length(3);
    expect(page).not.to.match(/<script|src=|href=|url\(/);
    const hostile = { ...audit, lines: [{ ...audit.lines[0]!, claim: "<script>alert(1)</script>" }] };
    expect(htmlOf(hostile)).not.to.contain("<script>");
  });
});
