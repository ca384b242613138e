// SPDX-License-Identifier: MIT
import { expect } from "chai";
import fc from "fast-check";
import { inferenceRegistry } from "../../relayer/chain/abi.ts";
import { NodeRefused } from "../../relayer/chain/errors.ts";
import type { AuditedChain, RegistryLog } from "../../relayer/verify/chain.ts";
import { firstBlockFrom, scanBatches } from "../../relayer/verify/find.ts";
import { domain, random } from "./support/relayer.ts";

// Times of blocks never fall, and several may share one.
const times = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 60 }).map((steps) =>
  steps.map(
    (
      (time) => (step: number) =>
        BigInt((time += step))
    )(100),
  ),
);

describe("search for a settlement", () => {
  it("finds the first block from a time on, as a look at every block would", async () => {
    await fc.assert(
      fc.asyncProperty(times, fc.bigInt({ min: 95n, max: 300n }), async (all, time) => {
        const timeOf = async (block: number): Promise<bigint> => all[block]!;
        const first = all.findIndex((one) => one >= time);
        expect(await firstBlockFrom({ timeOf }, time, all.length - 1)).to.equal(first < 0 ? all.length : first);
      }),
      { numRuns: 500 },
    );
  });

  it("sees each batch of a range once, in whatever steps, and however little a node gives at once", async () => {
    const event = inferenceRegistry.getEvent("BatchSettled")!;
    const logAt = (block: number): RegistryLog => ({
      ...inferenceRegistry.encodeEventLog(event, [random(), random(), 0, random(), block, random(), random(20)]),
      ...{ transactionHash: random(), blockNumber: `0x${block.toString(16)}` },
    });
    const ranges = fc.record({
      blocks: fc.uniqueArray(fc.nat({ max: 80 }), { maxLength: 20 }),
      from: fc.nat({ max: 40 }),
      length: fc.nat({ max: 60 }),
      step: fc.integer({ min: 1, max: 50 }),
      most: fc.integer({ min: 1, max: 50 }),
    });
    await fc.assert(
      fc.asyncProperty(ranges, async ({ blocks, from, length, step, most }) => {
        const logs = blocks.toSorted((a, b) => a - b).map(logAt);
        const chain = {
          domain,
          logs: async ({ fromBlock, toBlock }: { fromBlock: number; toBlock: number }) => {
            if (toBlock - fromBlock + 1 > most) throw new NodeRefused("eth_getLogs", -32_000, "too many", "0x");
            return logs.filter(({ blockNumber }) => Number(blockNumber) >= fromBlock && Number(blockNumber) <= toBlock);
          },
        } as unknown as AuditedChain;
        const found: number[] = [];
        const to = from + length;
        for await (const { batch } of scanBatches(chain, { fromBlock: from, toBlock: to, step }))
          found.push(batch.count);
        expect(found).to.deep.equal(blocks.filter((block) => block >= from && block <= to).toSorted((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });
});
