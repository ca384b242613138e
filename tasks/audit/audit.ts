import { checkFees } from "./checks/fees.ts";
import { type Line, TOPICS } from "./checks/check.ts";
import { checkNotice } from "./checks/notice.ts";
import { checkPayments } from "./checks/payments.ts";
import { checkReceipts } from "./checks/receipts.ts";
import { checkSlashes } from "./checks/slashes.ts";
import { checkUnlocks } from "./checks/unlocks.ts";
import type { History } from "./history.ts";
import { type Figures, figuresOf } from "./figures.ts";

/** What an audit found. */
export interface Audit {
  chainId: bigint;
  registry: string;
  from: number;
  to: number;
  lines: Line[];
  /** What was settled and paid in the range, for the charts. */
  figures: Figures;
  /** No mismatch, and nothing that could not be told. */
  clean: boolean;
}

/** Holds the books against each other. */
export async function auditOf(history: History, more: Line[] = []): Promise<Audit> {
  const lines = [
    ...(await checkReceipts(history)),
    ...checkPayments(history),
    ...checkFees(history),
    ...checkUnlocks(history),
    ...(await checkSlashes(history)),
    ...checkNotice(history),
    ...more,
  ].sort((a, b) => TOPICS.indexOf(a.topic) - TOPICS.indexOf(b.topic));
  const { chainId, registry, from, to } = history;
  const clean = lines.every(({ mismatches, unknown }) => mismatches.length === 0 && unknown.length === 0);
  return { chainId, registry, from, to, lines, figures: figuresOf(history), clean };
}
