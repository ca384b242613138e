// SPDX-License-Identifier: MIT
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { dataHashOf, fromHex, toHex, type Hex } from "../protocol/index.ts";

/** Where the leaves of batches are published before they settle. */
export interface Publication {
  /**
   * Publishes a document under its hash, durably, and reads it back. Publishing it again changes nothing.
   * @throws {PublicationError} if what can be read back is not what was to be published.
   */
  publish(dataHash: Hex, document: Uint8Array): Promise<void>;
  /** The document; undefined if it is not published here. @throws {PublicationError} `damaged` */
  read(dataHash: Hex): Promise<Uint8Array | undefined>;
}

/** Leaves could not be published as they are. `code` is stable. */
export class PublicationError extends Error {
  override readonly name = "PublicationError";
  readonly code: "wrong_data_hash" | "damaged";
  constructor(code: PublicationError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Files named by the hash of their content, `ab/abcdef….leaves`. A file appears whole or not at all: it is written
 * beside its place, synced, and renamed.
 */
export function filePublication(directory: string): Publication {
  const pathOf = (dataHash: Hex): { folder: string; file: string } => {
    // Whatever is no hash must not become a path.
    const name = toHex(fromHex(dataHash, 32)).slice(2);
    const folder = join(directory, name.slice(0, 2));
    return { folder, file: join(folder, `${name}.leaves`) };
  };

  async function read(dataHash: Hex): Promise<Uint8Array | undefined> {
    const { file } = pathOf(dataHash);
    let document: Uint8Array;
    try {
      document = await readFile(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    if (dataHashOf(document) !== dataHash) {
      throw new PublicationError(
        "damaged",
        `${file} does not hold what its name says; it is written anew when its batch is`,
      );
    }
    return document;
  }

  return {
    read,
    async publish(dataHash, document) {
      if (dataHashOf(document) !== dataHash) {
        throw new PublicationError("wrong_data_hash", `The leaves do not hash to the batch's dataHash ${dataHash}`);
      }
      const present = await read(dataHash).catch(() => undefined);
      if (present) return;
      const { folder, file } = pathOf(dataHash);
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
      if (!(await read(dataHash))) throw new PublicationError("damaged", `${file} cannot be read back`);
    },
  };
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
