/**
 * Writes docs/rules.md: every rule, failure mode and proof-system trap with the tests that hold it. A test cites what it
 * holds in its name: `[R4]`, `[FM:nonce-gap]`, `[ZK2]`; Solidity tests do so in a natspec line.
 *
 *   npm run rules            writes the file
 *   npm run rules -- --check fails on a gap, an unknown citation or a file that is out of date
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";
import { catalogue, type Entry } from "./rules-catalogue.ts";

const TARGET = "docs/rules.md";
const CITATION = /\[(R\d+|ZK\d+|FM:[a-z0-9-]+)\]/g;

interface Holder {
  file: string;
  name: string;
}

/** Citation → tests that carry it. */
function citations(): Map<string, Holder[]> {
  const found = new Map<string, Holder[]>();
  for (const file of globSync("test/**/*.{test.ts,t.sol}").sort()) {
    for (const line of readFileSync(file, "utf8").split("\n")) {
      for (const [citation, id] of line.matchAll(CITATION)) {
        const quoted = /["'`](.*)["'`]/.exec(line)?.[1] ?? line.replace(/^[\s/*@]*(notice|dev)?\s*/, "");
        const name = quoted
          .replaceAll(CITATION, "")
          .replaceAll(/\$\{[^}]*\}/g, "…")
          .replace(/\s+/g, " ")
          .replaceAll("|", "\\|")
          .trim();
        if (citation !== "") found.set(id!, [...(found.get(id!) ?? []), { file, name }]);
      }
    }
  }
  return found;
}

function section(title: string, entries: Entry[], held: Map<string, Holder[]>): string {
  const rows = entries.map(({ id, says, later }) => {
    const tests = held.get(id) ?? [];
    const list = tests.map(({ file, name }) => `${name} ([${file.split("/").at(-1)}](../${file}))`);
    return `### ${id}\n\n${says}\n\n${list.map((line) => `- ${line}`).join("\n")}${later ? `\n\nNot yet here: ${later}` : ""}\n`;
  });
  return `## ${title}\n\n${rows.join("\n")}`;
}

const held = citations();
const known = new Map(catalogue.flatMap(({ entries }) => entries).map((entry) => [entry.id, entry]));
const problems = [
  ...[...held.keys()].filter((id) => !known.has(id)).map((id) => `${id} is cited and not in the catalogue`),
  ...[...known.values()]
    .filter(({ id, later }) => later === undefined && !held.has(id))
    .map(({ id }) => `${id} has no test`),
];

const text = `# Rules and the tests that hold them

Written by \`npm run rules\` from the citations in the tests; the rules themselves are explained in
[protocol.md](protocol.md). CI fails if a rule that applies to this release has no test.

${catalogue.map(({ title, entries }) => section(title, entries, held)).join("\n")}`;
const formatted = await format(text, { ...(await resolveConfig(TARGET)), parser: "markdown" });

if (process.argv.includes("--check")) {
  if (readFileSync(TARGET, "utf8") !== formatted) problems.push(`${TARGET} is out of date: run npm run rules`);
} else {
  writeFileSync(TARGET, formatted);
}
for (const problem of problems) console.error(problem);
const due = [...known.values()].filter(({ later }) => later === undefined).length;
console.log(`${due} rules due, ${due - problems.filter((line) => line.endsWith("no test")).length} held by a test`);
process.exit(problems.length === 0 ? 0 : 1);
