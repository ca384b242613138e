// SPDX-License-Identifier: MIT
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fromHex, keccak, toHex, type Hex } from "../protocol/index.ts";
import { MemoryError } from "./errors.ts";

/** Bytes by the keccak256 of them. Whoever keeps them is trusted with nothing: what comes back is hashed again. */
export interface BlobStore {
  /** Keeps bytes; resolves when they would survive a crash. */
  put(bytes: Uint8Array): Promise<Hex>;
  /** The bytes of an id, or null where the store has none. */
  get(id: Hex): Promise<Uint8Array | null>;
}

/** The bytes that an id names. @throws {MemoryError} `blob_missing`, `blob_tampered` */
export async function getBlob(store: BlobStore, id: Hex): Promise<Uint8Array> {
  const bytes = await store.get(id);
  if (bytes === null) throw new MemoryError("blob_missing", { id });
  if (keccak(bytes) !== id) throw new MemoryError("blob_tampered", { id });
  return bytes;
}

/** Writes a file so that after a crash it is there whole, or as it was before. */
export async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const whole = `${file}.${process.pid}.${performance.now()}.part`;
  const handle = await open(whole, "wx");
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(whole, file);
  const folder = await open(dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Bytes of a file, or null where there is none. */
export async function readIfThere(file: string): Promise<Uint8Array | null> {
  return readFile(file).catch((problem: NodeJS.ErrnoException) => {
    if (problem.code === "ENOENT") return null;
    throw problem;
  });
}

/** Blobs as files of a folder. */
export function fileBlobs(folder: string): BlobStore {
  const fileOf = (id: Hex) => {
    // An id comes from journals that others wrote: whatever is no hash must not become a path.
    const name = toHex(fromHex(id, 32)).slice(2);
    return join(folder, name.slice(0, 2), name);
  };
  return {
    async put(bytes) {
      const id = keccak(bytes);
      await writeWhole(fileOf(id), bytes);
      return id;
    },
    get: async (id) => readIfThere(fileOf(id)),
  };
}
