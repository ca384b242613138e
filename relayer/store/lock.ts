// SPDX-License-Identifier: MIT
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { StoreError } from "./errors.ts";

/** Directories that this process has open. */
const held = new Set<string>();

/**
 * Takes a data directory for this process: the embedded database does not notice a second one, and two would destroy it.
 * A lock whose process is gone (killed, machine restarted) is taken over, also where its number is ours by now: in a
 * container every start has the same. Of a process on another machine nothing can be known, so its lock stands.
 * @returns what gives it back.
 * @throws {StoreError} `data_dir_in_use`
 */
export function lockDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  const path = resolve(directory);
  const file = join(directory, "relayer.pid");
  for (let attempt = 0; ; attempt++) {
    try {
      const handle = openSync(file, "wx");
      writeSync(handle, `${process.pid} ${hostname()}`);
      closeSync(handle);
      held.add(path);
      return () => {
        held.delete(path);
        rmSync(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || attempt > 0) throw error;
      const [pid, host = hostname()] = readFileSync(file, "utf8").trim().split(" ");
      const owner = Number(pid);
      if (Number.isInteger(owner) && host !== hostname()) {
        throw new StoreError(
          "data_dir_in_use",
          `${directory} belongs to process ${owner} on ${host}; if that one is gone for sure, remove ${file}`,
        );
      }
      if (owner === process.pid ? held.has(path) : isAlive(owner)) {
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
