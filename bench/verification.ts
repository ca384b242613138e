// SPDX-License-Identifier: GPL-3.0-or-later
import { groth16 } from "snarkjs";
import { getBytes } from "ethers";
import { endSnarkjs } from "../circuits/prover.ts";
import { encodeEvidence, type Hex } from "../relayer/evidence/groth16/encode.ts";
import { createProofPool } from "../relayer/evidence/groth16/pool.ts";
import { proveReceipts } from "./proofs.ts";
import { row, type Row } from "./row.ts";

const RUNS = 5;

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

/** Proofs a second by one checking process and by two: they share nothing, so it is the machine's cores that end it. */
export async function provedByProcesses(): Promise<Row[]> {
  const { model, items } = await proveReceipts(64);
  const evidence = encodeEvidence(items.map(({ proven }) => proven));
  const ids = items.map(({ receiptId }) => receiptId as Hex);
  const key = getBytes(model.verifyingKeyBytes);
  const pools = [1, 2].map((processes) => createProofPool({ processes }));
  const times: number[][] = [[], []];
  try {
    // Several batches at once, as submissions come; and the pools in turns.
    const all = (pool: (typeof pools)[number]): Promise<boolean> =>
      Promise.all(Array.from({ length: 8 }, () => pool.verify(key, evidence, ids))).then((found) =>
        found.every(({ ok }) => ok),
      );
    for (const pool of pools) await all(pool);
    for (let i = 0; i < 3; i++) for (const [n, pool] of pools.entries()) times[n]!.push(await timed(() => all(pool)));
  } finally {
    for (const pool of pools) await pool.close();
  }
  const [one, two] = times.map((taken) => (8 * items.length * 1000) / median(taken)) as [number, number];
  const measured = row("proofs verified by 2 processes, against 1", two, "proofs/s", "higher", { baseline: one });
  return [measured, row("the same, times more", measured.ratio!, "×", "higher", { target: 1.5 })];
}

async function timed(work: () => Promise<boolean>): Promise<number> {
  const started = performance.now();
  if (!(await work())) throw new Error("a good proof was refused");
  return performance.now() - started;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
