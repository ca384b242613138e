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
