// SPDX-License-Identifier: MIT
// Requests to stores that the operator configured. Their addresses are trusted, their answers are not: time and size are
// bounded, and nothing is followed to another address.
import { PublicationError } from "./publication.ts";

export interface StoreRequest {
  method: "GET" | "PUT" | "POST";
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer> | FormData;
  /** Milliseconds for the whole answer. */
  timeoutMs: number;
  /** Of the answer. */
  maxBytes: number;
}

export interface StoreAnswer {
  status: number;
  body: Uint8Array;
}

/**
 * Asks a store.
 * @throws {PublicationError} `store_unreachable` where no whole answer came in time, `too_large`, `store_refused` for a
 * redirect.
 */
export async function askStore(url: string | URL, request: StoreRequest): Promise<StoreAnswer> {
  const { timeoutMs, maxBytes, ...init } = request;
  const { host } = new URL(url);
  try {
    const response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    if (response.status >= 300 && response.status < 400 && response.status !== 304) {
      await response.body?.cancel();
      throw new PublicationError(
        "store_refused",
        `${host} sends the request on to ${placeOf(response.headers.get("location"), url)}; configure that address`,
      );
    }
    return { status: response.status, body: await readBounded(response, host, maxBytes) };
  } catch (error) {
    if (error instanceof PublicationError) throw error;
    throw new PublicationError("store_unreachable", `${host} gave no answer: ${reasonOf(error)}`, error);
  }
}

/** Refuses an answer by what it says, cut short: it is somebody else's text. */
export function refusal(host: string, { status, body }: StoreAnswer): PublicationError {
  const text = Buffer.from(body).toString("utf8").replaceAll(/\s+/g, " ").trim();
  return new PublicationError("store_refused", `${host} answers ${status}${text ? `: ${text.slice(0, 200)}` : ""}`);
}

/** An answer that must be JSON. @throws {PublicationError} `store_refused` */
export function jsonOf(host: string, answer: StoreAnswer): unknown {
  try {
    return JSON.parse(Buffer.from(answer.body).toString("utf8"));
  } catch {
    throw refusal(host, answer);
  }
}

async function readBounded(response: Response, host: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    // Leaving the loop cancels the rest.
    if (size > maxBytes)
      throw new PublicationError("too_large", `${host} answers with more than the ${maxBytes} bytes it may have`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const placeOf = (location: string | null, from: string | URL): string =>
  location !== null && URL.canParse(location, String(from)) ? new URL(location, from).host : "nowhere";

/** fetch says "fetch failed" and hides the reason one level down. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  if (name === "TimeoutError") return "it took too long";
  if (cause instanceof Error) return cause.message || cause.name;
  return message;
}
