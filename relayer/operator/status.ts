// SPDX-License-Identifier: MIT
// How a relayer stands, once for the API, the command and the metrics.
import type { WorkHealth } from "../queue/queue.ts";
import type { Database } from "../store/database.ts";
import { backlog, callStatistics, dueWork, listTransactions, OPEN_STATES } from "../store/operation.ts";
import type { ChainProbe } from "./probe.ts";

/** JSON as it is: amounts of wei are decimal strings. */
export interface Status {
  /** Unix milliseconds. */
  at: number;
  chain: {
    chainId: number;
    head: number | null;
    blockAgeSeconds: number | null;
    baseFeePerGas: string | null;
    endpoints: ChainProbe["endpoints"];
  };
  sender: {
    address: string | null;
    balanceWei: string | null;
    latestNonce: number | null;
    pendingNonce: number | null;
  };
  backlog: { table: string; state: string; count: number; oldestSeconds: number | null }[];
  works: { work: string; due: number; lagSeconds: number; consecutiveFailures: number | null }[];
  /** Calls that are not final. */
  transactions: {
    id: string;
    state: string;
    kind: string | null;
    nonce: number | null;
    attempts: number;
    lastHash: string | null;
    maxFeePerGas: string | null;
    ageSeconds: number;
    /** Why it rests, where this process knows. */
    parked: string | null;
  }[];
  spent: { kind: string; calls: number; gas: string; wei: string }[];
  /** By kind of work; null without Redis, which keeps them. */
  deadLetters: Record<string, number> | null;
}

export interface StatusSources {
  db: Database;
  chainId: number;
  sender: string | null;
  probe: ChainProbe;
  deadLetters: Record<string, number> | null;
  /** What only the running process knows. */
  works?: Record<string, WorkHealth>;
  parked?: readonly { transactionId: string; because: string }[];
}

const OPEN_CALLS_SHOWN = 100;

/** Reads how the relayer stands. */
export async function readStatus(sources: StatusSources, now = Date.now()): Promise<Status> {
  const { db, probe, works = {}, parked = [] } = sources;
  const seconds = (since: number): number => Math.max(0, Math.round((now - since) / 1000));
  const [items, due, { spent }, open] = await Promise.all([
    backlog(db),
    dueWork(db, now),
    callStatistics(db),
    listTransactions(db, { states: ["queued", "pending", "mined"] }, OPEN_CALLS_SHOWN),
  ]);
  return {
    at: now,
    chain: {
      chainId: sources.chainId,
      head: probe.head,
      blockAgeSeconds: probe.blockTime === null ? null : seconds(probe.blockTime * 1000),
      baseFeePerGas: probe.baseFeePerGas?.toString() ?? null,
      endpoints: probe.endpoints,
    },
    sender: {
      address: sources.sender,
      balanceWei: probe.balance?.toString() ?? null,
      latestNonce: probe.latestNonce,
      pendingNonce: probe.pendingNonce,
    },
    backlog: items.map(({ table, state, count, oldest }) => ({
      ...{ table, state, count },
      oldestSeconds: OPEN_STATES.includes(state) ? seconds(oldest) : null,
    })),
    works: due.map(({ work, due: pieces, oldestDue }) => ({
      ...{ work, due: pieces, lagSeconds: oldestDue === null ? 0 : seconds(oldestDue) },
      consecutiveFailures: works[work]?.consecutiveFailures ?? null,
    })),
    transactions: open.map(({ id, state, kind, nonce, attempts, createdAt }) => {
      const last = attempts.at(-1);
      return {
        ...{ id, state, kind, nonce, attempts: attempts.length },
        lastHash: last?.hash ?? null,
        maxFeePerGas: last?.maxFeePerGas ?? null,
        ageSeconds: seconds(createdAt),
        parked: parked.find(({ transactionId }) => transactionId === id)?.because ?? null,
      };
    }),
    spent: spent.map(({ kind, calls, gas, wei }) => ({ kind, calls, gas: String(gas), wei: String(wei) })),
    deadLetters: sources.deadLetters,
  };
}
