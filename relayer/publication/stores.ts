// SPDX-License-Identifier: MIT
import { join } from "node:path";
import { ConfigError, type Config, type Environment } from "../config/index.ts";
import { fileStore } from "./files.ts";
import { ipfsStore } from "./ipfs.ts";
import { publicationIn, type Publication, type Store } from "./publication.ts";
import { s3Store } from "./s3.ts";
import { walrusStore } from "./walrus.ts";

/** The stores that leaves go to. */
export interface Publications {
  /** Those that must hold the leaves before their root settles. */
  required: readonly Publication[];
  /** These and the others, which get them when they can. */
  all: readonly Publication[];
}

const DAY_MS = 86_400_000;

/**
 * The configured stores.
 * @throws {ConfigError} `config_key_missing` where credentials are missing from the environment.
 */
export function createPublications(
  { publication, store }: Pick<Config, "publication" | "store">,
  env: Environment = process.env,
): Publications {
  const { files, s3, ipfs, walrus, timeoutMs } = publication;
  const stores: Store[] = [];
  if (files) stores.push(fileStore(join(store.dataDir, "leaves")));
  if (s3)
    stores.push(
      s3Store({ ...s3, retentionDays: s3.retentionDays ?? null, credentials: s3Credentials(env), timeoutMs }),
    );
  if (ipfs)
    stores.push(
      ipfsStore({
        ...{ rpcUrl: ipfs.rpcUrl, gatewayUrl: ipfs.gatewayUrl ?? null, timeoutMs },
        ...authorization(env["RELAYER_IPFS_AUTHORIZATION"]),
      }),
    );
  if (walrus) {
    const { epochDays, ...rest } = walrus;
    stores.push(
      walrusStore({
        ...{ ...rest, epochMs: epochDays * DAY_MS, timeoutMs },
        ...authorization(env["RELAYER_WALRUS_AUTHORIZATION"]),
      }),
    );
  }
  const all = stores.map(publicationIn);
  const names: readonly string[] = publication.required ?? all.map(({ name }) => name);
  return { all, required: all.filter(({ name }) => names.includes(name)) };
}

function s3Credentials(env: Environment) {
  const accessKeyId = env["RELAYER_S3_ACCESS_KEY_ID"];
  const secretAccessKey = env["RELAYER_S3_SECRET_ACCESS_KEY"];
  const sessionToken = env["RELAYER_S3_SESSION_TOKEN"];
  if (!accessKeyId || !secretAccessKey)
    throw new ConfigError("config_key_missing", "Set RELAYER_S3_ACCESS_KEY_ID and RELAYER_S3_SECRET_ACCESS_KEY");
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

const authorization = (value: string | undefined) => (value ? { authorization: value } : {});

/** How often what is published is looked after. */
export function republishTimes({ publication }: Pick<Config, "publication">) {
  const { renewBeforeDays, checkEveryDays, keepDays, sweepMs } = publication;
  return {
    ...{ renewBeforeMs: renewBeforeDays * DAY_MS, checkEveryMs: checkEveryDays * DAY_MS, sweepMs },
    keepMs: keepDays === undefined ? null : keepDays * DAY_MS,
  };
}
