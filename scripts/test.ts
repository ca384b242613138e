/**
 * `npm test`: every suite that needs npm alone, in order, each in a process of its own. A suite that finds no tests,
 * skips one or leaves one pending has failed.
 *
 *   npm test                 all suites
 *   npm test -- solidity     one suite by name
 *   npm test -- --long       with many more and longer runs of the fuzzed ones; hours
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";

interface Suite {
  name: string;
  command: string[];
}

const files = (pattern: string) => globSync(pattern).sort();
const mocha = (name: string, ...patterns: string[]): Suite => ({
  name,
  command: ["hardhat", "test", "mocha", "--no-compile", ...patterns.flatMap(files)],
});

const suites: Suite[] = [
  { name: "solidity", command: ["hardhat", "test", "solidity"] },
  mocha("contracts", "test/contracts/**/*.test.ts", "test/deploy/**/*.test.ts"),
  mocha("verification", "test/verification/**/*.test.ts"),
  mocha("circuits", "test/circuits/**/*.test.ts"),
  mocha("opg", "test/opg/**/*.test.ts"),
  mocha("economy", "test/{fees,escrow,staking}/**/*.test.ts"),
  mocha("twin", "test/twin/**/*.test.ts"),
  mocha("attestation", "test/attestation/**/*.test.ts"),
  mocha("requests", "test/{requests,memory,routing}/**/*.test.ts"),
  mocha("audit", "test/audit/**/*.test.ts"),
  mocha("consumer", "test/consumer/**/*.test.ts"),
  mocha("protocol", "test/protocol/**/*.test.ts"),
  mocha("relayer", "test/relayer/**/*.test.ts"),
];

/** A suite whose tests are over has so long to end. Its result is known by then: failures are counted from what it says. */
const PATIENCE_MS = 60_000;

/** Runs a command, shows what it prints, and returns its exit code and output. */
function run(command: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = command;
    const child = spawn(program!, args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    let patience: NodeJS.Timeout | undefined;
    child.stdout.on("data", (chunk: Buffer) => {
      process.stdout.write(chunk);
      output += chunk.toString();
      // What a test left open must not keep everybody waiting for ever; it is ended, and said.
      if (patience === undefined && /^\s*\d+ passing/m.test(output))
        patience = setTimeout(() => {
          console.error(`A test left something open: the suite told its result and did not end, so it was ended`);
          child.kill("SIGKILL");
          child.stdout.destroy();
          resolve({ code: 0, output });
        }, PATIENCE_MS);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(patience);
      resolve({ code: code ?? 1, output });
    });
  });
}

/** Sums up what mocha and Hardhat's Solidity runner close with. */
function count(output: string, word: string): number {
  return [...output.matchAll(new RegExp(`^\\s*(\\d+) ${word}`, "gm"))].reduce(
    (sum, found) => sum + Number(found[1]),
    0,
  );
}

if (process.argv.includes("--long")) process.env["FUZZ_LONG"] = "1";
const wanted = process.argv.slice(2).filter((word) => word !== "--long");
const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  console.error(`No suite named ${unknown.join(", ")}. There are: ${suites.map(({ name }) => name).join(", ")}.`);
  process.exit(2);
}

for (const step of [
  ["hardhat", "build"],
  ["tsx", "circuits/build.ts"],
]) {
  const { code } = await run(step);
  if (code !== 0) process.exit(code);
}

const lines: string[] = [];
const failures: string[] = [];
let passed = 0;
let failed = 0;
for (const { name, command } of suites) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n=== ${name}`);
  const started = Date.now();
  const { code, output } = await run(command);
  const good = count(output, "passing");
  let bad = count(output, "failing");
  const left = count(output, "(?:pending|skipped)");
  if (left > 0) console.error(`${name}: ${left} tests were not run, which counts as failure`);
  if (good === 0) console.error(`${name}: no test ran, which counts as failure`);
  if ((code !== 0 || left > 0 || good === 0) && bad === 0) bad = 1;
  passed += good;
  failed += bad;
  if (bad > 0)
    failures.push(`${name}:\n${/^ +\d+ failing[^]*/m.exec(output)?.[0].slice(0, 6_000) ?? output.slice(-6_000)}`);
  lines.push(`${bad === 0 ? "ok    " : "FAILED"} ${name}: ${good} passed, ${bad} failed, ${seconds(started)} s`);
}
// Once more at the end, where whoever reads a long log looks first.
for (const failure of failures) console.log(`\n${failure}`);
console.log(`\n${lines.join("\n")}\n`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function seconds(since: number): string {
  return ((Date.now() - since) / 1000).toFixed(0);
}
