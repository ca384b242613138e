/**
 * `npm run test:servers`: the suites that need a server from outside npm, against a real PostgreSQL and real Redis servers
 * of their own. It starts them in temporary folders on free ports, and leaves nothing behind. Where one is not installed
 * it fails and says how to install it: it never skips.
 *
 * With DATABASE_URL set, that server is used instead; its database must be empty.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, chownSync, existsSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../demo/wire.ts";

interface Server {
  url: string;
  stop(): Promise<void>;
}

/** The newest PostgreSQL binaries of the machine: Debian keeps them off the path. */
function binaries(): string {
  const found = globSync("/usr/lib/postgresql/*/bin/postgres").sort(
    (a, b) => Number(a.split("/")[4]) - Number(b.split("/")[4]),
  );
  const debian = found.at(-1);
  if (debian !== undefined) return debian.replace(/\/postgres$/, "");
  for (const folder of (process.env["PATH"] ?? "").split(":")) if (existsSync(join(folder, "postgres"))) return folder;
  throw new Error("No PostgreSQL server found. On Debian: apt-get install postgresql. Or set DATABASE_URL.");
}

async function startPostgres(): Promise<Server> {
  const bin = binaries();
  const folder = mkdtempSync(join(tmpdir(), "opengradient-postgres-"));
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
  const init = spawnSync(join(bin, "initdb"), ["-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync"], {
    ...identity,
    cwd: folder,
  });
  if (init.status !== 0) throw new Error(`initdb failed: ${init.stderr.toString()}`);
  const server = spawn(
    join(bin, "postgres"),
    ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off"],
    { ...identity, cwd: folder, stdio: "ignore" },
  );
  const url = `postgres://test@127.0.0.1:${port}/postgres`;
  for (
    let tries = 0;
    spawnSync(join(bin, "pg_isready"), ["-q", "-h", "127.0.0.1", "-p", String(port)]).status !== 0;
    tries++
  ) {
    if (tries > 100 || server.exitCode !== null) throw new Error("PostgreSQL did not start.");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { url, stop: () => stop(server, folder) };
}

async function stop(server: ChildProcess, folder: string): Promise<void> {
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGINT"); // fast shutdown
  await ended;
  rmSync(folder, { recursive: true, force: true });
}

// The suites start Redis servers of their own, to wipe and stop them.
if (spawnSync("redis-server", ["--version"]).status !== 0)
  throw new Error("No Redis server found. On Debian: apt-get install redis-server.");

const given = process.env["DATABASE_URL"];
const server: Server = given === undefined ? await startPostgres() : { url: given, stop: async () => undefined };
try {
  const files = globSync("test/servers/**/*.test.ts").sort();
  const run = spawnSync("hardhat", ["test", "mocha", ...files], {
    env: { ...process.env, TEST_DATABASE_URL: server.url },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = run.stdout.toString();
  process.stdout.write(output);
  const count = (word: string) => Number(new RegExp(`^\\s*(\\d+) ${word}`, "m").exec(output)?.[1] ?? 0);
  const failed = count("failing") + count("pending");
  console.log(`\n${count("passing")} passed, ${failed} failed`);
  process.exitCode = run.status === 0 && failed === 0 && count("passing") > 0 ? 0 : 1;
} finally {
  await server.stop();
}
