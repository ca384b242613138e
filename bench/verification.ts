// SPDX-License-Identifier: GPL-3.0-or-later
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { groth16 } from "snarkjs";
import { getBytes } from "ethers";
import { endSnarkjs } from "../circuits/prover.ts";
import { encodeEvidence, type Hex } from "../relayer/evidence/groth16/encode.ts";
import { createProofPool } from "../relayer/evidence/groth16/pool.ts";
import { proveReceipts } from "./proofs.ts";
import { row, type Row } from "./row.ts";

const RUNS = 5;
/** USER_HZ, which Linux fixed for all to see. */
const TICKS_A_SECOND = 100;

/** Off-chain verification of 64 proofs of one key: one child process, together, against snarkjs one by one. */
export async function offChainVerification(): Promise<Row[]> {
  const { model, items } = await proveReceipts(64);
  const evidence = encodeEvidence(items.map(({ proven }) => proven));
  const ids = items.map(({ receiptId }) => receiptId as Hex);
  const key = getBytes(model.verifyingKeyBytes);
  const pool = createProofPool({ processes: 1 });
  const together: number[] = [];
  const oneByOne: number[] = [];
  try {
    await pool.verify(key, evidence, ids); // starts the child
    await groth16.verify(model.verificationKey, items[0]!.proven.publicSignals, items[0]!.proven.proof);
    // In turns, so that whatever else the machine does falls on both.
    for (let i = 0; i < RUNS; i++) {
      together.push(await timed(async () => (await pool.verify(key, evidence, ids)).ok));
      oneByOne.push(
        await timed(async () => {
          for (const { proven } of items)
            if (!(await groth16.verify(model.verificationKey, proven.publicSignals, proven.proof))) return false;
          return true;
        }),
      );
    }
  } finally {
    await pool.close();
    await endSnarkjs();
  }
  const rate = (times: number[]) => (items.length * 1000) / median(times);
  const measured = row("proofs verified off chain, 64 of one key together", rate(together), "proofs/s", "higher", {
    baseline: rate(oneByOne),
  });
  return [
    measured,
    row("the same, times faster than snarkjs one by one", measured.ratio!, "×", "higher", { target: 2 }),
  ];
}

/** Proofs of one batch, and batches handed in at once. */
const [PROOFS, AT_ONCE] = [64, 8];

interface Run {
  seconds: number;
  /** Of the checking processes. */
  cpuSeconds: number;
}

/**
 * Proofs a second by one checking process and by two: they share nothing, so it is the machine's cores that end it. All
 * proofs are made before, and this process only waits for verdicts: two free cores are enough. What the machine gave is
 * measured beside it, as on a busy one two processes get no more of it than one: proofs a second of processor time say
 * even then that a second process is no slower than the first.
 */
export async function provedByProcesses(): Promise<Row[]> {
  const { model, items } = await proveReceipts(PROOFS);
  const evidence = encodeEvidence(items.map(({ proven }) => proven));
  const ids = items.map(({ receiptId }) => receiptId as Hex);
  const key = getBytes(model.verifyingKeyBytes);
  const pools = [1, 2].map((processes) => {
    const pool = createProofPool({ processes });
    // Several batches at once, as submissions come.
    const all = async (): Promise<boolean> =>
      (await Promise.all(Array.from({ length: AT_ONCE }, () => pool.verify(key, evidence, ids)))).every(({ ok }) => ok);
    return { pool, all, children: [] as number[], runs: [] as Run[] };
  });
  try {
    for (const one of pools) {
      const before = new Set(children());
      await timed(one.all); // starts its processes
      one.children = children().filter((pid) => !before.has(pid));
    }
    // In turns, so that whatever else the machine does falls on both.
    for (let i = 0; i < RUNS; i++)
      for (const { all, children: own, runs } of pools) {
        const before = cpuSecondsOf(own);
        const seconds = (await timed(all)) / 1_000;
        runs.push({ seconds, cpuSeconds: cpuSecondsOf(own) - before });
      }
  } finally {
    for (const { pool } of pools) await pool.close();
  }
  const of = (what: (run: Run) => number): [number, number] =>
    pools.map(({ runs }) => median(runs.map(what))) as [number, number];
  const [one, two] = of(({ seconds }) => (AT_ONCE * PROOFS) / seconds);
  const [oneOfCpu, twoOfCpu] = of(({ cpuSeconds }) => (AT_ONCE * PROOFS) / cpuSeconds);
  const [oneGot, twoGot] = of(({ seconds, cpuSeconds }) => cpuSeconds / seconds);
  const load = loadavg().map((value) => value.toFixed(1));
  console.log(
    `  cores that they got: 1 process ${oneGot.toFixed(2)}, 2 processes ${twoGot.toFixed(2)}; load average ${load.join(" ")}` +
      (twoGot < 1.8 ? ". The machine was not free: times more says nothing then, times that of 1 process does" : ""),
  );
  const efficiency = twoOfCpu / oneOfCpu;
  return [
    row("proofs verified by 1 process", one, "proofs/s", "higher"),
    row("proofs verified by 2 processes", two, "proofs/s", "higher", { baseline: one }),
    row("the same, times more", two / one, "×", "higher", { target: 1.5 }),
    row("proofs a second of processor time, 2 processes", twoOfCpu, "proofs/s", "higher", { baseline: oneOfCpu }),
    row("the same, times that of 1 process", efficiency, "×", "higher", { target: 0.8 }),
  ];
}

/** Child processes of this one. */
function children(): number[] {
  const found = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim();
  return found === "" ? [] : found.split(" ").map(Number);
}

/** Processor time that processes took so far: utime and stime, after the name in brackets (proc_pid_stat(5)). */
function cpuSecondsOf(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS_A_SECOND;
}

async function timed(work: () => Promise<boolean>): Promise<number> {
  const started = performance.now();
  if (!(await work())) throw new Error("a good proof was refused");
  return performance.now() - started;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
