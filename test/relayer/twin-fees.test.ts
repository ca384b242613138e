// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { parseConfig } from "../../relayer/config/index.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { type MarketChain, NOTICE, startMarketChain } from "../twin/fees-support.ts";
import { tenths } from "../twin/fees-readings.ts";
import { listen, type EventStream } from "./support/event-stream.ts";
import { domain, makeChain, removeDir, startRelayer, tempDir, type RunningRelayer } from "./support/relayer.ts";

describe("relayer: fees of the key market", () => {
  let chain: MarketChain;
  let proxy: FaultProxy;
  let relayer: RunningRelayer;
  let dataDir: string;
  const streams: EventStream[] = [];

  const start = (over: object = {}) =>
    startRelayer(makeChain(), dataDir, {
      chain: { chainId: 31337, registry: domain.verifyingContract, rpcUrls: [proxy.url] },
      twinMarket: { address: chain.address, pollMs: 100, ...over },
    });
  beforeEach(async () => {
    chain = await startMarketChain();
    proxy = await startFaultProxy(chain.url);
    dataDir = tempDir();
    relayer = await start();
  });
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.close();
    await relayer.close();
    await proxy.close();
    await chain.close();
    removeDir(dataDir);
  });

  const hear = async (id?: string): Promise<EventStream> => {
    const stream = await listen(`${relayer.url}/v1/twin/fees/stream`, id);
    streams.push(stream);
    return stream;
  };
  /** A listener that has heard what the fees are. */
  async function informed(): Promise<EventStream> {
    const stream = await hear();
    while ((await stream.next())!.data.status !== "known");
    return stream;
  }
  const metric = async (name: string): Promise<string[]> => {
    const { body } = await relayer.get("/metrics");
    return (body as string).split("\n").filter((line) => line.startsWith(name));
  };

  it("are told once to who asks once, with caps, countdown and what a trade costs", async () => {
    await chain.setProtocol(tenths(40));
    await informed();
    while (!(await relayer.get("/v1/twin/fees")).body.fees.increasePending);
    const { status, headers, body } = await relayer.get("/v1/twin/fees");
    expect(status).to.equal(200);
    expect(headers.get("cache-control")).to.equal("no-store");
    expect(body).to.include({ status: "known", market: chain.address.toLowerCase(), chainId: 31337 });
    const effectiveAt = (await chain.now()) + NOTICE;
    expect(body.fees.protocol).to.deep.include({ presentPercent: "2", capPercent: "5" });
    expect(body.fees.protocol.increase).to.include({ percent: "4", effectiveAt });
    expect(body.fees.protocol.increase.secondsLeft).to.be.within(NOTICE - 60, NOTICE);
    expect(body.fees.subject).to.deep.equal({ presentPercent: "2.5", capPercent: "5", increase: null });
    expect(body.fees.tradeOfOneEth[1]).to.deep.equal({
      ...{ from: effectiveAt, feesPercent: "6.5", buyerPays: "1.065", sellerGets: "0.935" },
    });
    expect((await relayer.get("/healthz")).body.twinFees).to.deep.equal({ consecutiveFailures: 0 });
  });

  it("reach every listener with every change, from announcement to effect, decrease and withdrawal", async () => {
    const listeners = await Promise.all([informed(), informed(), informed()]);
    const all = async () => {
      const heard = await Promise.all(listeners.map((each) => each.next()));
      for (const event of heard) expect(event).to.deep.equal(heard[0]);
      return heard[0]!;
    };
    await chain.setProtocol(tenths(40));
    const announced = await all();
    expect(announced.event).to.equal("fees");
    expect(announced.data.changes).to.have.length(1);
    expect(announced.data.changes[0]).to.include({ kind: "increase_announced", fee: "protocol", toPercent: "4" });
    expect(announced.data.fees.increasePending).to.equal(true);
    await chain.pass(NOTICE);
    const ran = await all();
    expect(ran.data.changes[0]).to.include({ kind: "increased", fromPercent: "2", toPercent: "4" });
    expect(ran.data.fees).to.deep.include({ increasePending: false });
    await chain.setProtocol(tenths(10));
    expect((await all()).data.changes[0]).to.include({ kind: "decreased", fromPercent: "4", toPercent: "1" });
    await chain.setSubject(tenths(50));
    await all();
    await chain.withdraw(1);
    const off = await all();
    expect(off.data.changes[0]).to.include({ kind: "increase_withdrawn", fee: "subject", fromPercent: "5" });
    // Blocks that change nothing are no events.
    await chain.trade();
    await new Promise((resolve) => setTimeout(resolve, 400));
    for (const { events } of listeners) expect(events).to.have.length(listeners[0]!.events.length);
    expect(await metric("relayer_twin_market_streams ")).to.deep.equal(["relayer_twin_market_streams 3"]);
    listeners[0]!.close();
    while ((await metric("relayer_twin_market_streams "))[0] !== "relayer_twin_market_streams 2");
    expect(await metric('relayer_twin_market_streams_ended_total{why="client"}')).to.deep.equal([
      'relayer_twin_market_streams_ended_total{why="client"} 1',
    ]);
  });

  it("are unknown in an outage, never unchanged: to listeners, to who asks, and in the gauges", async () => {
    const listener = await informed();
    proxy.rule = () => ({ kind: "http", status: 502 });
    const lost = (await listener.next())!.data;
    expect(lost).to.include({ status: "unknown", fees: null });
    expect(lost.lastKnown.protocol.presentPercent).to.equal("2");
    expect(lost.unknownSince).to.be.a("number");
    const { status, headers, body } = await relayer.get("/v1/twin/fees");
    expect([status, body.code, headers.get("retry-after")]).to.deep.equal([503, "chain_unavailable", "5"]);
    expect(headers.get("content-type")).to.equal("application/problem+json");
    expect(await metric("relayer_twin_market_fees_known")).to.deep.equal(["relayer_twin_market_fees_known 0"]);
    expect(await metric("relayer_twin_market_fee_ratio")).to.deep.equal([]);
    expect(await metric("relayer_twin_market_fee_cap_ratio")).to.deep.equal([]);
    const [readAt] = await metric("relayer_twin_market_last_read_timestamp_seconds");
    expect(Number(readAt!.split(" ")[1])).to.be.within(Date.now() / 1_000 - 60, Date.now() / 1_000);
    // What the node said is in the log, not in the answer.
    expect((await relayer.get("/healthz")).body.twinFees).to.have.all.keys("consecutiveFailures");
    await chain.setProtocol(tenths(40));
    proxy.rule = () => undefined;
    const back = (await listener.next())!.data;
    expect(back.status).to.equal("known");
    expect(back.changes[0]).to.include({ kind: "increase_announced", toPercent: "4" });
    expect((await relayer.get("/v1/twin/fees")).status).to.equal(200);
    expect(relayer.errors).to.deep.equal([]);
  });

  it("are unknown where the node stands still, however readily it answers", async () => {
    await relayer.close();
    relayer = await start({ maxBlockAgeMs: 1_000 });
    await chain.pass(3);
    const listener = await informed();
    const lost = (await listener.next())!.data;
    expect(lost).to.include({ status: "unknown", fees: null });
    expect((await relayer.get("/v1/twin/fees")).status).to.equal(503);
    expect(await metric("relayer_twin_market_fees_known")).to.deep.equal(["relayer_twin_market_fees_known 0"]);
    await chain.pass(0);
    expect((await listener.next())!.data.status).to.equal("known");
  });

  it("stand in gauges with base units: ratios, seconds, and when they were read", async () => {
    await informed();
    expect(await metric("relayer_twin_market_fee_increase_seconds")).to.deep.equal([]);
    const listener = await informed();
    await chain.setProtocol(tenths(40));
    await listener.next();
    await new Promise((resolve) => setTimeout(resolve, 1_100)); // measured once a second, whoever asks
    expect(await metric("relayer_twin_market_fee_ratio")).to.deep.equal([
      'relayer_twin_market_fee_ratio{fee="protocol",when="present"} 0.02',
      'relayer_twin_market_fee_ratio{fee="protocol",when="pending"} 0.04',
      'relayer_twin_market_fee_ratio{fee="subject",when="present"} 0.025',
      'relayer_twin_market_fee_ratio{fee="subject",when="pending"} 0.025',
    ]);
    expect(await metric("relayer_twin_market_fee_cap_ratio")).to.deep.equal([
      'relayer_twin_market_fee_cap_ratio{fee="protocol"} 0.05',
      'relayer_twin_market_fee_cap_ratio{fee="subject"} 0.05',
    ]);
    const [seconds, ...others] = await metric("relayer_twin_market_fee_increase_seconds");
    expect(others).to.deep.equal([]);
    expect(seconds).to.match(/^relayer_twin_market_fee_increase_seconds\{fee="protocol"\} \d+$/);
    expect(Number(seconds!.split(" ")[1])).to.be.within(NOTICE - 60, NOTICE);
    const [block] = await metric("relayer_twin_market_last_block_timestamp_seconds");
    expect(Number(block!.split(" ")[1])).to.equal(await chain.now());
    expect(await metric("relayer_twin_market_fees_known")).to.deep.equal(["relayer_twin_market_fees_known 1"]);
  });

  it("are told from where a listener left off, as long as this process has it", async () => {
    const first = await informed();
    await chain.setProtocol(tenths(40));
    const { id } = (await first.next())!;
    first.close();
    await chain.setSubject(tenths(30));
    const second = await informed();
    while (!second.events.at(-1)!.data.fees.subject.increase) await second.next();
    await chain.withdraw(0);
    await second.next();
    const again = await hear(id);
    const missed = [await again.next(), await again.next()];
    expect(missed.map((event) => event!.data.changes.map(({ kind }: { kind: string }) => kind))).to.deep.equal([
      ["increase_announced"],
      ["increase_withdrawn"],
    ]);
    expect(missed[1]!.data.fees.protocol.increase).to.equal(null);
    for (const stranger of ["0123456789ab-1", "nonsense", `${id.split("-")[0]}-999`]) {
      const event = await (await hear(stranger)).next();
      expect([event!.id, event!.data.changes]).to.deep.equal([missed[1]!.id, []]);
    }
    // Who has everything hears at once that it does.
    expect((await (await hear(missed[1]!.id)).next())!.id).to.equal(missed[1]!.id);
  });

  it("end for every listener at shutdown, at once, and nothing is left running", async () => {
    const listeners = await Promise.all([informed(), informed()]);
    const asked = Date.now();
    await relayer.close();
    await Promise.all(listeners.map(({ ended }) => ended));
    expect(Date.now() - asked).to.be.lessThan(3_000);
    const calls = proxy.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(proxy.calls.length).to.equal(calls);
    relayer = await start();
  });

  it("are rate limited like the rest, streams too", async () => {
    await relayer.close();
    relayer = await startRelayer(makeChain(), dataDir, {
      chain: { chainId: 31337, registry: domain.verifyingContract, rpcUrls: [proxy.url] },
      twinMarket: { address: chain.address },
      http: { requestsPerSecond: 0.01, burst: 2 },
    });
    expect((await hear()).status).to.equal(200);
    expect((await relayer.get("/v1/twin/fees")).status).to.be.oneOf([200, 503]);
    for (const path of ["/v1/twin/fees", "/v1/twin/fees/stream"]) {
      const { status, body } = await relayer.get(path);
      expect([status, body.code]).to.deep.equal([429, "rate_limited"]);
    }
  });

  it("are described in OpenAPI by the schema of what is sent, and configured by an address", async () => {
    const { body } = await relayer.get("/openapi.json");
    const stream = body.paths["/v1/twin/fees/stream"].get;
    expect(Object.keys(stream.responses)).to.have.members(["200", "404", "429", "503"]);
    expect(stream.responses["200"].content).to.have.all.keys("text/event-stream");
    await informed();
    const sent = (await relayer.get("/v1/twin/fees")).body;
    const { TwinFeesEvent, TwinFees, TwinFee } = body.components.schemas;
    expect(Object.keys(sent)).to.have.members(Object.keys(TwinFeesEvent.properties));
    expect(Object.keys(sent.fees)).to.have.members(Object.keys(TwinFees.properties));
    expect(Object.keys(sent.fees.protocol)).to.have.members(Object.keys(TwinFee.properties));
    const least = { chain: { chainId: 1, registry: domain.verifyingContract, rpcUrls: ["http://127.0.0.1:9"] } };
    const { twinMarket } = parseConfig({ ...least, twinMarket: { address: chain.address } });
    expect(twinMarket).to.include({ address: chain.address.toLowerCase(), pollMs: 2_000, maxStreams: 500 });
    expect(parseConfig(least).twinMarket).to.equal(undefined);
    expect(() => parseConfig({ ...least, twinMarket: {} })).to.throw("twinMarket.address");
    expect(() => parseConfig({ ...least, twinMarket: { adress: chain.address } })).to.throw("adress");
  });

  it("are not found where no market is watched, and unknown where there is none at the address", async () => {
    await relayer.close();
    relayer = await startRelayer(makeChain(), dataDir);
    for (const path of ["/v1/twin/fees", "/v1/twin/fees/stream"]) {
      const { status, headers, body } = await relayer.get(path);
      expect([status, body.code]).to.deep.equal([404, "not_found"]);
      expect(headers.get("content-type")).to.equal("application/problem+json");
    }
    expect(await metric("relayer_twin_market")).to.deep.equal([]);
    await relayer.close();
    relayer = await start({ address: `0x${"77".repeat(20)}` });
    expect((await (await hear()).next())!.data).to.include({ status: "unknown", lastKnown: null, readAt: null });
    expect((await relayer.get("/v1/twin/fees")).status).to.equal(503);
  });
});
