// SPDX-License-Identifier: MIT
import { DatabaseSync } from "node:sqlite";
import { LedgerInUse } from "./errors.ts";

/**
 * Opens a file that one process holds at a time. A commit is on the disk when it returns (synchronous=FULL), power cut
 * included: a forgotten sequence could be signed twice.
 * @throws {LedgerInUse}
 */
export function openLedger(file: string, schema: string): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    db.exec("PRAGMA busy_timeout = 200; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;");
    db.exec("PRAGMA synchronous = FULL;");
    // The lock is taken by the first write.
    db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
  } catch (error) {
    db.close();
    if (/locked|busy/i.test((error as Error).message)) throw new LedgerInUse(file);
    throw error;
  }
  return db;
}

/** All of `work` or nothing of it. */
export function atOnce<T>(db: DatabaseSync, work: () => T): T {
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

// SQLite's integers end at 2^63. Decimal text of one width compares like the number it is.
/** A uint64 as text that sorts. */
export const sequenceText = (value: bigint): string => value.toString().padStart(20, "0");
/** A uint128 as text that sorts. */
export const amountText = (value: bigint): string => value.toString().padStart(39, "0");
