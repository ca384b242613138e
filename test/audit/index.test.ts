import { expect } from "chai";
import { compareIndex } from "../../tasks/audit/checks/index.ts";
import type { History } from "../../tasks/audit/history.ts";
import type { IndexRow, IndexSource } from "../../tasks/audit/index-source.ts";

const word = (digit: number) => `0x${String(digit).repeat(64)}` as const;
const nobody = `0x${"0".repeat(40)}` as const;
const at = (block: number) => ({ block, time: 1_000 + block, transaction: word(9), logIndex: 0 });

/** Books of two batches and one payment of a channel. */
const history = {
  ...{ from: 1, to: 10, receipts: [], feesPaid: [], slashes: [], faults: [], twinFees: [] },
  batches: [2, 11].map((block) => ({
    ...{ ...at(block), digest: word(block % 10), settledAt: 1_000 + block },
    batch: { keyId: word(1), mode: 0, root: word(5), count: 3, dataHash: word(6), settler: nobody },
  })),
  collected: [{ ...at(3), channelId: word(7), sequence: 1n, amount: 5n, paid: 5n }],
} as unknown as History;

const rows: Record<string, IndexRow[]> = {
  batches: [{ id: word(2), count: 3, root: word(5), settler: null, settledAt: "1002", transaction: word(9) }],
  collections: [{ id: "0x01", channel: { id: word(7) }, sequence: "1", amount: "5", paid: "5", transaction: word(9) }],
};
const indexOf = (
  over: Record<string, IndexRow[]> = {},
  head = { number: 10, hash: word(8) as string, failed: false },
) =>
  ({
    head: async () => head,
    rows: async (collection: string) => ({ ...rows, ...over })[collection] ?? [],
  }) satisfies IndexSource;

describe("an audit of an index", () => {
  it("passes one that says what the logs of the range say", async () => {
    const [line] = await compareIndex(history, indexOf());
    expect([line!.mismatches, line!.unknown, line!.checked]).to.deep.equal([[], [], 2]);
  });

  it("finds a row that is missing, one too many, and one that says something else", async () => {
    const of = async (over: Record<string, IndexRow[]>) => (await compareIndex(history, indexOf(over)))[0]!.mismatches;
    expect((await of({ collections: [] })).map(({ expected }) => expected)).to.deep.equal(["a row for this event"]);
    const twice = { batches: [...rows["batches"]!, ...rows["batches"]!] };
    expect((await of(twice)).map(({ expected }) => expected)).to.deep.equal(["an event for this row"]);
    const other = { collections: [{ ...rows["collections"]![0]!, paid: "6" }] };
    expect(await of(other)).to.have.length(2);
  });

  it("is behind and not wrong where the index lags, and cannot tell where it failed", async () => {
    const behind = (
      await compareIndex(history, indexOf({ batches: [] }, { number: 9, hash: word(8), failed: false }))
    )[0]!;
    expect([behind.mismatches, behind.unknown.length]).to.deep.equal([[], 1]);
    expect(behind.unknown[0]!.why).to.contain("behind: at block 9, asked for 10");
    const failed = (await compareIndex(history, indexOf({}, { number: 10, hash: word(8), failed: true })))[0]!;
    expect(failed.unknown[0]!.why).to.contain("stopped at an error");
  });
});
