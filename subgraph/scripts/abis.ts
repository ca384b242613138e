/**
 * Copies the events of the compiled contracts to `abis/`, or with `--check` fails where a copy is out of date, an event
 * is not accounted for, or a contract with events is on no list.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { CONTRACTS, NOT_INDEXED, TEMPLATES } from "../contracts.ts";

interface AbiEntry {
  type: string;
  name?: string;
}
interface Artifact {
  contractName: string;
  abi: AbiEntry[];
  bytecode: string;
}

const ARTIFACTS = join(import.meta.dirname, "../../artifacts/contracts");
const ABIS = join(import.meta.dirname, "../abis");

/** The events of an ABI in the order of their names, as text. */
function eventsOf(artifact: string): string {
  const file = join(ARTIFACTS, `${artifact}.sol`, `${basename(artifact)}.json`);
  const { abi } = JSON.parse(readFileSync(file, "utf8")) as Artifact;
  const events = abi.filter(({ type }) => type === "event");
  events.sort((a, b) => ((a.name ?? "") < (b.name ?? "") ? -1 : 1));
  return JSON.stringify(events, null, 2) + "\n";
}

/** Deployable contracts of this repository that have events. */
function withEvents(): string[] {
  return readdirSync(ARTIFACTS, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.sol[\\/][^\\/]+\.json$/.test(file))
    .map((file) => JSON.parse(readFileSync(join(ARTIFACTS, file), "utf8")) as Artifact)
    .filter(({ abi, bytecode }) => bytecode !== "0x" && abi.some(({ type }) => type === "event"))
    .map(({ contractName }) => contractName);
}

const check = process.argv.includes("--check");
const problems: string[] = [];
const listed = [...CONTRACTS, ...TEMPLATES];

for (const { name, artifact, ignored = {}, receipts = [] } of listed) {
  const found = eventsOf(artifact);
  const file = join(ABIS, `${name}.json`);
  if (!check) writeFileSync(file, found);
  else if (readFileSync(file, "utf8") !== found) problems.push(`abis/${name}.json is not what the contract emits`);
  const names = (JSON.parse(found) as AbiEntry[]).map(({ name: event }) => event);
  for (const event of [...Object.keys(ignored), ...receipts])
    if (!names.includes(event)) problems.push(`${name} has no event ${event}`);
}
for (const name of withEvents())
  if (!listed.some((each) => each.name === name) && NOT_INDEXED[name] === undefined)
    problems.push(`${name} has events, and contracts.ts says nothing of it`);
for (const file of readdirSync(ABIS))
  if (!listed.some(({ name }) => `${name}.json` === file)) problems.push(`abis/${file} belongs to no contract`);

for (const problem of problems) console.error(problem);
if (problems.length !== 0) {
  console.error("Way out: npm run build && npm run subgraph:abis, and the handlers that follow from it");
  process.exitCode = 1;
} else console.log(`${listed.length} ABIs ${check ? "are what the contracts emit" : "written"}`);
