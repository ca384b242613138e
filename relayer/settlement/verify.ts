// SPDX-License-Identifier: MIT
import type { Log } from "../chain/manager-options.ts";
import type { Evidence, EvidenceVerifier, Verdict } from "../evidence/evidence.ts";
import { parseLeaves, receiptId, type Domain } from "../protocol/index.ts";
import type { Work } from "../queue/queue.ts";
import { moveBatch, readBatch } from "../store/batches.ts";
import type { Database } from "../store/database.ts";
import { postpone, unverifiedItems, type ItemRef } from "../store/settlement.ts";
import { moveSingle, readSingle, receiptOf } from "../store/singles.ts";

export interface VerifyOptions {
  db: Database;
  domain: Domain;
  verifiers: Record<number, EvidenceVerifier>;
  /** Items checked at once. */
  concurrency: number;
  retryMs: number;
  sweepMs: number;
  /** Told when something became ready to settle. */
  verified: (item: ItemRef) => void;
  log: Log;
  now?: () => number;
}

const FOUND_AT_ONCE = 200;

/** Checks proofs: what was `received` becomes `verified` or `rejected` with the places of the bad proofs. */
export function verifyWork(options: VerifyOptions): Work {
  const { db, domain, verifiers, verified, log, now = Date.now } = options;

  async function load({ table, id }: ItemRef): Promise<Evidence | undefined> {
    if (table === "singles") {
      const row = await readSingle(db, id);
      if (row?.state !== "received") return undefined;
      const { keyId, mode, modelId, signature, receiptId: digest } = row;
      const proofs = { modelId, bytes: row.evidence!, receiptIds: [digest], receipts: [receiptOf(row)] };
      return { keyId, mode, digest, signature, proofs };
    }
    const row = await readBatch(db, id);
    if (row?.state !== "received") return undefined;
    const { keyId, mode, digest, signature, modelId, evidence } = row;
    const { receipts } = parseLeaves(row.document);
    const receiptIds = receipts.map((receipt) => receiptId(domain, receipt));
    return { keyId, mode, digest, signature, proofs: { modelId: modelId!, bytes: evidence!, receiptIds, receipts } };
  }

  /** @returns false if it was about proofs that others have taken the place of meanwhile, or came second. */
  async function record({ table, id }: ItemRef, verdict: Verdict, checked: Uint8Array): Promise<boolean> {
    const common = verdict.ok
      ? ({ state: "verified", tries: 0, dueAt: 0 } as const)
      : ({ state: "rejected", reason: verdict.reason } as const);
    if (table === "singles") {
      // A receipt with a proof has no one to seal it with others: it settles alone.
      return moveSingle(db, id, "received", { ...common, alone: true }, checked);
    }
    const invalid = verdict.ok ? {} : { invalid: verdict.invalid ?? null };
    return moveBatch(db, id, "received", { ...common, ...invalid }, checked);
  }

  return {
    concurrency: options.concurrency,
    sweepMs: options.sweepMs,
    deadAfter: 20,
    find: async () => (await unverifiedItems(db, now(), FOUND_AT_ONCE)).map(({ table, id }) => `${table} ${id}`),
    async run(key) {
      const [table, id] = key.split(" ") as [ItemRef["table"], string];
      const item = { table, id: Number(id) };
      const evidence = await load(item);
      if (!evidence) return; // done by another run
      let verdict: Verdict;
      try {
        verdict = await verifiers[evidence.mode]!.verify(evidence);
      } catch (error) {
        // Nothing was found out. It waits, longer each time, and the others go on.
        await postpone(db, item, now(), options.retryMs);
        throw error;
      }
      if (!(await record(item, verdict, evidence.proofs!.bytes))) return;
      if (verdict.ok) {
        log.info({ item: key, id: evidence.digest }, "evidence holds");
        verified(item);
      } else
        log.warn(
          { item: key, id: evidence.digest, reason: verdict.reason, detail: verdict.detail },
          "evidence does not hold",
        );
    },
  };
}
