// SPDX-License-Identifier: MIT
import type { Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import { addGatewayKeys, findGatewayKey, gatewayCursor } from "../store/gateways.ts";
import type { GatewayKey, GatewayReader } from "./reader.ts";

export interface DirectoryOptions {
  db: Database;
  reader: Pick<GatewayReader, "headNumber" | "admitted">;
  /** GatewayAnswers: whose enclaves these are. */
  place: Hex;
  fromBlock: number;
  logBlocks: number;
  /** Least pause between two looks for a key that is not known. Milliseconds. */
  everyMs: number;
  now?: () => number;
}

/** Blocks that are read again each time: what a reorganisation put there since would be missed otherwise. */
const OVERLAP = 64;
const REMEMBERED = 10_000;

/**
 * Public keys of gateways by the names that they send. A name is a hash of its key, so the ledger of keys is right for
 * ever, whatever the chain does; whether a key is admitted now is asked of the registry.
 */
export function createDirectory(options: DirectoryOptions) {
  const { db, reader, place, fromBlock, logBlocks, everyMs, now = Date.now } = options;
  const known = new Map<Hex, GatewayKey>();
  let reading: Promise<void> | null = null;
  let readAt = -Infinity;

  async function read(): Promise<void> {
    const head = await reader.headNumber();
    const cursor = await gatewayCursor(db, place);
    for (let from = Math.max(fromBlock, (cursor ?? 0) - OVERLAP); from <= head; from += logBlocks) {
      const to = Math.min(head, from + logBlocks - 1);
      await addGatewayKeys(db, place, await reader.admitted(from, to), to + 1);
    }
    readAt = now();
  }
  /** Reads what is new on the chain; who asks meanwhile waits for the same answer. */
  function refresh(): Promise<void> {
    reading ??= read().finally(() => (reading = null));
    return reading;
  }

  return {
    refresh,
    /** The key of a gateway; undefined where the chain never admitted it. @throws {ChainUnavailable} */
    async find(teeId: Hex): Promise<GatewayKey | undefined> {
      const remembered = known.get(teeId);
      if (remembered) return remembered;
      let found = await findGatewayKey(db, teeId);
      if (!found && now() - readAt >= everyMs) {
        await refresh();
        found = await findGatewayKey(db, teeId);
      }
      if (!found) return undefined;
      if (known.size >= REMEMBERED) known.delete(known.keys().next().value!);
      known.set(teeId, found);
      return found;
    },
  };
}
export type Directory = ReturnType<typeof createDirectory>;
