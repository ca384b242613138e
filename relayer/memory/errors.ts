// SPDX-License-Identifier: MIT

const PROBLEMS = {
  bad_key: "a memory's key is 32 random bytes",
  bad_entry: "the bytes are no sealed entry; see docs/memory.md for the form",
  wrong_key: "the entry was sealed under another key, or for another place or memory",
  entry_tampered: "the entry does not open: its bytes were changed, or it belongs to another place",
  nonce_reused: "two entries share a salt or a nonce: the source of randomness repeats itself; mend it and seal again",
  blob_missing: "the store has no such blob; fetch it from another copy",
  blob_tampered: "the store gave other bytes than the id names; fetch the blob from another copy",
  bad_segment: "what a head says it added is not a list of so many entries: entries were dropped or slipped in",
  not_the_history:
    "the entries do not lead to the root on the chain: they were changed, dropped or put in another order",
  unknown_head: "the memory has no such head",
  not_committed: "the entry is in no head yet; commit first",
  nothing_to_commit: "every entry is committed",
  head_moved: "another client of this account committed first; open the memory again, what waits is sealed anew",
  bad_journal: "the journal of entries that wait cannot be read; the blobs it named are still in the store",
} as const;
export type MemoryProblem = keyof typeof PROBLEMS;

/** A memory is not what it should be. `code` is stable, the message says the way out. */
export class MemoryError extends Error {
  override readonly name = "MemoryError";
  readonly code: MemoryProblem;
  readonly details: Readonly<Record<string, string>>;
  constructor(code: MemoryProblem, details: Record<string, unknown> = {}, cause?: unknown) {
    super(PROBLEMS[code], cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = Object.fromEntries(Object.entries(details).map(([name, value]) => [name, String(value)]));
  }
}
