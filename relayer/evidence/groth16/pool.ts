// SPDX-License-Identifier: GPL-3.0-or-later
import { fork, type ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { encodeKey, EvidenceError, signalsOf, splitEvidence, strideOf } from "./encode.ts";
import type { EvidenceErrorCode, Hex, SnarkVerificationKey } from "./encode.ts";
import type { BatchResult } from "./verifyBatch.ts";
import type { WorkerReply, WorkerRequest } from "./worker.ts";

export interface ProofPoolOptions {
  /** Child processes at most; they start when there is work. Default: one a core, four at most. */
  processes?: number;
  /** Time for one batch, from when a child begins it. Default: 60 seconds. */
  timeoutMs?: number;
  /** Batches that may wait; more are refused, so that a flood cannot fill the memory. Default: 1,024. */
  maxWaiting?: number;
  /** The program of the children. For tests of what happens when they misbehave. */
  worker?: string;
}

export interface ProofPool {
  /**
   * Checks all proofs of one key together, and finds the bad ones if there are any.
   * @throws {EvidenceError} If the key or evidence cannot be read.
   * @throws {ProofPoolError} If there is no answer. That is not a verdict: the proofs may be good or bad.
   */
  verify(
    key: SnarkVerificationKey | Uint8Array,
    evidence: Uint8Array,
    receiptIds: readonly Hex[],
  ): Promise<BatchResult>;
  /** Ends all children. What is under way is refused with `pool_closed`. */
  close(): Promise<void>;
}

export type ProofPoolErrorCode = "pool_closed" | "pool_full" | "worker_timeout" | "worker_failed";

/** No verdict on some proofs. `code` is stable; all but `pool_closed` may be tried again. */
export class ProofPoolError extends Error {
  readonly code: ProofPoolErrorCode;

  constructor(code: ProofPoolErrorCode, message: string) {
    super(message);
    this.name = "ProofPoolError";
    this.code = code;
  }
}

interface Job {
  request: WorkerRequest;
  /** Children that died of it, or with it. */
  crashes: number;
  resolve(result: BatchResult): void;
  reject(error: Error): void;
}

interface Slot {
  child: ChildProcess;
  ready: boolean;
  job?: Job;
  timer?: NodeJS.Timeout;
}

/** Below this many proofs a part gains nothing: each part pays for the key's own three pairings again. */
const SMALLEST_PART = 8;
/** A job that took two children with it is refused: it might take all others too. */
const MAX_CRASHES = 2;

/**
 * A bounded number of child processes that check proofs. Processes and not threads, as ffjavascript fails inside
 * worker threads; and a crash in foreign code then ends a child and not the relayer.
 */
export function createProofPool(options: ProofPoolOptions = {}): ProofPool {
  const processes = options.processes ?? Math.min(availableParallelism(), 4);
  const { timeoutMs = 60_000, maxWaiting = 1_024 } = options;
  const worker = options.worker ?? fileURLToPath(new URL("./worker.ts", import.meta.url));
  const slots = new Set<Slot>();
  const waiting: Job[] = [];
  let nextId = 0;
  let closed = false;

  function start(): Slot {
    const child = fork(worker, {
      // Bytes travel as they are; and TypeScript runs as the parent runs it, whatever started the parent.
      serialization: "advanced",
      execArgv: worker.endsWith(".ts") ? ["--import", import.meta.resolve("tsx")] : [],
    });
    const slot: Slot = { child, ready: false };
    slots.add(slot);
    child.on("message", (reply: WorkerReply) => onReply(slot, reply));
    child.once("exit", (code, signal) => onExit(slot, signal ?? `code ${code}`));
    // A child that could not be started never exits; one that could not be written to does, when killed.
    child.on("error", (error) => (child.pid === undefined ? onExit(slot, error.message) : child.kill("SIGKILL")));
    return slot;
  }

  function onReply(slot: Slot, reply: WorkerReply): void {
    if ("ready" in reply) {
      slot.ready = true;
      return dispatch();
    }
    const { job } = slot;
    // An answer to a job that was given up is nobody's.
    if (job?.request.id !== reply.id) return;
    release(slot);
    if ("result" in reply) job.resolve(reply.result);
    else job.reject(asError(reply.error));
    dispatch();
  }

  function onExit(slot: Slot, how: string): void {
    if (!slots.delete(slot)) return;
    const { job } = slot;
    release(slot);
    if (job && ++job.crashes < MAX_CRASHES) waiting.unshift(job);
    else job?.reject(new ProofPoolError("worker_failed", `The checking process ended (${how}) before it answered`));
    // A child that cannot even start would be restarted for ever: whoever waits is told instead.
    if (!slot.ready && !closed) {
      const error = new ProofPoolError("worker_failed", `The checking process did not start (${how})`);
      for (const lost of waiting.splice(0)) lost.reject(error);
    }
    if (!closed) dispatch();
  }

  function release(slot: Slot): void {
    clearTimeout(slot.timer);
    slot.job = undefined;
  }

  function dispatch(): void {
    const idle = [...slots].filter((slot) => slot.ready && !slot.job && slot.child.connected);
    for (const slot of idle) {
      const job = waiting.shift();
      if (!job) return;
      slot.job = job;
      slot.timer = setTimeout(() => onTimeout(slot, job), timeoutMs);
      slot.child.send(job.request, (error) => error && slot.child.kill("SIGKILL"));
    }
    const starting = [...slots].filter((slot) => !slot.ready).length;
    for (let i = starting; i < waiting.length && slots.size < processes; i++) start();
  }

  function onTimeout(slot: Slot, job: Job): void {
    release(slot);
    job.reject(
      new ProofPoolError("worker_timeout", `No answer within ${timeoutMs} ms: nothing is known of the proofs`),
    );
    // It may be stuck for good. Its end makes room for another.
    slot.child.kill("SIGKILL");
  }

  function run(key: Uint8Array, evidence: Uint8Array, receiptIds: Hex[]): Promise<BatchResult> {
    return new Promise((resolve, reject) => {
      waiting.push({ request: { id: nextId++, key, evidence, receiptIds }, crashes: 0, resolve, reject });
      dispatch();
    });
  }

  return {
    async verify(keyOrJson, evidence, receiptIds) {
      if (closed) throw new ProofPoolError("pool_closed", "The pool is closed");
      const key = keyOrJson instanceof Uint8Array ? keyOrJson : encodeKey(keyOrJson);
      const signals = signalsOf(key);
      const proofs = splitEvidence(evidence, signals, receiptIds).length;
      const parts = Math.max(1, Math.min(processes, Math.floor(proofs / SMALLEST_PART)));
      if (waiting.length + parts > maxWaiting) {
        throw new ProofPoolError("pool_full", `${waiting.length} batches wait already: try again later`);
      }
      const size = Math.ceil(proofs / parts);
      const stride = strideOf(signals);
      const results = await Promise.all(
        Array.from({ length: Math.ceil(proofs / size) }, async (_, part) => {
          const from = part * size;
          const bytes = evidence.subarray(from * stride, (from + size) * stride);
          const { invalid } = await run(key, bytes, receiptIds.slice(from, from + size));
          return invalid.map((index) => from + index);
        }),
      );
      const invalid = results.flat();
      return { ok: invalid.length === 0, invalid };
    },

    async close() {
      closed = true;
      const error = new ProofPoolError("pool_closed", "The pool was closed before there was an answer");
      for (const job of waiting.splice(0)) job.reject(error);
      await Promise.all(
        [...slots].map((slot) => {
          const { job } = slot;
          release(slot);
          job?.reject(error);
          return new Promise<void>((resolve) => {
            slot.child.once("exit", () => resolve());
            slot.child.kill("SIGKILL");
          });
        }),
      );
    },
  };
}

function asError({ code, message }: { code?: string; message: string }): Error {
  return code
    ? new EvidenceError(code as EvidenceErrorCode, message)
    : new ProofPoolError("worker_failed", `The checking process failed: ${message}`);
}
