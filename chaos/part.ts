// SPDX-License-Identifier: MIT
// One part of a run: relayers that stand for themselves, the nodes that hand in to them, and the faults. It ends when all
// that was acknowledged is over, and judged.
import type { Domain } from "../relayer/protocol/index.ts";
import type { Channels } from "./channels.ts";
import { shuffled, type Setting, type Step } from "./faults.ts";
import { judge, type Account } from "./judge.ts";
import { differences, openWork, unsuccessful } from "./ledger.ts";
import type { Load } from "./load.ts";
import type { Payments } from "./payments.ts";
import { deadLetters } from "./relayers.ts";
import { faultTable, loadTable, table, type Outcome } from "./report.ts";

export interface Part {
  title: string;
  setting: Setting;
  domain: Domain;
  load: Load;
  payments?: Payments;
  channels?: Channels;
  /** Databases, and folders of published leaves. */
  ledgers: string[];
  leaves: string[];
  accounts: () => Account[];
  steps: Step[];
  /** Faults come for so long, and each at least once. `null`: each once, one close upon the other. */
  minutes: number | null;
}

/** What a part says while it runs. */
export interface Listener {
  say(text: string): void;
  /** Where it is now. */
  at(what: string): void;
  violation(text: string): void;
  /** Since the run began. */
  seconds(): number;
}

/** What came after a fault, and what was acknowledged when there are no more of them, may take so long to be over. */
const PATIENCE_MS = 300_000;
const CLOSE_MS = 1_000;
/** The next fault waits so long at least for the one before to be overcome. */
const LEAST_MS = 3_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs a part to its end and prints its report. */
export async function runPart(part: Part, to: Listener, patienceMs = PATIENCE_MS): Promise<void> {
  const { setting, domain, load, payments, channels, ledgers, leaves } = part;
  const { chain, relayers, worker } = setting;
  const all = [...relayers, ...(worker ? [worker] : [])];
  const fromBlock = await chain.head();
  load.start();
  channels?.start();
  payments?.start();
  const outcomes = await inject(part, to, patienceMs);

  to.say("\nno more faults; everything that was acknowledged has to end");
  to.at("the end of the load");
  await inTime(endOfLoad(part), patienceMs);
  to.at("the end of what was acknowledged");
  for (const url of ledgers) await drained(url, patienceMs, to);
  to.at("the judgement");
  const { acknowledged } = load;
  const collected: [string, string][] = [];
  const found = { violations: [] as string[], figures: collected, settled: new Map() };
  await channels?.judge(acknowledged.receipts, found, patienceMs);
  const accounts = part.accounts();
  const verdict = await judge({
    ...{ chain, protocol: chain.protocol, domain, fromBlock, payments, leaves, acknowledged, accounts },
    oneLedger: ledgers.length === 1,
  });
  for (const violation of [
    ...found.violations,
    ...verdict.violations,
    ...(await differences(ledgers, verdict.settled)),
  ])
    to.violation(violation);
  // Relayers of one ledger share their queue.
  for (const relayer of relayers.slice(0, ledgers.length))
    for (const { work, key, reason } of deadLetters(relayer)) to.violation(`dead letter ${work} ${key}: ${reason}`);
  const failed = (await Promise.all(ledgers.map(unsuccessful))).flat();
  const crashes = all.flatMap((one) => one.crashes);

  to.at("the end of the relayers");
  await channels?.end();
  await load.end();
  for (const one of all) {
    const code = await one.stop();
    if (code !== 0) to.violation(`${one.name} did not end in order: ${code}`);
  }
  to.say(`\n${part.title}\n\n${faultTable(outcomes)}\n\n${loadTable(load)}\n`);
  to.say(
    table([
      ["judged by the chain alone", ""],
      ...verdict.figures,
      ...collected,
      ["relayers and worker killed", String(all.reduce((sum, one) => sum + one.kills, 0))],
      ["ended by themselves, and started again", String(crashes.length)],
      ["calls that did not succeed", failed.join("; ") || "0"],
    ]),
  );
  for (const crash of new Set(crashes)) to.say(`  ${crash}`);
}

async function endOfLoad({ load, payments, channels }: Part): Promise<void> {
  await channels?.stop();
  await Promise.all([load.stop(), payments?.stop()]);
}

/** @throws if who hands in is never told: nothing of what follows could be judged then. */
async function inTime(ending: Promise<void>, patienceMs: number): Promise<void> {
  const late = sleep(patienceMs).then(() => {
    throw new Error(`nodes and payers were still not told after ${patienceMs / 1_000} s`);
  });
  await Promise.race([ending, late]);
}

/** Runs the steps, each until what came after it is settled, or until its share of the time is over. */
async function inject({ setting, load, steps, minutes }: Part, to: Listener, patienceMs: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  to.at("the first batch");
  if ((await recovery(setting, load, PATIENCE_MS)) === null) throw new Error("without any fault nothing settles");
  const end = Date.now() + (minutes ?? 0) * 60_000;
  const watching: Promise<void>[] = [];
  do {
    const order = shuffled(steps, setting.random);
    for (const [place, { name, run }] of order.entries()) {
      to.at(`"${name}"`);
      try {
        await run(setting);
        to.say(`${to.seconds().toFixed(0).padStart(4)} s  ${name}`);
        const watched = recovery(setting, load, patienceMs).then((recovered) => {
          outcomes.push({ name, recovered });
          if (recovered === null) to.violation(`after "${name}" nothing settled for ${patienceMs / 1_000} s`);
        });
        watching.push(watched);
        const share = minutes === null ? CLOSE_MS : Math.max(LEAST_MS, (end - Date.now()) / (order.length - place));
        await Promise.race([minutes === null ? sleep(share) : watched, sleep(share)]);
      } catch (error) {
        to.violation(`"${name}" could not be done: ${(error as Error).message}`);
      }
      if (watching.length >= steps.length && Date.now() > end) break;
    }
  } while (Date.now() < end);
  to.at("what came after the last fault");
  await Promise.all(watching);
  return outcomes;
}

/** How long it takes from now until a batch that is acknowledged from now on is on the chain. Milliseconds. */
async function recovery({ chain }: Setting, { acknowledged }: Load, patienceMs: number): Promise<number | null> {
  const from = Date.now();
  const { registry } = chain.protocol;
  while (Date.now() - from < patienceMs) {
    const fresh = acknowledged.batches.find(({ at }) => at >= from);
    // In a reorganisation the node itself stumbles for a moment; then it is asked again.
    const settledAt = fresh ? await registry.settledAt(fresh.digest).catch(() => 0n) : 0n;
    if (settledAt > 0n) return Date.now() - from;
    await sleep(100);
  }
  return null;
}

/** Waits until a ledger has nothing open. */
async function drained(url: string, patienceMs: number, to: Listener): Promise<void> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const open = await openWork(url);
    if (open.length === 0) return;
    if (Date.now() > until) {
      for (const { what, state, count } of open) to.violation(`${count} ${what} still ${state}`);
      return;
    }
    await sleep(500);
  }
}
