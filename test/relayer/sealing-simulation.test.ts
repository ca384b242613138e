// SPDX-License-Identifier: MIT
// The instrument that the defaults stand on.
import { expect } from "chai";
import fc from "fast-check";
import type { WaitPolicy } from "../../relayer/batches/policy.ts";
import {
  generateFees,
  MAINNET,
  nextBaseFee,
  parseFees,
  quantileOf,
  recordFees,
  ROLLUP,
  type FeeTrace,
} from "../../scripts/sealing/fees.ts";
import { generateLoad, type Load } from "../../scripts/sealing/load.ts";
import { randomFrom } from "../../scripts/sealing/random.ts";
import { delayAt, simulate, type Policies, type Timing } from "../../scripts/sealing/simulate.ts";

const GAS = { firstBatch: 70_000, furtherBatch: 30_000, alone: 75_000 };
const TIMING: Timing = { sweepMs: 1_000, signMs: 2_000, sendMs: 1_000, fulfilMs: 10_000, tip: 1n };
const NOW: WaitPolicy = { maxCount: 1, patientMs: 0, impatientMs: 0, cheapBaseFee: 0n, marginMs: 0 };
const HOUR = 3_600_000;
const load = (at: [at: number, key: number, deadline?: number][]): Load => ({
  ...{ name: "by hand", keys: 2, completedAt: Float64Array.from(at, ([t]) => t) },
  ...{ keyOf: Uint8Array.from(at, ([, key]) => key), deadline: Float64Array.from(at, ([, , d]) => d ?? NaN) },
});
const policies = (sealing: WaitPolicy, settlement = NOW): Policies => ({
  ...{ name: "tried", sealing, settlement, aloneAfterMs: 36 * HOUR },
});

describe("simulation of sealing", () => {
  // Blocks of 10 s at 100, 200 and 300 wei, again and again.
  const fees: FeeTrace = { name: "by hand", blockMs: 10_000, baseFees: [100n, 200n, 300n] };

  it("comes to what a hand computes", () => {
    // Two of one key and one of another. They are due at 20 s of age: sealed at 21 s, signed at 23 s, in the pool at 24 s,
    // so in block 3, which is as block 0: 100 wei and 1 on top. The other key's is sealed at 25 s, and is in block 3 too.
    const three = load([
      [500, 0],
      [4_500, 0],
      [4_900, 1],
    ]);
    const by20 = { ...NOW, maxCount: 10, patientMs: 20_000, impatientMs: 20_000 };
    const outcome = simulate(three, fees, policies(by20), GAS, TIMING);
    expect(outcome).to.include({ receipts: 3, calls: 2, batches: 2, gas: 140_000, deadlines: 0, missed: 0 });
    expect(outcome.cost).to.equal(140_000n * 101n);
    expect([...outcome.delays]).to.deep.equal([29_500, 25_500, 25_100]);
    expect([delayAt(outcome, 0.5), delayAt(outcome, 0.99)]).to.deep.equal([25_500, 29_500]);
    // Held until a call takes both: the first batch waits from 23 s to 27 s, when there are two.
    const together = simulate(
      three,
      fees,
      policies(by20, { ...NOW, maxCount: 2, impatientMs: HOUR, patientMs: HOUR }),
      GAS,
      TIMING,
    );
    expect(together).to.include({ calls: 1, batches: 2, gas: 100_000 });
    expect([...together.delays]).to.deep.equal([29_500, 25_500, 25_100]);
  });

  it("waits for cheap blocks by the rule itself, and for a deadline by no price", () => {
    const waits = { ...NOW, maxCount: 10, impatientMs: HOUR, cheapBaseFee: 100n, marginMs: 15_000 };
    // Block 1 costs 200, block 3 costs 100 again: sealed at 30 s.
    const calm = simulate(load([[10_000, 0]]), fees, policies(waits), GAS, TIMING);
    expect([...calm.delays]).to.deep.equal([30_000]);
    const hurried = simulate(load([[10_000, 0, 32_000]]), fees, policies(waits), GAS, TIMING);
    expect([...hurried.delays], "sealed at 17 s, 15 s before its deadline").to.deep.equal([20_000]);
    expect(hurried).to.include({ deadlines: 1, missed: 1 });
    const over = simulate(load([[10_000, 0, 9_000]]), fees, policies(waits), GAS, TIMING);
    expect([...over.delays], "a deadline that is over hurries nobody").to.deep.equal([30_000]);
    const inTime = simulate(load([[10_000, 0, 40_000]]), fees, policies({ ...waits, marginMs: 30_000 }), GAS, TIMING);
    expect([inTime.deadlines, inTime.missed, inTime.delays[0]]).to.deep.equal([1, 0, 10_000]);
  });

  it("lets what is never due settle alone in the end", () => {
    const never = { ...NOW, maxCount: 10, patientMs: 100 * HOUR, impatientMs: 100 * HOUR };
    const outcome = simulate(load([[0, 0]]), fees, policies(never), GAS, TIMING);
    expect(outcome).to.include({ calls: 1, batches: 0, gas: 75_000 });
    expect(outcome.delays[0]).to.equal(36 * HOUR + 10_000);
  });

  it("settles each receipt once, after it was completed, under whatever policy and load [R9]", () => {
    const policy = fc.record({
      maxCount: fc.integer({ min: 1, max: 20 }),
      patientMs: fc.integer({ min: 0, max: 100_000 }),
      impatientMs: fc.integer({ min: 0, max: 200_000 }),
      cheapBaseFee: fc.bigInt({ min: 0n, max: 400n }),
      marginMs: fc.integer({ min: 0, max: 60_000 }),
    });
    const receipt = fc.tuple(fc.nat(300_000), fc.nat(1), fc.option(fc.nat(200_000), { nil: NaN }));
    fc.assert(
      fc.property(fc.array(receipt, { maxLength: 60 }), policy, policy, (list, sealing, settlement) => {
        const sorted = [...list]
          .sort(([a], [b]) => a - b)
          .map(([t, key, left]): [number, number, number] => [t, key, t + left]);
        const outcome = simulate(load(sorted), fees, policies(sealing, settlement), GAS, TIMING);
        expect(outcome.settledTimes.every((times) => times === 1)).to.equal(true);
        // Signing, sending and a block: nothing is in a block before its time.
        expect(outcome.delays.every((delay) => delay >= TIMING.sendMs)).to.equal(true);
        expect(outcome.gas).to.be.at.least(GAS.firstBatch * outcome.calls);
        expect(outcome.calls).to.be.at.most(Math.max(outcome.batches, 0));
        expect(outcome.cost >= BigInt(outcome.gas) * 101n).to.equal(true);
        expect(outcome.missed).to.be.at.most(outcome.deadlines);
      }),
      { numRuns: 60 },
    );
  });

  it("is the same in every run of one seed, and another in another's", () => {
    const run = (seed: string) => {
      const day = generateLoad({ name: "", perSecond: 0.05, keys: 3, onChain: 0.1 }, randomFrom(seed), 2 * HOUR);
      const { cost, delays } = simulate(day, generateFees(ROLLUP, randomFrom(seed)), policies(NOW), GAS, TIMING);
      return [cost, ...delays];
    };
    expect(run("a")).to.deep.equal(run("a"));
    expect(run("a")).to.not.deep.equal(run("b"));
  });
});

describe("a day that is simulated", () => {
  it("has base fees by the rule of EIP-1559, in whole wei", () => {
    const target = 15_000_000n;
    expect(nextBaseFee(1_000n, target, target, 8n)).to.equal(1_000n);
    expect(nextBaseFee(1_000n, 2n * target, target, 8n)).to.equal(1_125n);
    expect(nextBaseFee(1_000n, 0n, target, 8n)).to.equal(875n);
    expect(nextBaseFee(7n, target + 1n, target, 8n), "by one at least").to.equal(8n);
    expect(nextBaseFee(7n, target - 1n, target, 8n)).to.equal(7n);
    for (const model of [MAINNET, ROLLUP]) {
      const trace = generateFees(model, randomFrom("a day"));
      expect(trace.baseFees.length).to.equal(86_400_000 / model.blockMs);
      const limit = BigInt(model.denominator);
      trace.baseFees.slice(1).forEach((fee, i) => {
        const before = trace.baseFees[i]!;
        const [most, least] = [
          before + (before * BigInt(model.elasticity - 1)) / limit + 1n,
          before - before / limit - 1n,
        ];
        expect(fee <= most && fee >= least, `${before} to ${fee}`).to.equal(true);
      });
      // Neither flat nor without end.
      expect(quantileOf(trace, 1) > 2n * quantileOf(trace, 0.5)).to.equal(true);
      expect(quantileOf(trace, 0.5) > model.level / 4n && quantileOf(trace, 0.5) < model.level * 4n).to.equal(true);
    }
  });

  it("has as many receipts as its rate says, in order, with some that answer requests in time", () => {
    const { completedAt, keyOf, deadline } = generateLoad(
      { name: "", perSecond: 1, keys: 4, onChain: 0.25 },
      randomFrom("load"),
    );
    expect(completedAt.length).to.be.within(70_000, 104_000);
    expect(completedAt.every((at, i) => i === 0 || at >= completedAt[i - 1]!)).to.equal(true);
    expect(completedAt.at(-1)).to.be.below(86_400_000);
    expect(new Set(keyOf).size).to.equal(4);
    const asked = [...deadline].flatMap((at, i) => (Number.isNaN(at) ? [] : [at - completedAt[i]!]));
    expect(asked.length / completedAt.length).to.be.within(0.23, 0.27);
    expect(asked.every((left) => left >= 600_000 && left <= 3_600_000)).to.equal(true);
    // Bursts: a minute holds eight times as many as another.
    const minutes = new Map<number, number>();
    for (const at of completedAt) minutes.set(Math.floor(at / 60_000), (minutes.get(Math.floor(at / 60_000)) ?? 0) + 1);
    expect(Math.max(...minutes.values())).to.be.above(4 * 60);
  });

  it("may be a recorded one: eth_feeHistory as it is, or lines that end in wei", () => {
    const history = JSON.stringify({ oldestBlock: "0x1", baseFeePerGas: ["0xa", "0x14"] });
    expect(parseFees(history, "f", 1).baseFees).to.deep.equal([10n, 20n]);
    expect(parseFees("block,baseFee\n1,10\n2,20\n", "f", 1).baseFees).to.deep.equal([10n, 20n]);
    expect(parseFees("10\n0x14\n", "f", 1).baseFees).to.deep.equal([10n, 20n]);
    for (const bad of ["", "{}", "1,ten", "block,baseFee\n", "-5"])
      expect(() => parseFees(bad, "f", 1), bad).to.throw(RangeError);
  });

  it("is recorded in pieces that nodes answer, oldest first, and reads back as it was", async () => {
    const asked: unknown[] = [];
    const head = 2_500;
    const ask = async <T>(method: string, params: readonly unknown[]): Promise<T> => {
      if (method === "eth_blockNumber") return `0x${head.toString(16)}` as T;
      const [count, newest] = [Number(params[0]), Number(params[1])];
      asked.push([count, newest]);
      const oldest = newest - count + 1;
      const fees = Array.from({ length: count + 1 }, (_, i) => `0x${(oldest + i).toString(16)}`);
      return { oldestBlock: `0x${oldest.toString(16)}`, baseFeePerGas: fees } as T;
    };
    const text = await recordFees(ask, 1_500);
    expect(asked).to.deep.equal([
      [1_024, 2_500],
      [476, 1_476],
    ]);
    const expected = Array.from({ length: 1_500 }, (_, i) => BigInt(1_001 + i));
    expect(parseFees(text, "f", 1).baseFees).to.deep.equal(expected);
    expect((await recordFees(ask, 9_000)).trim().split("\n").length, "a chain has no more").to.equal(2_502);
  });
});
