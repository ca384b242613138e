// SPDX-License-Identifier: GPL-3.0-or-later
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { CircuitModel } from "./model.ts";
import { ROOT } from "./paths.ts";
import type { ProverReply, ProverRequest } from "./prover-process.ts";
import type { Proven, Prover } from "./prover.ts";

/** A proof that a child process could not make; `code` is that of its error, or one of the pool's own. */
export class ProverError extends Error {
  /** A code of ModelError or WitnessError, or `prover_failed`, `process_ended`, `pool_closed`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "ProverError";
    this.code = code;
  }
}

interface Job {
  readonly resolve: (proven: Proven) => void;
  readonly reject: (error: Error) => void;
}

interface Child {
  readonly process: ChildProcess;
  readonly jobs: Map<number, Job>;
}

/**
 * A prover that works in child processes, so that the caller stays responsive; snarkjs cannot run in worker threads.
 *
 * A child that dies fails its own proofs with `process_ended` and is replaced at the next one.
 *
 * @param processes children at most, each started when first needed. Every proof uses all cores, so few suffice.
 */
export function createProverPool(model: CircuitModel, processes = 1): Prover {
  const children = new Set<Child>();
  let nextId = 0;
  let closed = false;

  const start = (): Child => {
    const child = fork(join(import.meta.dirname, "prover-process.ts"), [model.name], {
      cwd: ROOT,
      execArgv: ["--import", "tsx"],
      serialization: "advanced",
    });
    const entry: Child = { process: child, jobs: new Map() };
    children.add(entry);
    child.on("message", (reply: ProverReply) => {
      const job = entry.jobs.get(reply.id);
      entry.jobs.delete(reply.id);
      if ("proven" in reply) job?.resolve(reply.proven);
      else job?.reject(new ProverError(reply.error.code, `${reply.error.name}: ${reply.error.message}`));
    });
    const ended = (): void => {
      children.delete(entry);
      for (const job of entry.jobs.values()) {
        job.reject(new ProverError("process_ended", "The proving process ended before it answered; prove again"));
      }
      entry.jobs.clear();
    };
    child.on("exit", ended);
    child.on("error", ended);
    return entry;
  };

  const leastBusy = (): Child => {
    const idle = [...children].sort((a, b) => a.jobs.size - b.jobs.size)[0];
    return idle !== undefined && (idle.jobs.size === 0 || children.size >= processes) ? idle : start();
  };

  return {
    prove: (input, binding) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new ProverError("pool_closed", "The pool is closed: create another one"));
        const child = leastBusy();
        const id = nextId++;
        child.jobs.set(id, { resolve, reject });
        const request: ProverRequest = { id, input: { ...input, values: Array.from(input.values) }, binding };
        child.process.send(request, (error) => {
          if (error === null || !child.jobs.delete(id)) return;
          reject(new ProverError("process_ended", `The proving process cannot be reached: ${error.message}`));
        });
      }),
    async close() {
      closed = true;
      await Promise.all(
        [...children].map(async ({ process }) => {
          const exit = once(process, "exit");
          if (process.connected) process.disconnect();
          const deadline = setTimeout(() => process.kill("SIGKILL"), 2_000);
          await exit;
          clearTimeout(deadline);
        }),
      );
    },
  };
}
