/** What the scripts of the subgraph share: its own dependencies and programs. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** Folder of the subgraph. */
export const ROOT = join(import.meta.dirname, "..");

/** Something that the scripts need is not there; the message says how to get it. */
export class SubgraphToolError extends Error {
  override readonly name = "SubgraphToolError";
}

/** Installs the subgraph's dependencies where its lock file changed since. They are apart from the rest: 300 MB. */
export function install(): void {
  const lock = readFileSync(join(ROOT, "package-lock.json"));
  const stamp = `${process.platform}-${process.arch} ${createHash("sha256").update(lock).digest("hex")}\n`;
  const stampFile = join(ROOT, "node_modules", ".installed-from");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return;
  console.error("Installing the subgraph's dependencies (once, about a minute) …");
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"];
  if (spawnSync("npm", args, { cwd: ROOT, stdio: ["ignore", 2, "inherit"] }).status !== 0)
    throw new SubgraphToolError("npm ci failed in subgraph/");
  writeFileSync(stampFile, stamp);
}

/** Runs `graph`; its output is shown where it fails. */
export function graph(...args: string[]): void {
  const run = spawnSync(process.execPath, [join(ROOT, "node_modules/@graphprotocol/graph-cli/bin/run.js"), ...args], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (run.status !== 0) throw new SubgraphToolError(`graph ${args.join(" ")} failed:\n${run.stdout}${run.stderr}`);
}

/** The YAML library of graph-cli itself: what it writes is hashed, so it must be the same to the byte. */
export function cliYaml(): { dump(value: unknown, options: object): string; load(text: string): unknown } {
  const require = createRequire(join(ROOT, "node_modules/@graphprotocol/graph-cli/package.json"));
  return require("js-yaml") as ReturnType<typeof cliYaml>;
}
