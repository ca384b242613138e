import type { Scenario } from "./scenario.ts";

/** One thing that must be found after a story. */
export interface Check {
  /** A sentence about the index. */
  what: string;
  query: string;
  expected: unknown;
}

/** A story with what must be found after it. */
export interface Story {
  title: string;
  write(story: Scenario): Check[];
}

/** Several stories over the same contracts: they speak of different things. */
export function together(title: string, ...parts: readonly Story[]): Story {
  return { title, write: (story) => parts.flatMap((part) => part.write(story)) };
}
