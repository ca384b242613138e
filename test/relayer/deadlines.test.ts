// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { Interface } from "ethers";
import { artifacts } from "hardhat";
import { Registry } from "prom-client";
import { createDeadlines, requestEvents, type Deadlines } from "../../relayer/batches/deadlines.ts";
import { makeBatch, packSignatures } from "../../relayer/batches/seal.ts";
import type { WaitPolicy } from "../../relayer/batches/policy.ts";
import { createRpc, type Rpc } from "../../relayer/chain/rpc.ts";
import * as gatewaysAbi from "../../relayer/opengradient/abi.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import { sealWork } from "../../relayer/settlement/seal.ts";
import { settleWork } from "../../relayer/settlement/settle.ts";
import { findBatch, insertBatch, moveBatch } from "../../relayer/store/batches.ts";
import { openDatabase, type OpenDatabase } from "../../relayer/store/database.ts";
import { findReceipt } from "../../relayer/store/receipts.ts";
import { insertSingle, offeredSeal } from "../../relayer/store/singles.ts";
import { deployRequests } from "../requests/support.ts";
import { openHttpDoor } from "../support/http-door.ts";
import { domain, makeChain, makeKey, makeReceipt, nowSeconds, random, removeDir, tempDir } from "./support/relayer.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const MINUTE = 60_000;
const REQUESTS: Hex = `0x${"aa".repeat(20)}`;

describe("ABI fragments beside the chain's own", () => {
  const held: [string, Interface][] = [
    ["InferenceRequests", requestEvents],
    ["GatewayAnswers", gatewaysAbi.gatewayAnswers],
    ["EnclaveHeartbeats", gatewaysAbi.enclaveHeartbeats],
    ["EnclaveRegistry", gatewaysAbi.enclaveKeys],
  ];
  for (const [name, fragments] of held) {
    it(`of ${name} equal what the compiler says`, async () => {
      const compiled = new Interface((await artifacts.readArtifact(name)).abi);
      for (const fragment of fragments.fragments) {
        const signature = fragment.format("sighash");
        const other = compiled.fragments.find((one) => one.type === fragment.type && one.format() === signature);
        expect(fragment.format("full"), signature).to.equal(other?.format("full"));
      }
    });
  }
});

describe("deadlines of requests on chain", () => {
  const word = (n: number): Hex => protocol.signalInputHash(BigInt(n));
  const address = `0x${"22".repeat(20)}`;
  const asked = (id: number, deadline: number) =>
    requestEvents.encodeEventLog("Requested", [
      ...[word(id), address, word(1)],
      [word(1), word(2), word(3), word(0), 1n, deadline, 1, 0],
    ]);
  const cancelled = (id: number) => requestEvents.encodeEventLog("Cancelled", [word(id), 1n]);

  function scripted(over: Partial<Parameters<typeof createDeadlines>[0]> = {}) {
    const blocks = new Map<number, { topics: string[]; data: string }[]>();
    const state = { head: 1_000, down: false, now: 1_800_000_000_000, asked: [] as [number, number][] };
    const rpc = {
      request: async (method: string, params: readonly unknown[]) => {
        if (state.down) throw new Error("connection refused");
        if (method === "eth_blockNumber") return `0x${state.head.toString(16)}`;
        const { fromBlock, toBlock, address: at } = params[0] as Record<string, string>;
        expect(at).to.equal(REQUESTS);
        const [from, to] = [Number(fromBlock), Number(toBlock)];
        state.asked.push([from, to]);
        return [...blocks].filter(([n]) => n >= from && n <= to).flatMap(([, logs]) => logs);
      },
    } as unknown as Rpc;
    const deadlines = createDeadlines({
      ...{ rpc, requests: REQUESTS, lookbackBlocks: 500, logBlocks: 200, pollMs: 1_000, maxOpen: 3, log: silent },
      ...{ now: () => state.now, ...over },
    });
    const seconds = state.now / 1_000;
    const within = (ms: number) => deadlines.within(ms).map(({ requestId, leftMs }) => [Number(requestId), leftMs]);
    return { blocks, state, deadlines, seconds, within };
  }

  it("are those of requests that nobody has ended, the nearest first, and none that is over", async () => {
    const { blocks, state, deadlines, seconds, within } = scripted();
    blocks.set(600, [asked(1, seconds + 300), asked(2, seconds + 100)]);
    blocks.set(700, [asked(3, seconds + 50), cancelled(1)]);
    await deadlines.look();
    expect(within(MINUTE * 10)).to.deep.equal([
      [3, 50_000],
      [2, 100_000],
    ]);
    expect(within(50_000)).to.deep.equal([[3, 50_000]]);
    expect(within(49_999)).to.deep.equal([]);
    state.now += 50_001;
    expect(within(MINUTE * 10)).to.deep.equal([[2, 49_999]]);
    // In pieces, from the look back on, and again over what a reorganisation may have changed.
    expect(state.asked).to.deep.equal([
      [436, 635],
      [636, 835],
      [836, 1_000],
    ]);
    state.asked.splice(0);
    state.head = 1_010;
    blocks.set(990, [asked(4, seconds + 70)]);
    await deadlines.look();
    expect(state.asked).to.deep.equal([[937, 1_010]]);
    expect(within(MINUTE)).to.deep.equal([
      [4, 19_999],
      [2, 49_999],
    ]);
  });

  it("remember so many, those that end first, and count what they forget and what they did not know [FM:outage-not-found]", async () => {
    const { blocks, state, deadlines, seconds, within } = scripted();
    const registry = new Registry();
    deadlines.measure(registry);
    const metric = async (name: string) => Number(new RegExp(`^${name} (.+)$`, "m").exec(await registry.metrics())![1]);
    state.down = true;
    expect(within(MINUTE)).to.deep.equal([]);
    expect(await metric("relayer_requests_known")).to.equal(0);
    expect(await metric("relayer_deadlines_unknown_total")).to.equal(1);
    expect(await metric("relayer_deadlines_unknown_total"), "each is counted once").to.equal(1);
    state.down = false;
    blocks.set(
      900,
      [5, 4, 3, 2, 1].map((id) => asked(id, seconds + id)),
    );
    await deadlines.look();
    expect(within(MINUTE).map(([id]) => id)).to.deep.equal([1, 2, 3]);
    expect(await metric("relayer_requests_open")).to.equal(3);
    expect(await metric("relayer_requests_forgotten_total")).to.equal(2);
    expect(await metric("relayer_requests_known")).to.equal(1);
    state.now += 70_000;
    within(MINUTE);
    expect(await metric("relayer_deadlines_unknown_total")).to.equal(2);
  });

  it("are read from the contract itself", async function () {
    this.timeout(120_000);
    const w = await deployRequests();
    const door = await openHttpDoor(w.connection.provider);
    try {
      const rpc = createRpc({ urls: [door.url], chainId: 31337 });
      const requests = (await w.requests.getAddress()).toLowerCase() as Hex;
      const deadlines = createDeadlines({
        ...{ rpc, requests, lookbackBlocks: 10_000, logBlocks: 2_000, pollMs: 1_000, maxOpen: 10, log: silent },
        now: () => Date.now(),
      });
      const first = await w.ask();
      const second = await w.ask();
      await deadlines.look();
      const open = deadlines.within(2 * 3_600_000);
      expect(open.map(({ requestId }) => requestId)).to.have.members([first, second]);
      await w.requester.cancel(first);
      await deadlines.look();
      expect(deadlines.within(2 * 3_600_000).map(({ requestId }) => requestId)).to.deep.equal([second]);
    } finally {
      await door.close();
      await w.connection.close();
    }
  });
});

describe("sealing and settling in time", () => {
  let database: OpenDatabase;
  let chain: ReturnType<typeof makeChain>;
  let near: { requestId: Hex; leftMs: number }[] = [];
  const dataDir = tempDir();
  const policy: WaitPolicy = {
    ...{ maxCount: 100, patientMs: 10 * MINUTE, impatientMs: 20 * MINUTE, cheapBaseFee: 0n, marginMs: 5 * MINUTE },
  };
  const deadlines: Pick<Deadlines, "within"> = { within: (ms) => near.filter(({ leftMs }) => leftMs <= ms) };
  const clock = Number(nowSeconds()) * 1_000;

  before(async () => {
    database = await openDatabase({ dataDir });
  });
  after(async () => {
    await database.close();
    removeDir(dataDir);
  });
  beforeEach(() => {
    chain = makeChain();
    near = [];
  });

  const seal = () =>
    sealWork({
      ...{ db: database.db, chain: chain.reader, policy, deadlines, aloneMarginMs: 2 * MINUTE, sweepMs: 1_000 },
      ...{ aloneAfterMs: 36 * 60 * MINUTE, settler: random(20), offered: () => undefined, wentAlone: () => undefined },
      now: () => clock,
    }).run("all");
  const settle = () =>
    settleWork({
      ...{ db: database.db, chain: chain.reader, policy, deadlines, log: silent, sender: random(20), retryMs: 1_000 },
      ...{ bounds: { maxGas: 14_000_000n, maxBytes: 100_000 }, sweepMs: 1_000, submitted: () => undefined },
      finalTime: async () => nowSeconds(),
      blockTimes: async () => ({ latest: nowSeconds(), next: nowSeconds() }),
      now: () => clock,
    }).run("all");
  async function receive(key: ReturnType<typeof makeKey>) {
    const receipt = makeReceipt(key, random());
    const receiptId = protocol.receiptId(domain, receipt);
    await insertSingle(database.db, {
      ...{ receipt, receiptId, signature: key.sign(receiptId), evidence: null, state: "verified", receivedAt: clock },
    });
    return { requestId: receipt.requestId, receiptId };
  }

  it("offers a batch early for the sake of the request that one of its receipts answers, and no other batch [R8]", async () => {
    const [hurried, calm] = [chain.addKey(makeKey()), chain.addKey(makeKey())];
    const one = await receive(hurried);
    await receive(hurried);
    const other = await receive(calm);
    near = [{ requestId: random(), leftMs: 0 }];
    await seal();
    expect(await offeredSeal(database.db, hurried.keyId)).to.equal(undefined);
    near = [
      { requestId: one.requestId, leftMs: 5 * MINUTE },
      { requestId: other.requestId, leftMs: 5 * MINUTE + 1 },
    ];
    await seal();
    expect((await offeredSeal(database.db, hurried.keyId))!.receiptIds.length).to.equal(2);
    expect(await offeredSeal(database.db, calm.keyId)).to.equal(undefined);
    // Nobody signs it, and little time is left: it goes alone, and the other of the offer waits anew.
    near = [{ requestId: one.requestId, leftMs: 2 * MINUTE }];
    await seal();
    expect(await offeredSeal(database.db, hurried.keyId)).to.equal(undefined);
    await settle();
    expect((await findReceipt(database.db, one.receiptId))!.state).to.equal("submitted");
  });

  it("puts a batch into a call early for the sake of a request that it answers [R8]", async () => {
    const key = chain.addKey(makeKey());
    const receipts = [makeReceipt(key, random()), makeReceipt(key, random())];
    const { batch, document, receiptIds, paths } = makeBatch(domain, receipts, random(20));
    const digest = protocol.batchDigest(domain, batch);
    const signatures = packSignatures(receipts.map((each) => key.sign(protocol.receiptId(domain, each))));
    const { id } = await insertBatch(database.db, {
      ...{ batch, digest, signature: key.sign(digest), document, signatures, receiptIds, paths },
      ...{ state: "verified", receivedAt: clock },
    });
    near = [{ requestId: receipts[1]!.requestId, leftMs: MINUTE }];
    const stateOf = async () => (await findBatch(database.db, digest))!.state;
    await settle();
    expect(await stateOf(), "its leaves are not published yet").to.equal("verified");
    await moveBatch(database.db, id, "verified", { published: true });
    near = [{ requestId: receipts[1]!.requestId, leftMs: 6 * MINUTE }];
    await settle();
    expect(await stateOf()).to.equal("verified");
    near = [{ requestId: receipts[1]!.requestId, leftMs: MINUTE }];
    await settle();
    expect(await stateOf()).to.equal("submitted");
  });
});
