// SPDX-License-Identifier: MIT
// A disk of its own for published leaves, small enough to be filled up.
import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

const SIZE_MIB = 64;

export interface SmallDisk {
  folder: string;
  /** How it is made full: a file system without room, or, without the right to mount one, a folder nobody may write. */
  how: "tmpfs" | "read-only folders";
  fill(): void;
  free(): void;
  remove(): void;
}

/** Mounts a small file system at a folder where this user may, and takes a plain folder otherwise. */
export function smallDisk(folder: string): SmallDisk {
  mkdirSync(folder, { recursive: true });
  const mounted =
    spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MIB}m`, "opengradient-chaos", folder]).status === 0;
  const ballast = join(folder, "ballast");
  if (!mounted)
    return {
      ...{ folder, how: "read-only folders" },
      fill: () => setWritable(folder, false),
      free: () => setWritable(folder, true),
      remove: () => setWritable(folder, true),
    };
  return {
    ...{ folder, how: "tmpfs" },
    fill() {
      const file = openSync(ballast, "w");
      try {
        for (const size of [1 << 20, 1 << 12]) while (wrote(file, Buffer.alloc(size)));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    remove() {
      const gone = spawnSync("umount", [folder]);
      if (gone.status !== 0) throw new Error(`umount ${folder}: ${gone.stderr.toString()}`);
    },
  };
}

function wrote(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}

/** The folder, and those below it that hold leaves by the first digits of their names. */
function setWritable(folder: string, writable: boolean): void {
  const mode = writable ? "u+w" : "u-w";
  chmodSync(folder, 0o700);
  const changed = spawnSync("chmod", ["-R", mode, folder]);
  if (changed.status !== 0) throw new Error(`chmod ${mode} ${folder}: ${changed.stderr.toString()}`);
}
