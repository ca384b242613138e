// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { createInProcessQueue } from "../../relayer/queue/in-process.ts";
import type { Queue, Work } from "../../relayer/queue/queue.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 500) throw new Error("it never happened");
    await sleep(5);
  }
}

describe("in-process queue", () => {
  let queue: Queue | undefined;
  afterEach(async () => {
    await queue?.close();
  });
  const start = (work: Partial<Work>, options: Parameters<typeof createInProcessQueue>[1] = {}): Queue => {
    const whole = { find: async () => [], run: async () => undefined, concurrency: 1, sweepMs: 10, ...work };
    queue = createInProcessQueue({ work: whole }, { retryMs: 10, ...options });
    return queue;
  };

  it("goes on with the others when a handler fails, and tries the failed one again, later each time [FM:poison-item]", async () => {
    const ran: string[] = [];
    const times: number[] = [];
    const errors: number[] = [];
    start(
      {
        find: async () => ["poison", "good"],
        run: async (key) => {
          ran.push(key);
          if (key !== "poison") return;
          times.push(Date.now());
          throw new Error("this one never works");
        },
      },
      { onError: ({ failures }) => void errors.push(failures) },
    );
    await until(() => times.length >= 4);
    expect(ran.filter((key) => key === "good").length).to.be.greaterThan(4);
    expect(errors.slice(0, 4)).to.deep.equal([1, 2, 3, 4]);
    expect(times[3]! - times[2]!).to.be.at.least(40);
  });

  it("tries again what failed before its clock was put back, after the pause and not after the jump [FM:supervised-loop]", async () => {
    let clock = 10_000_000;
    let runs = 0;
    start(
      {
        find: async () => ["piece"],
        run: async () => {
          if (runs++ === 0) throw new Error("the first time it fails");
        },
      },
      { now: () => clock, retryMs: 10, maxRetryMs: 100, onError: () => void (clock -= 3_600_000) },
    );
    await until(() => runs > 1);
  });

  it("survives a search that fails, a throwing listener and a handler that throws no error [FM:supervised-loop]", async () => {
    let sweeps = 0;
    let runs = 0;
    const running = start(
      {
        find: async () => {
          if (sweeps++ < 3) throw new Error("the ledger is away");
          return [`key ${sweeps}`];
        },
        run: async () => {
          runs++;
          // oxlint-disable-next-line no-throw-literal
          throw "not even an error";
        },
      },
      {
        onError: () => {
          throw new Error("the listener is broken too");
        },
      },
    );
    await until(() => runs >= 3);
    expect(running.health()["work"]!.lastError).to.equal("not even an error");
    expect(running.health()["work"]!.lastSweepAt).to.be.a("number");
  });

  it("finds work in the ledger that nobody was woken for: losing a queue loses nothing [FM:queue-wiped]", async () => {
    const ledger = new Set(["a", "b", "c"]);
    let letGo = (): void => undefined;
    const first = start({
      find: async () => [...ledger],
      run: () => new Promise<void>((resolve) => (letGo = resolve)),
    });
    await until(() => first.health()["work"]!.running === 1);
    // The process is gone with what its queue remembered. Another one starts from the ledger alone.
    const second = createInProcessQueue({
      work: {
        find: async () => [...ledger],
        run: async (key) => void ledger.delete(key),
        concurrency: 2,
        sweepMs: 10,
      },
    });
    await until(() => ledger.size === 0);
    await second.close();
    // Nothing of the first is left behind in this process either.
    const closing = first.close();
    letGo();
    await closing;
    queue = undefined;
  });

  it("runs one key once at a time and as many keys as it may, and once more when woken meanwhile [FM:job-twice]", async () => {
    const now = new Map<string, number>();
    let most = 0;
    let runsOfA = 0;
    const running = start({
      concurrency: 2,
      sweepMs: 60_000,
      run: async (key) => {
        now.set(key, (now.get(key) ?? 0) + 1);
        expect(now.get(key)).to.equal(1);
        most = Math.max(most, [...now.values()].filter((count) => count > 0).length);
        if (key === "a") runsOfA++;
        await sleep(20);
        now.set(key, 0);
      },
    });
    for (const key of ["a", "b", "c", "d"]) running.wake("work", key);
    running.wake("work", "a");
    running.wake("work", "a");
    await until(() => runsOfA === 2 && running.health()["work"]!.running === 0);
    expect(most).to.equal(2);
    await sleep(30);
    expect(runsOfA).to.equal(2);
  });

  it("lets what runs end before it closes, and starts nothing after [FM:job-twice]", async () => {
    let ended = false;
    let started = 0;
    const running = start({
      find: async () => ["a", "b"],
      run: async () => {
        started++;
        await sleep(50);
        ended = true;
      },
    });
    await until(() => started === 1);
    await running.close();
    expect(ended).to.equal(true);
    running.wake("work", "c");
    await sleep(30);
    expect(started).to.equal(1);
  });
});
