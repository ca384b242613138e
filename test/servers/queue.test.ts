// SPDX-License-Identifier: MIT
// Bull on a real Redis: what it does when work fails, when processes die, and when Redis itself does.
import { expect } from "chai";
import { fork, type ChildProcess } from "node:child_process";
import { request as httpRequest } from "node:http";
import { createBullQueue, QueueError, type BullOptions, type SharedQueue } from "../../relayer/queue/bull.ts";
import { openDashboard } from "../../relayer/queue/dashboard.ts";
import type { Work } from "../../relayer/queue/queue.ts";
import { startRedis, type RedisServer } from "../support/redis.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** As a program asks that is no browser: fetch keeps some headers to itself. */
function request(
  url: string,
  { method = "GET", headers }: { method?: string; headers: Record<string, string> },
): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { method, headers }, (response) => {
      response.resume();
      response.on("end", () => resolve({ status: response.statusCode! }));
    })
      .on("error", reject)
      .end();
  });
}
async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 1_000) throw new Error(`it never happened: ${what}`);
    await sleep(20);
  }
}

describe("queue shared over Redis", () => {
  let redis: RedisServer;
  const open: { close(): Promise<void> }[] = [];
  let round = 0;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());
  beforeEach(() => void round++);
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const whole = (work: Partial<Work>): Work => ({
    ...{ find: async () => [], run: async () => undefined, concurrency: 4, sweepMs: 50 },
    ...work,
  });
  async function start(work: Partial<Work>, options: Partial<BullOptions> = {}): Promise<SharedQueue> {
    const queue = await createBullQueue(
      { work: whole(work) },
      { redisUrl: redis.url, prefix: `test:${round}`, retryMs: 20, maxRetryMs: 200, ...options },
    );
    open.push(queue);
    return queue;
  }

  it("does not wait out a pause that a clock ahead wrote down [FM:queue-wiped]", async () => {
    const real = Date.now;
    let runs = 0;
    await start({
      find: async () => ["piece"],
      run: async () => {
        if (runs++ > 0) return;
        Date.now = () => real() + 3_600_000;
        setTimeout(() => (Date.now = real), 300);
        throw new Error("the first time it fails");
      },
    });
    try {
      await until(() => runs > 1, "the piece is tried again");
    } finally {
      Date.now = real;
    }
  });

  it("runs what the ledger holds and what it is woken for, a piece at a time however often it is named [FM:job-twice]", async () => {
    const ledger = new Set(["a", "b"]);
    const running = new Map<string, number>();
    let overlaps = 0;
    const ran: string[] = [];
    const work: Partial<Work> = {
      find: async () => [...ledger],
      run: async (key) => {
        running.set(key, (running.get(key) ?? 0) + 1);
        if (running.get(key)! > 1) overlaps++;
        await sleep(60);
        running.set(key, running.get(key)! - 1);
        ran.push(key);
        ledger.delete(key);
      },
    };
    const one = await start(work);
    await start(work); // another process of the same ledger
    for (let i = 0; i < 20; i++) one.wake("work", "c");
    await until(() => ran.length >= 3, "all ran");
    await sleep(200);
    expect(overlaps).to.equal(0);
    expect(ran.toSorted()).to.deep.equal(["a", "b", "c"]);
  });

  it("loses nothing when Redis is wiped while pieces wait and run [FM:queue-wiped]", async () => {
    const ledger = new Set(Array.from({ length: 40 }, (_, i) => `piece ${i}`));
    const done: string[] = [];
    await start({
      find: async () => [...ledger],
      run: async (key) => {
        await sleep(30);
        if (ledger.delete(key)) done.push(key);
      },
    });
    for (let wipes = 0; wipes < 5; wipes++) {
      await sleep(50);
      expect(await redis.say("FLUSHALL")).to.match(/^\+OK/);
    }
    await until(() => ledger.size === 0, "the ledger is empty");
    expect(done).to.have.length(40);
  });

  it("sets a piece that always fails apart with its reason, goes on with the others, and replays it when told [FM:poison-item]", async () => {
    const ledger = new Set(["poison", "good"]);
    let poisoned = true;
    let failures = 0;
    const queue = await start({
      deadAfter: 4,
      find: async () => [...ledger],
      run: async (key) => {
        if (key === "poison" && poisoned) {
          failures++;
          throw new Error("the store says 507");
        }
        ledger.delete(key);
      },
    });
    await until(async () => (await queue.deadLetters()).length === 1, "it is a dead letter");
    expect(ledger.has("good")).to.equal(false);
    const [letter] = await queue.deadLetters();
    expect(letter).to.include({ work: "work", key: "poison", reason: "the store says 507", failures: 4 });
    await sleep(200);
    expect(failures, "while dead it is not tried").to.equal(4);
    const refused = await queue.replay("work", "good").catch((error: QueueError) => error.code);
    expect(refused).to.equal("not_dead");
    poisoned = false;
    await queue.replay("work", "poison");
    await until(() => ledger.size === 0, "it ran");
    expect(await queue.deadLetters()).to.deep.equal([]);
  });

  it("tries a dead letter again by itself after a while: no operator has to be there", async () => {
    const ledger = new Set(["piece"]);
    let tries = 0;
    await start(
      {
        deadAfter: 2,
        find: async () => [...ledger],
        run: async (key) => {
          if (++tries < 6) throw new Error("not yet");
          ledger.delete(key);
        },
      },
      { reviveAfterMs: 50 },
    );
    await until(() => ledger.size === 0, "it ran in the end");
  });

  it("never gives up a kind of work that has no dead letters", async () => {
    let tries = 0;
    const queue = await start(
      {
        find: async () => ["all"],
        run: async () => {
          if (++tries < 30) throw new Error("the chain is away");
        },
      },
      { maxRetryMs: 20 },
    );
    await until(() => tries > 31, "it went on");
    expect(await queue.deadLetters()).to.deep.equal([]);
    expect(queue.health()["work"]!.consecutiveFailures).to.equal(0);
  });

  it("gives the piece of a killed process to another one", async function () {
    const child: ChildProcess = fork(new URL("./queue-victim.ts", import.meta.url).pathname, [], {
      execArgv: ["--import", "tsx"],
      env: { ...process.env, VICTIM_REDIS: redis.url, VICTIM_PREFIX: `test:${round}` },
    });
    open.push({ close: async () => void child.kill("SIGKILL") });
    await new Promise<void>((resolve) => child.once("message", () => resolve())); // it has the piece
    const ran: string[] = [];
    await start({ run: async (key) => void ran.push(key) }, { lockMs: 500 });
    await sleep(300);
    expect(ran, "while its holder lives").to.deep.equal([]);
    child.kill("SIGKILL");
    await until(() => ran.length === 1, "the piece ran here");
    expect(ran).to.deep.equal(["piece"]);
  });

  it("begins no more pieces than its rate, by all processes together", async () => {
    let begun = 0;
    const work = { rate: { max: 3, durationMs: 600 }, run: async () => void begun++ };
    const one = await start(work);
    await start(work);
    for (let i = 0; i < 12; i++) one.wake("work", `piece ${i}`);
    await sleep(450);
    expect(begun).to.be.within(1, 3);
    await until(() => begun === 12, "all ran in time");
  });

  it("works by itself while Redis is away, and shares again when it is back", async () => {
    const own = await startRedis();
    try {
      const ledger = new Set(["before"]);
      const turns: boolean[] = [];
      const queue = await start(
        { find: async () => [...ledger], run: async (key) => void ledger.delete(key) },
        { redisUrl: own.url, aloneAfterMs: 200, onAlone: (alone) => void turns.push(alone) },
      );
      await until(() => ledger.size === 0, "it worked over Redis");
      await own.stop();
      ledger.add("meanwhile");
      queue.wake("work", "meanwhile"); // says nothing to anybody, and throws nothing
      await until(() => ledger.size === 0, "it worked alone");
      expect(turns).to.deep.equal([true]);
      await own.start();
      await until(() => turns.length === 2, "it noticed that Redis is back");
      ledger.add("after");
      await until(() => ledger.size === 0, "it works over Redis again");
    } finally {
      // The queue first: it is to find a server to say goodbye to.
      await open.pop()?.close();
      await own.stop();
    }
  });

  it("begins by itself where Redis is not there yet, and shares when it comes [FM:queue-wiped]", async () => {
    const late = await startRedis();
    await late.stop();
    const ledger = new Set(["before"]);
    const turns: boolean[] = [];
    const told: Error[] = [];
    const queue = await start(
      { find: async () => [...ledger], run: async (key) => void ledger.delete(key) },
      {
        ...{ redisUrl: late.url, aloneAfterMs: 200, onAlone: (alone: boolean) => void turns.push(alone) },
        onError: ({ error }) => void told.push(error),
      },
    );
    try {
      expect([turns, queue.alone()]).to.deep.equal([[true], true]);
      await until(() => ledger.size === 0, "it worked alone");
      await late.start();
      await until(() => turns.length === 2, "it noticed that Redis came");
      expect(queue.alone()).to.equal(false);
      expect(told.map(({ message }) => message)).to.deep.equal([]);
      ledger.add("after");
      await until(() => ledger.size === 0, "it works over Redis");
      expect(await late.say("KEYS", "*sweep")).to.match(/work:sweep/);
    } finally {
      await open.pop()?.close();
      await late.stop();
    }
  });

  it("does not share over a Redis that comes late and throws keys away, until it does not [FM:redis-evicts]", async () => {
    const late = await startRedis("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru");
    await late.stop();
    const ledger = new Set<string>();
    const told: string[] = [];
    const queue = await start(
      { find: async () => [...ledger], run: async (key) => void ledger.delete(key) },
      { redisUrl: late.url, aloneAfterMs: 100, onError: ({ error }) => void told.push((error as QueueError).code) },
    );
    try {
      await late.start();
      await until(() => told.length > 0, "it is told");
      await sleep(500);
      expect([told, queue.alone()]).to.deep.equal([["redis_evicts"], true]);
      ledger.add("piece");
      await until(() => ledger.size === 0, "it goes on alone");
      await late.say("CONFIG", "SET", "maxmemory-policy", "noeviction");
      await until(() => !queue.alone(), "it shares");
    } finally {
      await open.pop()?.close();
      await late.stop();
    }
  });

  it("refuses a Redis that may throw keys away [FM:redis-evicts]", async () => {
    const evicting = await startRedis("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru");
    try {
      const refused = await start({}, { redisUrl: evicting.url }).catch((error: QueueError) => error);
      expect(refused).to.be.instanceOf(QueueError).and.include({ code: "redis_evicts" });
    } finally {
      await evicting.stop();
    }
  });

  it("shows its queues to an operator with the password, and to nobody else", async () => {
    const queue = await start({
      find: async () => ["piece"],
      deadAfter: 1,
      run: () => Promise.reject(new Error("no")),
    });
    const password = "correct horse battery";
    const dashboard = await openDashboard({ host: "127.0.0.1", port: 0, password, queues: queue.queues });
    open.push(dashboard);
    await until(async () => (await queue.deadLetters()).length === 1, "it failed");
    const ask = (path: string, words?: string) =>
      fetch(dashboard.url + path, {
        headers: words ? { authorization: `Basic ${Buffer.from(words).toString("base64")}` } : {},
      });
    for (const words of [undefined, "operator:wrong", `admin:${password}`])
      for (const path of ["/", "/api/queues"]) expect((await ask(path, words)).status).to.equal(401);
    const page = await ask("/", `operator:${password}`);
    expect(page.status).to.equal(200);
    expect(await page.text()).to.include("<html");
    const told = (await (await ask("/api/queues?activeQueue=work&status=failed", `operator:${password}`)).json()) as {
      queues: { name: string; counts: { failed: number } }[];
    };
    expect(told.queues[0]).to.deep.include({ name: "work" });
    expect(told.queues[0]!.counts.failed).to.equal(1);
    // Its page runs its own scripts only, and in nobody's frame.
    const policy = page.headers.get("content-security-policy")!;
    expect(policy)
      .to.include("script-src 'self';")
      .and.include("frame-ancestors 'none'")
      .and.include("default-src 'none'");
    expect(page.headers.get("x-frame-options")).to.equal("DENY");
    expect(page.headers.get("x-content-type-options")).to.equal("nosniff");
  });

  it("lets no other page change a queue with an operator's password, and nobody try many", async () => {
    const queue = await start({ find: async () => [], run: async () => undefined });
    const password = "correct horse battery";
    const dashboard = await openDashboard({ host: "127.0.0.1", port: 0, password, queues: queue.queues });
    open.push(dashboard);
    const authorization = `Basic ${Buffer.from(`operator:${password}`).toString("base64")}`;
    const pausing = `${dashboard.url}/api/queues/${queue.queues[0]!.name}/pause`;
    const pause = (headers: Record<string, string>) =>
      request(pausing, { method: "PUT", headers: { authorization, ...headers } });
    const foreign = [
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: dashboard.url, "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ];
    for (const headers of foreign) expect((await pause(headers as Record<string, string>)).status).to.equal(403);
    expect(await queue.queues[0]!.isPaused()).to.equal(false);
    expect((await pause({ origin: dashboard.url, "sec-fetch-site": "same-origin" })).status).to.equal(200);
    expect(await queue.queues[0]!.isPaused()).to.equal(true);
    await queue.queues[0]!.resume();
    const wrong = { authorization: `Basic ${Buffer.from("operator:guess").toString("base64")}` };
    const statuses: number[] = [];
    const guess = async (): Promise<void> => {
      for (let n = 0; n < 30; n++) statuses.push((await request(dashboard.url, { headers: wrong })).status);
    };
    await Promise.all(Array.from({ length: 10 }, guess));
    expect(new Set(statuses)).to.deep.equal(new Set([401, 429]));
    expect(statuses.filter((status) => status === 401).length).to.be.lessThan(280);
  });
});
