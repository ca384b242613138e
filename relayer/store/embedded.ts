// SPDX-License-Identifier: MIT
import { PGlite, types } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { fsyncSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { lockDirectory } from "./lock.ts";

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

/**
 * Of the log, in bytes, that a start after a crash would read again at most, but for what a few seconds bring. Less would be
 * written twice: after a checkpoint each page goes into the log whole once more.
 */
const LOG_BYTES = 64 * 2 ** 20;
const LOG_LOOK_MS = 5_000;

/**
 * Postgres leaves checkpoints to a process of its own, which the embedded one has not: its log would grow until a clean stop,
 * and after a month without one a start would read all of that again.
 */
function keepLogShort(client: PGlite): () => void {
  const look = async (): Promise<void> => {
    const { rows } = await client.query<{ bytes: string }>(
      "select pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn)::text as bytes from pg_control_checkpoint()",
    );
    if (Number(rows[0]!.bytes) > LOG_BYTES) await client.exec("checkpoint");
  };
  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    // A disk that is full fails whoever writes next, who tells of it; the log is looked at again.
    void look()
      .catch(() => undefined)
      .finally(() => (looking = false));
  }, LOG_LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/**
 * Opens the Postgres that a directory holds, for this process alone.
 * @throws {StoreError} `data_dir_in_use` if another process has it open.
 */
export async function openEmbedded(dataDir: string): Promise<{ client: PGlite; close: () => Promise<void> }> {
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
    const stopLooking = keepLogShort(client);
    return {
      client,
      close: async () => {
        stopLooking();
        await client.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}
