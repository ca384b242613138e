// SPDX-License-Identifier: MIT
import { Counter, Gauge, type Registry } from "prom-client";
import type { Database } from "../store/database.ts";
import { backlog, callStatistics, dueWork, OPEN_STATES } from "../store/operation.ts";
import type { ChainProbe } from "./probe.ts";

export interface OperationSources {
  db: Database;
  probe: () => ChainProbe | null;
  parked: () => readonly { because: string }[];
  /** By kind of work; null without Redis. */
  deadLetters: () => Promise<Record<string, number> | null>;
  now?: () => number;
}

/** Reading the ledger whole is not for every scrape: whoever asks again soon hears the same. */
const READ_EVERY_MS = 5_000;
const WEI = 1e18;

const ETHER = (wei: bigint): number => Number(wei) / WEI;

type Reading = {
  items: Awaited<ReturnType<typeof backlog>>;
  due: Awaited<ReturnType<typeof dueWork>>;
  calls: Awaited<ReturnType<typeof callStatistics>>;
};

/**
 * What an operator watches: backlog and its age, lag of the queues, calls and what they cost, account, nodes, dead
 * letters. Where something cannot be read its samples are missing, and `relayer_ledger_up` is 0; a scrape never fails.
 */
export function measureOperation(registry: Registry, sources: OperationSources): void {
  const { db, now = Date.now } = sources;
  const registers = [registry];
  let kept: { at: number; reading: Promise<Reading | null> } | null = null;

  function read(): Promise<Reading | null> {
    if (!kept || now() - kept.at > READ_EVERY_MS) {
      const reading = Promise.all([backlog(db), dueWork(db, now()), callStatistics(db)]).then(
        ([items, due, calls]) => ({ items, due, calls }),
        () => null,
      );
      kept = { at: now(), reading };
    }
    return kept.reading;
  }
  const since = (at: number): number => Math.max(0, (now() - at) / 1000);

  function gauge<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    collect: (set: (labels: Record<L, string>, value: number) => void) => Promise<void> | void,
  ): void {
    new Gauge({
      ...{ name, help, labelNames, registers },
      async collect() {
        this.reset();
        await collect((labels, value) => this.set(labels, value));
      },
    });
  }
  /** Counted by the ledger, for all processes and since it exists: a restart does not lose it. */
  function total(name: string, help: string, value: (spent: Reading["calls"]["spent"][number]) => number): void {
    new Counter({
      ...{ name, help, labelNames: ["kind"], registers },
      async collect() {
        this.reset();
        for (const spent of (await read())?.calls.spent ?? []) this.inc({ kind: spent.kind }, value(spent));
      },
    });
  }

  gauge("relayer_ledger_up", "Whether the ledger could be read", [], async (set) => set({}, (await read()) ? 1 : 0));
  gauge("relayer_items", "Batches and lone receipts in the ledger, by state", ["table", "state"], async (set) =>
    (await read())?.items.forEach(({ table, state, count }) => set({ table, state }, count)),
  );
  gauge(
    "relayer_oldest_item_seconds",
    "Age of the oldest item in each state that still has a way to go",
    ["table", "state"],
    async (set) =>
      (await read())?.items
        .filter(({ state }) => OPEN_STATES.includes(state))
        .forEach(({ table, state, oldest }) => set({ table, state }, since(oldest))),
  );
  gauge("relayer_work_due", "Pieces of work that may run now", ["work"], async (set) =>
    (await read())?.due.forEach(({ work, due }) => set({ work }, due)),
  );
  gauge("relayer_work_lag_seconds", "Since when the oldest piece of work may run", ["work"], async (set) =>
    (await read())?.due.forEach(({ work, oldestDue }) => set({ work }, oldestDue === null ? 0 : since(oldestDue))),
  );
  gauge("relayer_transactions", "Calls, by state", ["state"], async (set) =>
    (await read())?.calls.calls.forEach(({ state, count }) => set({ state }, count)),
  );
  gauge(
    "relayer_oldest_transaction_seconds",
    "Age of the oldest call in each state that is not its last",
    ["state"],
    async (set) =>
      (await read())?.calls.calls
        .filter(({ state }) => state !== "final" && state !== "failed")
        .forEach(({ state, oldest }) => set({ state }, since(oldest))),
  );
  gauge("relayer_attempts", "Signed forms of calls that are not final", ["state", "purpose"], async (set) =>
    (await read())?.calls.attempts.forEach(({ state, purpose, count }) => set({ state, purpose }, count)),
  );
  gauge("relayer_attempts_most", "Signed forms of the unmined call that has most", [], async (set) => {
    const reading = await read();
    if (reading) set({}, reading.calls.mostAttempts);
  });
  gauge("relayer_parked_transactions", "Calls that rest until somebody helps", ["because"], (set) => {
    const counts = new Map<string, number>();
    for (const { because } of sources.parked()) counts.set(because, (counts.get(because) ?? 0) + 1);
    for (const [because, count] of counts) set({ because }, count);
  });
  total("relayer_calls_mined_total", "Calls in blocks, by what they are for", ({ calls }) => calls);
  total("relayer_gas_used_total", "Gas of mined calls, by what they are for", ({ gas }) => Number(gas));
  total("relayer_gas_spent_ether_total", "Ether paid for mined calls", ({ wei }) => ETHER(wei));

  gauge("relayer_account_balance_ether", "Balance of the sending account", [], (set) => {
    const balance = sources.probe()?.balance;
    if (balance !== null && balance !== undefined) set({}, ETHER(balance));
  });
  gauge("relayer_account_nonce", "Transactions of the sending account", ["block"], (set) => {
    const probe = sources.probe();
    if (typeof probe?.latestNonce === "number") set({ block: "latest" }, probe.latestNonce);
    if (typeof probe?.pendingNonce === "number") set({ block: "pending" }, probe.pendingNonce);
  });
  gauge("relayer_chain_head_block", "Newest block that any node has", [], (set) => {
    const head = sources.probe()?.head;
    if (typeof head === "number") set({}, head);
  });
  gauge("relayer_chain_head_timestamp_seconds", "Its time", [], (set) => {
    const time = sources.probe()?.blockTime;
    if (typeof time === "number") set({}, time);
  });
  gauge("relayer_base_fee_gwei", "Base fee of the newest block", [], (set) => {
    const fee = sources.probe()?.baseFeePerGas;
    if (typeof fee === "bigint") set({}, Number(fee) / 1e9);
  });
  /** Two URLs may have one host, so the place in the configuration is told too. */
  const endpoints = (
    name: string,
    help: string,
    value: (endpoint: ChainProbe["endpoints"][number]) => number | null,
  ): void =>
    gauge(name, help, ["endpoint", "host"], (set) =>
      sources.probe()?.endpoints.forEach((endpoint, index) => {
        const found = value(endpoint);
        if (found !== null) set({ endpoint: String(index), host: endpoint.host }, found);
      }),
    );
  endpoints("relayer_rpc_up", "Whether a node answers", ({ up }) => (up ? 1 : 0));
  endpoints("relayer_rpc_latency_seconds", "Time of its last answer", ({ latencyMs }) =>
    latencyMs === null ? null : latencyMs / 1000,
  );
  endpoints("relayer_rpc_head_lag_blocks", "Blocks that it is behind the newest of all nodes", ({ lag }) => lag);
  gauge("relayer_dead_letters", "Pieces of work that failed too often", ["work"], async (set) => {
    for (const [work, count] of Object.entries((await sources.deadLetters()) ?? {})) set({ work }, count);
  });
}
