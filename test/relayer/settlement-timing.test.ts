// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { makeBatch, packSignatures } from "../../relayer/batches/seal.ts";
import { blockTimes } from "../../relayer/chain/block-times.ts";
import { ChainUnavailable, NodeRefused, NodesDisagree } from "../../relayer/chain/errors.ts";
import type { Rpc } from "../../relayer/chain/rpc.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Hex, Receipt } from "../../relayer/protocol/index.ts";
import { settlementSink } from "../../relayer/settlement/follow.ts";
import { settleWork } from "../../relayer/settlement/settle.ts";
import { findBatch, insertBatch, moveBatch, readBatch } from "../../relayer/store/batches.ts";
import { openDatabase, type OpenDatabase } from "../../relayer/store/database.ts";
import { transactions } from "../../relayer/store/schema.ts";
import { domain, makeChain, makeKey, makeReceipt, nowSeconds, random, removeDir, tempDir } from "./support/relayer.ts";

const MINUTE = 60n;
const HOUR = 3_600n;

describe("settlement work", () => {
  let database: OpenDatabase;
  let chain: ReturnType<typeof makeChain>;
  let clock: number;
  let blockTime: bigint;
  const dataDir = tempDir();
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  before(async () => {
    database = await openDatabase({ dataDir });
  });
  after(async () => {
    await database.close();
    removeDir(dataDir);
  });
  beforeEach(() => {
    chain = makeChain();
    blockTime = nowSeconds();
    clock = Number(blockTime) * 1_000;
  });

  const work = () =>
    settleWork({
      ...{ db: database.db, chain: chain.reader, log, sender: random(20), retryMs: 1_000, sweepMs: 1_000 },
      policy: { maxCount: 1, patientMs: 0, impatientMs: 0, cheapBaseFee: 0n, marginMs: 0 },
      bounds: { maxGas: 14_000_000n, maxBytes: 100_000 },
      finalTime: async () => blockTime,
      blockTimes: async () => ({ latest: blockTime, next: blockTime }),
      submitted: () => undefined,
      now: () => clock,
    });
  async function insert(key: ReturnType<typeof makeKey>, completedAt: bigint[]): Promise<Hex> {
    const receipts: Receipt[] = completedAt.map((at) => makeReceipt(key, random(), { completedAt: at }));
    const { batch, document, receiptIds, paths } = makeBatch(domain, receipts, random(20));
    const digest = protocol.batchDigest(domain, batch);
    const signatures = packSignatures(receipts.map((one) => key.sign(protocol.receiptId(domain, one))));
    const signature = key.sign(digest);
    const state = "verified" as const;
    const { id } = await insertBatch(database.db, {
      ...{ batch, digest, signature, document, signatures, receiptIds, paths, state },
      receivedAt: clock,
    });
    await moveBatch(database.db, id, "verified", { published: true });
    return digest;
  }
  const stateOf = async (digest: Hex) => {
    const { state, reason, transactionId } = (await findBatch(database.db, digest))!;
    return { state, reason, transactionId };
  };
  const calls = async (): Promise<number> => (await database.db.select().from(transactions)).length;

  it("neither sends nor gives up what nodes disagree about, and sends the others [R2] [FM:false-settled]", async () => {
    const key = chain.addKey(makeKey());
    const doubtful = await insert(key, [blockTime]);
    const clear = await insert(key, [blockTime]);
    const { settledAt } = chain.reader;
    chain.reader.settledAt = async (id) => {
      if (id === doubtful) throw new NodesDisagree("it", [0n, 1n]);
      return settledAt(id);
    };
    await work().run("all");
    expect(await stateOf(clear)).to.include({ state: "submitted" });
    expect(await stateOf(doubtful)).to.deep.equal({ state: "verified", reason: null, transactionId: null });
    chain.reader.settledAt = settledAt;
    clock += 1_000;
    await work().run("all");
    expect(await stateOf(doubtful)).to.include({ state: "submitted" });
    const { tries } = (await findBatch(database.db, doubtful))!;
    expect(tries, "nothing of it failed").to.equal(0);
  });

  it("holds a batch whose newest receipt the chain's clock has not caught up with [R4]", async () => {
    const key = chain.addKey(makeKey());
    const ahead = await insert(key, [blockTime - HOUR, blockTime + 7n * MINUTE]);
    const inTime = await insert(key, [blockTime + 5n * MINUTE]);
    await work().run("all");
    expect(await stateOf(inTime)).to.deep.include({ state: "submitted" });
    expect(await stateOf(ahead)).to.deep.equal({ state: "verified", reason: null, transactionId: null });
    // Our own clock does not decide: the chain stands still.
    clock += 121_000;
    await work().run("all");
    expect(await stateOf(ahead)).to.deep.include({ state: "verified" });
    clock += 121_000;
    blockTime += 2n * MINUTE;
    await work().run("all");
    expect(await stateOf(ahead)).to.deep.include({ state: "submitted" });
  });

  it("pays for nothing that no block can verify any more, and says why [R4] [FM:poison-item]", async () => {
    const compromised = chain.addKey(makeKey());
    const retired = chain.addKey(makeKey());
    const honest = chain.addKey(makeKey());
    const stolen = await insert(compromised, [blockTime]);
    const afterEnd = await insert(retired, [blockTime - MINUTE]);
    const old = await insert(honest, [blockTime - 72n * HOUR - 2n, blockTime - 72n * HOUR - 1n]);
    const partlyOld = await insert(honest, [blockTime - 72n * HOUR - 2n, blockTime - HOUR]);
    chain.addKey(compromised, { distrustedFrom: blockTime });
    chain.addKey(retired, { validUntil: blockTime - 2n * MINUTE });
    await work().run("all");
    expect(await stateOf(stolen)).to.deep.include({ state: "rejected", reason: "KeyDistrusted" });
    expect(await stateOf(afterEnd)).to.deep.include({ state: "rejected", reason: "OutsideKeyValidity" });
    expect(await stateOf(old)).to.deep.include({ state: "rejected", reason: "CompletedTooLongAgo" });
    expect(await stateOf(partlyOld)).to.deep.include({ state: "submitted" });
  });

  it("rests while the registry is paused or closed, as every call would revert [R8]", async () => {
    const digest = await insert(chain.addKey(makeKey()), [blockTime]);
    const before = await calls();
    const settle = work();
    for (const status of [
      { pausedUntil: blockTime + 1n, closesAt: 0n },
      { pausedUntil: 0n, closesAt: blockTime },
    ]) {
      chain.reader.settlementStatus = async () => status;
      await settle.run("all");
      expect(await calls()).to.equal(before);
    }
    chain.reader.settlementStatus = async () => ({ pausedUntil: blockTime, closesAt: blockTime + 1n });
    await settle.run("all");
    expect(await stateOf(digest)).to.deep.include({ state: "submitted" });
  });

  it("an outage holds no failed try against an item: the next call carries all together [FM:outage-not-found]", async () => {
    const key = chain.addKey(makeKey());
    const digests = [await insert(key, [blockTime]), await insert(key, [blockTime])];
    const { settledAt } = chain.reader;
    chain.reader.settledAt = () => Promise.reject(new ChainUnavailable("eth_call", []));
    const settle = work();
    const error = await settle.run("all").then(
      () => null,
      (failure: Error) => failure,
    );
    expect(error).to.be.instanceOf(ChainUnavailable);
    chain.reader.settledAt = settledAt;
    await settle.run("all");
    const [one, two] = await Promise.all(digests.map(stateOf));
    expect(one).to.deep.include({ state: "submitted" });
    expect(two!.transactionId).to.equal(one!.transactionId);
  });

  it("an outage in the middle of a backlog stops what was not asked about, and nothing else [FM:outage-not-found]", async () => {
    const key = chain.addKey(makeKey());
    const digests: Hex[] = [];
    for (let i = 0; i < 4; i++) digests.push(await insert(key, [blockTime]));
    const { settledAt } = chain.reader;
    chain.reader.settledAt = (id) =>
      id === digests[2] ? Promise.reject(new ChainUnavailable("eth_call", [])) : settledAt(id);
    const settle = work();
    const error = await settle.run("all").then(
      () => null,
      (failure: Error) => failure,
    );
    expect(error, "the queue hears of it, and tries again").to.be.instanceOf(ChainUnavailable);
    const states = async () => (await Promise.all(digests.map(stateOf))).map(({ state }) => state);
    expect(await states()).to.deep.equal(["submitted", "submitted", "verified", "verified"]);
    chain.reader.settledAt = settledAt;
    await settle.run("all");
    expect(await states()).to.deep.equal(["submitted", "submitted", "submitted", "submitted"]);
  });

  it("waits longer each time for an item whose calls do not happen [FM:poison-item]", async () => {
    const digest = await insert(chain.addKey(makeKey()), [blockTime]);
    const chainSays = { settledAt: async () => 0n };
    const sink = settlementSink({
      ...{ db: database.db, chain: chainSays, retryMs: 1_000, log, released: () => undefined, now: () => clock },
    });
    const pauses: number[] = [];
    for (let tries = 0; tries < 4; tries++) {
      await work().run("all");
      const { id, transactionId } = (await findBatch(database.db, digest))!;
      await sink.released(String(transactionId), [{ id: digest, kind: "signed" }], "would_revert");
      const { dueAt } = (await readBatch(database.db, id))!;
      pauses.push(dueAt - clock);
      clock = dueAt;
    }
    expect(pauses).to.deep.equal([1_000, 2_000, 4_000, 8_000]);
  });
});

describe("the chain's clock", () => {
  const local = 1_800_000_000;
  const times = (latest: number | null, pending: number | null | Error) => {
    const answers: Record<string, unknown> = { latest, pending };
    const request = async (_: string, [which]: readonly unknown[]): Promise<unknown> => {
      const answer = answers[String(which)];
      if (answer instanceof Error) throw answer;
      return answer === null ? null : { number: "0x1", timestamp: `0x${(answer as number).toString(16)}` };
    };
    return blockTimes({ request } as unknown as Rpc, () => local * 1_000);
  };

  it("is the next block's where one is in sight, and never ahead of both blocks and our clock [R4]", async () => {
    expect(await times(local - 900, local)).to.deep.equal({ latest: BigInt(local - 900), next: BigInt(local) });
    expect((await times(local - 900, local + 9_000)).next).to.equal(BigInt(local));
    expect((await times(local + 50, local + 60)).next).to.equal(BigInt(local + 50));
    const refused = new NodeRefused("eth_getBlockByNumber", -32_000, "pending block is not available", "0x");
    for (const none of [null, refused]) expect((await times(local - 12, none)).next).to.equal(BigInt(local - 12));
  });

  it("is unknown without a latest block [FM:outage-not-found]", async () => {
    const error = await times(null, null).then(
      () => null,
      (failure: Error) => failure,
    );
    expect(error).to.be.instanceOf(ChainUnavailable);
  });
});
