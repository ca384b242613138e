// SPDX-License-Identifier: MIT
import { DatabaseSync } from "node:sqlite";
import type { Batch, Hex, Receipt } from "../protocol/index.ts";
import { receiptFromWire, receiptToWire, type SignedReceipt } from "./wire.ts";

/** An answer as it was given, and will be given to every repeat. */
export interface Issued extends SignedReceipt {
  receiptId: Hex;
  body: Uint8Array;
}

/** A receipt that is still to reach the relayer. */
export interface Waiting extends SignedReceipt {
  receiptId: Hex;
  /** Proof, for ZKML; `0x` otherwise. */
  evidence: Hex;
}

/** A batch that was signed, and is to be posted until the relayer has it. */
export interface SealedBatch {
  digest: Hex;
  batch: Batch;
  signature: Hex;
  leaves: Waiting[];
}

/**
 * What a node must not forget, whatever happens: which request ids it took and what it signed for them. Every method
 * is durable when it returns.
 */
export interface RequestStore {
  /** Takes a request id for the request with this fingerprint. @returns whose it is now, and its answer if there is one. */
  reserve(requestId: Hex, fingerprint: Hex, now: number): { fingerprint: Hex; issued: Issued | null };
  /** What was answered under a request id; `null` if nothing was, or not yet. */
  issued(requestId: Hex): Issued | null;
  /** Keeps the first answer to a request; a second one changes nothing. @returns the one that is kept. */
  issue(issued: Issued, details: { witness: Uint8Array | null }): Issued;
  /** Receipts whose proof is still to be made. */
  unproved(limit: number): { receiptId: Hex; receipt: Receipt; witness: Uint8Array }[];
  recordProof(receiptId: Hex, evidence: Hex): void;
  /** It is tried again, after those that failed less often. */
  recordProofFailure(receiptId: Hex): void;
  /** Receipts in no batch, not posted, with their proof where they need one, oldest first. */
  waiting(limit: number): Waiting[];
  /** Which of these ids this node issued, with their receipts. */
  issuedAmong(receiptIds: readonly Hex[]): Map<Hex, Receipt>;
  keepBatch(sealed: Omit<SealedBatch, "leaves">, receiptIds: readonly Hex[]): void;
  /** Batches the relayer does not have yet. */
  unposted(): SealedBatch[];
  recordPosted(digestOrReceiptId: Hex): void;
  /** Batches the relayer has, whose end is not known; least recently asked for first. */
  following(limit: number, now: number): { digest: Hex; receiptIds: Hex[] }[];
  /** The relayer lost it: it is posted again. */
  recordUnposted(digest: Hex): void;
  /** Its end is known: nothing is left to do for it. */
  closeBatch(digest: Hex): void;
  /** The batch will not be taken: `bad` receipts are set aside with the reason, the others wait again. */
  breakUp(digest: Hex, bad: readonly Hex[], reason: string): void;
  setAside(receiptId: Hex, reason: string): void;
  close(): void;
}

interface Row {
  request_id: string;
  fingerprint: string;
  receipt_id: string | null;
  receipt: string | null;
  signature: string | null;
  body: Uint8Array | null;
  witness: Uint8Array | null;
  evidence: string | null;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS requests (
    request_id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    reserved_at INTEGER NOT NULL,
    receipt_id TEXT UNIQUE,
    receipt TEXT,
    signature TEXT,
    body BLOB,
    witness BLOB,
    evidence TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    batch TEXT,
    done INTEGER NOT NULL DEFAULT 0,
    aside TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS requests_open ON requests (reserved_at) WHERE done = 0 AND receipt_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS requests_batch ON requests (batch, reserved_at) WHERE batch IS NOT NULL;
  CREATE TABLE IF NOT EXISTS batches (
    digest TEXT PRIMARY KEY,
    batch TEXT NOT NULL,
    signature TEXT NOT NULL,
    posted INTEGER NOT NULL DEFAULT 0,
    asked_at INTEGER NOT NULL DEFAULT 0,
    closed INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX IF NOT EXISTS batches_open ON batches (posted, asked_at) WHERE closed = 0;`;

// SQLite with synchronous=FULL: a commit is on the disk when it returns, power cut included. The embedded Postgres that
// serves the relayer runs without fsync, which is not enough here: a forgotten id could be signed twice, and that is
// a slashable fault.
/** Opens a request store in a file; `:memory:` forgets, and is for tests that do not restart. */
export function openRequestStore(file: string): RequestStore {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;");
  db.exec(SCHEMA);
  const statement = {
    reserve: db.prepare(
      "INSERT INTO requests (request_id, fingerprint, reserved_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    ),
    find: db.prepare("SELECT * FROM requests WHERE request_id = ?"),
    issue: db.prepare(
      "UPDATE requests SET receipt_id = ?, receipt = ?, signature = ?, body = ?, witness = ?, evidence = ? " +
        "WHERE request_id = ? AND receipt_id IS NULL",
    ),
    unproved: db.prepare(
      "SELECT * FROM requests WHERE done = 0 AND receipt_id IS NOT NULL AND evidence IS NULL " +
        "ORDER BY failures, reserved_at LIMIT ?",
    ),
    prove: db.prepare("UPDATE requests SET evidence = ?, witness = NULL WHERE receipt_id = ?"),
    fail: db.prepare("UPDATE requests SET failures = failures + 1 WHERE receipt_id = ?"),
    waiting: db.prepare(
      "SELECT * FROM requests WHERE done = 0 AND receipt_id IS NOT NULL AND evidence IS NOT NULL AND batch IS NULL " +
        "ORDER BY reserved_at, rowid LIMIT ?",
    ),
    byReceipt: db.prepare("SELECT receipt FROM requests WHERE receipt_id = ?"),
    keep: db.prepare("INSERT INTO batches (digest, batch, signature) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"),
    join: db.prepare("UPDATE requests SET batch = ? WHERE receipt_id = ?"),
    unposted: db.prepare("SELECT digest, batch, signature FROM batches WHERE posted = 0 AND closed = 0 ORDER BY rowid"),
    leaves: db.prepare("SELECT * FROM requests WHERE batch = ? ORDER BY reserved_at, rowid"),
    posted: db.prepare("UPDATE batches SET posted = 1 WHERE digest = ?"),
    follow: db.prepare("SELECT digest FROM batches WHERE posted = 1 AND closed = 0 ORDER BY asked_at, rowid LIMIT ?"),
    asked: db.prepare("UPDATE batches SET asked_at = ? WHERE digest = ?"),
    unpost: db.prepare("UPDATE batches SET posted = 0 WHERE digest = ?"),
    shut: db.prepare("UPDATE batches SET closed = 1 WHERE digest = ?"),
    done: db.prepare("UPDATE requests SET done = 1 WHERE batch = ? OR receipt_id = ?"),
    drop: db.prepare("DELETE FROM batches WHERE digest = ?"),
    leave: db.prepare("UPDATE requests SET batch = NULL, done = 0 WHERE batch = ? AND aside IS NULL"),
    aside: db.prepare("UPDATE requests SET done = 1, aside = ? WHERE receipt_id = ?"),
  };

  function atOnce(work: () => void): void {
    db.exec("BEGIN IMMEDIATE");
    try {
      work();
      db.exec("COMMIT");
    } catch (error) {
      db.exec("ROLLBACK");
      throw error;
    }
  }
  const rows = (found: unknown): Row[] => found as Row[];
  const receiptOf = (row: Row): Receipt => receiptFromWire(JSON.parse(row.receipt!));
  const waitingOf = (row: Row): Waiting => ({
    receiptId: row.receipt_id as Hex,
    receipt: receiptOf(row),
    signature: row.signature as Hex,
    evidence: row.evidence as Hex,
  });
  function find(requestId: Hex): { fingerprint: Hex; issued: Issued | null } | null {
    const row = statement.find.get(requestId) as Row | undefined;
    if (!row) return null;
    const issued = row.receipt_id
      ? {
          receiptId: row.receipt_id as Hex,
          receipt: receiptOf(row),
          signature: row.signature as Hex,
          body: new Uint8Array(row.body!),
        }
      : null;
    return { fingerprint: row.fingerprint as Hex, issued };
  }

  return {
    reserve(requestId, fingerprint, now) {
      statement.reserve.run(requestId, fingerprint, now);
      return find(requestId)!;
    },
    issued: (requestId) => find(requestId)?.issued ?? null,
    issue({ receiptId, receipt, signature, body }, { witness }) {
      const wire = JSON.stringify(receiptToWire(receipt));
      const evidence = witness ? null : "0x";
      statement.issue.run(receiptId, wire, signature, body, witness, evidence, receipt.requestId);
      return find(receipt.requestId)!.issued!;
    },
    unproved: (limit) =>
      rows(statement.unproved.all(limit)).map((row) => ({
        receiptId: row.receipt_id as Hex,
        receipt: receiptOf(row),
        witness: new Uint8Array(row.witness!),
      })),
    recordProof: (receiptId, evidence) => void statement.prove.run(evidence, receiptId),
    recordProofFailure: (receiptId) => void statement.fail.run(receiptId),
    waiting: (limit) => rows(statement.waiting.all(limit)).map(waitingOf),
    issuedAmong(receiptIds) {
      const found = new Map<Hex, Receipt>();
      for (const id of receiptIds) {
        const row = statement.byReceipt.get(id) as Row | undefined;
        if (row) found.set(id, receiptOf(row));
      }
      return found;
    },
    keepBatch: ({ digest, batch, signature }, receiptIds) =>
      atOnce(() => {
        statement.keep.run(digest, JSON.stringify(batch), signature);
        for (const id of receiptIds) statement.join.run(digest, id);
      }),
    unposted: () =>
      rows(statement.unposted.all()).map((row) => {
        const { digest, batch, signature } = row as unknown as Record<"digest" | "batch" | "signature", string>;
        return {
          digest: digest as Hex,
          batch: JSON.parse(batch) as Batch,
          signature: signature as Hex,
          leaves: rows(statement.leaves.all(digest)).map(waitingOf),
        };
      }),
    recordPosted: (id) =>
      atOnce(() => {
        statement.posted.run(id);
        statement.done.run(id, id);
      }),
    following: (limit, now) => {
      const found = rows(statement.follow.all(limit)).map((row) => (row as unknown as { digest: Hex }).digest);
      for (const digest of found) statement.asked.run(now, digest);
      return found.map((digest) => ({
        digest,
        receiptIds: rows(statement.leaves.all(digest)).map((row) => row.receipt_id as Hex),
      }));
    },
    recordUnposted: (digest) => void statement.unpost.run(digest),
    closeBatch: (digest) => void statement.shut.run(digest),
    breakUp: (digest, bad, reason) =>
      atOnce(() => {
        for (const id of bad) statement.aside.run(reason, id);
        statement.leave.run(digest);
        statement.drop.run(digest);
      }),
    setAside: (receiptId, reason) => void statement.aside.run(reason, receiptId),
    close: () => db.close(),
  };
}
