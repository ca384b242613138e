/** What the scripts of the subgraph share: its own dependencies, programs, and a database to test on. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, chownSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../demo/wire.ts";

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

/**
 * Where `gnd` is, the graph-node for development: `GND_BIN`, else the installed package, else the path.
 * @throws SubgraphToolError where there is none, as on platforms without that package.
 */
export function gndBinary(): string {
  const given = process.env["GND_BIN"];
  if (given !== undefined) return given;
  const packaged = join(ROOT, "node_modules/@graphprotocol/gnd-linux-x64/bin/gnd");
  if (existsSync(packaged)) {
    chmodSync(packaged, 0o755);
    return packaged;
  }
  if (spawnSync("gnd", ["--version"]).status === 0) return "gnd";
  throw new SubgraphToolError(
    `No gnd for ${process.platform}-${process.arch}: npm has it for linux-x64 only. ` +
      "Way out: `graph node install`, or a build of graph-node's gnd, on the path or as GND_BIN",
  );
}

/** The YAML library of graph-cli itself: what it writes is hashed, so it must be the same to the byte. */
export function cliYaml(): { dump(value: unknown, options: object): string; load(text: string): unknown } {
  const require = createRequire(join(ROOT, "node_modules/@graphprotocol/graph-cli/package.json"));
  return require("js-yaml") as ReturnType<typeof cliYaml>;
}

/** A PostgreSQL server of its own in a temporary folder, as graph-node wants it. */
export interface Database {
  url: string;
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL.
 * @throws SubgraphToolError where none is installed.
 */
export async function startPostgres(): Promise<Database> {
  const found = globSync("/usr/lib/postgresql/*/bin/postgres").sort(
    (a, b) => Number(a.split("/")[4]) - Number(b.split("/")[4]),
  );
  const bin = found.at(-1)?.replace(/\/postgres$/, "");
  if (bin === undefined)
    throw new SubgraphToolError("No PostgreSQL server found. Way out, on Debian: apt-get install postgresql");
  const folder = mkdtempSync(join(tmpdir(), "opengradient-subgraph-"));
  // PostgreSQL refuses to run as root; Debian's package brings a user for it.
  const identity: { uid?: number; gid?: number } = {};
  if (process.getuid?.() === 0) {
    identity.uid = Number(execFileSync("id", ["-u", "postgres"]).toString());
    identity.gid = Number(execFileSync("id", ["-g", "postgres"]).toString());
    chownSync(folder, identity.uid, identity.gid);
  }
  chmodSync(folder, 0o700);
  const data = join(folder, "data");
  const port = await freePort();
  const options = ["-D", data, "-U", "graph", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
  const init = spawnSync(join(bin, "initdb"), options, { ...identity, cwd: folder });
  if (init.status !== 0) throw new SubgraphToolError(`initdb failed: ${init.stderr.toString()}`);
  const settings = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"];
  const server = spawn(
    join(bin, "postgres"),
    ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder, ...settings],
    { ...identity, cwd: folder, stdio: "ignore" },
  );
  const ready = (): boolean =>
    spawnSync(join(bin, "pg_isready"), ["-q", "-h", "127.0.0.1", "-p", String(port)]).status === 0;
  for (let tries = 0; !ready(); tries++) {
    if (tries > 300 || server.exitCode !== null) throw new SubgraphToolError("PostgreSQL did not start");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    // graph-node wants a password in the address; trust takes any.
    url: `postgresql://graph:graph@127.0.0.1:${port}/postgres`,
    stop: async () => {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGINT"); // fast shutdown
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
