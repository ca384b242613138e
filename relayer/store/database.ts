// SPDX-License-Identifier: MIT
import { drizzle as drizzlePglite } from "drizzle-orm/pglite";
import { migrate as migratePglite } from "drizzle-orm/pglite/migrator";
import { drizzle as drizzlePostgres } from "drizzle-orm/node-postgres";
import { migrate as migratePostgres } from "drizzle-orm/node-postgres/migrator";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import { sql, type SQL } from "drizzle-orm";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { fileURLToPath } from "node:url";
import pg from "pg";
import type { Hex } from "../protocol/index.ts";
import { openEmbedded } from "./embedded.ts";
import * as schema from "./schema.ts";

/** The ledger's database, whichever Postgres it is. */
export type Database = PgDatabase<PgQueryResultHKT, typeof schema>;

export interface OpenDatabase {
  db: Database;
  /** Resolves if the database answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Where the embedded database keeps its files, if `url` is not set. */
  dataDir: string;
  /** `postgres://…` of a server. */
  url?: string | undefined;
  /** `false` leaves a server's schema as it is, for those who only look. */
  migrate?: boolean;
}

const migrationsFolder = fileURLToPath(new URL("./migrations", import.meta.url));

/**
 * Opens the ledger of record and brings its schema up to date: the embedded Postgres in `dataDir`, or a server.
 * @throws {StoreError} `data_dir_in_use` if another process has the embedded one open.
 */
export async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  return options.url ? openServer(options.url, options.migrate ?? true) : openOwn(options.dataDir);
}

/** Migrations of this release that a ledger lacks, and whether it has some of a later release. */
export async function migrationState(db: Database): Promise<{ missing: number; newer: boolean }> {
  const own = readMigrationFiles({ migrationsFolder }).map(({ folderMillis }) => folderMillis);
  const last = await rows<{ at: string | number | null }>(
    db,
    sql`select max(created_at) as at from drizzle.__drizzle_migrations`,
  ).catch((error: Error & { code?: string; cause?: { code?: string } }) => {
    // No such table, or no such schema: nothing was ever migrated here. All else is not known.
    if (["42P01", "3F000"].includes(error.code ?? error.cause?.code ?? "")) return [];
    throw error;
  });
  const at = Number(last[0]?.at ?? 0);
  return { missing: own.filter((millis) => millis > at).length, newer: at > Math.max(...own) };
}

async function openServer(url: string, migrate: boolean): Promise<OpenDatabase> {
  const pool = new pg.Pool({ connectionString: url, max: 8 });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on("error", () => undefined);
  // The same for one that breaks while it is used: whoever uses it is told by the query that fails.
  pool.on("connect", (client) => client.on("error", () => undefined));
  try {
    const db = drizzlePostgres(pool, { schema, casing: "snake_case" });
    if (migrate) await migrateAlone(pool);
    return { db, ping: async () => void (await pool.query("select 1")), close: () => pool.end() };
  } catch (error) {
    await pool.end();
    throw error;
  }
}

/** Relayers that start at once on a new ledger would all make its tables: one does, and the others find them made. */
async function migrateAlone(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("select pg_advisory_lock(hashtextextended('migrations of the ledger', 0))");
    await migratePostgres(drizzlePostgres(client, { schema, casing: "snake_case" }), { migrationsFolder });
  } finally {
    // The lock is the connection's, and ends with it.
    client.release(true);
  }
}

async function openOwn(dataDir: string): Promise<OpenDatabase> {
  const { client, close } = await openEmbedded(dataDir);
  try {
    const db = drizzlePglite(client, { schema, casing: "snake_case" });
    await migratePglite(db, { migrationsFolder });
    return { db, ping: async () => void (await client.query("select 1")), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Rows of a statement that the query builder has no words for. */
export async function rows<T>(db: Pick<Database, "execute">, statement: SQL): Promise<T[]> {
  return ((await db.execute(statement)) as unknown as { rows: T[] }).rows;
}

/** Bytes as a parameter of a statement. */
export function bytes(value: Hex | Uint8Array): Buffer {
  return typeof value === "string"
    ? Buffer.from(value.slice(2), "hex")
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** Holds everyone else who asks for the same lock until the transaction ends. */
export async function lock(tx: Pick<Database, "execute">, what: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${what}, 0))`);
}
