import { formatUnits } from "ethers";
import type { Audit } from "../audit.ts";
import type { Line } from "../checks/check.ts";
import { bars, escapeHtml } from "./charts.ts";
import { summaryOf, verdictOf } from "./text.ts";

/** Mismatches of one line that the page shows; the JSON has all. */
const SHOWN = 100;

const STYLE = `
  :root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #6a737d; --line: #d8dee4; --good: #1a7f37;
    --bad: #cf222e; --unsure: #9a6700; --s0: #0969da; --s1: #8250df; --s2: #1a7f37 }
  @media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --soft: #8d96a0; --line: #30363d;
    --good: #3fb950; --bad: #f85149; --unsure: #d29922; --s0: #4493f8; --s1: #ab7df8; --s2: #3fb950 } }
  body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
  h1 { font-size: 1.5rem; margin-bottom: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; text-transform: capitalize }
  small, .how { color: var(--soft) } code { font-size: .85em; overflow-wrap: anywhere }
  table { border-collapse: collapse; width: 100% } td { border-top: 1px solid var(--line); padding: .5rem; vertical-align: top }
  td.verdict { width: 6rem; font-weight: 600 } td.count { width: 5rem; text-align: right; font-variant-numeric: tabular-nums }
  .ok { color: var(--good) } .MISMATCH { color: var(--bad) } .UNKNOWN { color: var(--unsure) } .nothing { color: var(--soft) }
  figure { margin: 1.5rem 0 } figcaption { font-weight: 600 } svg { width: 100%; font: 12px system-ui, sans-serif }
  svg text { fill: currentColor } rect.s0, .key.s0 { fill: var(--s0); background: var(--s0) }
  rect.s1, .key.s1 { fill: var(--s1); background: var(--s1) } rect.s2, .key.s2 { fill: var(--s2); background: var(--s2) }
  .key { display: inline-block; width: .7em; height: .7em; margin: 0 .3em 0 .8em }
`;

/** The report as one page that loads nothing. */
export function htmlOf(audit: Audit): string {
  const topics = [...new Set(audit.lines.map(({ topic }) => topic))];
  const sections = topics.map(
    (topic) =>
      `<h2>${topic}</h2><table>${audit.lines
        .filter((line) => line.topic === topic)
        .map(row)
        .join("")}</table>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Audit of ${audit.registry}</title><style>${STYLE}</style></head><body>
<h1>Audit</h1><p><small>InferenceRegistry <code>${escapeHtml(audit.registry)}</code> on chain ${audit.chainId}, blocks ${audit.from} to ${audit.to}</small></p>
<p class="${audit.clean ? "ok" : "MISMATCH"}"><strong>${escapeHtml(summaryOf(audit))}</strong></p>
${charts(audit)}
${sections.join("\n")}
</body></html>
`;
}

function row(line: Line): string {
  const verdict = verdictOf(line);
  const items = [
    ...line.mismatches.map(
      ({ subject, expected, found, transaction }) =>
        `<li class="MISMATCH">${escapeHtml(subject)}: expected ${escapeHtml(expected)}, found ${escapeHtml(found)}${transaction ? ` <code>${escapeHtml(transaction)}</code>` : ""}</li>`,
    ),
    ...line.unknown.map(({ subject, why }) => `<li class="UNKNOWN">${escapeHtml(subject)}: ${escapeHtml(why)}</li>`),
  ];
  const more = items.length > SHOWN ? `<li>… and ${items.length - SHOWN} more</li>` : "";
  const list = items.length > 0 ? `<ul>${items.slice(0, SHOWN).join("")}${more}</ul>` : "";
  return (
    `<tr><td class="verdict ${verdict}">${verdict}</td><td class="count">${line.checked}</td>` +
    `<td>${escapeHtml(line.claim)}<br><span class="how">Checked by: ${escapeHtml(line.how)}</span>${list}</td></tr>`
  );
}

function charts({ figures }: Audit): string {
  const opg = (wei: bigint) => Number(formatUnits(wei, 18));
  const shown = (wei: bigint) => `${opg(wei).toLocaleString("en-US", { maximumFractionDigits: 4 })} OPG`;
  const { delay } = figures;
  return [
    bars(
      "Receipts settled a day, by mode",
      ["VANILLA", "ZKML", "TEE"],
      figures.receipts.map(({ day, counts: { VANILLA, ZKML, TEE } }) => ({
        label: new Date(day * 1_000).toISOString().slice(0, 10),
        values: [VANILLA, ZKML, TEE],
        text: (VANILLA + ZKML + TEE).toLocaleString("en-US"),
      })),
      true,
    ),
    delay === null
      ? ""
      : `<p>From completion to settlement, of ${delay.receipts} receipts: p50 ${delay.p50} s, p95 ${delay.p95} s.</p>`,
    bars(
      "Fees, by who got them",
      ["fees"],
      figures.fees.map(({ receiver, amount }) => ({ label: receiver, values: [opg(amount)], text: shown(amount) })),
      true,
    ),
    bars(
      "OPG unlocked, by allocation",
      ["scheduled by now", "released"],
      figures.unlocks.map(({ allocation, scheduled, released }) => ({
        label: allocation,
        values: [opg(scheduled), opg(released)],
        text: `${shown(released)} of ${shown(scheduled)}`,
      })),
      false,
    ),
  ].join("\n");
}
