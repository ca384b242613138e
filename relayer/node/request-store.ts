// SPDX-License-Identifier: MIT
import { DatabaseSync } from "node:sqlite";
import { ZERO_HASH, type Batch, type Hex, type Receipt } from "../protocol/index.ts";
import { ChannelOutOfOrder } from "./errors.ts";
import type { ChannelPlace, RequestStore, Reserved, Waiting } from "./request-types.ts";
import { receiptFromWire, receiptToWire } from "./wire.ts";

export type * from "./request-types.ts";

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
  CREATE TABLE IF NOT EXISTS decisions (
    request_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    receipt_id TEXT NOT NULL,
    receipt TEXT NOT NULL,
    body BLOB NOT NULL,
    witness BLOB,
    PRIMARY KEY (request_id, key_id)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS places (
    channel_id TEXT NOT NULL,
    sequence TEXT NOT NULL,
    request_id TEXT NOT NULL,
    total TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS places_order ON places (channel_id, sequence, total);
  CREATE INDEX IF NOT EXISTS places_request ON places (request_id);
  CREATE TABLE IF NOT EXISTS batches (
    digest TEXT PRIMARY KEY,
    batch TEXT NOT NULL,
    signature TEXT NOT NULL,
    posted INTEGER NOT NULL DEFAULT 0,
    asked_at INTEGER NOT NULL DEFAULT 0,
    closed INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX IF NOT EXISTS batches_open ON batches (posted, asked_at) WHERE closed = 0;`;

const WAITING =
  "SELECT * FROM requests WHERE done = 0 AND receipt_id IS NOT NULL AND evidence IS NOT NULL AND batch IS NULL";

// SQLite with synchronous=FULL: a commit is on the disk when it returns, power cut included. The embedded Postgres that
// serves the relayer runs without fsync, which is not enough here: a forgotten id could be signed twice, and that is
// a slashable fault.
/** Opens a request store in a file; `:memory:` forgets, and is for tests that do not restart. */
export function openRequestStore(file: string): RequestStore {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;");
  db.exec(SCHEMA);
  const statement = {
    reserve: db.prepare("INSERT INTO requests (request_id, fingerprint, reserved_at) VALUES (?, ?, ?)"),
    find: db.prepare("SELECT * FROM requests WHERE request_id = ?"),
    place: db.prepare("INSERT INTO places (channel_id, sequence, request_id, total) VALUES (?, ?, ?, ?)"),
    placed: db.prepare("SELECT channel_id FROM places WHERE request_id = ? LIMIT 1"),
    last: db.prepare("SELECT sequence FROM places WHERE channel_id = ? ORDER BY sequence DESC LIMIT 1"),
    below: db.prepare(
      "SELECT total FROM places WHERE channel_id = ? AND sequence < ? AND total IS NOT NULL " +
        "ORDER BY sequence DESC, total DESC LIMIT 1",
    ),
    above: db.prepare(
      "SELECT total FROM places WHERE channel_id = ? AND sequence > ? AND total IS NOT NULL " +
        "ORDER BY sequence, total LIMIT 1",
    ),
    decide: db.prepare(
      "INSERT INTO decisions (request_id, key_id, receipt_id, receipt, body, witness) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    decision: db.prepare("SELECT * FROM decisions WHERE request_id = ? AND key_id = ?"),
    settle: db.prepare("DELETE FROM decisions WHERE request_id = ?"),
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
      `${WAITING} AND receipt ->> '$.keyId' = ? AND receipt ->> '$.mode' = ? ORDER BY reserved_at, rowid LIMIT ?`,
    ),
    orphaned: db.prepare(`${WAITING} AND receipt ->> '$.keyId' <> ? ORDER BY reserved_at, rowid LIMIT ?`),
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

  function atOnce<T>(work: () => T): T {
    db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      db.exec("COMMIT");
      return result;
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
  type Decision = Pick<Row, "receipt_id" | "receipt" | "body" | "witness">;
  const decision = (requestId: Hex, keyId: Hex) => statement.decision.get(requestId, keyId) as Decision | undefined;
  function find(requestId: Hex, keyId: Hex): Reserved | null {
    const row = statement.find.get(requestId) as Row | undefined;
    if (!row) return null;
    const fingerprint = row.fingerprint as Hex;
    const found = row.receipt_id ? row : decision(requestId, keyId);
    if (!found) return { fingerprint, decided: null, issued: null };
    const receipt = receiptFromWire(JSON.parse(found.receipt!));
    const decided = { receiptId: found.receipt_id as Hex, receipt, body: new Uint8Array(found.body!) };
    return { fingerprint, decided, issued: row.receipt_id ? { ...decided, signature: row.signature as Hex } : null };
  }
  /** As text that sorts like the number: a total may exceed what SQLite counts with. */
  const sortable = (number: bigint): string => number.toString().padStart(39, "0");
  const totalOf = (found: unknown): bigint | null => {
    const row = found as { total: string } | undefined;
    return row ? BigInt(row.total) : null;
  };
  /** Between the totals of the places before and after it, whichever of them were decided first. */
  function requireOrder({ channelId, sequence, cumulativeFee }: ChannelPlace): void {
    const floor = totalOf(statement.below.get(channelId, sortable(sequence)));
    const ceiling = totalOf(statement.above.get(channelId, sortable(sequence)));
    if ((floor !== null && cumulativeFee < floor) || (ceiling !== null && cumulativeFee > ceiling)) {
      throw new ChannelOutOfOrder(channelId, sequence, `its total ${cumulativeFee} is not between its neighbours'`);
    }
  }
  function takePlace(requestId: Hex, place: ChannelPlace): void {
    const { channelId, sequence } = place;
    const last = statement.last.get(channelId) as { sequence: string } | undefined;
    if (last && sequence <= BigInt(last.sequence)) {
      throw new ChannelOutOfOrder(channelId, sequence, `the channel is at ${BigInt(last.sequence)} already`);
    }
    requireOrder(place);
    statement.place.run(channelId, sortable(sequence), requestId, null);
  }

  return {
    reserve: ({ requestId, fingerprint, keyId, place }, now) =>
      atOnce(() => {
        const known = find(requestId, keyId);
        if (known) return known;
        if (place) takePlace(requestId, place);
        statement.reserve.run(requestId, fingerprint, now);
        return { fingerprint, decided: null, issued: null };
      }),
    // Whose key it was matters only where nothing was issued.
    issued: (requestId) => find(requestId, ZERO_HASH)?.issued ?? null,
    decide: ({ receiptId, receipt, body }, { witness }) =>
      atOnce(() => {
        const { requestId, keyId, sequence, cumulativeFee } = receipt;
        const kept = find(requestId, keyId)!;
        // What was issued is final: a run that took longer must not be signed, too.
        if (kept.issued || kept.decided) return kept;
        const placed = statement.placed.get(requestId) as { channel_id: Hex } | undefined;
        if (placed) {
          requireOrder({ channelId: placed.channel_id, sequence, cumulativeFee });
          statement.place.run(placed.channel_id, sortable(sequence), requestId, sortable(cumulativeFee));
        }
        const wire = JSON.stringify(receiptToWire(receipt));
        statement.decide.run(requestId, keyId, receiptId, wire, body, witness);
        return find(requestId, keyId)!;
      }),
    issue: ({ requestId, keyId }, signature) =>
      atOnce(() => {
        const decided = decision(requestId, keyId);
        if (decided) {
          const { receipt_id, receipt, body, witness } = decided;
          statement.issue.run(receipt_id, receipt, signature, body, witness, witness ? null : "0x", requestId);
          statement.settle.run(requestId);
        }
        return find(requestId, keyId)!.issued!;
      }),
    unproved: (limit) =>
      rows(statement.unproved.all(limit)).map((row) => ({
        receiptId: row.receipt_id as Hex,
        receipt: receiptOf(row),
        witness: new Uint8Array(row.witness!),
      })),
    recordProof: (receiptId, evidence) => void statement.prove.run(evidence, receiptId),
    recordProofFailure: (receiptId) => void statement.fail.run(receiptId),
    waiting: (limit, { keyId, mode }) => rows(statement.waiting.all(keyId, mode, limit)).map(waitingOf),
    orphaned: (limit, keyId) => rows(statement.orphaned.all(keyId, limit)).map(waitingOf),
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
