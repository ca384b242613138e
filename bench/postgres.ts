// SPDX-License-Identifier: MIT
import { PostgresMissing, startPostgres, type PostgresServer } from "../test/support/postgres.ts";

/** A server of its own for a measurement, with what it says being on disk; undefined where no PostgreSQL is installed. */
export async function postgresIfThere(): Promise<PostgresServer | undefined> {
  try {
    const server = await startPostgres("fsync=on", "shared_buffers=256MB", "max_wal_size=4GB");
    // Ended by its owner or by the process's end: an interruption must be one.
    const interrupted = (): never => process.exit(130);
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, interrupted);
    const stop = async (): Promise<void> => {
      for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, interrupted);
      await server.stop();
    };
    return { ...server, stop };
  } catch (error) {
    if (error instanceof PostgresMissing) return undefined;
    throw error;
  }
}
