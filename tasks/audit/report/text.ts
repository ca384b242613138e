import { printable } from "../../../relayer/printable.ts";
import type { Audit } from "../audit.ts";
import type { Line } from "../checks/check.ts";

/** Mismatches of one line that are written out; the JSON has all. */
const SHOWN = 20;

export const verdictOf = ({ mismatches, unknown, checked }: Line): string => {
  if (mismatches.length > 0) return "MISMATCH";
  if (unknown.length > 0) return "UNKNOWN";
  return checked === 0 ? "nothing" : "ok";
};

/** One sentence on the whole. */
export function summaryOf({ lines }: Audit): string {
  const sum = (of: (line: Line) => number) => lines.reduce((total, line) => total + of(line), 0);
  const [checked, wrong, unknown] = [
    sum((line) => line.checked),
    sum((line) => line.mismatches.length),
    sum((line) => line.unknown.length),
  ];
  return `${checked} comparisons: ${wrong} mismatches, ${unknown} that could not be told.`;
}

/** The report for a terminal, without a closing line break. */
export function textOf(audit: Audit): string {
  const out = [`Audit of ${audit.registry} on chain ${audit.chainId}, blocks ${audit.from} to ${audit.to}`];
  let topic = "";
  for (const line of audit.lines) {
    if (line.topic !== topic) out.push("", line.topic.toUpperCase());
    topic = line.topic;
    out.push(`  ${verdictOf(line).padEnd(8)} ${String(line.checked).padStart(6)}  ${line.claim}`);
    out.push(`${" ".repeat(19)}checked by: ${line.how}`);
    for (const { subject, expected, found, transaction } of line.mismatches.slice(0, SHOWN))
      out.push(
        `${" ".repeat(19)}! ${printable(`${subject}: expected ${expected}, found ${found}${transaction ? ` (${transaction})` : ""}`)}`,
      );
    for (const { subject, why } of line.unknown.slice(0, SHOWN))
      out.push(`${" ".repeat(19)}? ${printable(`${subject}: ${why}`)}`);
    const more = Math.max(0, line.mismatches.length - SHOWN) + Math.max(0, line.unknown.length - SHOWN);
    if (more > 0) out.push(`${" ".repeat(19)}… and ${more} more`);
  }
  const { delay } = audit.figures;
  if (delay !== null)
    out.push("", `Completion to settlement of ${delay.receipts} receipts: p50 ${delay.p50} s, p95 ${delay.p95} s.`);
  out.push("", summaryOf(audit));
  return out.join("\n");
}
