/**
 * `npm run coverage`: which lines of the contracts the tests reach, once by the Solidity tests and once by the
 * TypeScript tests. Tests of gas are left out, as measuring coverage changes what a call costs, and
 * those of commands, which run in processes of their own.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";

const folders = ["contracts", "consumer", "opg", "fees", "escrow", "staking", "twin", "verification"].map(
  (name) => `test/${name}/**/*.test.ts`,
);
const files = folders
  .flatMap((pattern) => globSync(pattern))
  .filter((file) => !/gas|realProofs|proofPool|disputesStake|twin\/fees-/i.test(file));
const runs = [
  ["test", "solidity", "--coverage"],
  ["test", "mocha", "--coverage", ...files.sort()],
];
for (const args of runs) {
  const { status } = spawnSync("hardhat", args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
// What was built for measuring is not what anybody should run.
process.exit(spawnSync("hardhat", ["build"], { stdio: "inherit" }).status ?? 1);
