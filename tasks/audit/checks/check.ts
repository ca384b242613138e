/** What an audit is about, in the order of its report. */
export const TOPICS = ["receipts", "payments", "fees", "unlocks", "slashes", "notice", "index"] as const;
export type Topic = (typeof TOPICS)[number];

export interface Mismatch {
  /** What it is about: an id, or an account. */
  subject: string;
  expected: string;
  found: string;
  /** Transaction to look at, where there is one. */
  transaction: string | null;
}

/** One line of the report: a claim, how it was checked, on how much, and what contradicts it. */
export interface Line {
  topic: Topic;
  /** The claim, as a sentence. */
  claim: string;
  /** How it was checked: what was held against what. */
  how: string;
  checked: number;
  mismatches: Mismatch[];
  /** What could not be told, and why. */
  unknown: { subject: string; why: string }[];
}

/** A line that is being filled. */
export class Check implements Line {
  readonly topic: Topic;
  readonly claim: string;
  readonly how: string;
  checked = 0;
  readonly mismatches: Mismatch[] = [];
  readonly unknown: { subject: string; why: string }[] = [];

  constructor(topic: Topic, claim: string, how: string) {
    this.topic = topic;
    this.claim = claim;
    this.how = how;
  }

  /** Counts one thing, and keeps it if it is not as expected. */
  expect<T extends string | bigint | number | boolean>(
    subject: string,
    found: T,
    expected: T,
    transaction: string | null = null,
  ): boolean {
    this.checked++;
    if (found === expected) return true;
    this.mismatches.push({ subject, expected: String(expected), found: String(found), transaction });
    return false;
  }

  /** Counts one thing, and keeps it if it does not hold. */
  require(holds: boolean, mismatch: Mismatch): boolean {
    this.checked++;
    if (!holds) this.mismatches.push(mismatch);
    return holds;
  }

  /** It could not be told. */
  cannotTell(subject: string, why: string): void {
    this.unknown.push({ subject, why });
  }
}
