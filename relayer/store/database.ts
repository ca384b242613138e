// SPDX-License-Identifier: MIT
import { PGlite, types } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { drizzle as drizzlePostgres } from "drizzle-orm/node-postgres";
import { migrate as migratePostgres } from "drizzle-orm/node-postgres/migrator";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import { drizzle as drizzlePglite } from "drizzle-orm/pglite";
import { migrate as migratePglite } from "drizzle-orm/pglite/migrator";
import { sql, type SQL } from "drizzle-orm";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { fsyncSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import type { Hex } from "../protocol/index.ts";
import { lockDirectory } from "./lock.ts";
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
  return options.url ? openServer(options.url, options.migrate ?? true) : openEmbedded(options.dataDir);
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

/**
 * Emscripten's file system drops fsync on the floor, and PGlite tells Postgres not to ask for it. A ledger of record
 * must: what was acknowledged survives a loss of power.
 */
class SyncedFiles extends NodeFS {
  override async init(instance: PGlite, options: Parameters<NodeFS["init"]>[1]): ReturnType<NodeFS["init"]> {
    const ready = await super.init(instance, options);
    const install = (module: unknown): void => {
      const { NODEFS } = module as { NODEFS: { stream_ops: { fsync?: (stream: { nfd: number }) => number } } };
      NODEFS.stream_ops.fsync = (stream) => {
        fsyncSync(stream.nfd);
        return 0;
      };
    };
    ready.emscriptenOpts.preRun = [...(ready.emscriptenOpts.preRun ?? []), install];
    return ready;
  }
}

// PGlite's own parameters without -F (no fsync); wal_sync_method, because only fsync() reaches the file system above;
// and small buffers, as the operating system caches the files once more.
const START_PARAMETERS = [
  "--single",
  "-O",
  "-j",
  ...["search_path=public", "exit_on_error=false", "log_checkpoints=false", "max_worker_processes=0"].flatMap(setting),
  ...["max_parallel_workers=0", "max_parallel_workers_per_gather=0", "max_parallel_maintenance_workers=0"].flatMap(
    setting,
  ),
  ...["io_method=sync", "wal_sync_method=fsync", "shared_buffers=16MB", "max_wal_size=256MB"].flatMap(setting),
];
function setting(value: string): string[] {
  return ["-c", value];
}

// PGlite's own go byte by byte; these were a quarter of the time of an insert. What is bytes when it is bound travels as it is
// (its types know of text alone): as hex it would be twice as long, and be read once more on the other side.
const bytesAsTheyAre = (value: Uint8Array): string => value as unknown as string;
const textToBytes = (value: string): Uint8Array => Buffer.from(value.slice(2), "hex");

async function openEmbedded(dataDir: string): Promise<OpenDatabase> {
  const unlock = lockDirectory(dataDir);
  try {
    const files = join(dataDir, "ledger");
    mkdirSync(files, { recursive: true });
    const client = await PGlite.create({
      fs: new SyncedFiles(files),
      startParams: START_PARAMETERS,
      serializers: { [types.BYTEA]: bytesAsTheyAre },
      parsers: { [types.BYTEA]: textToBytes },
    });
    const db = drizzlePglite(client, { schema, casing: "snake_case" });
    await migratePglite(db, { migrationsFolder });
    return {
      db,
      ping: async () => void (await client.query("select 1")),
      close: async () => {
        await client.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
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
