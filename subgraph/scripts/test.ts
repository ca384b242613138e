/**
 * `npm run subgraph:test`: builds the subgraph and tests what was compiled in the real graph-node (gnd), over an invented
 * chain. Where gnd or PostgreSQL is missing it fails and says how to get them: it never skips. `--no-build` tests what
 * `build/` holds.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { findGnd, GndUnavailable } from "../local/binary.ts";
import { build } from "./build.ts";
import { readNetworks, type SubgraphNetwork } from "./manifest.ts";
import { install, ROOT, SubgraphToolError } from "./run.ts";

try {
  install();
  findGnd();
  if (!process.argv.includes("--no-build")) build(readNetworks()["local"] as SubgraphNetwork);
  const mocha = join(ROOT, "../node_modules/mocha/bin/mocha.js");
  const run = spawnSync(process.execPath, ["--import", "tsx", mocha, join(ROOT, "test/subgraph.test.ts")], {
    stdio: "inherit",
    cwd: join(ROOT, ".."),
  });
  process.exitCode = run.status ?? 1;
} catch (problem) {
  if (!(problem instanceof SubgraphToolError || problem instanceof GndUnavailable)) throw problem;
  console.error(problem.message);
  process.exitCode = 1;
}
