// SPDX-License-Identifier: MIT
import { AwsV4Signer } from "aws4fetch";
import { createHash } from "node:crypto";
import type { Hex } from "../protocol/index.ts";
import { pathOf } from "./files.ts";
import { askStore, refusal, type StoreAnswer } from "./http.ts";
import type { Store } from "./publication.ts";

export interface S3Options {
  /** `https://s3.eu-west-1.amazonaws.com`, or where a server like it listens. */
  endpoint: string;
  region: string;
  bucket: string;
  /** Before every name, for instance `leaves/`. */
  prefix: string;
  /** The bucket in the path instead of before the host name. */
  pathStyle: boolean;
  /** After so many days the bucket's own rule removes an object; null if it has none. */
  retentionDays: number | null;
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  /** Milliseconds for one request. */
  timeoutMs: number;
  now?: () => number;
}

const DAY_MS = 86_400_000;
const ANSWER_BYTES = 16_384;

/** Any store that speaks S3: objects named by the hash of their content, as the files are. */
export function s3Store(options: S3Options): Store {
  const {
    endpoint,
    region,
    bucket,
    prefix,
    pathStyle,
    retentionDays,
    credentials,
    timeoutMs,
    now = Date.now,
  } = options;
  const base = new URL(endpoint);
  if (!pathStyle) base.hostname = `${bucket}.${base.hostname}`;
  const root = `${base.href.replace(/\/$/, "")}${pathStyle ? `/${bucket}` : ""}/${prefix}`;
  const urlOf = (dataHash: Hex): string => root + pathOf(dataHash);

  async function ask(
    method: "GET" | "PUT",
    url: string,
    maxBytes: number,
    body?: Uint8Array<ArrayBuffer>,
    conditional = false,
  ): Promise<StoreAnswer> {
    const payload = createHash("sha256")
      .update(body ?? "")
      .digest("hex");
    // The content is signed too: what a store takes is what was sent, without TLS as well.
    const headers: Record<string, string> = { "x-amz-content-sha256": payload };
    if (body) headers["content-type"] = "application/octet-stream";
    if (conditional) headers["if-none-match"] = "*";
    const signed = await new AwsV4Signer({
      ...{ method, url, headers, service: "s3", region },
      ...credentials,
    }).sign();
    return askStore(signed.url, {
      ...{ method, headers: Object.fromEntries(signed.headers), timeoutMs, maxBytes },
      ...(body ? { body } : {}),
    });
  }

  return {
    name: "s3",

    async put(dataHash, document, anew) {
      const url = urlOf(dataHash);
      const at = now();
      const bytes = new Uint8Array(document);
      // Where the bucket counts days from the last put, only a put that happens starts them anew.
      const onlyIfAbsent = !anew && retentionDays === null;
      let answer = await ask("PUT", url, ANSWER_BYTES, bytes, onlyIfAbsent);
      // Some servers know no conditions. The name is the content's hash, so putting it twice does no harm.
      if (onlyIfAbsent && (answer.status === 400 || answer.status === 501))
        answer = await ask("PUT", url, ANSWER_BYTES, bytes);
      const present = onlyIfAbsent && answer.status === 412;
      if (!present && (answer.status < 200 || answer.status >= 300)) throw refusal(base.host, answer);
      return { locator: null, expiresAt: retentionDays === null ? null : at + retentionDays * DAY_MS };
    },

    async get(dataHash, _, maxBytes) {
      const answer = await ask("GET", urlOf(dataHash), Math.max(maxBytes, ANSWER_BYTES));
      // A bucket that is not there has lost nothing: the configuration is wrong.
      if (answer.status === 404 && !Buffer.from(answer.body).includes("NoSuchBucket")) return undefined;
      if (answer.status !== 200) throw refusal(base.host, answer);
      return answer.body;
    },
  };
}
