import type { FunctionReport, Report, StatedPolicy } from "./report.ts";

const MODES = ["VANILLA", "ZKML", "TEE"] as const;
const ORIGIN = { INPUT: 1n, REQUEST: 2n, KEYS: 4n } as const;
const ZERO = `0x${"0".repeat(64)}`;
const WIDTH = 120;

/** Names for ids and addresses that a reader knows by something better than digits. */
export type Labels = ReadonlyMap<string, string>;

const has = (origins: bigint, origin: bigint): boolean => (origins & origin) !== 0n;
const modesOf = (mask: number): number[] => MODES.map((_, mode) => mode).filter((mode) => (mask >> mode) & 1);

/** A length of time in its largest whole units. */
export function duration(seconds: bigint): string {
  const units: [bigint, string][] = [
    [86_400n, "day"],
    [3_600n, "hour"],
    [60n, "minute"],
    [1n, "second"],
  ];
  const parts: string[] = [];
  let left = seconds;
  for (const [size, unit] of units) {
    const count = left / size;
    left %= size;
    if (count > 0n) parts.push(`${count} ${unit}${count === 1n ? "" : "s"}`);
  }
  return parts.join(" ") || "0 seconds";
}

/** What a mode leaves to trust, under this policy. */
function trustIn(mode: number, { origins }: StatedPolicy): string {
  if (mode === 0) {
    const who = has(origins, ORIGIN.KEYS)
      ? "whoever holds one of the keys below decides what was answered"
      : "ANY staked operator decides what was answered";
    return `a signature and no proof. Trusted, entirely: ${who}`;
  }
  if (mode === 1)
    return (
      "a proof that the model answers so over this input. Trusted: the circuit, its setup and weights, and the node's " +
      "word for time, payer, fee and memory"
    );
  return (
    "the signature of an attested enclave. Trusted: the hardware vendor, the image, and governance, which approves " +
    "images for a model version"
  );
}

function inputOf({ origins, inputHash, requestId }: StatedPolicy): string[] {
  const lines: string[] = [];
  if (has(origins, ORIGIN.INPUT))
    lines.push(
      inputHash === ZERO
        ? "named by the function when it is called. Trusted: how it works the input out, which is in its source; an " +
            "input that its caller may choose proves nothing about the world"
        : `fixed: ${inputHash}`,
    );
  if (has(origins, ORIGIN.REQUEST))
    lines.push(
      requestId === ZERO
        ? "that of a request this contract opened. Trusted: whoever may open one chooses the input"
        : `that of request ${requestId}, opened by this contract`,
    );
  if (has(origins, ORIGIN.KEYS)) lines.push("trusted to whoever holds one of the keys below");
  return lines;
}

/** What a reader should not miss. */
export function weaknesses(policy: StatedPolicy): string[] {
  const { modes, origins, minSettled } = policy;
  const found: string[] = [];
  if ((modes & 1) !== 0 && !has(origins, ORIGIN.KEYS))
    found.push("VANILLA without keys: the word of any operator who has staked is enough");
  if ((modes & 1) !== 0 && modes !== 1)
    found.push("accepts VANILLA beside stronger evidence, and is as weak as VANILLA");
  if (origins === ORIGIN.KEYS) found.push("the keys alone decide about the input");
  if (minSettled === 0n) found.push("no rest after settlement: a compromise that shows later does not hold it up");
  return found;
}

function policyRows(policy: StatedPolicy, labels: Labels): [string, string][] {
  const named = (id: string): string => labels.get(id.toLowerCase()) ?? id;
  const rows: [string, string][] = [];
  modesOf(policy.modes).forEach((mode, i) =>
    rows.push([i === 0 ? "modes" : "", `${MODES[mode]}: ${trustIn(mode, policy)}.`]),
  );
  policy.modelIds.forEach((id, i) => rows.push([i === 0 ? "models" : "", named(id)]));
  inputOf(policy).forEach((line, i) => rows.push([i === 0 ? "input" : "", `${line}.`]));
  if (has(policy.origins, ORIGIN.KEYS)) policy.keyIds.forEach((id, i) => rows.push([i === 0 ? "keys" : "", named(id)]));
  else rows.push(["keys", "any that is registered for the mode."]);
  if (has(policy.origins, ORIGIN.INPUT | ORIGIN.REQUEST))
    rows.push(["memory", policy.contextHash === ZERO ? "none." : policy.contextHash]);
  else rows.push(["memory", "any: the keys answer for it."]);
  rows.push(["age", `at most ${duration(policy.maxAge)}, from the earlier of completion and settlement.`]);
  rows.push(["rest", policy.minSettled === 0n ? "none." : `settled for at least ${duration(policy.minSettled)}.`]);
  weaknesses(policy).forEach((line, i) => rows.push([i === 0 ? "note" : "", `${line}.`]));
  return rows;
}

const SAYS: Record<FunctionReport["says"], string> = {
  checks: "acts on an inference",
  rests: "checks none itself",
  none: "uses no inference",
  not_stated: "NOT STATED",
};

/** Lines of at most {@link WIDTH} characters, the later ones indented like the first one's text. */
function wrapped(first: string, text: string): string[] {
  const lines: string[] = [];
  let line = first;
  const indent = " ".repeat(first.length);
  for (const word of text.split(" ")) {
    if (line.length + word.length > WIDTH && line.trim() !== first.trim()) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}

function linesOf(report: FunctionReport, labels: Labels): string[] {
  const { name, says, policies, restsOn, changesState } = report;
  const what = says === "checks" && !changesState ? "tells an inference and changes nothing" : SAYS[says];
  const head = wrapped("", `${name}: ${what}${restsOn === undefined ? "" : `, and acts on what ${restsOn} left`}`);
  // What stands behind it is printed where it is checked.
  if (says !== "checks") {
    if (says !== "rests" || policies.length === 0) return head;
    const modes = [...new Set(policies.flatMap(({ modes: mask }) => modesOf(mask)))].map((mode) => MODES[mode]);
    return [...head, ...wrapped("    behind it  ", `${modes.join(" or ")}; see there.`)];
  }
  const blocks = policies.flatMap((policy, i) => [
    ...(policies.length > 1 ? [`    ${i === 0 ? "either" : "or"}`] : []),
    ...policyRows(policy, labels).flatMap(([label, text]) => wrapped(`    ${label.padEnd(9)}`, text)),
  ]);
  return [...head, ...blocks];
}

/** The report for people, without a closing line break. */
export function textOf(report: Report, labels: Labels = new Map()): string {
  const { contract, address, chainId, registry, functions, problems } = report;
  const named = (id: string): string => labels.get(id.toLowerCase()) ?? id;
  const place = `${contract} at ${named(address)} on chain id ${chainId}`;
  const lines = [registry === undefined ? place : `${place}, receipts of ${named(registry)}`, ""];
  for (const each of functions) {
    lines.push(...linesOf(each, labels));
    if (each.says === "checks") lines.push("");
  }
  if (lines.at(-1) !== "") lines.push("");
  if (problems.length === 0) lines.push("Every function that changes state is spoken of.");
  else lines.push("TO BE LOOKED AT", ...problems.flatMap((problem) => wrapped("  - ", problem)));
  return lines.join("\n");
}

/** The report for machines. */
export function jsonOf(report: Report): string {
  const functions = report.functions.map((each) => ({
    ...each,
    restsOn: each.restsOn ?? null,
    policies: each.policies.map((policy) => ({
      ...policy,
      modes: modesOf(policy.modes).map((mode) => MODES[mode]),
      origins: (["INPUT", "REQUEST", "KEYS"] as const).filter((origin) => has(policy.origins, ORIGIN[origin])),
      weaknesses: weaknesses(policy),
    })),
  }));
  const plain = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);
  return JSON.stringify({ ...report, registry: report.registry ?? null, functions }, plain, 2);
}
