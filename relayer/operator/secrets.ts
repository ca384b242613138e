// SPDX-License-Identifier: MIT
// What must not be printed, whoever prints it: the last line of defence behind code that does not print it anyway.
import type { Config, Environment } from "../config/index.ts";

/** Shorter than this is no secret worth the name, and would black out words of plain text. */
const SHORTEST = 6;
/** From this length on a part of a path or a query is taken for an API key. */
const KEY_LENGTH = 16;
const HIDDEN = "***";

/** Every form in which secrets of this configuration and environment could be quoted, the longest first. */
export function secretsOf(config: Config | undefined, env: Environment): string[] {
  const found: string[] = [];
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && /^RELAYER_.*(KEY|PASSWORD|TOKEN|SECRET)/.test(name))
      found.push(value, value.replace(/^0x/, ""));
  const urls = config
    ? [config.store.databaseUrl, config.queue.redisUrl, config.signer?.url, ...config.chain.rpcUrls]
    : [env["DATABASE_URL"], env["REDIS_URL"], ...(env["RELAYER_RPC_URLS"]?.split(",") ?? [])];
  for (const url of urls) if (url !== undefined) found.push(...secretsOfUrl(url));
  const forms = found.flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]);
  return [...new Set(forms)].filter((form) => form.length >= SHORTEST).sort((a, b) => b.length - a.length);
}

function secretsOfUrl(url: string): string[] {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return [url];
  }
  const { username, password, pathname, searchParams } = parsed;
  const parts = [...pathname.split("/"), ...searchParams.values()].filter((part) => part.length >= KEY_LENGTH);
  const decoded = safelyDecoded(password);
  const pair = password ? [Buffer.from(`${safelyDecoded(username)}:${decoded}`).toString("base64")] : [];
  return [password, decoded, ...parts, ...pair].filter(Boolean);
}

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Blacks secrets out of a text. */
export function scrubber(secrets: readonly string[]): (text: string) => string {
  return (text) => secrets.reduce((left, secret) => left.replaceAll(secret, HIDDEN), text);
}

/** A URL as it may be shown. What stands behind a node's host is an API key often enough. */
export function publicUrl(url: string, keepPath = false): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return HIDDEN;
  }
  const { protocol, host, username, password, pathname, search } = parsed;
  const user = username || password ? `${HIDDEN}@` : "";
  const path = keepPath ? pathname : pathname === "/" || pathname === "" ? "" : `/${HIDDEN}`;
  return `${protocol}//${user}${host}${path}${search ? `?${HIDDEN}` : ""}`;
}

/** The configuration as it may be shown: amounts as decimal strings, URLs without what opens them. */
export function publicConfig(config: Config): Record<string, unknown> {
  const shown = (name: string, value: unknown): unknown => {
    if (typeof value === "bigint") return String(value);
    if (typeof value !== "string" || !/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return value;
    // A database is named by its path; of all others the path may be a key.
    return publicUrl(value, name === "databaseUrl" || name === "redisUrl");
  };
  return JSON.parse(JSON.stringify(config, shown)) as Record<string, unknown>;
}
