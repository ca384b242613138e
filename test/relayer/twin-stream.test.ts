// SPDX-License-Identifier: MIT
// The feed's bounds, over real HTTP; the knowledge that it tells is held here.
import { createAdaptorServer } from "@hono/node-server";
import { OpenAPIHono } from "@hono/zod-openapi";
import { expect } from "chai";
import type { Server } from "node:http";
import { type AddressInfo, connect, Socket } from "node:net";
import { Problem, respond } from "../../relayer/api/problems.ts";
import { mountTwinFees } from "../../relayer/twin/api.ts";
import { createFeesFeed, type FeedLimits, type FeesFeed } from "../../relayer/twin/feed.ts";
import type { FeesReading } from "../../relayer/twin/fees.ts";
import { createFeeReader } from "../../relayer/twin/reader.ts";
import { watchFees } from "../../relayer/twin/watcher.ts";
import { twinMarket } from "../../relayer/twin/abi.ts";
import { fee, NOON, reading } from "../twin/fees-readings.ts";
import { listen, type EventStream } from "./support/event-stream.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("relayer: stream of fees", () => {
  const running: { server: Server; feed: FeesFeed }[] = [];
  const streams: EventStream[] = [];
  const sockets: Socket[] = [];
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const { server, feed } of running.splice(0)) {
      feed.close();
      await new Promise((resolve) => server.close(resolve));
      expect(feed.streams()).to.equal(0);
    }
  });

  async function serve(over: Partial<FeedLimits> = {}) {
    const feed = createFeesFeed({
      ...{ market: "0x11", chainId: 31337, maxStreams: 10, maxStreamsEach: 10 },
      ...{ heartbeatMs: 60_000, lifeMs: 60_000, stallMs: 60_000, ...over },
    });
    const api = new OpenAPIHono();
    api.onError((error, c) => respond(c, error as Problem));
    mountTwinFees(api, feed);
    const server = createAdaptorServer({ fetch: api.fetch }) as Server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    running.push({ server, feed });
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/v1/twin/fees/stream`;
    let block = 0;
    return {
      ...{ feed, url, port },
      tell(tenths: number): void {
        block++;
        const now = Date.now();
        feed.told({
          last: { reading: reading(block, NOON, fee(tenths)), seenAt: now, readAt: now },
          unknownSince: null,
        });
      },
      async hear(id?: string): Promise<EventStream> {
        const stream = await listen(url, id);
        streams.push(stream);
        return stream;
      },
      raw(method = "GET"): Socket {
        const socket = connect(port, "127.0.0.1");
        sockets.push(socket);
        socket.write(`${method} /v1/twin/fees/stream HTTP/1.1\r\nhost: x\r\n\r\n`);
        socket.on("error", () => undefined);
        return socket;
      },
    };
  }

  it("tells what is known at once, as an event stream that nobody may keep or gather", async () => {
    const { hear, tell } = await serve();
    tell(20);
    const { headers, next } = await hear();
    expect(headers.get("content-type")).to.equal("text/event-stream");
    expect(headers.get("cache-control")).to.equal("no-store");
    expect(headers.get("x-accel-buffering")).to.equal("no");
    const event = (await next())!;
    expect(event).to.include({ event: "fees" });
    expect(event.data.fees.protocol.presentPercent).to.equal("2");
    expect(event.data.changes).to.deep.equal([]);
  });

  it("says that it is alive while nothing changes", async () => {
    const { hear } = await serve({ heartbeatMs: 50 });
    const stream = await hear();
    await stream.next();
    while (stream.comments.length < 3) await pause(20);
    expect(stream.events).to.have.length(1);
    expect(stream.comments).to.include("still here");
  });

  it("has a bounded number of places, of which one client takes its part, and gives them back", async () => {
    const { hear, feed, url } = await serve({ maxStreams: 3, maxStreamsEach: 2 });
    const [first] = [await hear(), await hear()];
    const refused = await fetch(url);
    expect([refused.status, refused.headers.get("content-type")]).to.deep.equal([503, "application/problem+json"]);
    expect(((await refused.json()) as { code: string }).code).to.equal("busy");
    expect(refused.headers.get("retry-after")).to.equal("1");
    // Another client has the last place of all.
    expect(feed.open("another", undefined, new Socket())).to.not.equal(null);
    expect(feed.open("a third", undefined, new Socket())).to.equal(null);
    first!.close();
    while (feed.streams() > 2) await pause(10);
    expect((await hear()).status).to.equal(200);
    expect(feed.ended()).to.deep.include({ client: 1 });
  });

  it("gives back the places of requests that waited behind another on a connection that closed", async () => {
    const { feed, raw, tell, hear } = await serve({ maxStreamsEach: 5 });
    tell(20);
    const socket = raw();
    const request = "GET /v1/twin/fees/stream HTTP/1.1\r\nhost: x\r\n\r\n";
    socket.write(request.repeat(4));
    for (let i = 0; i < 100 && feed.streams() < 5; i++) await pause(10);
    expect(feed.streams()).to.equal(5);
    socket.destroy();
    for (let i = 0; i < 100 && feed.streams() > 0; i++) await pause(10);
    expect(feed.streams()).to.equal(0);
    expect((await (await hear()).next())!.data.status).to.equal("known");
  });

  it("takes no place for a request that wants no body", async () => {
    const { raw, feed } = await serve();
    const socket = raw("HEAD");
    const answer = await new Promise<string>((resolve) => socket.once("data", (data) => resolve(String(data))));
    expect(answer).to.match(/^HTTP\/1\.1 200 OK\r\n/);
    expect(feed.streams()).to.equal(0);
  });

  it("lives for a bounded time, and goes on after it without a gap", async () => {
    const { hear, tell, feed } = await serve({ lifeMs: 300 });
    tell(20);
    const stream = await hear();
    const { id } = (await stream.next())!;
    await stream.ended;
    expect(feed.ended()).to.include({ life: 1 });
    tell(21);
    tell(22);
    const again = await hear(id);
    const changes = [await again.next(), await again.next()].map((event) => event!.data.changes[0].toPercent);
    expect(changes).to.deep.equal(["2.1", "2.2"]);
  });

  it("gives who was away too long the present state, with no changes that would leave a gap", async () => {
    const { hear, tell } = await serve();
    tell(20);
    const { id } = (await (await hear()).next())!;
    for (let i = 0; i < 80; i++) tell(21 + (i % 20));
    const event = (await (await hear(id)).next())!;
    expect(event.data.changes).to.deep.equal([]);
    expect(event.data.fees.protocol.presentPercent).to.equal("4");
  });

  it("cuts off who takes nothing, keeps nothing for it, and lets nobody wait for it", async () => {
    const { hear, raw, tell, feed } = await serve({ stallMs: 300 });
    tell(20);
    const slow = raw();
    slow.pause();
    const closed = new Promise((resolve) => slow.once("close", resolve));
    const quick = await hear();
    await quick.next();
    while (feed.streams() < 2) await pause(10);
    const before = process.memoryUsage().rss;
    // Far more than the sockets between the two take.
    let told = 0;
    const deadline = Date.now() + 60_000;
    for (; feed.ended().stalled === 0 && Date.now() < deadline; told++) {
      tell(21 + (told % 20));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(feed.ended()).to.include({ stalled: 1 });
    expect(feed.streams()).to.equal(1);
    expect(process.memoryUsage().rss - before).to.be.lessThan(400_000_000);
    slow.resume();
    await closed;
    tell(1);
    while (quick.events.at(-1)!.data.fees.protocol.presentPercent !== "0.1") await pause(10);
  });

  it("opens for nobody after it was closed", async () => {
    const { feed, url } = await serve();
    feed.close();
    expect((await fetch(url)).status).to.equal(503);
  });
});

describe("watcher of fees", () => {
  const good = reading(1, NOON, fee(20));

  it("reports a reading that hangs as unknown, and goes on reading; a late answer counts for nothing", async () => {
    const answers: ((value: FeesReading) => void)[] = [];
    const told: boolean[] = [];
    const errors: string[] = [];
    let recovered = 0;
    const watcher = watchFees({
      read: () => new Promise((resolve) => answers.push(resolve)),
      ...{ pollMs: 5, patienceMs: 40 },
      told: ({ unknownSince }) => void told.push(unknownSince === null),
      onError: ({ message }) => void errors.push(message),
      onRecovery: () => void recovered++,
    });
    watcher.start();
    watcher.start();
    while (answers.length < 3) await pause(5);
    expect(told).to.deep.equal([false, false]);
    expect(errors).to.deep.equal(["no answer within 40 ms"]);
    expect(watcher.health().consecutiveFailures).to.equal(2);
    answers[0]!(good);
    await pause(5);
    expect(watcher.knowledge().last).to.equal(null);
    answers[2]!(good);
    while (watcher.knowledge().unknownSince !== null) await pause(5);
    expect([recovered, watcher.health().consecutiveFailures]).to.deep.equal([1, 0]);
    await watcher.stop();
    const asked = answers.length;
    await pause(60);
    expect(answers.length).to.equal(asked);
  });

  it("goes on when a listener of its own fails", async () => {
    const reads: number[] = [];
    const watcher = watchFees({
      read: async () => (reads.push(Date.now()), good),
      ...{ pollMs: 1, patienceMs: 100 },
      told: () => {
        throw new Error("a listener failed");
      },
      onError: () => undefined,
      onRecovery: () => undefined,
    });
    watcher.start();
    while (reads.length < 3) await pause(2);
    await watcher.stop();
  });
});

describe("reader of fees", () => {
  const state = [20n, 20n, 0n];
  /** A node that is at a head, and answers calls by function name. */
  function node(head: { number: number; timestamp?: number }) {
    const calls: string[] = [];
    const request = async (method: string, params: readonly unknown[]): Promise<unknown> => {
      if (method === "eth_getBlockByNumber") {
        const hash = `0x${head.number.toString(16).padStart(64, "0")}`;
        return {
          number: `0x${head.number.toString(16)}`,
          hash,
          timestamp: `0x${(head.timestamp ?? 100).toString(16)}`,
        };
      }
      const [{ data }, at] = params as [{ data: string }, { blockHash: string }];
      expect(at.blockHash).to.match(/^0x[0-9a-f]{64}$/);
      const { name } = twinMarket.getFunction(data)!;
      calls.push(name);
      return twinMarket.encodeFunctionResult(name, name === "fees" ? [state, state] : [50n]);
    };
    return { calls, request };
  }

  it("asks for a block's fees once, and for what never changes once and for all", async () => {
    const head = { number: 5 };
    const { calls, request } = node(head);
    const read = createFeeReader(request, "0x11");
    await read();
    await read();
    head.number = 6;
    expect((await read()).block.number).to.equal(6);
    expect(calls.filter((name) => name === "fees")).to.have.length(2);
    expect(calls).to.have.length(5);
  });

  it("does not take a node that lags behind for news, unless the chain itself stays shorter", async () => {
    const head = { number: 5 };
    let now = 0;
    const read = createFeeReader(node(head).request, "0x11", { now: () => now });
    await read();
    head.number = 4;
    now = 29_000;
    const problem = await read().catch((reason: Error) => reason);
    expect((problem as Error).message).to.equal("the node is behind: block 4 after 5");
    now = 31_000;
    expect((await read()).block.number).to.equal(4);
  });

  it("never takes an older block for news: an announcement is not called off by a node that stands still", async () => {
    const head = { number: 5, timestamp: 1_000 };
    let now = 1_000_000;
    const read = createFeeReader(node(head).request, "0x11", { now: () => now });
    await read();
    [head.number, head.timestamp, now] = [4, 998, now + 3_600_000];
    const problem = await read().catch((reason: Error) => reason);
    expect((problem as Error).message).to.equal("the node is behind: block 4 after 5");
    head.timestamp = 4_600;
    expect((await read()).block.number).to.equal(4);
  });

  it("does not call known what a node says that stands still, where it is told how old a block may be", async () => {
    const head = { number: 5, timestamp: 1_000 };
    let now = 1_120_999;
    const read = createFeeReader(node(head).request, "0x11", { now: () => now, maxAgeSeconds: 120 });
    expect((await read()).block.number).to.equal(5);
    now = 1_121_000;
    const problem = await read().catch((reason: Error) => reason);
    expect((problem as Error).message).to.equal("the newest block that the node knows is 121 seconds old");
    [head.number, head.timestamp] = [6, 1_121];
    expect((await read()).block.number).to.equal(6);
  });

  it("does not come back to a block that a later look has left behind", async () => {
    const head = { number: 5 };
    const { request } = node(head);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const read = createFeeReader(async (method, params) => {
      const at = params[1] as { blockHash?: string };
      if (method === "eth_call" && at.blockHash?.endsWith("5")) await held;
      return request(method, params);
    }, "0x11");
    const late = read().catch((reason: Error) => reason);
    await pause(0);
    head.number = 6;
    expect((await read()).block.number).to.equal(6);
    release();
    expect(((await late) as Error).message).to.equal("the node is behind: block 5 after 6");
  });

  it("tries again once where a block vanished on the way, and not where there is no market", async () => {
    const { request } = node({ number: 5 });
    let fails = 1;
    const flaky = createFeeReader(async (method, params) => {
      if (method === "eth_call" && fails-- > 0) throw new Error("header not found");
      return request(method, params);
    }, "0x11");
    expect((await flaky()).fees.protocol.present).to.equal(20n);
    let asked = 0;
    const nothing = createFeeReader(async (method, params) => {
      asked++;
      return method === "eth_call" ? "0x" : request(method, params);
    }, "0x11");
    expect(((await nothing().catch((reason: Error) => reason)) as Error).message).to.equal(
      "there is no market at 0x11",
    );
    expect(asked).to.equal(2);
    const other = createFeeReader(
      async (method, params) => (method === "eth_call" ? "0x12" : request(method, params)),
      "0x11",
    );
    expect(((await other().catch((reason: Error) => reason)) as Error).message).to.equal(
      "what is at 0x11 is no key market",
    );
  });
});
