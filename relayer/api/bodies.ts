// SPDX-License-Identifier: MIT
import { Problem } from "./problems.ts";

/**
 * Reads bodies of at most `maxBytes`, and of at most `maxHeldBytes` together, before anything of a request takes a place to
 * work: else a few clients who send a byte a second would hold all places. A slow client holds only what it sent.
 */
export function createBodies({ maxBytes, maxHeldBytes }: { maxBytes: number; maxHeldBytes: number }) {
  let held = 0;
  /** Runs with the body; what is held of it is given free then. @throws {Problem} `too_large`, `busy`, `malformed` */
  return async function withBody<T>(request: Request, run: (body: Uint8Array) => Promise<T>): Promise<T> {
    if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw new Problem("too_large");
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      const reader = request.body?.getReader();
      for (;;) {
        const { done, value } = (await reader?.read().catch(cutShort)) ?? { done: true };
        if (done) break;
        size += value.length;
        held += value.length;
        if (size > maxBytes) throw new Problem("too_large");
        if (held > maxHeldBytes) throw new Problem("busy");
        chunks.push(value);
      }
      return await run(Buffer.concat(chunks));
    } finally {
      held -= size;
    }
  };
}

function cutShort(): never {
  throw new Problem("malformed", "The body ended before it was complete");
}
