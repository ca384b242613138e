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
