// SPDX-License-Identifier: MIT
import { boundedText } from "../bounded-text.ts";
import { RelayerUnavailable } from "./errors.ts";

export interface RetryOptions {
  /** Tries of a call, the first included, before it is given up. */
  tries: number;
  /** Time for one try. Milliseconds. */
  timeoutMs: number;
  /** First pause between tries; it doubles. Milliseconds. */
  pauseMs: number;
}

/** Of an answer; the largest are offers of 10,000 receipts. A relayer is not to fill a node's memory. */
const MAX_ANSWER_BYTES = 16_000_000;
const LONGEST_PAUSE_MS = 60_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * A fetch that repeats what may have been lost on the way: no answer, 429 and 5xx are tried again, after the time that
 * the relayer names. Its calls may all be repeated, as the relayer knows what it has.
 * @throws {RelayerUnavailable} where no try was answered; what the caller's own signal says.
 */
export function retryingFetch({ tries, timeoutMs, pauseMs }: RetryOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    const { method, url, headers, signal } = request;
    const body = request.body ? await request.text() : undefined;
    for (let attempt = 1; ; attempt++) {
      let pause = pauseMs * 2 ** (attempt - 1) * (0.5 + Math.random());
      try {
        const inTime = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
        const response = await fetch(url, { method, headers, signal: inTime, ...(body === undefined ? {} : { body }) });
        // Read here, so that an answer which breaks off is tried again too.
        const text = await boundedText(response, MAX_ANSWER_BYTES);
        const lost = response.status >= 500 || response.status === 429;
        if (!lost || attempt >= tries) {
          const { status, headers: answered } = response;
          return new Response(text === "" ? null : text, { status, headers: answered });
        }
        const after = Number(response.headers.get("retry-after"));
        if (after > 0) pause = Math.min(after * 1_000, LONGEST_PAUSE_MS);
      } catch (error) {
        if (signal.aborted) throw error;
        if (attempt >= tries) throw new RelayerUnavailable(url, (error as Error).cause ?? error);
      }
      await sleep(pause);
    }
  };
}
