// SPDX-License-Identifier: MIT
// Where leaves are looked for. No source is believed: what does not hash to `dataHash` was not there.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fetchBytes } from "../consumer/fetch-bounded.ts";
import { dataHashOf, type Hex } from "../protocol/index.ts";
import { cidOf, MAX_BLOCK_BYTES } from "../publication/cid.ts";
import { pathOf, readBounded } from "../publication/files.ts";
import { VerifyError } from "./errors.ts";

/** What some store calls a document: a claim, and harmless, as the document is hashed. */
export type Locators = Readonly<Record<string, string>>;

export interface LeavesSource {
  /** As it was named. */
  name: string;
  /** A document that may be the one, of at most `maxBytes`. Throws an Error that says why there is none. */
  read(dataHash: Hex, maxBytes: number, locators: Locators): Promise<Uint8Array>;
  /** A single file, wherever it came from: the document itself. */
  file?: string;
}

/** The document of this hash, and the source it came from. */
export interface FoundLeaves {
  document: Uint8Array;
  source: string;
}

const TIMEOUT_MS = 60_000;
/** A batch of 2^20 receipts. */
const MAX_READ_BYTES = 94 + 213 * 2 ** 20;

/**
 * Reads what `--leaves` names: a file or folder; a URL, in which `{dataHash}`, `{hash}`, `{path}` and `{cid}` are filled
 * in; `ipfs:` and a gateway; `walrus:` and an aggregator.
 * @throws {VerifyError} `bad_argument`
 */
export async function leavesSource(text: string): Promise<LeavesSource> {
  const store = /^(ipfs|walrus):(https?:\/\/.+)$/.exec(text);
  if (store) return storeSource(text, store[1] as "ipfs" | "walrus", store[2]!.replace(/\/$/, ""));
  if (/^https?:\/\//.test(text))
    return { name: text, read: (...wanted) => overHttp(filledIn(text, wanted[0]), wanted[1]) };
  const kind = await stat(text).catch(() => undefined);
  if (!kind)
    throw new VerifyError("bad_argument", `${text} is no file, no folder and no URL that leaves could be read from`);
  if (kind.isDirectory())
    return { name: text, read: (dataHash, max) => readBounded(join(text, pathOf(dataHash)), max) };
  return { name: text, file: text, read: (_, maxBytes) => readBounded(text, maxBytes) };
}

function storeSource(name: string, store: "ipfs" | "walrus", base: string): LeavesSource {
  return {
    name,
    async read(dataHash, maxBytes, locators) {
      if (store === "ipfs") {
        if (locators.ipfs === undefined && maxBytes > MAX_BLOCK_BYTES)
          throw new Error(
            "a document of more than 1 MiB has a CID of its own: name it in a URL, or a relayer that knows it",
          );
        return overHttp(`${base}/ipfs/${locators.ipfs ?? cidOf("raw", dataHash)}`, maxBytes);
      }
      if (locators.walrus === undefined)
        throw new Error("a blob id does not follow from dataHash: name it in a URL, or a relayer that knows it");
      return overHttp(`${base}/v1/blobs/${locators.walrus}`, maxBytes);
    },
  };
}

const filledIn = (template: string, dataHash: Hex): string =>
  template
    .replaceAll("{dataHash}", dataHash)
    .replaceAll("{hash}", dataHash.slice(2))
    .replaceAll("{path}", pathOf(dataHash))
    .replaceAll("{cid}", cidOf("raw", dataHash));

/** The host is named by whoever verifies, and may be anywhere; where it sends on to must be public. */
async function overHttp(url: string, maxBytes: number): Promise<Uint8Array> {
  const allowedHosts = [new URL(url).host];
  const bounds = {
    allowedHosts,
    timeoutMs: TIMEOUT_MS,
    maxBytes,
    maxRedirects: 3,
    accept: "application/octet-stream, */*",
  };
  const { status, body } = await fetchBytes(url, undefined, bounds);
  if (status !== 200) throw new Error(`status ${status}`);
  return body;
}

/**
 * The leaves of this hash from the first source that has them.
 * @throws {VerifyError} `no_leaves`, with what each source said.
 */
export async function findLeaves(
  sources: readonly LeavesSource[],
  dataHash: Hex,
  maxBytes: number,
  locators: Locators,
): Promise<FoundLeaves> {
  const said: string[] = [];
  // Whoever settles a batch says how many receipts it has: up to 2^32 would be a terabyte to wait for.
  if (maxBytes > MAX_READ_BYTES)
    throw new VerifyError("no_leaves", `Leaves ${dataHash} would have ${maxBytes} bytes: more than are read`);
  for (const { name, read } of sources) {
    try {
      const document = await read(dataHash, maxBytes, locators);
      if (dataHashOf(document) === dataHash) return { document, source: name };
      said.push(`${name}: its bytes have another hash`);
    } catch (error) {
      said.push(`${name}: ${(error as Error).message}`);
    }
  }
  throw new VerifyError(
    "no_leaves",
    `No leaves ${dataHash}: ${said.join("; ") || "no source was named, see --leaves"}`,
  );
}

const HINT_BYTES = 262_144;

/** What a relayer says of something, to be checked; undefined if it says nothing. */
export async function hintOf(relayer: string, path: string): Promise<Record<string, unknown> | undefined> {
  const url = new URL(`${relayer.replace(/\/$/, "")}${path}`);
  const bounds = { allowedHosts: [url.host], timeoutMs: TIMEOUT_MS, maxBytes: HINT_BYTES, maxRedirects: 0 };
  try {
    const { status, body } = await fetchBytes(url.href, undefined, bounds);
    const said: unknown = status === 200 ? JSON.parse(body.toString("utf8")) : undefined;
    return typeof said === "object" && said !== null ? (said as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Where a relayer says that leaves are. */
export async function locatorsFrom(relayer: string | undefined, dataHash: Hex): Promise<Locators> {
  const said = relayer === undefined ? undefined : await hintOf(relayer, `/v1/leaves/${dataHash}/places`);
  const places = Array.isArray(said?.["places"]) ? (said["places"] as unknown[]) : [];
  const found: Record<string, string> = {};
  for (const place of places.slice(0, 20)) {
    const { store, locator } = (place ?? {}) as { store?: unknown; locator?: unknown };
    // It becomes part of a URL: letters and digits, as CIDs and blob ids are.
    if (typeof store === "string" && typeof locator === "string" && /^[A-Za-z0-9_-]{1,128}$/.test(locator))
      found[store] = locator;
  }
  return found;
}
