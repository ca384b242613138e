// SPDX-License-Identifier: MIT
// Publisher and aggregator of Walrus, as one `walrus daemon` is: blobs are stored until an epoch, paid for by the epoch,
// and gone when it has come. The blob id is a hash of the content here too, though not Walrus's own.
import { createHash } from "node:crypto";
import { startStoreServer, type StoreServer } from "./http-store.ts";

export interface WalrusServer extends StoreServer {
  blobs: Map<string, { bytes: Buffer; endEpoch: number }>;
  clock: { epoch: number };
  /** Reads that a new blob is not found for yet, as behind a slow CDN. */
  late: { reads: number };
}

export async function startWalrusServer(): Promise<WalrusServer> {
  const blobs: WalrusServer["blobs"] = new Map();
  const clock = { epoch: 30 };
  const late = { reads: 0 };
  const server = await startStoreServer(({ method, url, body }) => {
    if (method === "PUT" && url.pathname === "/v1/blobs") {
      const blobId = createHash("sha256").update(body).digest("base64url");
      const endEpoch = clock.epoch + Number(url.searchParams.get("epochs") ?? 1);
      const known = blobs.get(blobId);
      if (known && known.endEpoch >= endEpoch)
        return json({
          alreadyCertified: {
            ...{ blobId, endEpoch: known.endEpoch },
            event: { txDigest: "4XQHFa9S324wTzYHF3vsBSwpUZuLpmwTHYMFv9nsttSs", eventSeq: "0" },
          },
        });
      blobs.set(blobId, { bytes: body, endEpoch });
      const deletable = url.searchParams.get("permanent") !== "true";
      const storage = { id: "0x28cc", startEpoch: clock.epoch, endEpoch, storageSize: 4_747_680 };
      const blobObject = {
        ...{ id: "0xe91e", registeredEpoch: clock.epoch, blobId, size: body.length, encodingType: "RS2" },
        ...{ certifiedEpoch: clock.epoch, storage, deletable },
      };
      return json({ newlyCreated: { blobObject, resourceOperation: {}, cost: 132_300 } });
    }
    const blobId = /^\/v1\/blobs\/([A-Za-z0-9_-]+)$/.exec(url.pathname)?.[1];
    const found = blobId === undefined ? undefined : blobs.get(blobId);
    if (!found || found.endEpoch <= clock.epoch || late.reads-- > 0)
      return { status: 404, body: JSON.stringify({ error: { status: "NOT_FOUND", code: 404 } }) };
    return { status: 200, body: found.bytes };
  });
  return Object.assign(server, { blobs, clock, late });
}

const json = (body: object) => ({
  status: 200,
  body: JSON.stringify(body),
  headers: { "content-type": "application/json" },
});
