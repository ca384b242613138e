/**
 * Breaks the relayer on purpose, one safeguard at a time, and sees that the chaos run finds out. These are safeguards
 * against what only comes together in such a run; a mutant that lives is one that nobody would miss: exit 1. Each run
 * does the faults that its mutant is about, over and over. Arguments are words; only mutants whose text or title has one
 * of them run. With --check it only looks whether every mutant still has its place.
 *
 * Works on the files in place and puts them back, also when it is interrupted. Takes some minutes a mutant.
 */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

interface Mutant {
  title: string;
  file: string;
  from: string;
  to: string;
  /** Names of the faults that are to find it. */
  faults: string;
  /** How long these go on. */
  minutes?: number;
  part?: "one-ledger" | "two-ledgers";
}

const MUTANTS: Mutant[] = [
  {
    title: "of a nonce only the last hash is remembered",
    file: "relayer/chain/transactions.ts",
    from: "const own = attempts.filter((attempt) => attempt.transactionId === row.id);",
    to: "const own = attempts.filter((attempt) => attempt.transactionId === row.id).slice(-1);",
    faults: "all nodes stand still",
    minutes: 0.7,
  },
  {
    title: "after a restart nobody looks for what was signed and is not known to be sent",
    file: "relayer/store/transactions.ts",
    from: ".where(inArray(attempts.transactionId, ids.map(Number)))",
    to: ".where(and(inArray(attempts.transactionId, ids.map(Number)), isNotNull(attempts.sentAt)))",
    faults: "SIGKILL after send",
    minutes: 0.7,
  },
  {
    title: "receipts are acknowledged before they are committed",
    file: "relayer/api/api.ts",
    from: "const { id, isNew } = await insertSingle(db, fresh);",
    to: "const { id, isNew } = { id: 0, isNew: true }; setTimeout(() => void insertSingle(db, fresh).catch(() => 0), 700);",
    faults: "SIGKILL of both relayers|PostgreSQL killed",
    minutes: 1,
  },
  {
    title: "unknown is taken for failed, and sent again under another nonce",
    file: "relayer/chain/send-machine.ts",
    from: "const isNext = chain.latestNonce === view.nonce;",
    to:
      'const isNext = chain.latestNonce === view.nonce;\n  if (current.state === "unknown")' +
      ' return signFirst(view, chain, policy, "nonce_taken");',
    faults: "sends are cut",
    minutes: 0.7,
  },
  {
    title: "no sweep after the first: what Redis forgot stays forgotten",
    file: "relayer/queue/bull.ts",
    from: "await add(await work.find());",
    to: "if (health.lastSweepAt === null) await add(await work.find());",
    faults: "Redis wiped",
  },
  {
    title: "mined is final: reorganisations are forgotten",
    file: "relayer/chain/send-machine.ts",
    from: "if (!finding.agreed || blockNumber > chain.finalBlock)",
    to: "if (!finding.agreed)",
    faults: "^reorganisation of depth [25]",
  },
  {
    title: "the highest head that a node tells is believed",
    file: "relayer/chain/agreement.ts",
    from: "Number(block.number) < Number(low.number)",
    to: "Number(block.number) > Number(low.number)",
    faults: "^head too high",
    minutes: 0.5,
  },
  {
    title: "a batch settles though its leaves could not be published",
    file: "relayer/publication/publish.ts",
    from: "if (first) {",
    to: "if (first && false) {",
    faults: "disk of published leaves full",
  },
  {
    title: "an item that is in a call is put into another one",
    file: "relayer/store/settlement.ts",
    from: ".where(and(ready[table], inArray(of(table).id, ids)))",
    to: ".where(inArray(of(table).id, ids))",
    faults: "^Redis killed|^Redis and all RPC",
    minutes: 1,
  },
  {
    title: "a nonce that a stranger used up is waited for, for ever",
    file: "relayer/chain/send-machine.ts",
    from: "if (chain.finalNonce > view.nonce && nobodyHasIt) return",
    to: "if (chain.finalNonce > view.nonce && nobodyHasIt && false) return",
    faults: "SIGKILL before signing",
    part: "two-ledgers",
  },
];

/** What a run gives a relayer to overcome a fault, and to end what it acknowledged; and how long it may take at all. */
const PATIENCE_SECONDS = "90";
const LIMIT_MINUTES = "15";

let restore = (): void => {};
let child: ReturnType<typeof spawn> | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    restore();
    // The run ends what it started, and then itself.
    if (child === undefined || !child.kill("SIGTERM")) process.exit(1);
    child.once("exit", () => process.exit(1));
  });

/** Runs a mutant. @returns what the run complained of. @throws if it could not judge at all. */
async function complaints({ faults, minutes, part = "one-ledger" }: Mutant): Promise<string[]> {
  const words = ["chaos/main.ts", "--part", part, "--only", faults, "--minutes", String(minutes ?? 0)];
  const run = spawn(process.execPath, [
    ...["--import", "tsx", ...words],
    ...["--patience", PATIENCE_SECONDS, "--limit", LIMIT_MINUTES],
  ]);
  child = run;
  let said = "";
  for (const stream of [run.stdout, run.stderr]) stream.on("data", (chunk: Buffer) => void (said += chunk.toString()));
  const code = await new Promise((resolve) => run.once("exit", resolve));
  // What says something of the run is nothing that was found. Beside it there may be: a relayer that stands still, for
  // instance, keeps the run from its end too.
  const [about, found] = [[] as string[], [] as string[]];
  for (const line of said.split("\n").filter((line) => line.startsWith("VIOLATION: ")))
    (/did not come to its end|could not be done|could not be ended/.test(line) ? about : found).push(line);
  if (found.length === 0 && (about.length > 0 || code !== 0)) throw new Error(`The run is no judge of it:\n${said}`);
  return found.map((line) => line.slice("VIOLATION: ".length));
}

// All of them first: a mutant whose text is gone would otherwise be found out after many minutes.
for (const { file, from } of MUTANTS)
  if (readFileSync(file, "utf8").split(from).length !== 2)
    throw new Error(`Not exactly once in ${file} any more: ${from}`);

if (process.argv.includes("--check")) {
  console.log(`${MUTANTS.length} mutants, each with its place in the relayer.`);
  process.exit(0);
}

const wanted = process.argv.slice(2);
const survivors: string[] = [];
for (const mutant of MUTANTS) {
  const { title, file, from, to } = mutant;
  if (wanted.length > 0 && !wanted.some((word) => `${title} ${file} ${from}`.includes(word))) continue;
  const source = readFileSync(file, "utf8");
  restore = () => writeFileSync(file, source);
  const began = Date.now();
  try {
    writeFileSync(
      file,
      source.replace(from, () => to),
    );
    const [first, ...others] = await complaints(mutant);
    if (first === undefined) survivors.push(title);
    const took = `${Math.round((Date.now() - began) / 1_000)} s`;
    console.log(`${first === undefined ? "SURVIVED" : "killed  "} ${title}  [${took}]`);
    if (first !== undefined)
      console.log(`           ${first}${others.length > 0 ? `, and ${others.length} more` : ""}`);
  } finally {
    restore();
  }
}
console.log(survivors.length === 0 ? "No mutant survived." : `Survived:\n${survivors.join("\n")}`);
process.exit(survivors.length === 0 ? 0 : 1);
