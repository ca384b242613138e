/**
 * `npm run test:subgraph`: the index end to end, on a real chain with a real graph-node over a real PostgreSQL. Where
 * graph-node cannot run it fails and says why: it never skips.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { install } from "../subgraph/scripts/run.ts";
import { findGnd, GndUnavailable } from "../subgraph/local/binary.ts";
import { buildSubgraph } from "../subgraph/local/build.ts";

try {
  install();
  findGnd();
} catch (problem) {
  console.error(problem instanceof GndUnavailable ? problem.message : problem);
  console.log("\n0 passed, 1 failed");
  process.exit(1);
}
buildSubgraph();
const run = spawnSync("hardhat", ["test", "mocha", ...globSync("test/index/**/*.test.ts").sort()], {
  stdio: ["ignore", "pipe", "inherit"],
});
const output = run.stdout.toString();
process.stdout.write(output);
const count = (word: string) => Number(new RegExp(`^\\s*(\\d+) ${word}`, "m").exec(output)?.[1] ?? 0);
const failed = count("failing") + count("pending");
console.log(`\n${count("passing")} passed, ${failed} failed`);
process.exitCode = run.status === 0 && failed === 0 && count("passing") > 0 ? 0 : 1;
