import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Hex } from "../../relayer/protocol/index.ts";
import type { FoundLeaves } from "./history.ts";

/** Largest document that is taken: what a batch of 2^20 receipts takes. */
const MAX_BYTES = 94 + 213 * 2 ** 20;
const TIMEOUT_MS = 30_000;

/** Where published leaves are read from. What comes is checked against the chain later, whoever it came from. */
export type LeafSource = (dataHash: Hex) => Promise<FoundLeaves>;

/**
 * A source of leaves.
 * @param where A relayer's folder of leaves, a URL with `{dataHash}` in it, or nothing.
 */
export function leafSource(where: string): LeafSource {
  if (where === "") return async () => ({ problem: "no --leaves were named" });
  if (/^https?:/.test(where)) return (dataHash) => fromUrl(where.replaceAll("{dataHash}", dataHash));
  return (dataHash) => fromFolder(where, dataHash);
}

/** As a relayer's file store keeps them: `ab/abcdef….leaves`. */
async function fromFolder(folder: string, dataHash: Hex): Promise<FoundLeaves> {
  const name = dataHash.slice(2);
  try {
    return { document: await readFile(join(folder, name.slice(0, 2), `${name}.leaves`)) };
  } catch (problem) {
    return { problem: (problem as NodeJS.ErrnoException).code === "ENOENT" ? "not in the folder" : String(problem) };
  }
}

async function fromUrl(url: string): Promise<FoundLeaves> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "error" });
    if (!response.ok || response.body === null) return { problem: `${url} answers ${response.status}` };
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of response.body) {
      size += part.length;
      if (size > MAX_BYTES) return { problem: `${url} sends more than ${MAX_BYTES} bytes` };
      parts.push(part);
    }
    return { document: Buffer.concat(parts) };
  } catch (problem) {
    return { problem: `${url}: ${(problem as Error).message}` };
  }
}
