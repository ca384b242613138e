// SPDX-License-Identifier: MIT
// What OpenGradient's gateways send to their facilitator, taken here. Where its parts are put together.
import { Counter, Gauge, type Registry } from "prom-client";
import { createBuckets, onceASecond } from "../api/limits.ts";
import { Problem } from "../api/problems.ts";
import { blockTimes, finalTime } from "../chain/block-times.ts";
import type { Log } from "../chain/manager-options.ts";
import type { ChainReader } from "../chain/reader.ts";
import type { Rpc } from "../chain/rpc.ts";
import type { Finality } from "../chain/sending.ts";
import type { CallBounds } from "../chain/settlement.ts";
import type { OpenGradientConfig } from "../config/opengradient.ts";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import { findHeartbeat, takeHeartbeat, type HeartbeatRow } from "../store/gateway-heartbeats.ts";
import { answersByDay, countGateways, findAnswer, insertAnswer, type AnswerRow } from "../store/gateways.ts";
import { newestHash } from "../store/payments.ts";
import { minedHash } from "../store/receipts.ts";
import { createDirectory } from "./directory.ts";
import { createGatewayDoor } from "./door.ts";
import { readHeartbeat, readSettlement } from "./handed-in.ts";
import { heartbeatWork } from "./heartbeats.ts";
import type { GatewayReader } from "./reader.ts";
import { answerWork } from "./settle.ts";
import { gatewayListener } from "./watcher.ts";

export interface GatewaysOptions {
  db: Database;
  rpc: Rpc;
  chain: ChainReader;
  reader: GatewayReader;
  config: OpenGradientConfig;
  chainId: number;
  bounds: CallBounds;
  finality: Finality;
  cacheMs: number;
  retryMs: number;
  sweepMs: number;
  /** Account that pays for the calls. */
  sender: string;
  wake: (work: "answers" | "heartbeats" | "send") => void;
  log: Log;
  now?: () => number;
}

/** An answer as a job, in the words of OpenGradient's facilitator, and beside them in ours. */
export interface Job {
  jobId: string;
  queue: "gateway-answers";
  status: "queued" | "processing" | "succeeded" | "failed";
  settlementType: "batch" | "individual";
  createdAt: string;
  updatedAt: string;
  result?: { success: boolean; transaction: string; network: string; settledAt: number };
  error?: string;
  requestId: Hex;
  state: AnswerRow["state"];
  transactionHash: Hex | null;
}

/** What became of a heartbeat that was taken. */
export interface RelayedHeartbeat {
  success: true;
  /** Of a transaction that a node has; null while it waits for its turn. */
  txHash: Hex | null;
  teeId: Hex;
  timestamp: string;
  relayer: string;
  contract: Hex;
  state: HeartbeatRow["state"];
}

const STATUS = {
  received: "queued",
  submitted: "processing",
  mined: "processing",
  final: "succeeded",
  rejected: "failed",
} as const;
const LOOK_EVERY_MS = 150;
const DAY = 86_400_000;
const JOB = /^(?:settlement-)?0x([0-9a-f]{64})$/;

/** Takes what gateways send, keeps it, and has it carried. */
export function createGateways(options: GatewaysOptions) {
  const { db, rpc, chain, reader, config, chainId, finality, sender, wake, log, now = Date.now } = options;
  const places = { gatewayAnswers: config.gatewayAnswers, enclaveHeartbeats: config.enclaveHeartbeats };
  const directory = createDirectory({
    ...{ db, reader, place: places.gatewayAnswers, fromBlock: config.fromBlock, logBlocks: config.logBlocks },
    ...{ everyMs: Math.max(1_000, options.cacheMs), now },
  });
  const door = createGatewayDoor({ chain, reader, directory, now });
  const shared = { sender, sweepMs: options.sweepMs, submitted: () => wake("send"), log, now };
  const times = () => blockTimes(rpc);
  const works = {
    answers: answerWork({
      ...{ db, chain, reader, place: places.gatewayAnswers, policy: config.policy, bounds: options.bounds, ...shared },
      ...{ finalTime: () => finalTime(rpc, finality), blockTimes: times, retryMs: options.retryMs },
    }),
    heartbeats: heartbeatWork({
      ...{ db, chainId, place: places.enclaveHeartbeats, blockTimes: times, ...shared },
      ...{ everyMs: config.heartbeatEveryMs, perMinute: config.heartbeatsPerMinute },
    }),
  };
  let acknowledged: Counter | undefined;
  let closed = false;

  async function jobOf(row: AnswerRow): Promise<Job> {
    const { requestId, state, settledAt, reason } = row;
    const mined = await minedHash(db, row.transactionId);
    const transactionHash =
      mined ?? (row.transactionId === null ? null : await newestHash(db, row.transactionId)) ?? null;
    const created = new Date(row.receivedAt).toISOString();
    const settled = state === "final" && settledAt !== null;
    return {
      jobId: `settlement-${requestId}`,
      queue: "gateway-answers",
      status: STATUS[state],
      settlementType: row.individual ? "individual" : "batch",
      ...{ createdAt: created, updatedAt: settledAt === null ? created : new Date(settledAt * 1_000).toISOString() },
      // Success is said of what is final, never of what was only sent.
      ...(settled
        ? { result: { success: true, transaction: mined ?? "", network: `eip155:${chainId}`, settledAt } }
        : {}),
      ...(reason === null ? {} : { error: reason }),
      ...{ requestId, state, transactionHash },
    };
  }

  /** Waits until a node has the transaction of a heartbeat, if it is its turn. */
  async function relayed(teeId: Hex, keyId: Hex, timestamp: number): Promise<RelayedHeartbeat> {
    const until = now() + config.heartbeatWaitMs;
    for (;;) {
      const row = (await findHeartbeat(db, keyId))!;
      const isOurs = row.timestamp === timestamp;
      if (isOurs && row.state === "rejected")
        throw new Problem("heartbeat_not_carried", `It was not carried: ${row.reason ?? "unknown"}`);
      const txHash = isOurs && row.transactionId !== null ? await newestHash(db, row.transactionId) : undefined;
      const waits = row.state === "received" && row.carriedAt > now() - config.heartbeatEveryMs;
      // Whoever is told a hash can look it up: a node has it.
      if (txHash || !isOurs || waits || now() >= until || closed)
        return {
          ...{ success: true, txHash: txHash ?? null, teeId, timestamp: String(timestamp), relayer: sender },
          ...{ contract: places.enclaveHeartbeats, state: isOurs ? row.state : "rejected" },
        };
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  const perMinute = config.answersPerMinutePerKey;
  const quotas = createBuckets({ perSecond: perMinute / 60, burst: perMinute }, now);
  function takeQuota(keyId: Hex): void {
    const wait = quotas.take(keyId);
    if (wait > 0)
      throw new Problem("quota_exceeded", `The quota of key ${keyId} is used up`, { retryAfter: Math.ceil(wait) });
  }

  /** It counts the whole ledger, and anybody may ask: so once a second, whoever asks. */
  const usage = onceASecond(async () => {
    const today = Math.floor(now() / DAY) * DAY;
    const { total, days } = await answersByDay(db, today - 29 * DAY);
    const daily = Array.from({ length: 30 }, (_, i) => new Date(today - (29 - i) * DAY).toISOString().slice(0, 10));
    return { totalRequests: total, daily: daily.map((day) => ({ day, requestCount: days.get(day) ?? 0 })) };
  }, now);

  return {
    works,
    listener: gatewayListener({
      ...{ db, reader, ...places, retryMs: options.retryMs, released: () => wake("answers"), log, now },
    }),
    /** Begins to read which keys there are; whoever asks for one before waits for it. */
    start(): void {
      directory.refresh().catch((error: Error) => log.warn({ error: error.message }, "keys could not be read yet"));
    },
    /** Takes what came with `/settle_data`; undefined where nothing is to be done. @throws {Problem} */
    async settle(headers: { type: string | undefined; data: string | undefined }): Promise<Job | undefined> {
      const handed = readSettlement(headers, config.maxDataBytes);
      if (handed.type === "private") {
        acknowledged?.inc();
        return undefined;
      }
      const fresh = await door.answer(handed);
      // Who runs an admitted enclave has it sign what they like. What is known already costs nothing more.
      if (!(await findAnswer(db, fresh.requestId))) takeQuota(fresh.keyId);
      const { row, isNew } = await insertAnswer(db, fresh);
      if (isNew) wake("answers");
      return jobOf(row);
    },
    /** Where a job stands; undefined where none was handed in under this id. */
    async job(jobId: string): Promise<Job | undefined> {
      const digits = JOB.exec(jobId)?.[1];
      const row = digits === undefined ? undefined : await findAnswer(db, `0x${digits}`);
      return row && jobOf(row);
    },
    /** @throws {Problem} */
    async heartbeat(body: unknown): Promise<RelayedHeartbeat> {
      const fresh = await door.heartbeat(readHeartbeat(body, places.enclaveHeartbeats));
      if (!(await takeHeartbeat(db, fresh))) throw new Problem("heartbeat_not_newer");
      wake("heartbeats");
      return relayed(fresh.teeId, fresh.keyId, fresh.timestamp);
    },
    /** Answers handed in, all and by day. What they cost nobody signed, so nothing is said of it. */
    usage,
    /** Adds its metrics to a registry. */
    measure(registry: Registry): void {
      acknowledged = new Counter({
        name: "relayer_gateway_private_total",
        help: "Settlements that gateways marked private: acknowledged, nothing kept",
        registers: [registry],
      });
      const gauge = (name: string, help: string, of: "answers" | "heartbeats"): void =>
        registry.registerMetric(
          new Gauge({
            ...{ name, help, registers: [], labelNames: ["state"] as const },
            async collect() {
              this.reset();
              for (const { state, count } of (await countGateways(db))[of]) this.set({ state }, count);
            },
          }),
        );
      gauge("relayer_gateway_answers", "Answers of OpenGradient's gateways in the ledger, by state", "answers");
      gauge("relayer_gateway_heartbeats", "Keys of gateways, by the state of their newest heartbeat", "heartbeats");
    },
    /** Lets who waits go, at shutdown. */
    close(): void {
      closed = true;
    },
  };
}
export type Gateways = ReturnType<typeof createGateways>;
