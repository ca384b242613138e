// SPDX-License-Identifier: MIT
// What one process works on and holds at once, for whomever.
import { Problem } from "../api/problems.ts";

/** Places to work in. */
export interface Places {
  /** @returns what gives the place back, once. @throws {Problem} `busy` */
  take(): () => void;
  /** Runs in a place. @throws {Problem} `busy` */
  within<T>(run: () => Promise<T>): Promise<T>;
}

/** So many places. One is taken before a payment is. */
export function createPlaces(max: number): Places {
  let taken = 0;
  function take(): () => void {
    if (taken >= max) throw new Problem("busy");
    taken++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      taken--;
    };
  }
  return {
    take,
    async within(run) {
      const leave = take();
      try {
        return await run();
      } finally {
        leave();
      }
    },
  };
}

/**
 * Hands parts out until they are larger than an answer may be. Beyond that the work fails, and who asked for more than is
 * kept must not have read all of it by then.
 * @param emit Is told the size of all parts so far, in bytes.
 */
export function boundedEmit(maxBytes: number, emit: (part: string, size: number) => void): (part: string) => void {
  let size = 0;
  return (part) => {
    if (size + Buffer.byteLength(part) > maxBytes) throw new RangeError("the answer is larger than what is kept");
    size += Buffer.byteLength(part);
    emit(part, size);
  };
}

/** Reads bodies of at most `maxBytes`, and of at most `maxHeldBytes` together. */
export function createBodies(maxBytes: number, maxHeldBytes: number) {
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
