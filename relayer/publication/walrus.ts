// SPDX-License-Identifier: MIT
import { z } from "zod";
import { askStore, jsonOf, refusal } from "./http.ts";
import { PublicationError, type Store } from "./publication.ts";

export interface WalrusOptions {
  /** Where blobs are put. It pays, so it is your own or one that you have a contract with. */
  publisherUrl: string;
  /** Where they are read back. */
  aggregatorUrl: string;
  /** For so many epochs. */
  epochs: number;
  /** Length of an epoch, milliseconds. */
  epochMs: number;
  /** Value of the header `Authorization` for the publisher, if it needs one. */
  authorization?: string;
  /** Milliseconds for one request. */
  timeoutMs: number;
  now?: () => number;
}

const ANSWER_BYTES = 65_536;
const epoch = z.number().int().nonnegative();
const blobId = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** What a publisher answers, apart from its failures. */
const stored = z.union([
  z.object({
    newlyCreated: z.object({
      blobObject: z.object({
        blobId,
        registeredEpoch: epoch,
        storage: z.object({ endEpoch: epoch }),
      }),
    }),
  }),
  z.object({ alreadyCertified: z.object({ blobId, endEpoch: epoch }) }),
]);

/** Walrus over HTTP: blobs that its nodes keep until an epoch ends, and that must be paid for again before. */
export function walrusStore(options: WalrusOptions): Store {
  const { publisherUrl, aggregatorUrl, epochs, epochMs, authorization, timeoutMs, now = Date.now } = options;
  const publisher = new URL(publisherUrl);
  const aggregator = aggregatorUrl.replace(/\/$/, "");

  return {
    name: "walrus",
    // An aggregator may answer from before the blob was certified.
    settleMs: [1_000, 3_000],

    async put(_, document) {
      const at = now();
      // Permanent, since a deletable blob is its owner's to delete.
      const url = `${publisherUrl.replace(/\/$/, "")}/v1/blobs?epochs=${epochs}&permanent=true`;
      const headers = {
        "content-type": "application/octet-stream",
        ...(authorization === undefined ? {} : { authorization }),
      };
      const body = new Uint8Array(document);
      const answer = await askStore(url, { method: "PUT", headers, body, timeoutMs, maxBytes: ANSWER_BYTES });
      if (answer.status !== 200) throw refusal(publisher.host, answer);
      const parsed = stored.safeParse(jsonOf(publisher.host, answer));
      if (!parsed.success) throw refusal(publisher.host, answer);
      // An epoch in which it is stored has begun already: only the further ones are sure to be whole.
      if ("alreadyCertified" in parsed.data)
        // Somebody stored the same before, for as long as was asked for or longer.
        return { locator: parsed.data.alreadyCertified.blobId, expiresAt: at + (epochs - 1) * epochMs };
      const { blobId: id, registeredEpoch, storage } = parsed.data.newlyCreated.blobObject;
      const left = storage.endEpoch - registeredEpoch;
      return { locator: id, expiresAt: at + Math.max(0, left - 1) * epochMs };
    },

    async get(_, locator, maxBytes) {
      if (locator === null)
        throw new PublicationError("store_refused", "Walrus finds nothing without a blob id; the ledger keeps it");
      const url = `${aggregator}/v1/blobs/${locator}`;
      const answer = await askStore(url, { method: "GET", timeoutMs, maxBytes: Math.max(maxBytes, ANSWER_BYTES) });
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw refusal(new URL(url).host, answer);
      return answer.body;
    },
  };
}
