// SPDX-License-Identifier: MIT
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { fromHex, type Hex, toHex } from "../protocol/index.ts";
import { PublicationError, type Store } from "./publication.ts";

/** Where a document lies below a folder, a bucket or a website: `ab/abcdef….leaves`. */
export function pathOf(dataHash: Hex): string {
  // Whatever is no hash must not become a path.
  const name = toHex(fromHex(dataHash, 32)).slice(2);
  return `${name.slice(0, 2)}/${name}.leaves`;
}

/**
 * Files named by the hash of their content. A file appears whole or not at all: it is written beside its place, synced,
 * and renamed. A web server over the folder, or a relayer's own `/v1/leaves`, makes them public.
 */
export function fileStore(directory: string): Store {
  return {
    name: "files",

    async put(dataHash, document, anew) {
      const file = join(directory, pathOf(dataHash));
      const placed = { locator: null, expiresAt: null };
      if (!anew && (await exists(file))) return placed;
      const folder = join(file, "..");
      await mkdir(folder, { recursive: true });
      const beside = `${file}.${randomUUID()}`;
      try {
        await writeSynced(beside, document);
        await rename(beside, file);
      } catch (error) {
        await rm(beside, { force: true });
        throw error;
      }
      await syncDirectory(folder);
      return placed;
    },

    async get(dataHash, _, maxBytes) {
      const file = join(directory, pathOf(dataHash));
      try {
        return await readBounded(file, maxBytes);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
  };
}

/** A file of at most so many bytes. @throws {PublicationError} `too_large` */
export async function readBounded(file: string, maxBytes: number): Promise<Uint8Array> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    if (size > maxBytes)
      throw new PublicationError("too_large", `${file} has ${size} bytes, more than the ${maxBytes} it may have`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await (await open(file, "r")).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, "wx");
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncDirectory(folder: string): Promise<void> {
  if (process.platform === "win32") return; // a directory cannot be opened there, and renames are journalled
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
