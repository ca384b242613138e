// SPDX-License-Identifier: MIT
import { expect } from "chai";
import fc from "fast-check";
import { isDue, type Waiting, type WaitPolicy } from "../../relayer/batches/policy.ts";

const policy: WaitPolicy = { maxCount: 10, patientMs: 1_000, impatientMs: 5_000, cheapBaseFee: 20n, marginMs: 700 };
const waiting = fc.record({
  count: fc.integer({ min: 0, max: 30 }),
  ageMs: fc.integer({ min: 0, max: 10_000 }),
  baseFeePerGas: fc.option(fc.bigInt({ min: 0n, max: 40n }), { nil: undefined }),
  deadlineMs: fc.option(fc.integer({ min: -1_000, max: 2_000 }), { nil: undefined }),
});

describe("sealing policy", () => {
  it("goes by size at once, by age when gas is cheap, and at any price in the end [R8]", () => {
    const cases: [Waiting, boolean][] = [
      [{ count: 0, ageMs: 99_999, baseFeePerGas: 0n }, false],
      [{ count: 9, ageMs: 999, baseFeePerGas: 0n }, false],
      [{ count: 10, ageMs: 0, baseFeePerGas: 1_000n }, true],
      [{ count: 1, ageMs: 1_000, baseFeePerGas: 20n }, true],
      [{ count: 1, ageMs: 1_000, baseFeePerGas: 21n }, false],
      [{ count: 1, ageMs: 4_999, baseFeePerGas: 21n }, false],
      [{ count: 1, ageMs: 5_000, baseFeePerGas: 1_000n }, true],
      // The clock was put back: waiting until it has caught up could take for ever.
      [{ count: 1, ageMs: -1, baseFeePerGas: 1_000n }, true],
    ];
    for (const [given, expected] of cases)
      expect(isDue(given, policy), JSON.stringify(given, String)).to.equal(expected);
  });

  it("takes an unknown gas price for no reason to go, and for none to wait for ever [FM:outage-not-found]", () => {
    expect(isDue({ count: 1, ageMs: 4_999, baseFeePerGas: undefined }, policy)).to.equal(false);
    expect(isDue({ count: 1, ageMs: 5_000, baseFeePerGas: undefined }, policy)).to.equal(true);
    expect(isDue({ count: 10, ageMs: 0, baseFeePerGas: undefined }, policy)).to.equal(true);
  });

  it("goes in time for the first deadline, whatever gas costs, and not for the sake of one that is far [R8]", () => {
    const one = { count: 1, ageMs: 0, baseFeePerGas: 1_000n };
    const cases: [number | undefined, boolean][] = [
      [undefined, false],
      [701, false],
      [700, true],
      [0, true],
      [-5_000, true],
    ];
    for (const [deadlineMs, expected] of cases) expect(isDue({ ...one, deadlineMs }, policy)).to.equal(expected);
    expect(isDue({ ...one, baseFeePerGas: undefined, deadlineMs: 700 }, policy)).to.equal(true);
    expect(isDue({ ...one, count: 0, deadlineMs: 0 }, policy), "there is nothing to go").to.equal(false);
  });

  it("is moved by a deadline only once it is within the margin [R8]", () => {
    fc.assert(
      fc.property(waiting, fc.integer({ min: 701, max: 2_000 }), (given, far) => {
        const without = isDue({ ...given, deadlineMs: undefined }, policy);
        expect(isDue({ ...given, deadlineMs: far }, policy)).to.equal(without);
      }),
    );
  });

  it("never turns a yes into a no by more items, more age, cheaper gas or less time [R8]", () => {
    fc.assert(
      fc.property(
        waiting,
        fc.nat(10),
        fc.nat(5_000),
        fc.bigInt({ min: 0n, max: 40n }),
        fc.nat(3_000),
        (given, more, older, cheaper, sooner) => {
          fc.pre(isDue(given, policy));
          const { baseFeePerGas, deadlineMs = 1_500 } = given;
          const lower =
            baseFeePerGas === undefined ? undefined : baseFeePerGas > cheaper ? baseFeePerGas - cheaper : 0n;
          const better = {
            count: given.count + more,
            ageMs: given.ageMs + older,
            baseFeePerGas: lower,
            deadlineMs: deadlineMs - sooner,
          };
          expect(isDue(better, policy)).to.equal(true);
        },
      ),
    );
  });
});
