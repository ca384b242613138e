// SPDX-License-Identifier: MIT
import { setTimeout as sleep } from "node:timers/promises";
import { dataHashOf, type Hex } from "../protocol/index.ts";

/** Where a document lies in a store. */
export interface Placed {
  /** What the store calls it, where that does not follow from `dataHash`: a CID, a blob id. */
  locator: string | null;
  /** Unix milliseconds until which the store keeps it at least; null for as long as it is not deleted. */
  expiresAt: number | null;
}

/** A place for documents, as it is: nothing that it says is believed. Calls may be repeated. */
export interface Store {
  /** As in the configuration and in the ledger. */
  readonly name: string;
  /**
   * Puts a document under its hash. Where it lies already, nothing need be done.
   * @param anew What lies there is damaged or near its end: it is put once more.
   */
  put(dataHash: Hex, document: Uint8Array, anew: boolean): Promise<Placed>;
  /** What lies there, unchecked, of at most `maxBytes`; undefined if nothing does. */
  get(dataHash: Hex, locator: string | null, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Pauses before a document that is not there yet is looked for again: some stores are a little late. */
  readonly settleMs?: readonly number[];
}

/** A store of leaves, read back and checked against `dataHash`. */
export interface Publication {
  readonly name: string;
  /**
   * Publishes a document under its hash, durably, and reads it back. Publishing it again changes nothing.
   * @param anew Puts it once more even where it lies already, which makes the store keep it for longer.
   * @throws {PublicationError} if what can be read back is not what was to be published.
   */
  publish(dataHash: Hex, document: Uint8Array, anew?: boolean): Promise<Placed>;
  /** The document; undefined if it is not published here. @throws {PublicationError} `damaged`, `store_unreachable` … */
  read(dataHash: Hex, locator?: string | null): Promise<Uint8Array | undefined>;
}

export type PublicationErrorCode =
  "wrong_data_hash" | "damaged" | "vanished" | "too_large" | "store_refused" | "store_unreachable";

/** Leaves could not be published, or read, as they are. `code` is stable. */
export class PublicationError extends Error {
  override readonly name = "PublicationError";
  readonly code: PublicationErrorCode;
  constructor(code: PublicationErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** No leaves document is larger: 10,000 receipts of 213 bytes are the most that the door takes. */
export const MAX_DOCUMENT_BYTES = 4_000_000;

/** A store whose word is not taken: what goes in is hashed before, and what comes out after. */
export function publicationIn(store: Store): Publication {
  async function look(dataHash: Hex, locator: string | null, maxBytes: number, holds: (bytes: Uint8Array) => boolean) {
    const found = await store.get(dataHash, locator, maxBytes).catch((error: unknown) => {
      // A longer document than can be is no document of ours, and neither is what the store itself cannot read.
      if (error instanceof PublicationError && (error.code === "too_large" || error.code === "damaged"))
        return "damaged" as const;
      throw error;
    });
    if (found === undefined) return "vanished" as const;
    return found !== "damaged" && holds(found) ? found : ("damaged" as const);
  }

  async function readBack(dataHash: Hex, locator: string | null, document: Uint8Array) {
    const holds = (bytes: Uint8Array): boolean => Buffer.compare(bytes, document) === 0;
    for (const pause of store.settleMs ?? []) {
      const found = await look(dataHash, locator, document.length, holds);
      if (found !== "vanished") return found;
      await sleep(pause);
    }
    return look(dataHash, locator, document.length, holds);
  }

  return {
    name: store.name,

    async publish(dataHash, document, anew = false) {
      if (dataHashOf(document) !== dataHash)
        throw new PublicationError(
          "wrong_data_hash",
          `The leaves do not hash to the batch's dataHash ${dataHash}; they are published nowhere`,
        );
      let placed = await store.put(dataHash, document, anew);
      let found = await readBack(dataHash, placed.locator, document);
      if (typeof found === "string" && !anew) {
        // What lay there before was not it: now it is put in its place.
        placed = await store.put(dataHash, document, true);
        found = await readBack(dataHash, placed.locator, document);
      }
      if (typeof found === "string") throw troubleOf(found, store.name, dataHash);
      return placed;
    },

    async read(dataHash, locator = null) {
      const found = await look(dataHash, locator, MAX_DOCUMENT_BYTES, (bytes) => dataHashOf(bytes) === dataHash);
      if (found === "vanished") return undefined;
      if (found === "damaged") throw troubleOf(found, store.name, dataHash);
      return found;
    },
  };
}

function troubleOf(what: "damaged" | "vanished", name: string, dataHash: Hex): PublicationError {
  const says = what === "damaged" ? "does not hold what the name says" : "has lost what was put there";
  return new PublicationError(what, `${name} ${says}: ${dataHash}; it is written anew from the ledger`);
}
