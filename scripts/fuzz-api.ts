/**
 * `npm run fuzz:api`: a public fuzzer, Schemathesis, against a whole relayer and its own OpenAPI document. What it needs of
 * Python it installs under .cache, once; without Python or without its registry it says so and fails.
 *
 *   npm run fuzz:api              100 examples an operation
 *   npm run fuzz:api -- 1000      so many
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { goodRequests, startWholeRelayer } from "../test/relayer/support/whole-relayer.ts";

const VERSION = "4.32.5";
const home = ".cache/schemathesis";
const program = `${home}/bin/schemathesis`;
const examples = Number(process.argv[2] ?? 100);
if (!Number.isInteger(examples) || examples < 1) fail("Usage: npm run fuzz:api [-- EXAMPLES]");

function fail(why: string): never {
  console.error(why);
  process.exit(2);
}

function install(): void {
  const known = existsSync(program) && spawnSync(program, ["--version"], { encoding: "utf8" }).stdout.includes(VERSION);
  if (known) return;
  mkdirSync(".cache", { recursive: true });
  if (spawnSync("python3", ["-m", "venv", home], { stdio: ["ignore", "ignore", "inherit"] }).status !== 0)
    fail("Schemathesis needs Python 3 with venv. On Debian: apt-get install python3-venv");
  const pip = spawnSync(`${home}/bin/pip`, ["install", "--quiet", `schemathesis==${VERSION}`], { stdio: "inherit" });
  if (pip.status !== 0) fail(`pip could not install schemathesis ${VERSION}; it needs PyPI or a mirror of it`);
}

install();
const relayer = await startWholeRelayer();
let code: number;
try {
  // Some of what it asks for is known, so that it sees more than refusals.
  const { bodies } = await goodRequests(relayer);
  for (const [name, all] of Object.entries(bodies)) {
    const [method, path] = name.split(" ") as [string, string];
    if (path.includes("{")) continue;
    const headers = { "content-type": "application/json" };
    await fetch(relayer.url + path, { method, headers, body: JSON.stringify(all[0]) });
  }
  const options = [
    "--checks",
    "all",
    "--max-examples",
    String(examples),
    "--mode",
    "all",
    "--phases",
    "examples,coverage,fuzzing",
    "--request-timeout",
    "60",
  ];
  // A stream has no end, so a fuzzer that waits for it learns nothing: test/relayer/api-fuzz.test.ts reads its first event.
  const left = ["--exclude-path", "/v1/twin/fees/stream"];
  // Refusals by method are 404, as nothing is there; what a signature covers no generator can make; a long poll is long.
  const checks = [
    "--exclude-checks",
    "unsupported_method,positive_data_acceptance,negative_data_rejection,max_response_time",
  ];
  const url = `${relayer.url}/openapi.json`;
  const child = spawn(program, ["run", url, ...options, ...left, ...checks, "--no-color"], { stdio: "inherit" });
  code = await new Promise((resolve) => child.once("exit", (status) => resolve(status ?? 1)));
  if (!relayer.alive()) fail("The relayer ended");
  if ((await relayer.stop()) !== 0) fail(`The relayer did not stop cleanly: ${relayer.log()}`);
  const failures = relayer.log().match(/.*a request failed.*/g) ?? [];
  for (const line of failures) console.error(line);
  if (failures.length > 0) code = 1;
} finally {
  await relayer.close();
}
process.exit(code);
