// SPDX-License-Identifier: MIT
import { DatabaseSync } from "node:sqlite";
import type { Hex } from "../protocol/index.ts";
import type { AskedRequest } from "./decide.ts";

/**
 * What a node remembers of requests on chain, so that it need not read all of the chain again. The chain is the truth:
 * a store that is lost is filled again from its first block. What was answered is in the node's own request store.
 */
export interface AskedStore {
  /** The last block that was read; −1 before the first. */
  cursor(): number;
  /** Keeps what a range of blocks says, and how far it was read, together. A known request stays as it is. */
  record(requests: readonly AskedRequest[], block: number): void;
  /** Requests that have not ended for this node, oldest first. */
  open(): AskedRequest[];
  /** The price under which a request is answered: decided once, as a receipt repeats it. @returns what is kept. */
  decidePrice(requestId: Hex, price: bigint): bigint;
  price(requestId: Hex): bigint | null;
  /** Nothing is left to do for it. */
  close(requestId: Hex, why: string): void;
  /** Why nothing is left to do; `null` if something is, or it is not known. */
  closedBecause(requestId: Hex): string | null;
  end(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS asked (
    request_id TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    price TEXT,
    closed TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS asked_open ON asked (request_id) WHERE closed IS NULL;
  CREATE TABLE IF NOT EXISTS reading (only INTEGER PRIMARY KEY CHECK (only = 0), block INTEGER NOT NULL) STRICT;
`;

/** @param file A path, or `:memory:`. */
export function openAskedStore(file: string): AskedStore {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  db.exec(SCHEMA);
  const statement = {
    cursor: db.prepare("SELECT block FROM reading"),
    read: db.prepare("INSERT INTO reading VALUES (0, ?) ON CONFLICT (only) DO UPDATE SET block = excluded.block"),
    put: db.prepare("INSERT INTO asked (request_id, request) VALUES (?, ?) ON CONFLICT DO NOTHING"),
    open: db.prepare("SELECT request FROM asked WHERE closed IS NULL ORDER BY rowid"),
    decide: db.prepare("UPDATE asked SET price = ? WHERE request_id = ? AND price IS NULL"),
    price: db.prepare("SELECT price FROM asked WHERE request_id = ?"),
    close: db.prepare("UPDATE asked SET closed = ? WHERE request_id = ?"),
    closed: db.prepare("SELECT closed FROM asked WHERE request_id = ?"),
  };
  const price = (requestId: Hex): bigint | null => {
    const row = statement.price.get(requestId) as { price: string | null } | undefined;
    return row?.price ? BigInt(row.price) : null;
  };
  return {
    cursor: () => (statement.cursor.get() as { block: number } | undefined)?.block ?? -1,
    record(requests, block) {
      db.exec("BEGIN IMMEDIATE");
      try {
        for (const request of requests) {
          const text = { ...request, maxFee: request.maxFee.toString(), deadline: request.deadline.toString() };
          statement.put.run(request.requestId, JSON.stringify(text));
        }
        statement.read.run(block);
        db.exec("COMMIT");
      } catch (error) {
        db.exec("ROLLBACK");
        throw error;
      }
    },
    open: () =>
      (statement.open.all() as { request: string }[]).map(({ request }) => {
        const found = JSON.parse(request) as AskedRequest & { maxFee: string; deadline: string };
        return { ...found, maxFee: BigInt(found.maxFee), deadline: BigInt(found.deadline) };
      }),
    decidePrice(requestId, wanted) {
      statement.decide.run(wanted.toString(), requestId);
      return price(requestId)!;
    },
    price,
    close: (requestId, why) => void statement.close.run(why, requestId),
    closedBecause: (requestId) =>
      (statement.closed.get(requestId) as { closed: string | null } | undefined)?.closed ?? null,
    end: () => db.close(),
  };
}
