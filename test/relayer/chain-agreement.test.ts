// SPDX-License-Identifier: MIT
import { expect } from "chai";
import fc from "fast-check";
import { heard, least, lowestBlock, type RpcBlock } from "../../relayer/chain/agreement.ts";
import { ChainUnavailable, NodeRefused } from "../../relayer/chain/errors.ts";
import type { Rpc } from "../../relayer/chain/rpc.ts";

type Said = Awaited<ReturnType<Rpc["requestAll"]>>[number];

/** Nodes that answer so, in this order. */
const nodes = (answers: Said[]): Rpc => ({
  request: () => Promise.reject(new Error("one answer is not enough")),
  requestAll: async () => answers as never,
  health: () => [],
});
const hex = (value: number): string => `0x${value.toString(16)}`;
const says = (value: unknown): Said => ({ ok: true, value });
const silent: Said = { ok: false, error: new Error("line cut") };
const refuses: Said = { ok: false, error: new NodeRefused("eth_test", -32000, "no", "0x") };
const failing = fc.constantFrom(silent, refuses);
const heights = fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 5 });

describe("what several nodes say", () => {
  const anyNodes = fc.tuple(heights, fc.array(failing, { maxLength: 3 }), fc.infiniteStream(fc.nat()));
  /** In any order, since it is the liar's choice which of the configured nodes it is. */
  const mixed = (answers: Said[], order: Iterator<number>): Rpc =>
    nodes(
      answers
        .map((answer) => ({ answer, place: order.next().value as number }))
        .sort((a, b) => a.place - b.place)
        .map(({ answer }) => answer),
    );

  it("is the lowest head and the least count that any tells, whichever of them tells it [FM:reorg-off] [FM:false-settled]", async () => {
    await fc.assert(
      fc.asyncProperty(anyNodes, async ([numbers, others, order]) => {
        const block = (number: number): RpcBlock => ({ number: hex(number), timestamp: hex(2 * number) });
        const lowest = Math.min(...numbers);
        const low = await lowestBlock(mixed([...numbers.map((one) => says(block(one))), ...others], order), "latest");
        expect(low).to.deep.equal(block(lowest));
        const counts = mixed([...numbers.map((one) => says(hex(one))), ...others], order);
        expect(await least(counts, "eth_getTransactionCount", [])).to.equal(lowest);
        const lacking = [...numbers.map((one) => says(block(one))), says(null), ...others];
        expect(await lowestBlock(mixed(lacking, order), "finalized")).to.equal(null);
      }),
    );
    // The order in which the higher one was believed.
    const [low, high] = [
      { number: "0x4e", timestamp: "0x1" },
      { number: "0x53", timestamp: "0x2" },
    ].map(says);
    for (const order of [
      [low!, high!],
      [high!, low!],
    ])
      expect((await lowestBlock(nodes(order), "latest"))!.number).to.equal("0x4e");
  });

  it("is nothing where none answers: a refusal is told before a cut line [FM:outage-not-found]", async () => {
    const asked = (answers: Said[]) => heard(nodes(answers), "eth_test", []).catch((error: Error) => error);
    expect(await asked([silent, refuses])).to.be.instanceOf(NodeRefused);
    expect(await asked([silent, silent])).to.be.instanceOf(ChainUnavailable);
  });
});
