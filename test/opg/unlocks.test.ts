import { expect } from "chai";
import { network } from "hardhat";
import type { Provider } from "ethers";
import { ALLOCATIONS, OPG } from "../../deploy/modules/opg.ts";
import type { ExistingToken } from "../../deploy/parameters.ts";
import { calendarOf } from "../../tasks/unlocks/calendar.ts";
import { LogError, readLogs } from "../../tasks/unlocks/logs.ts";
import { print } from "../../tasks/unlocks/print.ts";
import { releasesOfVesters, releasesOfVesting } from "../../tasks/unlocks/releases.ts";
import { dueAt, LAST_MONTH, monthAt, PUBLISHED, scheduledByMonth } from "../../tasks/unlocks/schedule.ts";
import { OPGGenesis__factory, OPGVesting__factory } from "../../typechain/index.ts";
import { beneficiaries } from "./support.ts";

const MILLION = 1_000_000n * 10n ** 18n;
const START = new Date("2026-04-01T00:00:00Z");
const FOUNDATION = 1;
const JUNE = { amount: "2083333.333333333333333333", month: 2 };
const everything = { fromBlock: 0, chunk: 10_000 };

async function ownChain() {
  const connection = await network.create({ network: "default", override: { initialDate: START } });
  const { ethers, ignition } = connection;
  const deployed = await ignition.deploy(OPG);
  const [anyone] = await ethers.getSigners();
  const genesis = OPGGenesis__factory.connect(await deployed.genesis.getAddress(), anyone);
  await genesis.launch(beneficiaries);
  const address = await genesis.vesting();
  const vesting = OPGVesting__factory.connect(address, anyone);
  const calendar = async () => calendarOf(await releasesOfVesting(ethers.provider, address, everything));
  return { ...connection, vesting, address, token: await deployed.token.getAddress(), calendar };
}

/** A chain with a token of which only Transfer logs are known, held by one account per allocation. */
async function foreignChain() {
  const connection = await network.create({ network: "default", override: { initialDate: START } });
  const { ethers, networkHelpers } = connection;
  const accounts = await ethers.getSigners();
  const vesters = ALLOCATIONS.map((_, i) => accounts[i]!);
  const amounts = ALLOCATIONS.map((name) => PUBLISHED[name].total);
  const token = await ethers.deployContract("PlainOPG", [vesters.map(({ address }) => address), amounts]);
  const outside = accounts[10]!.address;
  const existing: ExistingToken = {
    token: await token.getAddress(),
    fromBlock: 0,
    graceDays: 3,
    vesters: Object.fromEntries(
      ALLOCATIONS.map((name, i) => [name, [vesters[i]!.address]]),
    ) as ExistingToken["vesters"],
  };
  const pay = async (which: number, amount: bigint, at?: number, to = outside) => {
    if (at !== undefined) await networkHelpers.time.setNextBlockTimestamp(at);
    const sent = await token.connect(vesters[which]!).getFunction("transfer")(to, amount);
    return String(sent.hash);
  };
  const payAllDue = async (month: number) => {
    for (const [i, name] of ALLOCATIONS.entries()) {
      const amount = scheduledByMonth(name, month) - scheduledByMonth(name, month - 1);
      if (amount > 0n) await pay(i, amount);
    }
  };
  const calendar = async (over: Partial<ExistingToken> = {}) =>
    calendarOf(await releasesOfVesters(ethers.provider, { ...existing, ...over }, 10_000));
  return { ...connection, accounts, existing, pay, payAllDue, calendar };
}

describe("the unlock calendar", () => {
  it("is published twice, in the contract and beside it, and both agree in every month", async () => {
    const { vesting } = await ownChain();
    for (let month = 0; month <= LAST_MONTH + 12; month++) {
      const { due, cumulative } = await vesting.calendar(month);
      expect(Number(due)).to.equal(dueAt(month));
      expect([monthAt(dueAt(month)), monthAt(dueAt(month) - 1)]).to.deep.equal([month, month - 1]);
      expect(cumulative).to.deep.equal(ALLOCATIONS.map((name) => scheduledByMonth(name, month)));
    }
    expect(LAST_MONTH).to.equal(96);
  });

  it("shows each tranche with the transactions that paid it, and those to come with the supply by then", async () => {
    const { networkHelpers, vesting, calendar } = await ownChain();
    await networkHelpers.time.setNextBlockTimestamp(dueAt(0));
    const first = await vesting.release(FOUNDATION);
    await networkHelpers.time.setNextBlockTimestamp(dueAt(2) + 100);
    const second = await vesting.release(FOUNDATION);
    await networkHelpers.time.increaseTo(dueAt(3));
    const { tranches, deviations, scheduled, released } = await calendar();
    expect(deviations).to.deep.equal([]);
    const foundation = tranches.filter(({ allocation }) => allocation === "foundation");
    expect(foundation.slice(0, 5).map(({ status }) => status)).to.deep.equal([
      "released",
      "released",
      "released",
      "due",
      "future",
    ]);
    expect(foundation[0]!.transactions).to.deep.equal([{ hash: first.hash, at: dueAt(0), amount: 50n * MILLION }]);
    expect(foundation[2]!.transactions).to.deep.equal([
      { hash: second.hash, at: dueAt(2) + 100, amount: 2_083_333_333_333_333_333_333_333n },
    ]);
    expect(released).to.equal(50n * MILLION + scheduledByMonth("foundation", 2) - 50n * MILLION);
    expect(scheduled).to.equal(ALLOCATIONS.reduce((sum, name) => sum + scheduledByMonth(name, 3), 0n));
    expect(tranches.at(-1)).to.include({ month: 96, allocation: "stakingRewards", circulating: 1_000n * MILLION });
  });

  it("prints the same in three formats, amounts to the wei", async () => {
    const { networkHelpers, vesting, calendar } = await ownChain();
    await networkHelpers.time.increaseTo(dueAt(2) + 5);
    const { hash } = await vesting.release(FOUNDATION);
    const found = await calendar();
    const parsed = JSON.parse(print(found, "json"));
    const june = parsed.tranches.find(
      (each: { month: number; allocation: string }) => each.month === JUNE.month && each.allocation === "foundation",
    );
    expect(june).to.deep.include({
      date: "2026-06-21T00:00:00.000Z",
      amount: JUNE.amount,
      percentOfSupply: "0.208333",
      status: "released",
    });
    expect(june.transactions[0]).to.deep.include({ hash, amount: JUNE.amount });
    const lines = print(found, "csv").split("\n");
    expect(lines).to.have.length(1 + parsed.tranches.length);
    const row = lines.find((line) => line.startsWith("2,2026-06-21,foundation,"));
    expect(row).to.equal(
      `2,2026-06-21,foundation,${JUNE.amount},0.208333,${june.circulatingSupply},released,${JUNE.amount},${hash},2026-06-21`,
    );
    const text = print(found, "table");
    expect(text).to.match(/2 +2026-06-21 +foundation +2,083,333\.33 +0\.2083 .* released +0x/);
    expect(text).to.contain("The chain keeps to the schedule.");
  });

  describe("of an unlock contract", () => {
    it("deviates where the contract owes more than it holds", async () => {
      const { ethers } = await ownChain();
      const plain = await ethers.deployContract("DevelopmentToken", ["Plain", "PLAIN"]);
      const made = await ethers.deployContract("OPGVesting", [await plain.getAddress(), beneficiaries]);
      const found = await releasesOfVesting(ethers.provider, await made.getAddress(), everything);
      expect(found.deviations.map(({ code }) => code)).to.deep.equal(["short"]);
    });

    it("deviates where the contract's schedule is another than the published one", async () => {
      const { ethers, address, token } = await ownChain();
      const other = await ethers.deployContract("OtherVesting", [address, token]);
      const found = await releasesOfVesting(ethers.provider, await other.getAddress(), everything);
      expect(found.deviations.map(({ code, allocation }) => [code, allocation])).to.deep.equal([
        ["schedule_differs", "foundation"],
        ["schedule_differs", "all"],
        ["short", "all"],
      ]);
    });

    it("deviates where the contract tells of releases that the token knows nothing of", async () => {
      const { ethers, address, token } = await ownChain();
      const other = await ethers.deployContract("OtherVesting", [address, token]);
      await other.getFunction("pretend")();
      const found = await releasesOfVesting(ethers.provider, await other.getAddress(), everything);
      const misdirected = found.deviations.filter(({ code }) => code === "misdirected");
      expect(misdirected.map(({ allocation }) => allocation)).to.deep.equal(["foundation", "all"]);
      expect(misdirected[0]!.message.toLowerCase()).to.contain("0x0000000000000000000000000000000000000bad");
      expect(misdirected[1]!.message).to.contain("Transfers and releases differ");
    });
  });

  describe("of vesters that are only addresses", () => {
    it("agrees where every tranche was paid when it was due, in whatever pieces", async () => {
      const { networkHelpers, pay, payAllDue, calendar } = await foreignChain();
      await networkHelpers.time.increaseTo(dueAt(0));
      await payAllDue(0);
      await networkHelpers.time.increaseTo(dueAt(1));
      await payAllDue(1);
      await networkHelpers.time.increaseTo(dueAt(2));
      await pay(0, 2n * MILLION);
      await pay(0, 4n * MILLION);
      await pay(1, 2_083_333_333_333_333_333_333_333n);
      await pay(4, scheduledByMonth("stakingRewards", 2) - scheduledByMonth("stakingRewards", 1));
      const { tranches, deviations, released, scheduled } = await calendar();
      expect(deviations).to.deep.equal([]);
      expect(released).to.equal(scheduled);
      const june = tranches.filter(({ month }) => month === 2);
      expect(june.map(({ status }) => status)).to.deep.equal(["released", "released", "released"]);
      expect(june[0]!.transactions.map(({ amount }) => amount)).to.deep.equal([2n * MILLION, 4n * MILLION]);
      const paid = june[0]!.amount + june[1]!.amount;
      expect(paid).to.equal(8_083_333_333_333_333_333_333_333n);
    });

    it("deviates by a wei too early and by a tranche too late, with days of grace", async () => {
      const { networkHelpers, pay, payAllDue, calendar } = await foreignChain();
      await networkHelpers.time.increaseTo(dueAt(0));
      await payAllDue(0);
      expect((await calendar()).deviations).to.deep.equal([]);
      const early = await pay(2, 1n, dueAt(13) - 1);
      const { deviations } = await calendar();
      const contributors = deviations.filter(({ allocation }) => allocation === "contributors");
      expect(contributors.map(({ code }) => code)).to.deep.equal(["ahead"]);
      expect(contributors[0]!.message).to.contain(early);
      // Nothing of month 1 was paid by then.
      expect(deviations.filter(({ allocation }) => allocation === "ecosystem")[0]).to.deep.include({
        code: "late",
        message: `month 1: 0 of ${6n * MILLION} wei released`,
      });
    });

    it("waits the days of grace before it calls a tranche late", async () => {
      const { networkHelpers, payAllDue, calendar } = await foreignChain();
      await networkHelpers.time.increaseTo(dueAt(0));
      await payAllDue(0);
      await networkHelpers.time.increaseTo(dueAt(1) + 3 * 86_400 - 1);
      expect((await calendar()).deviations).to.deep.equal([]);
      await networkHelpers.time.increaseTo(dueAt(1) + 3 * 86_400);
      expect((await calendar()).deviations.map(({ code, allocation }) => `${code} ${allocation}`)).to.deep.equal([
        "late ecosystem",
        "late foundation",
        "late stakingRewards",
      ]);
    });

    it("does not take a move between vesters of one allocation for a release", async () => {
      const { accounts, existing, pay, calendar } = await foreignChain();
      const second = accounts[11]!.address;
      await pay(0, MILLION, undefined, second);
      const vesters = { ...existing.vesters, ecosystem: [...existing.vesters.ecosystem, second] };
      expect((await calendar({ vesters })).released).to.equal(0n);
      expect((await calendar()).deviations.map(({ code }) => code)).to.deep.equal(["ahead"]);
    });

    it("never passes what it could not check", async () => {
      const { existing, calendar } = await foreignChain();
      const { deviations, tranches } = await calendar({ vesters: { ...existing.vesters, investors: [] } });
      expect(deviations.map(({ code, allocation }) => [code, allocation])).to.deep.equal([["unchecked", "investors"]]);
      const statuses = tranches.filter(({ allocation }) => allocation === "investors").map(({ status }) => status);
      expect(new Set(statuses)).to.deep.equal(new Set(["unknown"]));
    });
  });

  it("asks for logs in pieces as small as the node wants, and loses none", async () => {
    const { ethers, existing, pay } = await foreignChain();
    for (let i = 0; i < 20; i++) await pay(5, 1n);
    const asked: number[] = [];
    const narrow = (most: number) =>
      ({
        getLogs: async (filter: { fromBlock: number; toBlock: number }) => {
          const size = filter.toBlock - filter.fromBlock + 1;
          if (size > most) throw new Error("query returned too many blocks");
          asked.push(size);
          return ethers.provider.getLogs(filter);
        },
      }) as unknown as Provider;
    const range = { from: 0, to: await ethers.provider.getBlockNumber() };
    const filter = { address: existing.token };
    const all = await readLogs(ethers.provider, filter, range, 10_000);
    const pieces = await readLogs(narrow(3), filter, range, 10_000);
    expect(all.length).to.equal(ALLOCATIONS.length + 20);
    expect(pieces.map(({ blockNumber, index }) => [blockNumber, index])).to.deep.equal(
      all.map(({ blockNumber, index }) => [blockNumber, index]),
    );
    expect(asked.reduce((sum, size) => sum + size, 0)).to.equal(range.to + 1);
    const refusal = await readLogs(narrow(0), filter, range, 10).catch((problem: unknown) => problem);
    expect(refusal).to.be.instanceOf(LogError);
  });
});
