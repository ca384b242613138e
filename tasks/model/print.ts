import type { AncestorReport, ModelReport, Moment, SourceReport } from "./read.ts";

/** What owners wrote, on one line and unable to move a terminal's cursor. */
const plain = (written: string): string => written.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ");
const date = (seconds: number): string =>
  `${new Date(seconds * 1_000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
const percent = (bps: number): string => `${bps / 100} %`;

/** "given", or since or from when it is withdrawn. */
function consent(from: Moment, now: number): string {
  if (from === null) return "given";
  return from <= now ? `withdrawn since ${date(from)}` : `given, withdrawn from ${date(from)} on`;
}

/** For programs; moments are unix seconds, `null` for never. */
export function json(report: ModelReport): string {
  return JSON.stringify(report, null, 2);
}

/** For people, without a closing line break. */
export function text(report: ModelReport): string {
  const facts: [string, string][] = [
    ["owner", report.owner],
    ["content", report.contentHash],
    ["uri", plain(report.uri) || "none"],
    ["modes", report.modes.join(", ")],
    ["licence", plain(report.licence) || "none declared"],
    ["royalty", `${percent(report.royalty)} of the fees of versions that derive from it`],
    ["settlements", settlements(report)],
    ["new versions", report.derivable ? "may derive from it" : "may not derive from it: required data is withdrawn"],
    ["withdrawn data", contents(report)],
  ];
  return [
    `Model version ${report.modelId}, ${date(report.now)}`,
    "",
    ...facts.map(([name, value]) => `  ${name.padEnd(16)}${value}`),
    "",
    report.sources.length === 0 ? "Declares no data sources." : "Data sources",
    ...report.sources.flatMap((source) => sourceLines(source, report.now)),
    "",
    report.parents.length === 0 ? "Derives from no other version." : "Derives from",
    ...report.parents.flatMap((parent) => ancestorLines(parent, report.now, 1)),
    "",
    plain(report.limits),
  ].join("\n");
}

function settlements({ blockedFrom, now }: ModelReport): string {
  if (blockedFrom === null) return "count";
  return blockedFrom <= now
    ? `do not count since ${date(blockedFrom)}: required data is withdrawn; what settled before stays`
    : `count until ${date(blockedFrom)}, when required data is withdrawn`;
}

function contents({ containsWithdrawnData, ownFrom, inheritedFrom, now }: ModelReport): string {
  const parts: [string, Moment][] = [
    ["its own sources", ownFrom],
    ["sources of ancestors", inheritedFrom],
  ];
  const known = parts.flatMap(([of, from]) => (from === null ? [] : [`${of}: ${consent(from, now)}`]));
  if (known.length === 0) return "none";
  return `${containsWithdrawnData ? "CONTAINS WITHDRAWN DATA" : "none yet"} (${known.join("; ")})`;
}

function sourceLines(source: SourceReport, now: number): string[] {
  const { sourceId, required, withdrawnFrom, terms, uri, owner } = source;
  return [
    `  ${sourceId}`,
    `    ${required ? "required" : "optional"}, consent ${consent(withdrawnFrom, now)}`,
    `    terms ${plain(terms)}, owner ${owner}${uri === "" ? "" : `, ${plain(uri)}`}`,
  ];
}

function ancestorLines(ancestor: AncestorReport, now: number, generation: number): string[] {
  const { modelId, bps, royalty, owner, licence, withdrawnFrom, parents } = ancestor;
  const indent = "  ".repeat(generation);
  const data = withdrawnFrom === null ? "" : `, data: consent ${consent(withdrawnFrom, now)}`;
  return [
    `${indent}${modelId}`,
    `${indent}  gets ${percent(bps)}, asks ${percent(royalty)}, licence ${plain(licence) || "none declared"}, owner ${owner}${data}`,
    ...parents.flatMap((parent) => ancestorLines(parent, now, generation + 1)),
  ];
}
