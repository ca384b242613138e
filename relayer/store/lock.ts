// SPDX-License-Identifier: MIT
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "./errors.ts";

/**
 * Takes a data directory for this process: the embedded database does not notice a second one, and two would destroy it.
 * A lock whose process is gone (killed, machine restarted) is taken over.
 * @returns what gives it back.
 * @throws {StoreError} `data_dir_in_use`
 */
export function lockDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "relayer.pid");
  for (let attempt = 0; ; attempt++) {
    try {
      const handle = openSync(file, "wx");
      writeSync(handle, String(process.pid));
      closeSync(handle);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || attempt > 0) throw error;
      const owner = Number(readFileSync(file, "utf8"));
      if (owner === process.pid || isAlive(owner)) {
        throw new StoreError(
          "data_dir_in_use",
          `${directory} belongs to process ${owner}; stop it or choose another data directory`,
        );
      }
      rmSync(file, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
