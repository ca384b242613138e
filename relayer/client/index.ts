// SPDX-License-Identifier: MIT
// A client of the relayer's whole API, typed by its own description (`npm run client`).
import createFetchClient, { type Client } from "openapi-fetch";
import type { paths } from "./api.d.ts";
import { RelayerProblem } from "./errors.ts";
import { retryingFetch, type RetryOptions } from "./retrying.ts";

export type { components, paths } from "./api.d.ts";
export { RelayerProblem, RelayerUnavailable } from "./errors.ts";
export { retryingFetch, type RetryOptions } from "./retrying.ts";

export interface ApiClientOptions extends Partial<RetryOptions> {
  /** Of the relayer, with or without a slash at the end. */
  url: string;
  /** API key, where the relayer wants one. */
  apiKey?: string | undefined;
}

export type ApiClient = Client<paths>;

/** Four tries of 15 seconds. */
export const RETRIES: RetryOptions = { tries: 4, timeoutMs: 15_000, pauseMs: 200 };

/**
 * A client of one relayer. Calls answer with `{ data, error, response }`; {@link dataOf} makes exceptions of refusals.
 */
export function createApiClient({ url, apiKey, ...retries }: ApiClientOptions): ApiClient {
  return createFetchClient<paths>({
    baseUrl: url.replace(/\/+$/, ""),
    fetch: retryingFetch({ ...RETRIES, ...retries }),
    ...(apiKey === undefined ? {} : { headers: { authorization: `Bearer ${apiKey}` } }),
  });
}

/** What a call answered. @throws {RelayerProblem} if it was refused. */
export async function dataOf<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw new RelayerProblem(response.status, problemOf(error));
  return data as T;
}

function problemOf(error: unknown): Readonly<Record<string, unknown>> {
  if (typeof error === "object" && error !== null && !Array.isArray(error)) return error as Record<string, unknown>;
  return { detail: typeof error === "string" ? error.slice(0, 200) : undefined };
}
