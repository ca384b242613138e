import { expect } from "chai";
import fc from "fast-check";
import { Interface } from "ethers";
import { artifacts } from "hardhat";
import { twinMarket } from "../../relayer/twin/abi.ts";
import { changesBetween, type FeeLog, sameFees } from "../../relayer/twin/fees.ts";
import { fee, NOON, reading, tenths } from "./fees-readings.ts";
import { NOTICE } from "./fees-support.ts";

/** A log of the market. */
function log(name: string, args: unknown[], timestamp: number, transactionHash = `0x${"ab".repeat(32)}`): FeeLog {
  return { ...twinMarket.encodeEventLog(name, args), transactionHash, timestamp };
}
const announced = (which: number, from: number, to: number, at: number) =>
  log("FeeIncreaseAnnounced", [which, tenths(from), tenths(to), at + NOTICE], at);
const withdrawn = (which: number, present: number, of: number, at: number) =>
  log("FeeIncreaseWithdrawn", [which, tenths(present), tenths(of)], at);
const changed = (which: number, from: number, to: number, at: number) =>
  log("FeeChanged", [which, tenths(from), tenths(to)], at);

describe("what happened to the fees between two readings", () => {
  const before = reading(10, NOON, fee(20));
  const kinds = (changes: ReturnType<typeof changesBetween>) => changes.map(({ kind, fee }) => `${fee} ${kind}`);

  it("is nothing where nothing is different, whatever the block", () => {
    expect(changesBetween(before, reading(11, NOON + 2, fee(20)))).to.deep.equal([]);
    expect(sameFees(before, reading(11, NOON + 2, fee(20)))).to.equal(true);
  });

  it("is told from the readings alone where a node gives no logs", () => {
    const pending = fee(20, [40, NOON + NOTICE]);
    const told = changesBetween(before, reading(11, NOON + 2, pending));
    expect(told).to.deep.equal([
      {
        ...{ kind: "increase_announced", fee: "protocol", present: tenths(20), announced: tenths(40) },
        ...{ effectiveAt: NOON + NOTICE, at: NOON + 2, transaction: null },
      },
    ]);
    const ran = changesBetween(reading(11, NOON + 2, pending), reading(12, NOON + NOTICE + 9, fee(40)));
    expect(ran).to.deep.equal([
      {
        ...{ kind: "increased", fee: "protocol", previous: tenths(20), present: tenths(40) },
        ...{ at: NOON + NOTICE, transaction: null },
      },
    ]);
    const off = changesBetween(reading(11, NOON + 2, pending), reading(12, NOON + 4, fee(20)));
    expect(kinds(off)).to.deep.equal(["protocol increase_withdrawn"]);
    const lower = changesBetween(reading(11, NOON + 2, pending), reading(12, NOON + 4, fee(10)));
    expect(kinds(lower)).to.deep.equal(["protocol increase_withdrawn", "protocol decreased"]);
    const other = changesBetween(reading(11, NOON, pending), reading(12, NOON + 4, fee(20, [30, NOON + NOTICE + 4])));
    expect(kinds(other)).to.deep.equal(["protocol increase_withdrawn", "protocol increase_announced"]);
    const again = changesBetween(reading(11, NOON, pending), reading(12, NOON + 4, fee(20, [40, NOON + NOTICE + 4])));
    expect(kinds(again)).to.deep.equal(["protocol increase_withdrawn", "protocol increase_announced"]);
  });

  it("tells what came and went in between, with its transactions", () => {
    const logs = [announced(1, 25, 30, NOON + 5), withdrawn(1, 25, 30, NOON + 9)];
    const told = changesBetween(before, reading(20, NOON + 20, fee(20)), logs);
    expect(kinds(told)).to.deep.equal(["subject increase_announced", "subject increase_withdrawn"]);
    expect(told.map(({ at }) => at)).to.deep.equal([NOON + 5, NOON + 9]);
    expect(told[0]!.transaction).to.equal(`0x${"ab".repeat(32)}`);
  });

  it("tells an increase that ran out once: when it did, not when somebody traded next", () => {
    const pending = reading(11, NOON + 2, fee(20, [40, NOON + NOTICE]));
    const ran = reading(12, NOON + NOTICE + 1, fee(40));
    expect(kinds(changesBetween(pending, ran))).to.deep.equal(["protocol increased"]);
    const touched = changed(0, 20, 40, NOON + NOTICE + 60);
    expect(changesBetween(ran, reading(13, NOON + NOTICE + 61, fee(40)), [touched])).to.deep.equal([]);
    // Both in one gap, then a decrease.
    const logs = [touched, changed(0, 40, 10, NOON + NOTICE + 70)];
    const told = changesBetween(pending, reading(14, NOON + NOTICE + 80, fee(10)), logs);
    expect(kinds(told)).to.deep.equal(["protocol increased", "protocol decreased"]);
    expect(told.map(({ at }) => at)).to.deep.equal([NOON + NOTICE, NOON + NOTICE + 70]);
  });

  it("believes the chain's present word over logs that a reorganisation took back", () => {
    const told = changesBetween(before, reading(12, NOON + 4, fee(20)), [announced(0, 20, 40, NOON + 1)]);
    expect(kinds(told)).to.deep.equal(["protocol increase_announced", "protocol increase_withdrawn"]);
  });

  it("always leads from the one to the other, with any logs or none", () => {
    const state = fc
      .tuple(fc.integer({ min: 0, max: 49 }), fc.option(fc.integer({ min: 1, max: 50 })), fc.nat(5_000))
      .map(([present, by, soon]) =>
        fee(present, by === null ? undefined : [Math.min(50, present + by), NOON + 1_000 + soon]),
      );
    const name = fc.constantFrom("a", "w", "c");
    const logs = fc.array(fc.tuple(name, fc.nat(1), fc.nat(50), fc.nat(50), fc.nat(3_000)), { maxLength: 6 });
    fc.assert(
      fc.property(state, state, logs, (from, to, noise) => {
        // What is announced in the last reading has not run out in it.
        const end = Math.min(NOON + 4_000, (to.increase?.effectiveAt ?? NOON + 4_001) - 1);
        const ordered = noise
          .sort((x, y) => x[4] - y[4])
          .map(([kind, which, a, b, at]) => {
            if (kind === "a") return announced(which, a, b, at);
            return kind === "w" ? withdrawn(which, a, b, at) : changed(which, a, b, at);
          });
        const changes = changesBetween(reading(1, NOON, from), reading(2, end, to), ordered);
        const own = changes.filter((change) => change.fee === "protocol");
        let { present, increase } = from;
        for (const change of own) {
          if (change.kind === "increase_announced") {
            increase = { percent: change.announced, effectiveAt: change.effectiveAt };
          } else if (change.kind === "increase_withdrawn") {
            expect(change.withdrawn).to.equal(increase!.percent);
            increase = null;
          } else {
            expect(change.previous).to.equal(present);
            expect(change.kind).to.equal(change.present > present ? "increased" : "decreased");
            if (increase?.percent === change.present) increase = null;
            present = change.present;
          }
        }
        expect(present).to.equal(to.present);
        expect(increase?.percent).to.equal(to.increase?.percent);
      }),
      { numRuns: 500, examples: [[fee(0), fee(0), [["a", 0, 0, 0, 0]]]] },
    );
  });

  it("is read with the names and types that the compiler gives", async () => {
    const compiled = new Interface((await artifacts.readArtifact("TwinMarket")).abi);
    expect(twinMarket.fragments.length).to.equal(7);
    for (const fragment of twinMarket.fragments) {
      const signature = fragment.format("sighash");
      const other = compiled.fragments.find((one) => one.type === fragment.type && one.format() === signature);
      expect(other?.format("full"), signature).to.equal(fragment.format("full"));
    }
  });
});
