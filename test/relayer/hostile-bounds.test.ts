// SPDX-License-Identifier: MIT
// Bounds that somebody tries to get around: by clocks, by repetition, by using up what others have.
import { expect } from "chai";
import { Hono } from "hono";
import { createBodies } from "../../relayer/api/bodies.ts";
import { createBuckets, networkOf, onceASecond } from "../../relayer/api/limits.ts";
import { Problem, respond } from "../../relayer/api/problems.ts";
import { createPaymentWaiting } from "../../relayer/facilitator/waiting.ts";
import { createPlaces } from "../../relayer/gateway/places.ts";
import { boundedEmit } from "../../relayer/gateway/work.ts";
import { idempotent } from "../../relayer/operator/idempotency.ts";
import { createApiKey, findApiKey, revokeApiKey, type ApiKey } from "../../relayer/store/api-keys.ts";
import { openDatabase, type OpenDatabase } from "../../relayer/store/database.ts";
import { createIdempotencyStore } from "../../relayer/store/idempotency.ts";
import { random, removeDir, tempDir } from "./support/relayer.ts";

const HOUR_MS = 3_600_000;

describe("bounds", () => {
  let dataDir: string;
  let ledger: OpenDatabase;
  before(async () => {
    dataDir = tempDir();
    ledger = await openDatabase({ dataDir });
  });
  after(async () => {
    await ledger.close();
    removeDir(dataDir);
  });

  it("of requests hold where a clock is put back, and keep nobody out for the hour that it lost", () => {
    let now = 10 * HOUR_MS;
    const buckets = createBuckets({ perSecond: 1, burst: 2 }, () => now);
    expect([buckets.take("a"), buckets.take("a")]).to.deep.equal([0, 0]);
    now -= HOUR_MS;
    expect(buckets.take("a")).to.equal(1);
    now += 1_000;
    expect(buckets.take("a")).to.equal(0);
    expect(buckets.take("a")).to.be.within(0.9, 1);
    // Put forward, it brings a full bucket and no more.
    now += HOUR_MS;
    expect([buckets.take("a"), buckets.take("a"), buckets.take("a")]).to.deep.equal([0, 0, 1]);
  });

  it("of requests let what costs more than the burst pass once, and have it paid off", () => {
    let now = 0;
    const buckets = createBuckets({ perSecond: 1, burst: 2 }, () => now);
    expect(buckets.take("a", 10)).to.equal(0);
    expect(buckets.take("a")).to.equal(9);
    now += 8_000;
    expect(buckets.take("a")).to.equal(1);
    now += 1_000;
    expect(buckets.take("a")).to.equal(0);
  });

  it("of requests remember so many networks and no more", () => {
    const buckets = createBuckets({ perSecond: 0.001, burst: 1 }, () => 0);
    for (let i = 0; i < 10_050; i++) buckets.take(String(i));
    expect(buckets.size()).to.equal(10_000);
    expect(buckets.take("10049"), "who came last is remembered").to.be.greaterThan(0);
  });

  it("count IPv6 by network however it is written, and IPv4 behind IPv6 as IPv4", () => {
    const same = ["2001:db8::1", "2001:DB8:0:0::ffff", "2001:0db8:0000:0000:1:2:3:4", "2001:db8::1%eth0"];
    expect(new Set(same.map(networkOf))).to.deep.equal(new Set(["2001:db8:0:0::/64"]));
    expect(networkOf("2001:db8:0:1::1")).to.equal("2001:db8:0:1::/64");
    expect(networkOf("::ffff:10.0.0.1")).to.equal("10.0.0.1");
    expect(networkOf("10.0.0.1")).to.equal("10.0.0.1");
  });

  it("of health give one answer a second, also after a clock was put back", async () => {
    let now = 10 * HOUR_MS;
    let asked = 0;
    const health = onceASecond(
      async () => ++asked,
      () => now,
    );
    expect([await health(), await health()]).to.deep.equal([1, 1]);
    now += 999;
    expect(await health()).to.equal(1);
    now += 1;
    expect(await health()).to.equal(2);
    now -= HOUR_MS;
    expect(await health()).to.equal(3);
  });

  it("of waiting leave places to others, however often one payment is asked after", async () => {
    let reads: number[][] = [];
    const waiting = createPaymentWaiting({
      ...{ read: async (ids) => (reads.push([...ids]), []), isOver: () => false },
      ...{ everyMs: 5, onError: () => undefined },
    });
    let back = 0;
    for (let i = 0; i < 1_000; i++) void waiting.wait(1, 60_000).then(() => back++);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(back).to.equal(984);
    reads = [];
    let other = false;
    void waiting.wait(2, 60_000).then(() => (other = true));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect([other, reads.at(-1)]).to.deep.equal([false, [1, 2]]);
    waiting.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([back, other]).to.deep.equal([1_000, true]);
  });

  it("of kept answers are by rows: refused requests of strangers push out nobody's", async () => {
    let now = 1_000_000;
    const store = createIdempotencyStore(ledger.db, () => now, 3);
    const answer = { status: 201, contentType: "application/json", body: "{}" };
    const keep = async (key: string) => {
      const taken = await store.take("key mine", key, random());
      if (taken.is === "yours") await store.keep(taken, answer);
      return taken.is;
    };
    const hash = random();
    const first = await store.take("key mine", "first", hash);
    if (first.is === "yours") await store.keep(first, answer);
    for (let i = 0; i < 10; i++) {
      const taken = await store.take("network 10.0.0.1", String(i), random());
      if (taken.is === "yours") await store.release(taken);
    }
    now += 61_000;
    expect(await keep("second")).to.equal("yours");
    now += 61_000;
    expect(await store.take("key mine", "first", hash)).to.deep.equal({ is: "answered", answer });
    // What is kept is bounded all the same: the oldest goes.
    for (const key of ["third", "fourth"]) expect(await keep(key)).to.equal("yours");
    now += 61_000;
    await keep("fifth");
    expect((await store.take("key mine", "first", hash)).is).to.equal("yours");
  });

  it("of a request that took too long: who took its key since keeps it, and gets no answer but its own", async () => {
    let now = 5_000_000;
    const store = createIdempotencyStore(ledger.db, () => now);
    const [slow, next] = [random(), random()];
    const first = await store.take("a", "slow", slow);
    now += 120_001;
    const second = await store.take("a", "slow", next);
    if (first.is !== "yours" || second.is !== "yours") throw new Error("neither took it");
    await store.keep(first, { status: 200, contentType: "text/plain", body: "of the first" });
    await store.release(first);
    expect((await store.take("a", "slow", next)).is).to.equal("running");
    const answer = { status: 201, contentType: "text/plain", body: "of the second" };
    await store.keep(second, answer);
    expect(await store.take("a", "slow", next)).to.deep.equal({ is: "answered", answer });
    await store.release(second);
    expect((await store.take("a", "slow", next)).is, "what was kept is not given free").to.equal("answered");
  });

  it("of Idempotency-Keys: each caller's, each path's, each body's own, and nothing is kept that was refused", async () => {
    let runs = 0;
    const app = new Hono();
    const names = new Map<string, ApiKey>();
    app.use(async (c, next) => {
      const name = c.req.header("x-name");
      if (name !== undefined) c.set("apiKey", names.get(name));
      return next();
    });
    app.use(idempotent(createIdempotencyStore(ledger.db)));
    app.post("/long", (c) => c.text("x".repeat(70_000 + ++runs)));
    app.on(["POST", "GET"], "*", async (c) => c.text(`run ${++runs}`, (await c.req.text()) === "bad" ? 422 : 201));
    app.onError((error, c) => (error instanceof Problem ? respond(c, error) : c.text(error.message, 500)));
    for (const name of ["one", "two"]) {
      const wanted = { label: name, scopes: ["submit"] as const, receiptsPerMinute: null };
      names.set(name, (await createApiKey(ledger.db, wanted)).key);
    }
    const ask = async ({
      path = "/a",
      body = "{}",
      name,
      address = "10.0.0.1",
      key = "k",
      method = "POST",
    }: Record<string, string> = {}) => {
      const headers = { ...(key === "" ? {} : { "idempotency-key": key }), ...(name ? { "x-name": name } : {}) };
      const env = { incoming: { socket: { remoteAddress: address, remotePort: 1, remoteFamily: "IPv4" } } };
      const answer = await app.request(path, { method, headers, ...(method === "GET" ? {} : { body }) }, env);
      return `${answer.status} ${(await answer.text()).slice(0, 80)} ${answer.headers.get("idempotency-replayed") ?? ""}`;
    };
    expect(await ask()).to.equal("201 run 1 ");
    expect(await ask()).to.equal("201 run 1 true");
    // Nobody has another's answer, nor is kept from having his own.
    expect(await ask({ address: "10.0.0.2" })).to.equal("201 run 2 ");
    expect(await ask({ name: "one" })).to.equal("201 run 3 ");
    expect(await ask({ name: "two" })).to.equal("201 run 4 ");
    expect(await ask({ name: "one", address: "10.0.0.2" })).to.equal("201 run 3 true");
    for (const other of [{ body: "{ }" }, { path: "/b" }] as Record<string, string>[])
      expect(await ask(other)).to.match(/^422 .*idempotency_key_reused/);
    expect(await ask({ key: "refused", body: "bad" })).to.equal("422 run 5 ");
    expect(await ask({ key: "refused" }), "it is free").to.equal("201 run 6 ");
    expect(await ask({ key: "long", path: "/long" })).to.match(/^200 x+ $/);
    expect(await ask({ key: "long", path: "/long" }), "what is too long is not kept").to.match(/^200 x+ $/);
    expect(await ask({ method: "GET" })).to.equal("201 run 9 ");
    expect(await ask({ key: "" })).to.equal("201 run 10 ");
    for (const bad of ["a b", "x".repeat(256), "\u00e9"]) expect(await ask({ key: bad })).to.match(/^400 /);
  });

  it("of an API key end with it: at once, for good, and with whatever is near it", async () => {
    const wanted = { label: "", scopes: ["read", "read"] as const, receiptsPerMinute: null };
    const { key, secret } = await createApiKey(ledger.db, wanted, 1);
    expect(key.scopes).to.deep.equal(["read"]);
    const found = await findApiKey(ledger.db, secret, 100_000);
    expect(found?.id).to.equal(key.id);
    const { secret: other } = await createApiKey(ledger.db, wanted, 1);
    for (const near of [secret.slice(0, 17) + other.slice(17), other.slice(0, 17) + secret.slice(17), ` ${secret}`])
      expect(await findApiKey(ledger.db, near)).to.equal(undefined);
    // Used within the minute, that is not written again.
    expect((await findApiKey(ledger.db, secret, 130_000))?.lastUsedAt).to.equal(100_000);
    const revoked = await revokeApiKey(ledger.db, key.id, 7);
    expect(revoked?.revokedAt).to.equal(7);
    expect((await revokeApiKey(ledger.db, key.id, 8))?.revokedAt, "the first time counts").to.equal(7);
    expect(await findApiKey(ledger.db, secret)).to.equal(undefined);
    expect((await findApiKey(ledger.db, other))?.revokedAt).to.equal(null);
  });

  it("of a gateway: places come back once, parts end where an answer would, bodies count together", async () => {
    const places = createPlaces(1);
    const leave = places.take();
    expect(() => places.take()).to.throw("Too many requests");
    leave();
    leave();
    await expectRefused(
      places.within(() => Promise.reject(new Error("failed"))),
      "failed",
    );
    const again = places.take();
    expect(() => places.take(), "a place that was left twice is one place").to.throw("Too many requests");
    again();

    const sizes: number[] = [];
    const emit = boundedEmit(5, (_, size) => sizes.push(size));
    emit("é");
    emit("abc");
    expect(() => emit("d")).to.throw("larger");
    expect(sizes).to.deep.equal([2, 5]);
    expect(() => boundedEmit(3, () => undefined)("éé"), "bytes, not letters").to.throw("larger");

    const withBody = createBodies({ maxBytes: 6, maxHeldBytes: 10 });
    const post = (body: string) => new Request("http://x", { method: "POST", body });
    await withBody(post("123456"), async (body) => {
      expect(Buffer.from(body).toString()).to.equal("123456");
      await expectRefused(
        withBody(post("12345"), async () => undefined),
        "Too many requests",
      );
      expect(await withBody(post("1234"), async ({ length }) => length)).to.equal(4);
    });
    await expectRefused(
      withBody(post("1234567"), async () => undefined),
      "too large",
    );
    expect(await withBody(post("123456"), async ({ length }) => length), "all of it came free").to.equal(6);
  });
});

async function expectRefused(work: Promise<unknown>, says: string): Promise<void> {
  const failed = await work.then(
    () => "nothing was refused",
    (error: Error) => error.message,
  );
  expect(failed).to.contain(says);
}
